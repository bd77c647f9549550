//! De-duplication: a [`Board`] of jobs, and [`JobSignals`] that wake those who wait for them.

mod board;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use store_core::local::JobSignals;
use store_core::{
    DedupeStats, DedupeStore, Heartbeat, JobId, JobInfo, JobOutcome, JobResult, Key, Ownership,
    Page, PageRequest, Priority, Registration, Result, Selection, Settlement, Timestamp,
};

use self::board::{Board, Ending, Sight, Turn};
use crate::options::DedupeOptions;
use crate::store::Shared;

/// De-duplication among the tasks of one process. Clones share their jobs.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use store_core::{DedupeStore, Key, Priority, Registration};
/// use store_memory::MemoryDedupeStore;
///
/// let jobs = MemoryDedupeStore::new();
/// let key = Key::new("comics:1")?;
/// let first = jobs.register_or_join(&key, Priority::User).await?;
/// let second = jobs.register_or_join(&key, Priority::User).await?;
/// assert!(matches!(first, Registration::Owner(_)));
/// assert!(matches!(second, Registration::Joined(_)));
/// # Ok::<(), store_core::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct MemoryDedupeStore {
    shared: Arc<Shared<Board>>,
    signals: JobSignals,
    options: Arc<DedupeOptions>,
}

impl MemoryDedupeStore {
    /// A store without jobs with default options.
    #[must_use]
    pub fn new() -> Self {
        Self::with_options(DedupeOptions::default())
    }

    /// A store without jobs.
    #[must_use]
    pub fn with_options(options: DedupeOptions) -> Self {
        Self {
            shared: Arc::new(Shared::new(Board::new(
                options.lease,
                options.result_retention,
            ))),
            signals: JobSignals::default(),
            options: Arc::new(options),
        }
    }

    fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    /// The ownership of `job`. Made under the board's lock, so that nobody can raise the priority of
    /// an owner that cannot hear of it yet.
    fn ownership(&self, key: &Key, job: JobId, priority: Priority) -> Ownership {
        let demand = self.signals.own(key, job, priority);
        let (shared, signals) = (Arc::clone(&self.shared), self.signals.clone());
        let abandoned = key.clone();
        Ownership::new(key.clone(), job, self.options.lease, demand, move || {
            if shared.settle(|board| board.abandon(&abandoned, &job)) {
                signals.notify(&abandoned);
            }
        })
    }

    fn end(&self, operation: &'static str, owner: Ownership, ending: Ending) -> Result<Settlement> {
        let now = self.now();
        let settlement = self.shared.run(operation, |board| {
            Ok(board.end(owner.key(), owner.job(), ending, now))
        })?;
        if settlement == Settlement::Settled {
            self.signals.notify(owner.key());
        }
        owner.disarm();
        Ok(settlement)
    }
}

impl Default for MemoryDedupeStore {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl DedupeStore for MemoryDedupeStore {
    async fn register_or_join(&self, key: &Key, priority: Priority) -> Result<Registration> {
        let now = self.now();
        let fresh = JobId::random(&*self.options.random);
        self.shared.run("register_or_join", |board| {
            Ok(match board.register_or_join(key, fresh, priority, now) {
                Turn::Own => Registration::Owner(self.ownership(key, fresh, priority)),
                Turn::Join(job) => {
                    self.signals.raise(key, &job, priority);
                    Registration::Joined(job)
                }
            })
        })
    }

    async fn wait_for(&self, key: &Key, job: &JobId, timeout: Duration) -> Result<JobOutcome> {
        let deadline = self.now() + timeout;
        let mut watch = self.signals.watch(key);
        loop {
            let now = self.now();
            let sight = self
                .shared
                .run("wait_for", |board| Ok(board.look_at(key, job, now)))?;
            let lapses_at = match sight {
                Sight::Ended(Ending::Completed(JobResult::Value(value))) => {
                    return Ok(JobOutcome::Value(value));
                }
                Sight::Ended(Ending::Completed(JobResult::NotShared)) => {
                    return Ok(JobOutcome::NotShared);
                }
                Sight::Ended(Ending::Failed(error)) => return Ok(JobOutcome::OwnerFailed(error)),
                Sight::Gone => return Ok(JobOutcome::Lapsed),
                Sight::Pending { .. } if now >= deadline => return Ok(JobOutcome::TimedOut),
                Sight::Pending { lapses_at } => lapses_at,
            };
            let until = lapses_at.min(deadline);
            tokio::select! {
                () = watch.changed() => {}
                () = self.options.clock.sleep_until(until) => {}
            }
        }
    }

    async fn heartbeat(&self, key: &Key, job: &JobId) -> Result<Heartbeat> {
        let now = self.now();
        self.shared
            .run("heartbeat", |board| Ok(board.heartbeat(key, job, now)))
    }

    async fn complete(&self, owner: Ownership, result: JobResult) -> Result<Settlement> {
        let result = match result {
            JobResult::Value(value) if value.len() > self.options.inline_limit_bytes => {
                JobResult::NotShared
            }
            JobResult::Value(_) | JobResult::NotShared => result,
        };
        self.end("complete", owner, Ending::Completed(result))
    }

    async fn fail(&self, owner: Ownership, error: &str) -> Result<Settlement> {
        self.end("fail", owner, Ending::Failed(error.to_owned()))
    }

    async fn is_in_progress(&self, key: &Key) -> Result<bool> {
        let now = self.now();
        self.shared
            .run("is_in_progress", |board| Ok(board.is_in_progress(key, now)))
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<JobInfo>> {
        let now = self.now();
        self.shared.run("list", |board| Ok(board.list(page, now)))
    }

    async fn stats(&self) -> Result<DedupeStats> {
        let now = self.now();
        self.shared.run("stats", |board| Ok(board.stats(now)))
    }

    async fn clear(&self, selection: &Selection) -> Result<u64> {
        let cleared = self
            .shared
            .run("clear", |board| Ok(board.clear(selection)))?;
        self.signals.notify_all();
        Ok(cleared)
    }

    async fn cleanup(&self) -> Result<u64> {
        let now = self.now();
        let most = self.options.cleanup_batch as usize;
        self.shared
            .run("cleanup", |board| Ok(board.sweep(most, now)))
    }

    async fn close(&self) -> Result<()> {
        self.shared.close();
        self.signals.notify_all();
        Ok(())
    }
}
