//! The de-duplication contract: one owner per job, everyone else joins it.

mod lease;
mod run_once;
mod token;

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;
use uuid::Uuid;

pub(crate) use lease::{Beat, end_job, hold_lease, hold_observed_lease};
pub use run_once::{DedupeStoreExt, RunOnceError, RunOnceOptions};
pub use token::FencingToken;

use crate::error::{Error, Result};
use crate::key::{Key, Selection};
use crate::page::{Page, PageRequest};
use crate::priority::Priority;
use crate::random::Random;
use crate::time::Timestamp;

/// The jobs of all tasks, processes and hosts that share a store: each is done once.
///
/// The first caller of a key owns the job; the others join and wait. The owner holds a lease and
/// renews it with heartbeats. When the lease lapses, exactly one other caller takes over with a new
/// [`JobId`], and calls of the replaced owner are fenced: they change nothing.
///
/// Applications rarely call this: [`DedupeStoreExt::run_once`] keeps the lease and shares the result, and
/// [`AdvisoryLock`](crate::AdvisoryLock) runs the work of one holder at a time.
///
/// Every method can fail with the kinds of a backend that does not work: `Busy`, `Throttled`,
/// `Timeout`, `Unavailable`, `CircuitOpen`, `Corrupt`, `SchemaNewer`, `SchemaMissing`, `ReadOnly`,
/// `StorageFull`, `Closed`.
#[async_trait]
pub trait DedupeStore: fmt::Debug + Send + Sync + 'static {
    /// Takes over the job of `key`, or joins it.
    ///
    /// # Behavior
    /// - no job, an ended one, or one whose lease has lapsed: the caller owns a new job;
    /// - a job in progress: the caller joins, and the job's priority rises to the caller's;
    /// - of concurrent callers exactly one becomes the owner;
    /// - an owner's [`FencingToken`] is greater than that of every earlier owner of the key; after the store has
    ///   lost or removed what it knew of the key, as far as the clocks agree;
    /// - an ownership that never reaches its caller, who stopped polling the future, is abandoned.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn register_or_join(&self, key: &Key, priority: Priority) -> Result<Registration>;

    /// Waits until the joined job ends, at most `timeout`.
    ///
    /// # Behavior
    /// - ended before the call, but not longer ago than the store keeps results: its outcome;
    /// - replaced by another owner, abandoned, or its lease lapsed: [`JobOutcome::Lapsed`];
    /// - the owner is in the same process: its value, whatever the length.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn wait_for(&self, key: &Key, job: &JobId, timeout: Duration) -> Result<JobOutcome>;

    /// Renews the owner's lease and returns the priority that joiners have raised the job to.
    ///
    /// # Behavior
    /// - replaced, ended or removed: [`Heartbeat::Fenced`], nothing changes.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn heartbeat(&self, key: &Key, job: &JobId) -> Result<Heartbeat>;

    /// Ends the job with a result for those who joined it.
    ///
    /// # Behavior
    /// - replaced, ended or removed: [`EndOutcome::Fenced`], nothing changes;
    /// - a value over the store's inline limit is shared within the process only; other processes get
    ///   [`JobOutcome::NotShared`];
    /// - it failed: the caller still owns the job, and may try again within its lease.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn complete(&self, owner: &mut Ownership, result: JobResult) -> Result<EndOutcome>;

    /// Ends the job with a failure for those who joined it.
    ///
    /// # Behavior
    /// - replaced, ended or removed: [`EndOutcome::Fenced`], nothing changes;
    /// - it failed: the caller still owns the job, and may try again within its lease.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn fail(&self, owner: &mut Ownership, error: &str) -> Result<EndOutcome>;

    /// Whether a job of `key` is in progress, its lease not lapsed.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn is_in_progress(&self, key: &Key) -> Result<bool>;

    /// How long the job of `key` stays owned without a heartbeat, as far as this process' clock knows.
    ///
    /// # Behavior
    /// - no job in progress, or its lease has lapsed: `None`.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn lease_left(&self, key: &Key) -> Result<Option<Duration>>;

    /// Lists jobs by key.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn list(&self, page: &PageRequest) -> Result<Page<JobInfo>>;

    /// Counts jobs by state.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn stats(&self) -> Result<DedupeStats>;

    /// Removes the selected jobs, whoever owns them; returns how many.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn clear(&self, selection: &Selection) -> Result<u64>;

    /// Removes ended and lapsed jobs, a bounded number per run; returns how many.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn cleanup(&self) -> Result<u64>;

    /// Stops the store's own tasks. Every later call fails with `Closed`.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn close(&self) -> Result<()>;
}

/// The identity of one owner's job, which fences it off from its successors.
///
/// ```
/// use store_core::JobId;
/// use store_core::backend::SeededRandom;
///
/// let job = JobId::random(&SeededRandom::new(1));
/// assert_eq!(job.to_string().parse::<JobId>()?, job);
/// # Ok::<(), store_core::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JobId(Uuid);

impl JobId {
    /// A fresh version 4 UUID.
    #[must_use]
    pub fn random(random: &dyn Random) -> Self {
        let bits = (u128::from(random.next_u64()) << 64) | u128::from(random.next_u64());
        Self(uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid())
    }
}

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for JobId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Uuid::parse_str(text)
            .map(Self)
            .map_err(|source| Error::invalid("job id", "is not a UUID").with_source(source))
    }
}

/// The result of [`DedupeStore::register_or_join`].
#[derive(Debug)]
#[must_use = "a dropped ownership is abandoned, and a joined job is to be waited for"]
pub enum Registration {
    /// The caller does the work.
    Owner(Ownership),
    /// Another caller does the work: wait for this job.
    Joined(JobId),
}

/// The ownership of a job in progress. Dropped before the job ends, it abandons the job, so that a
/// waiter takes over at once.
#[must_use = "a dropped ownership is abandoned"]
pub struct Ownership {
    key: Key,
    job: JobId,
    token: FencingToken,
    lease: Duration,
    priority: watch::Receiver<Priority>,
    abandon: Option<Box<dyn FnOnce() + Send + Sync>>,
}

impl Ownership {
    pub(crate) fn new(
        key: Key,
        job: JobId,
        token: FencingToken,
        lease: Duration,
        priority: watch::Receiver<Priority>,
        abandon: impl FnOnce() + Send + Sync + 'static,
    ) -> Self {
        Self {
            key,
            job,
            token,
            lease,
            priority,
            abandon: Some(Box::new(abandon)),
        }
    }

    /// The job's key.
    #[must_use]
    pub const fn key(&self) -> &Key {
        &self.key
    }

    /// The job's identity.
    #[must_use]
    pub const fn job(&self) -> &JobId {
        &self.job
    }

    /// The number of this ownership, greater than that of every earlier owner of the key: what the owner
    /// writes to can refuse those that were replaced.
    #[must_use]
    pub const fn token(&self) -> FencingToken {
        self.token
    }

    /// How long the job stays owned without a heartbeat.
    #[must_use]
    pub const fn lease(&self) -> Duration {
        self.lease
    }

    /// The job's priority, which joiners raise: at once within the process, with the next heartbeat
    /// from other processes.
    #[must_use]
    pub fn priority(&self) -> watch::Receiver<Priority> {
        self.priority.clone()
    }

    pub(crate) fn disarm(&mut self) {
        self.abandon = None;
    }
}

impl Drop for Ownership {
    fn drop(&mut self) {
        if let Some(abandon) = self.abandon.take() {
            abandon();
        }
    }
}

impl fmt::Debug for Ownership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ownership")
            .field("key", &self.key)
            .field("job", &self.job)
            .field("token", &self.token)
            .field("lease", &self.lease)
            .finish_non_exhaustive()
    }
}

/// The result that an owner ends its job with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobResult {
    /// A value for those who joined.
    Value(Bytes),
    /// No value: it is in the cache, or nowhere.
    NotShared,
}

/// How an owner ends its job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobEnd {
    /// With a result.
    Completed(JobResult),
    /// With a failure, as text.
    Failed(String),
}

impl From<JobEnd> for JobOutcome {
    fn from(end: JobEnd) -> Self {
        match end {
            JobEnd::Completed(JobResult::Value(value)) => Self::Value(value),
            JobEnd::Completed(JobResult::NotShared) => Self::NotShared,
            JobEnd::Failed(error) => Self::OwnerFailed(error),
        }
    }
}

/// The outcome of a joined job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobOutcome {
    /// The owner's value.
    Value(Bytes),
    /// The owner's failure, as text.
    OwnerFailed(String),
    /// The owner is gone: register again, one caller will take over.
    Lapsed,
    /// The job ended without a value for this caller: look into the cache, or register again.
    NotShared,
    /// The job was still in progress at the timeout.
    TimedOut,
}

/// The result of a heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heartbeat {
    /// The lease is renewed; this is the job's priority now.
    Renewed(Priority),
    /// The job is no longer the caller's.
    Fenced,
}

/// The result of [`DedupeStore::complete`] and [`DedupeStore::fail`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndOutcome {
    /// The job has ended.
    Ended,
    /// The job was no longer the caller's; nothing changed.
    Fenced,
}

/// The state of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JobState {
    /// Its owner works on it and renews the lease.
    Pending,
    /// Its lease has lapsed; the next caller takes over.
    Lapsed,
    /// It ended with a result, kept for those who joined.
    Completed,
    /// It ended with a failure, kept for those who joined.
    Failed,
}

/// A listed job.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct JobInfo {
    /// Its key.
    pub key: Key,
    /// Its identity, or what an original package wrote there.
    pub job: String,
    /// Its state.
    pub state: JobState,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When its lease was last renewed, or when it ended.
    pub updated_at: Timestamp,
}

impl JobInfo {
    /// A listed job.
    #[must_use]
    pub fn new(
        key: Key,
        job: impl Into<String>,
        state: JobState,
        created_at: Timestamp,
        updated_at: Timestamp,
    ) -> Self {
        Self {
            key,
            job: job.into(),
            state,
            created_at,
            updated_at,
        }
    }
}

/// Counts of jobs by state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct DedupeStats {
    /// Jobs in the store, in any state.
    pub total_jobs: u64,
    /// Jobs in progress.
    pub pending_jobs: u64,
    /// Jobs that ended with a result and are still kept.
    pub completed_jobs: u64,
    /// Jobs that ended with a failure and are still kept.
    pub failed_jobs: u64,
    /// Jobs whose lease has lapsed.
    pub lapsed_jobs: u64,
    /// When the oldest job in progress was registered, if there is one.
    pub oldest_pending_at: Option<Timestamp>,
    /// Jobs that owners of this process have ended through the store since it was opened.
    pub ended_jobs: u64,
}

impl DedupeStats {
    /// Adds one job, registered at `created_at`, to the counts.
    pub fn count(&mut self, state: JobState, created_at: Timestamp) {
        self.total_jobs += 1;
        match state {
            JobState::Pending => {
                self.pending_jobs += 1;
                let oldest = self.oldest_pending_at.unwrap_or(created_at);
                self.oldest_pending_at = Some(oldest.min(created_at));
            }
            JobState::Completed => self.completed_jobs += 1,
            JobState::Failed => self.failed_jobs += 1,
            JobState::Lapsed => self.lapsed_jobs += 1,
        }
    }
}
