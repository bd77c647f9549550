//! De-duplication: one row per key, whose job id is the fence.

mod jobs;
mod reports;
mod waiters;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use sqlite_database::SqliteDatabase;
use store_core::local::JobSignals;
use store_core::{
    DedupeStats, DedupeStore, Heartbeat, JobId, JobInfo, JobOutcome, JobResult, Key, Ownership,
    Page, PageRequest, Priority, Registration, Result, Selection, Settlement,
};

use self::jobs::{Claimed, Ending, Look};
use self::waiters::Waiters;
use crate::migrate;
use crate::options::DedupeOptions;
use crate::store::Handle;
use crate::sweeper::{Sweep, Sweeper};

/// A waiter looks again at least this often, whatever it was told and whatever its clock did.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// Jobs in a SQLite file, shared by every process that opens it.
///
/// Cloning is cheap; clones are the same store.
#[derive(Clone, Debug)]
pub struct SqliteDedupeStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    handle: Handle,
    options: DedupeOptions,
    sweeper: Sweeper,
    signals: JobSignals,
    waiters: Arc<Waiters>,
    settled: AtomicU64,
}

impl SqliteDedupeStore {
    /// Jobs in `database`, with default options.
    #[must_use]
    pub fn new(database: &SqliteDatabase) -> Self {
        Self::with_options(database, DedupeOptions::default())
    }

    /// Jobs in `database`.
    #[must_use]
    pub fn with_options(database: &SqliteDatabase, options: DedupeOptions) -> Self {
        let handle = Handle::new(database, &migrate::DEDUPE, Arc::clone(&options.clock));
        let signals = JobSignals::default();
        let waiters = Waiters::new(database.clone(), signals.clone());
        Self {
            inner: Arc::new(Inner {
                handle,
                options,
                sweeper: Sweeper::default(),
                signals,
                waiters,
                settled: AtomicU64::new(0),
            }),
        }
    }

    fn handle(&self) -> &Handle {
        let Inner {
            handle,
            options,
            sweeper,
            ..
        } = &*self.inner;
        sweeper.start(&self.inner, handle.clock(), options.cleanup_interval);
        handle
    }

    /// The right to `job`. It may be made before its transaction commits: dropped, it ends only the
    /// job that it names.
    fn ownership(inner: &Arc<Inner>, key: &Key, job: JobId, priority: Priority) -> Ownership {
        let demand = inner.signals.own(key, job, priority);
        let abandoned = (inner.handle.database().clone(), key.clone());
        Ownership::new(key.clone(), job, inner.options.lease, demand, move || {
            let (database, key) = abandoned;
            // Waiters hear of it as they hear of other processes: by looking after a commit.
            database.write_detached(move |tx| Ok(jobs::abandon(tx, &key, &job)?));
        })
    }

    async fn settle(
        &self,
        operation: &'static str,
        owner: Ownership,
        ending: Ending,
    ) -> Result<Settlement> {
        let (key, job) = (owner.key().clone(), *owner.job());
        let clock = Arc::clone(self.handle().clock());
        let settlement = self
            .handle()
            .write(operation, move |tx| {
                jobs::settle(tx, &key, &job, &ending, clock.now())
            })
            .await
            .map_err(|error| error.with_key(owner.key().as_str()))?;
        if settlement == Settlement::Settled {
            self.inner.settled.fetch_add(1, Ordering::Relaxed);
        }
        self.inner.signals.notify(owner.key());
        owner.disarm();
        Ok(settlement)
    }

    async fn look(&self, key: &Key, job: JobId) -> Result<Look> {
        let (name, now) = (key.clone(), self.handle().now());
        let retention = self.inner.options.result_retention;
        self.handle()
            .read("wait_for", move |db| {
                jobs::look(db, &name, &job, retention, now)
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
            .write("register_or_join", move |tx| {
                let options = &inner.options;
                let now = options.clock.now();
                match jobs::claim(tx, &name, &job, priority, options, now)? {
                    Claimed::Own => {
                        let ownership = Self::ownership(&inner, &name, job, priority);
                        Ok(Registration::Owner(ownership))
                    }
                    Claimed::Joined(job) => Ok(Registration::Joined(job)),
                }
            })
            .await
            .map_err(|error| error.with_key(key.as_str()))?;
        match &registration {
            // Those who still wait for the former job.
            Registration::Owner(_) => self.inner.signals.notify(key),
            Registration::Joined(job) => self.inner.signals.raise(key, job, priority),
        }
        Ok(registration)
    }

    async fn wait_for(&self, key: &Key, job: &JobId, timeout: Duration) -> Result<JobOutcome> {
        let clock = self.handle().clock();
        let started = clock.monotonic();
        let mut signal = self.inner.signals.watch(key);
        let _place = self.inner.waiters.join(key, job);
        // A lease that nobody renews lapses even if the clock was set back.
        let mut renewed = (None, started);
        loop {
            let (lease_until, lease) = match self.look(key, *job).await? {
                Look::Ended(outcome) => return Ok(outcome),
                Look::Pending { lease_until, lease } => (lease_until, lease),
            };
            let elapsed = clock.monotonic();
            if renewed.0 != Some(lease_until) {
                renewed = (Some(lease_until), elapsed);
            }
            let silent = elapsed.saturating_sub(renewed.1);
            let Some(lease_left) = lease.checked_sub(silent).filter(|left| !left.is_zero()) else {
                return Ok(JobOutcome::Lapsed);
            };
            let left = timeout.saturating_sub(elapsed.saturating_sub(started));
            if left.is_zero() {
                return Ok(JobOutcome::TimedOut);
            }
            let now = clock.now();
            let due = lease_until
                .min(now + left.min(LONGEST_WAIT))
                .min(now + lease_left);
            tokio::select! {
                () = signal.changed() => {}
                () = clock.sleep_until(due) => {}
            }
        }
    }

    async fn heartbeat(&self, key: &Key, job: &JobId) -> Result<Heartbeat> {
        let (name, job) = (key.clone(), *job);
        let (clock, lease) = (Arc::clone(self.handle().clock()), self.inner.options.lease);
        let heartbeat = self
            .handle()
            .write("heartbeat", move |tx| {
                jobs::renew(tx, &name, &job, lease, clock.now())
            })
            .await
            .map_err(|error| error.with_key(key.as_str()))?;
        if let Heartbeat::Renewed(priority) = heartbeat {
            // Joiners of other processes could only write their priority down.
            self.inner.signals.raise(key, &job, priority);
        }
        Ok(heartbeat)
    }

    async fn complete(&self, owner: Ownership, result: JobResult) -> Result<Settlement> {
        let most = self.inner.options.inline_limit_bytes;
        let value = match result {
            JobResult::Value(value) if value.len() <= most => Some(value),
            JobResult::Value(_) | JobResult::NotShared => None,
        };
        self.settle("complete", owner, Ending::Completed(value))
            .await
    }

    async fn fail(&self, owner: Ownership, error: &str) -> Result<Settlement> {
        self.settle("fail", owner, Ending::Failed(error.to_owned()))
            .await
    }

    async fn is_in_progress(&self, key: &Key) -> Result<bool> {
        let (name, now) = (key.clone(), self.handle().now());
        self.handle()
            .read("is_in_progress", move |db| {
                reports::is_in_progress(db, &name, now)
            })
            .await
            .map_err(|error| error.with_key(key.as_str()))
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<JobInfo>> {
        let (page, now) = (page.clone(), self.handle().now());
        self.handle()
            .read("list", move |db| reports::list(db, &page, now))
            .await
    }

    async fn stats(&self) -> Result<DedupeStats> {
        let now = self.handle().now();
        let mut stats = self
            .handle()
            .read("stats", move |db| reports::stats(db, now))
            .await?;
        stats.settled_jobs = self.inner.settled.load(Ordering::Relaxed);
        Ok(stats)
    }

    async fn clear(&self, selection: &Selection) -> Result<u64> {
        let selection = selection.clone();
        let removed = self
            .handle()
            .write("clear", move |tx| jobs::clear(tx, &selection))
            .await?;
        self.inner.signals.notify_all();
        Ok(removed)
    }

    async fn cleanup(&self) -> Result<u64> {
        self.inner.sweep().await
    }

    async fn close(&self) -> Result<()> {
        self.inner.sweeper.stop();
        self.inner.handle.close();
        // Waiters look again and learn that the store is closed.
        self.inner.signals.notify_all();
        Ok(())
    }
}

impl Sweep for Inner {
    fn batch(&self) -> u32 {
        self.options.cleanup_batch
    }

    async fn sweep(&self) -> Result<u64> {
        let (clock, batch) = (Arc::clone(self.handle.clock()), self.batch());
        let retention = self.options.result_retention;
        self.handle
            .write("cleanup", move |tx| {
                jobs::sweep(tx, retention, batch, clock.now())
            })
            .await
    }
}
