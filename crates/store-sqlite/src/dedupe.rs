//! The dedupe store (single flight): one row per key, with the job id as fencing token.

mod jobs;
mod read;
mod sweep;
mod watcher;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use rusqlite::Transaction;
use sqlite_database::SqliteDatabase;
use store_core::backend::{JobEnd, JobSignals, end_ownership, new_ownership};
use store_core::{
    DedupeOptions, DedupeStats, DedupeStore, EndOutcome, FencingToken, Heartbeat, JobId, JobInfo,
    JobOutcome, JobResult, Key, Ownership, Page, PageRequest, Priority, Registration, Result,
    Selection, Timestamp,
};

use self::jobs::Registered;
use self::read::Observation;
pub(crate) use self::read::ended_job;
use self::watcher::JobWatcher;
use crate::cleanup::{Cleanup, Step};
use crate::error::TransactionError;
use crate::handle::StoreHandle;
use crate::migrate;
use crate::options::{DEFAULT_CLEANUP_BATCH, DEFAULT_INLINE_LIMIT_BYTES};
use crate::room::Room;

/// The longest time between two reads of a waiter, whatever notifications and the clock do.
const MAX_WAIT: Duration = Duration::from_secs(1);

/// Single flight across processes: jobs in a SQLite file, shared by every process that opens it.
///
/// Cloning is cheap; clones are the same store.
///
/// ```
/// use store_sqlite::{
///     DedupeStore, JobOutcome, JobResult, Key, MINUTE, Priority, Registration, SqliteDatabase,
///     SqliteDedupeStore,
/// };
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let database = SqliteDatabase::in_memory().await?; // or `open("jobs.db")`
/// let jobs = SqliteDedupeStore::new(&database);
/// let key = Key::new("issues:4000-1")?;
/// let Registration::Owner(mut owner) = jobs.register_or_join(&key, Priority::User).await? else {
///     unreachable!("no other caller");
/// };
/// let Registration::Joined(job) = jobs.register_or_join(&key, Priority::User).await? else {
///     unreachable!("the first caller owns the job");
/// };
/// jobs.complete(&mut owner, JobResult::Value("response".into())).await?;
/// let outcome = jobs.wait_for(&key, &job, MINUTE).await?;
/// assert_eq!(outcome, JobOutcome::Value("response".into()));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SqliteDedupeStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    handle: StoreHandle,
    options: DedupeOptions,
    signals: JobSignals,
    watcher: Arc<JobWatcher>,
    ended_jobs: AtomicU64,
    damaged_results: AtomicU64,
}

impl SqliteDedupeStore {
    /// A dedupe store over `database`, with default options.
    #[must_use]
    pub fn new(database: &SqliteDatabase) -> Self {
        Self::with_options(database, DedupeOptions::default())
    }

    /// A dedupe store over `database`, with options.
    #[must_use]
    pub fn with_options(database: &SqliteDatabase, options: DedupeOptions) -> Self {
        let handle = StoreHandle::new(
            database,
            &migrate::DEDUPE,
            Arc::clone(&options.clock),
            options.cleanup_interval,
        );
        let signals = JobSignals::default();
        let watcher = JobWatcher::new(database.clone(), signals.clone());
        Self {
            inner: Arc::new(Inner {
                handle,
                options,
                signals,
                watcher,
                ended_jobs: AtomicU64::new(0),
                damaged_results: AtomicU64::new(0),
            }),
        }
    }

    /// How often this store, or a clone of it, found the row of an ended job that is not what was stored:
    /// a bit has flipped on the disk. For those who wait the job has lapsed, and the row is removed.
    #[must_use]
    pub fn damaged_results(&self) -> u64 {
        self.inner.damaged_results.load(Ordering::Relaxed)
    }

    /// Counts and removes the row of an ended job that a waiter found damaged.
    fn remove_damaged(&self, key: &Key, job: &JobId) {
        self.inner.damaged_results.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(%key, "the result of a job is damaged; it is not shared");
        let (key, job) = (key.clone(), *job);
        let database = self.inner.handle.database();
        database.write_detached(move |tx| Ok(jobs::remove_damaged(tx, &key, &job)?));
    }

    fn handle(&self) -> &StoreHandle {
        self.inner.handle.start_cleanup(&self.inner);
        &self.inner.handle
    }

    /// The ownership of `job`. It may be created before its transaction commits: dropping it abandons
    /// only the job with its id.
    fn ownership(
        inner: &Arc<Inner>,
        key: &Key,
        job: JobId,
        token: FencingToken,
        priority: Priority,
    ) -> Ownership {
        let priority_changes = inner.signals.own(key, job, priority);
        let abandoned = (inner.handle.database().clone(), key.clone());
        new_ownership(
            key.clone(),
            job,
            token,
            inner.options.lease,
            priority_changes,
            move || {
                let (database, key) = abandoned;
                // Waiters detect it as they do changes of other processes: after the commit.
                database.write_detached(move |tx| Ok(jobs::abandon(tx, &key, &job)?));
            },
        )
    }

    async fn end_job(
        &self,
        operation: &'static str,
        owner: &mut Ownership,
        end: JobEnd,
    ) -> Result<EndOutcome> {
        let (key, job) = (owner.key().clone(), *owner.job());
        let inner = Arc::clone(&self.inner);
        let outcome = self
            .handle()
            .write(operation, move |tx, now| {
                let end = inner.within_bounds(tx, job, end, now)?;
                jobs::end(tx, &key, &job, &end, now)
            })
            .await
            .map_err(|error| error.with_key(owner.key().as_str()))?;
        if outcome == EndOutcome::Ended {
            self.inner.ended_jobs.fetch_add(1, Ordering::Relaxed);
        }
        self.inner.signals.notify(owner.key());
        end_ownership(owner);
        Ok(outcome)
    }

    async fn observe(&self, key: &Key, job: JobId) -> Result<Observation> {
        let (name, retention) = (key.clone(), self.inner.options.result_retention);
        self.handle()
            .read("wait_for", move |db, now| {
                read::observe(db, &name, &job, retention, now)
            })
            .await
            .map_err(|error| error.with_key(key.as_str()))
    }
}

#[async_trait]
impl DedupeStore for SqliteDedupeStore {
    async fn register_or_join(&self, key: &Key, priority: Priority) -> Result<Registration> {
        let (inner, name) = (Arc::clone(&self.inner), key.clone());
        let job = JobId::random(&*inner.options.random);
        let registration = self
            .handle()
            .write("register_or_join", move |tx, now| {
                let options = &inner.options;
                match jobs::register(tx, &name, &job, priority, options, now)? {
                    Registered::Owner(token) => {
                        let ownership = Self::ownership(&inner, &name, job, token, priority);
                        Ok(Registration::Owner(ownership))
                    }
                    Registered::Joined(job) => Ok(Registration::Joined(job)),
                }
            })
            .await
            .map_err(|error| error.with_key(key.as_str()))?;
        match &registration {
            // Wakes the waiters of the previous job.
            Registration::Owner(_) => self.inner.signals.notify(key),
            Registration::Joined(job) => self.inner.signals.raise(key, job, priority),
        }
        Ok(registration)
    }

    async fn wait_for(&self, key: &Key, job: &JobId, timeout: Duration) -> Result<JobOutcome> {
        let clock = self.handle().clock();
        let started = clock.monotonic();
        let mut signal = self.inner.signals.watch(key);
        let _guard = self.inner.watcher.add(key, job)?;
        // By the monotonic clock, so that a lease expires even if the wall clock was set back.
        let mut renewed = (None, started);
        loop {
            let (lease_until, lease) = match self.observe(key, *job).await? {
                Observation::Ended(outcome) => return Ok(self.inner.signals.outcome(job, outcome)),
                Observation::Pending { lease_until, lease } => (lease_until, lease),
                Observation::Damaged => {
                    self.remove_damaged(key, job);
                    return Ok(JobOutcome::Lapsed);
                }
            };
            let elapsed = clock.monotonic();
            if renewed.0 != Some(lease_until) {
                renewed = (Some(lease_until), elapsed);
            }
            let since_renewal = elapsed.saturating_sub(renewed.1);
            let Some(lease_left) = lease
                .checked_sub(since_renewal)
                .filter(|left| !left.is_zero())
            else {
                return Ok(JobOutcome::Lapsed);
            };
            let left = timeout.saturating_sub(elapsed.saturating_sub(started));
            if left.is_zero() {
                return Ok(JobOutcome::TimedOut);
            }
            tokio::select! {
                () = signal.changed() => {}
                () = clock.sleep_until(lease_until) => {}
                () = clock.sleep(lease_left.min(left).min(MAX_WAIT)) => {}
            }
        }
    }

    async fn heartbeat(&self, key: &Key, job: &JobId) -> Result<Heartbeat> {
        let (name, job, lease) = (key.clone(), *job, self.inner.options.lease);
        let heartbeat = self
            .handle()
            .write("heartbeat", move |tx, now| {
                jobs::renew_lease(tx, &name, &job, lease, now)
            })
            .await
            .map_err(|error| error.with_key(key.as_str()))?;
        if let Heartbeat::Renewed(priority) = heartbeat {
            // Callers that joined in other processes only stored their priority.
            self.inner.signals.raise(key, &job, priority);
        }
        Ok(heartbeat)
    }

    async fn complete(&self, owner: &mut Ownership, result: JobResult) -> Result<EndOutcome> {
        let Inner {
            options, signals, ..
        } = &*self.inner;
        let limit = options
            .inline_limit_bytes
            .unwrap_or(DEFAULT_INLINE_LIMIT_BYTES);
        let (now, retention) = (self.handle().now(), options.result_retention);
        signals.remove_expired_values(now, retention);
        let stored = signals.keep_long_value(*owner.job(), result, limit, now + retention);
        self.end_job("complete", owner, JobEnd::Completed(stored))
            .await
    }

    async fn fail(&self, owner: &mut Ownership, error: &str) -> Result<EndOutcome> {
        self.end_job("fail", owner, JobEnd::Failed(error.to_owned()))
            .await
    }

    async fn is_in_progress(&self, key: &Key) -> Result<bool> {
        let name = key.clone();
        self.handle()
            .read("is_in_progress", move |db, now| {
                Ok(read::lease_left(db, &name, now)?.is_some())
            })
            .await
            .map_err(|error| error.with_key(key.as_str()))
    }

    async fn lease_left(&self, key: &Key) -> Result<Option<Duration>> {
        let name = key.clone();
        self.handle()
            .read("lease_left", move |db, now| {
                read::lease_left(db, &name, now)
            })
            .await
            .map_err(|error| error.with_key(key.as_str()))
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<JobInfo>> {
        let page = page.clone();
        self.handle()
            .read("list", move |db, now| read::list(db, &page, now))
            .await
    }

    async fn stats(&self) -> Result<DedupeStats> {
        let mut stats = self.handle().read("stats", read::stats).await?;
        stats.ended_jobs = self.inner.ended_jobs.load(Ordering::Relaxed);
        Ok(stats)
    }

    async fn clear(&self, selection: &Selection) -> Result<u64> {
        let selection = selection.clone();
        let removed = self
            .handle()
            .write("clear", move |tx, _now| jobs::clear(tx, &selection))
            .await?;
        self.inner.signals.notify_all();
        Ok(removed)
    }

    async fn cleanup(&self) -> Result<u64> {
        self.inner.cleanup().await
    }

    async fn close(&self) -> Result<()> {
        self.inner.handle.close();
        // Waiters read again and find the store closed.
        self.inner.signals.notify_all();
        Ok(())
    }
}

impl Inner {
    /// The end of a job as it is stored: in a file that is almost full a result stays within the process.
    fn within_bounds(
        &self,
        tx: &Transaction<'_>,
        job: JobId,
        end: JobEnd,
        now: Timestamp,
    ) -> std::result::Result<JobEnd, TransactionError> {
        let JobEnd::Completed(JobResult::Value(value)) = &end else {
            return Ok(end);
        };
        let room = Room::of(tx, self.handle.database().max_pages())?;
        if room.is_none_or(|room| room.fits(value.len() as u64)) {
            return Ok(end);
        }
        let (result, until) = (
            JobResult::Value(value.clone()),
            now + self.options.result_retention,
        );
        let stored = self.signals.keep_long_value(job, result, 0, until);
        Ok(JobEnd::Completed(stored))
    }
}

impl Cleanup for Inner {
    async fn sweep(&self) -> Result<Step> {
        let batch = self
            .options
            .cleanup_batch
            .unwrap_or(DEFAULT_CLEANUP_BATCH)
            .max(1);
        let retention = self.options.result_retention;
        self.signals
            .remove_expired_values(self.handle.now(), retention);
        // Finding expired rows visits the others, so it runs without the write lock.
        let (rows, has_more) = self
            .handle
            .long_read("cleanup", move |db, now| {
                sweep::find_expired(db, retention, batch, now)
            })
            .await?;
        if rows.is_empty() {
            return Ok(Step::default());
        }
        let step = self
            .handle
            .write_step(move |tx, now, time| sweep::remove_expired(tx, &rows, retention, now, time))
            .await?;
        Ok(Step {
            has_more: has_more || step.has_more,
            ..step
        })
    }
}
