//! The de-duplication contract: one owner per job, everyone else joins it.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::watch;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::key::{Key, Selection};
use crate::page::{Page, PageRequest};
use crate::priority::Priority;
use crate::random::Random;
use crate::time::Timestamp;

/// Lets tasks, processes and hosts do each job once.
///
/// The first caller of a key owns the job; the others join and wait. The owner holds a lease and
/// renews it with heartbeats. When the lease lapses, exactly one other caller takes over with a new
/// [`JobId`], and whatever the old owner still says is fenced: it changes nothing.
#[async_trait]
pub trait DedupeStore: fmt::Debug + Send + Sync + 'static {
    /// Takes over the job of `key`, or joins it.
    ///
    /// # Behavior
    /// - no job, a finished one, or one whose lease has lapsed: the caller owns a new job;
    /// - a job in progress: the caller joins, and the job's priority rises to the caller's;
    /// - of concurrent callers exactly one becomes the owner;
    /// - a caller that goes away before it hears of its ownership does not keep it.
    ///
    /// # Errors
    /// Those of the backend.
    async fn register_or_join(&self, key: &Key, priority: Priority) -> Result<Registration>;

    /// Waits until the joined job ends, at most `timeout`.
    ///
    /// # Behavior
    /// - ended before the call, but not longer ago than the store keeps results: its outcome;
    /// - replaced by another owner, abandoned, or its lease lapsed: [`JobOutcome::Lapsed`].
    ///
    /// # Errors
    /// Those of the backend.
    async fn wait_for(&self, key: &Key, job: &JobId, timeout: Duration) -> Result<JobOutcome>;

    /// Renews the owner's lease and returns the priority that the joiners have raised the job to.
    ///
    /// # Behavior
    /// - replaced, ended or removed: [`Heartbeat::Fenced`], nothing changes.
    ///
    /// # Errors
    /// Those of the backend.
    async fn heartbeat(&self, key: &Key, job: &JobId) -> Result<Heartbeat>;

    /// Ends the job with a result for those who joined it.
    ///
    /// # Behavior
    /// - replaced, ended or removed: [`Settlement::Fenced`], nothing changes;
    /// - a result over the store's inline limit is kept as [`JobResult::NotShared`].
    ///
    /// # Errors
    /// Those of the backend; then the job is abandoned.
    async fn complete(&self, owner: Ownership, result: JobResult) -> Result<Settlement>;

    /// Ends the job with a failure for those who joined it.
    ///
    /// # Behavior
    /// - replaced, ended or removed: [`Settlement::Fenced`], nothing changes.
    ///
    /// # Errors
    /// Those of the backend; then the job is abandoned.
    async fn fail(&self, owner: Ownership, error: &str) -> Result<Settlement>;

    /// Whether somebody holds an unlapsed lease on `key`.
    ///
    /// # Errors
    /// Those of the backend.
    async fn is_in_progress(&self, key: &Key) -> Result<bool>;

    /// Lists jobs by key.
    ///
    /// # Errors
    /// Those of the backend.
    async fn list(&self, page: &PageRequest) -> Result<Page<JobInfo>>;

    /// Counts jobs by state.
    ///
    /// # Errors
    /// Those of the backend.
    async fn stats(&self) -> Result<DedupeStats>;

    /// Removes the selected jobs, whoever owns them; returns how many.
    ///
    /// # Errors
    /// Those of the backend.
    async fn clear(&self, selection: &Selection) -> Result<u64>;

    /// Frees the room of ended and lapsed jobs, a bounded number per run; returns how many.
    ///
    /// # Errors
    /// Those of the backend.
    async fn cleanup(&self) -> Result<u64>;

    /// Stops the store's own work. The store refuses calls from then on.
    ///
    /// # Errors
    /// Those of the backend.
    async fn close(&self) -> Result<()>;
}

/// The identity of one owner's job; the fence between it and its successors.
///
/// ```
/// use store_core::{JobId, SeededRandom};
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

/// What became of a caller of [`DedupeStore::register_or_join`].
#[derive(Debug)]
pub enum Registration {
    /// The caller does the work.
    Owner(Ownership),
    /// Somebody else does it: wait for this job.
    Joined(JobId),
}

/// The right to do a job. Dropped before the job ends, it abandons the job, so that a waiter takes
/// over at once.
pub struct Ownership {
    key: Key,
    job: JobId,
    lease: Duration,
    demand: watch::Receiver<Priority>,
    abandon: Option<Box<dyn FnOnce() + Send + Sync>>,
}

impl Ownership {
    /// Made by backends. `abandon` runs if the ownership is dropped before the job ends: it must not
    /// block, and may run outside an async runtime.
    #[must_use]
    pub fn new(
        key: Key,
        job: JobId,
        lease: Duration,
        demand: watch::Receiver<Priority>,
        abandon: impl FnOnce() + Send + Sync + 'static,
    ) -> Self {
        Self {
            key,
            job,
            lease,
            demand,
            abandon: Some(Box::new(abandon)),
        }
    }

    /// The job's name.
    #[must_use]
    pub const fn key(&self) -> &Key {
        &self.key
    }

    /// The job's identity.
    #[must_use]
    pub const fn job(&self) -> &JobId {
        &self.job
    }

    /// How long the job survives its owner's silence.
    #[must_use]
    pub const fn lease(&self) -> Duration {
        self.lease
    }

    /// The job's priority, which joiners raise: at once in this process, with the next heartbeat
    /// from others.
    #[must_use]
    pub fn demand(&self) -> watch::Receiver<Priority> {
        self.demand.clone()
    }

    /// Made for backends: the job has ended, dropping the ownership does nothing any more.
    pub fn disarm(mut self) {
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
            .field("lease", &self.lease)
            .finish_non_exhaustive()
    }
}

/// What an owner leaves to those who joined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobResult {
    /// The value itself.
    Value(Bytes),
    /// Nothing here: the value is in the cache, or nowhere.
    NotShared,
}

/// How a joined job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JobOutcome {
    /// The owner's value.
    Value(Bytes),
    /// The owner's failure, as it told it.
    OwnerFailed(String),
    /// The owner is gone: register again, one caller will succeed it.
    Lapsed,
    /// The value is not here: look into the cache, or register again.
    NotShared,
    /// The job was still in progress when the waiter's time ran out.
    TimedOut,
}

/// The answer to an owner's heartbeat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heartbeat {
    /// The lease is renewed; this is the job's priority now.
    Renewed(Priority),
    /// The job is no longer the caller's.
    Fenced,
}

/// The answer to an owner that ends its job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// The job has ended as the owner says.
    Settled,
    /// The job was no longer the caller's; nothing changed.
    Fenced,
}

/// What state a job is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JobState {
    /// Somebody works on it and renews the lease.
    Pending,
    /// Its owner fell silent; the next caller takes over.
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
    /// Its name.
    pub key: Key,
    /// Its identity, or what an original package wrote there.
    pub job: String,
    /// Its state.
    pub state: JobState,
    /// When it was registered.
    pub created_at: Timestamp,
    /// When its owner was last heard of.
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
    /// Jobs whose owner fell silent.
    pub expired_jobs: u64,
    /// When the oldest job in progress was registered, if there is one.
    pub oldest_pending_at: Option<Timestamp>,
    /// Jobs that owners of this process have ended through the store since it was opened.
    pub settled_jobs: u64,
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
            JobState::Lapsed => self.expired_jobs += 1,
        }
    }
}
