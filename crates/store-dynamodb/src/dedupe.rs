//! The dedupe store: one item per key, whose job id fences out former owners.

mod demand;
mod job;
mod jobs;
mod reports;
mod waiters;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use store_core::backend::{end_ownership, new_ownership};
use store_core::{
    DedupeOptions, DedupeStats, DedupeStore, EndOutcome, Error, ErrorKind, Heartbeat, JobId,
    JobInfo, JobOutcome, JobResult, Key, Ownership, Page, PageRequest, Priority, Registration,
    Result, Selection, Timestamp,
};
use tokio::runtime::Handle as Runtime;
use tracing::warn;

use self::demand::Demand;
use self::job::{Ending, JobView};
use self::jobs::{Claimed, Session};
use self::waiters::{JobUpdate, Waiter, Waiters, waiter_error};
use crate::error::BACKEND;
use crate::handle::Handle;
use crate::options::{INLINE_LIMIT_BYTES, Settings, Tuning};
use crate::table::DynamoDbTable;

/// The longest result that other processes get, whatever the options say: DynamoDB takes items of 400 KB with
/// all they hold, and a result that it refuses would be none.
const MOST_INLINE_BYTES: usize = 300 * 1024;
/// The longest failure that is handed on.
const MOST_ERROR_BYTES: usize = 16 * 1024;

/// De-duplication of concurrent work (single flight) in a DynamoDB table, across all processes of all hosts that
/// use the table.
///
/// Cloning is cheap; clones share one store. A process polls all jobs that its tasks wait for in one request, and
/// sends nothing while no task waits.
///
/// Tasks of the owner's process get a result whatever its length. Other processes get results of at most 8 KiB,
/// because each kilobyte costs a write unit; [`DedupeOptions::inline_limit_bytes`] raises that to at most
/// 300 KiB. DynamoDB removes ended jobs itself, within days: no cleanup runs unless `cleanup` is called, which
/// removes at most 500 jobs, and [`DedupeOptions::cleanup_interval`] has no effect.
///
/// A key's fencing tokens rise by a condition on its item. When that is gone, an hour after its last use at the
/// earliest unless `cleanup` or `clear` removed it, they rise by the hosts' clocks, which may differ by
/// [`Tuning::max_clock_skew`].
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/doctest_table.rs.inc"));
/// # fn main() -> Result<(), Box<dyn std::error::Error>> { on_emulator(async |table| {
/// use store_dynamodb::{
///     DedupeStore, DynamoDbDedupeStore, JobResult, Key, Priority, Registration, SECOND,
/// };
///
/// let jobs = DynamoDbDedupeStore::new(&table);
/// let key = Key::new("comics:1")?;
/// match jobs.register_or_join(&key, Priority::User).await? {
///     Registration::Owner(mut owner) => {
///         jobs.complete(&mut owner, JobResult::Value("fetched".into())).await?;
///     }
///     Registration::Joined(job) => {
///         jobs.wait_for(&key, &job, SECOND * 30).await?;
///     }
/// }
/// # Ok(())
/// # }) }
/// ```
#[derive(Clone, Debug)]
pub struct DynamoDbDedupeStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    handle: Handle,
    options: Arc<Settings<DedupeOptions>>,
    demand: Demand,
    waiters: Arc<Waiters>,
    ended: AtomicU64,
}

impl DynamoDbDedupeStore {
    /// A dedupe store in `table` with default options.
    #[must_use]
    pub fn new(table: &DynamoDbTable) -> Self {
        Self::with_options(table, DedupeOptions::default())
    }

    /// A dedupe store in `table`.
    #[must_use]
    pub fn with_options(table: &DynamoDbTable, options: DedupeOptions) -> Self {
        Self::with_tuning(table, options, Tuning::default())
    }

    /// A de-duplication in `table`, with options and [`Tuning`].
    #[must_use]
    pub fn with_tuning(table: &DynamoDbTable, options: DedupeOptions, tuning: Tuning) -> Self {
        let options = Arc::new(Settings::new(options, tuning));
        Self {
            inner: Arc::new(Inner {
                handle: Handle::new(table),
                demand: Demand::default(),
                waiters: Waiters::new(table.clone(), Arc::clone(&options)),
                ended: AtomicU64::new(0),
                options,
            }),
        }
    }

    fn session(&self, operation: &'static str) -> Result<Session<'_>> {
        self.inner.session(operation)
    }

    async fn end(
        &self,
        operation: &'static str,
        owner: &mut Ownership,
        ending: Ending,
    ) -> Result<EndOutcome> {
        let session = self.session(operation)?;
        let ended = session.end(owner.key(), owner.job(), &ending).await;
        let ended = ended.map_err(|error| error.with_key(owner.key().as_str()))?;
        if ended == EndOutcome::Ended {
            self.inner.ended.fetch_add(1, Ordering::Relaxed);
            let outcome = ending.outcome();
            self.inner.waiters.tell(owner.key(), owner.job(), outcome);
        }
        end_ownership(owner);
        Ok(ended)
    }

    /// Removes the values that expire at `at` then: nobody has to call `cleanup`.
    fn remove_values_at(&self, at: Timestamp) {
        let signals = self.inner.demand.signals().clone();
        let clock = Arc::clone(&self.inner.options.clock);
        let retention = self.inner.options.result_retention;
        tokio::spawn(async move {
            clock.sleep_until(at).await;
            signals.remove_expired_values(clock.now(), retention);
        });
    }

    fn remove_expired_values(&self) {
        let now = self.inner.options.clock.now();
        let retention = self.inner.options.result_retention;
        let signals = self.inner.demand.signals();
        signals.remove_expired_values(now, retention);
    }

    /// Waits for the outcome of the job, as the table has it.
    async fn stored_outcome(
        &self,
        key: &Key,
        job: &JobId,
        timeout: Duration,
    ) -> Result<JobOutcome> {
        let session = self.session("wait_for")?;
        let mut waiter = self.inner.waiters.join(key, job);
        if let Some(JobUpdate::Ended(outcome)) = waiter.known() {
            return Ok(outcome);
        }
        // As of before it was asked: an answer that comes late must not make a lease look lapsed.
        let terms = session.terms();
        let (lease, unseen) = match session.read(key).await {
            Ok(None) => return Ok(JobOutcome::Lapsed),
            Ok(Some(found)) => match found.look(job, &terms) {
                JobView::Ended(outcome) => return Ok(outcome),
                JobView::Apart => {
                    let read = session.read_apart(&[*job]).await;
                    let mut outcomes = read.map_err(|error| error.with_key(key.as_str()))?;
                    return Ok(outcomes.pop().unwrap_or(JobOutcome::Lapsed));
                }
                JobView::Pending(lease) => (Some(lease), None),
            },
            // It is asked for again; only then the waiters are told.
            Err(error) if error.kind().is_retryable() => (None, Some(error)),
            Err(error) => return Err(error.with_key(key.as_str())),
        };
        waiter.watch(lease);
        let outcome = self.wait_with(&mut waiter, key, timeout).await?;
        match unseen {
            Some(error) if outcome == JobOutcome::TimedOut && !waiter.was_seen() => {
                Err(error.with_key(key.as_str()))
            }
            _ => Ok(outcome),
        }
    }

    /// Waits for an update of the job, up to the timeout.
    async fn wait_with(
        &self,
        waiter: &mut Waiter,
        key: &Key,
        timeout: Duration,
    ) -> Result<JobOutcome> {
        let clock = &self.inner.options.clock;
        let started = clock.monotonic();
        // One more question shortly before the end: what was seen last may be seconds old.
        let mut last_question = timeout.checked_sub(self.inner.options.tuning.poll_interval);
        loop {
            match waiter.known() {
                Some(JobUpdate::Ended(outcome)) => return Ok(outcome),
                Some(JobUpdate::Failed(error)) => return Err(waiter_error(error, key)),
                None => {}
            }
            let elapsed = clock.monotonic().saturating_sub(started);
            if elapsed >= timeout {
                return Ok(JobOutcome::TimedOut);
            }
            let next = match last_question {
                Some(at) if elapsed < at => at,
                Some(_) => {
                    last_question = None;
                    waiter.ask_now();
                    timeout
                }
                None => timeout,
            };
            tokio::select! {
                () = waiter.changed() => {}
                () = clock.sleep(next.saturating_sub(elapsed)) => {}
            }
        }
    }
}

impl Inner {
    fn session(&self, operation: &'static str) -> Result<Session<'_>> {
        Ok(Session {
            requests: self.handle.requests(operation)?,
            options: &self.options,
        })
    }

    /// Claims or joins, and gives back what a failed claim may have taken.
    async fn register(self: &Arc<Self>, key: &Key, priority: Priority) -> Result<Registration> {
        let session = self.session("register_or_join")?;
        let fresh = JobId::random(&*self.options.random);
        let claim = self.demand.claim(fresh, priority);
        match session.claim(key, &fresh, priority).await {
            Ok(Claimed::Own(token)) => {
                let demand = claim.own(key);
                // Those who still wait for the former job.
                self.waiters.look_again(key, &fresh);
                let (inner, name) = (Arc::clone(self), key.clone());
                let (runtime, lease) = (Runtime::current(), self.options.lease);
                let abandon = move || drop(runtime.spawn(inner.abandon(name, fresh)));
                let owner = new_ownership(key.clone(), fresh, token, lease, demand, abandon);
                Ok(Registration::Owner(owner))
            }
            Ok(Claimed::Joined(job)) => {
                self.demand.raise(key, &job, priority);
                Ok(Registration::Joined(job))
            }
            Err(error) => {
                if matches!(error.kind(), ErrorKind::Timeout | ErrorKind::Unavailable) {
                    // It may have taken effect all the same.
                    tokio::spawn(Arc::clone(self).abandon(key.clone(), fresh));
                }
                Err(error)
            }
        }
    }

    /// Lets go of a job; works for a closed store too.
    async fn abandon(self: Arc<Self>, key: Key, job: JobId) {
        let session = Session {
            requests: self.handle.table().requests("abandon"),
            options: &self.options,
        };
        match session.abandon(&key, &job).await {
            Ok(true) => self.waiters.tell(&key, &job, JobOutcome::Lapsed),
            Ok(false) => {}
            Err(error) => warn!(%key, %error, "an abandoned job stays until its lease expires"),
        }
    }
}

#[async_trait]
impl DedupeStore for DynamoDbDedupeStore {
    async fn register_or_join(&self, key: &Key, priority: Priority) -> Result<Registration> {
        let (inner, name) = (Arc::clone(&self.inner), key.clone());
        // In a task of its own: if the caller goes away, the answer still comes, and is given back.
        let registered = tokio::spawn(async move { inner.register(&name, priority).await }).await;
        let registered = registered.unwrap_or_else(|source| {
            let error = Error::new(ErrorKind::Unavailable, BACKEND, "register_or_join");
            Err(error.with_source(source))
        });
        registered.map_err(|error| error.with_key(key.as_str()))
    }

    async fn wait_for(&self, key: &Key, job: &JobId, timeout: Duration) -> Result<JobOutcome> {
        let stored = self.stored_outcome(key, job, timeout).await?;
        Ok(self.inner.demand.signals().outcome(job, stored))
    }

    async fn heartbeat(&self, key: &Key, job: &JobId) -> Result<Heartbeat> {
        let heard = self.session("heartbeat")?.renew(key, job).await;
        let heard = heard.map_err(|error| error.with_key(key.as_str()))?;
        if let Heartbeat::Renewed(priority) = heard {
            self.inner.demand.raise(key, job, priority);
        }
        Ok(heard)
    }

    async fn complete(&self, owner: &mut Ownership, result: JobResult) -> Result<EndOutcome> {
        const OPERATION: &str = "complete";
        self.session(OPERATION)?;
        self.remove_expired_values();
        let limit = self.inner.options.inline_limit_bytes;
        let limit = limit.unwrap_or(INLINE_LIMIT_BYTES).min(MOST_INLINE_BYTES);
        let expires_at = self.inner.options.clock.now() + self.inner.options.result_retention;
        if matches!(&result, JobResult::Value(value) if value.len() > limit) {
            self.remove_values_at(expires_at);
        }
        let signals = self.inner.demand.signals();
        let value = match signals.keep_long_value(*owner.job(), result, limit, expires_at) {
            JobResult::Value(value) => Some(value),
            JobResult::NotShared => None,
        };
        self.end(OPERATION, owner, Ending::Completed(value)).await
    }

    async fn fail(&self, owner: &mut Ownership, error: &str) -> Result<EndOutcome> {
        let end = error.floor_char_boundary(MOST_ERROR_BYTES);
        self.end("fail", owner, Ending::Failed(error[..end].to_owned()))
            .await
    }

    async fn is_in_progress(&self, key: &Key) -> Result<bool> {
        let session = self.session("is_in_progress")?;
        let job = session.read(key).await;
        let job = job.map_err(|error| error.with_key(key.as_str()))?;
        let terms = session.terms();
        Ok(job.is_some_and(|job| job.is_in_progress(&terms)))
    }

    async fn lease_left(&self, key: &Key) -> Result<Option<Duration>> {
        let session = self.session("lease_left")?;
        let job = session.read(key).await;
        let job = job.map_err(|error| error.with_key(key.as_str()))?;
        let terms = session.terms();
        Ok(job.and_then(|job| job.lease_left(&terms)))
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<JobInfo>> {
        self.session("list")?.list(page).await
    }

    async fn stats(&self) -> Result<DedupeStats> {
        let mut stats = self.session("stats")?.stats().await?;
        stats.ended_jobs = self.inner.ended.load(Ordering::Relaxed);
        Ok(stats)
    }

    async fn clear(&self, selection: &Selection) -> Result<u64> {
        let cleared = self.session("clear")?.clear(selection).await?;
        self.inner.waiters.look_at_all();
        Ok(cleared)
    }

    async fn cleanup(&self) -> Result<u64> {
        let session = self.session("cleanup")?;
        self.remove_expired_values();
        session.cleanup().await
    }

    async fn close(&self) -> Result<()> {
        self.inner.handle.close();
        self.inner.waiters.close();
        Ok(())
    }
}
