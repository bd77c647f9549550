//! De-duplication: a [`JobTable`], and [`JobSignals`] that wake those who wait for its jobs.

mod jobs;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use store_core::backend::{Deadline, JobEnd, JobSignals, end_ownership, new_ownership};
use store_core::{
    DedupeOptions, DedupeStats, DedupeStore, EndOutcome, FencingToken, Heartbeat, JobId, JobInfo,
    JobOutcome, JobResult, Key, Ownership, Page, PageRequest, Priority, Registration, Result,
    Selection, Timestamp,
};

use self::jobs::{JobTable, JoinedState, Registered};
use crate::options::CLEANUP_BATCH;
use crate::shared::Shared;

/// De-duplication among the tasks of one process. Clones share their jobs.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use store_memory::{DedupeStore, Key, MemoryDedupeStore, Priority, Registration};
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
    shared: Arc<Shared<JobTable>>,
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
            shared: Arc::new(Shared::new(JobTable::new(
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

    /// The ownership of `job`. Made under the table's lock, so that no joiner raises the priority
    /// before the owner can see it.
    fn ownership(
        &self,
        key: &Key,
        job: JobId,
        token: FencingToken,
        priority: Priority,
    ) -> Ownership {
        let raised = self.signals.own(key, job, priority);
        let (shared, signals) = (Arc::clone(&self.shared), self.signals.clone());
        let (lease, abandoned) = (self.options.lease, key.clone());
        new_ownership(key.clone(), job, token, lease, raised, move || {
            if shared.write_always(|jobs| jobs.abandon(&abandoned, &job)) {
                signals.notify(&abandoned);
            }
        })
    }

    fn end(
        &self,
        operation: &'static str,
        owner: &mut Ownership,
        end: JobEnd,
    ) -> Result<EndOutcome> {
        let now = self.now();
        let outcome = self.shared.write(operation, |jobs| {
            Ok(jobs.end(owner.key(), owner.job(), end, now))
        })?;
        if outcome == EndOutcome::Ended {
            self.signals.notify(owner.key());
        }
        end_ownership(owner);
        Ok(outcome)
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
        self.shared.write("register_or_join", |jobs| {
            Ok(match jobs.register_or_join(key, fresh, priority, now) {
                Registered::Owner(token) => {
                    Registration::Owner(self.ownership(key, fresh, token, priority))
                }
                Registered::Joined(job) => {
                    self.signals.raise(key, &job, priority);
                    Registration::Joined(job)
                }
            })
        })
    }

    async fn wait_for(&self, key: &Key, job: &JobId, timeout: Duration) -> Result<JobOutcome> {
        let clock = &*self.options.clock;
        let deadline = Deadline::after(timeout, clock);
        let mut watch = self.signals.watch(key);
        loop {
            let now = self.now();
            let state = self
                .shared
                .write("wait_for", |jobs| Ok(jobs.joined_state(key, job, now)))?;
            let lapses_at = match state {
                JoinedState::Ended(end) => return Ok(end.into()),
                JoinedState::Gone => return Ok(JobOutcome::Lapsed),
                JoinedState::Pending { .. } if deadline.is_over(clock) => {
                    return Ok(JobOutcome::TimedOut);
                }
                JoinedState::Pending { lapses_at } => lapses_at,
            };
            let left = lapses_at.since(now).min(deadline.left(clock));
            tokio::select! {
                () = watch.changed() => {}
                () = clock.sleep(left) => {}
            }
        }
    }

    async fn heartbeat(&self, key: &Key, job: &JobId) -> Result<Heartbeat> {
        let now = self.now();
        self.shared
            .write("heartbeat", |jobs| Ok(jobs.heartbeat(key, job, now)))
    }

    async fn complete(&self, owner: &mut Ownership, result: JobResult) -> Result<EndOutcome> {
        self.end("complete", owner, JobEnd::Completed(result))
    }

    async fn fail(&self, owner: &mut Ownership, error: &str) -> Result<EndOutcome> {
        self.end("fail", owner, JobEnd::Failed(error.to_owned()))
    }

    async fn is_in_progress(&self, key: &Key) -> Result<bool> {
        let now = self.now();
        self.shared.write("is_in_progress", |jobs| {
            Ok(jobs.lease_left(key, now).is_some())
        })
    }

    async fn lease_left(&self, key: &Key) -> Result<Option<Duration>> {
        let now = self.now();
        self.shared
            .write("lease_left", |jobs| Ok(jobs.lease_left(key, now)))
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<JobInfo>> {
        let now = self.now();
        self.shared.write("list", |jobs| Ok(jobs.list(page, now)))
    }

    async fn stats(&self) -> Result<DedupeStats> {
        let now = self.now();
        self.shared.write("stats", |jobs| Ok(jobs.stats(now)))
    }

    async fn clear(&self, selection: &Selection) -> Result<u64> {
        let cleared = self
            .shared
            .write("clear", |jobs| Ok(jobs.clear(selection)))?;
        self.signals.notify_all();
        Ok(cleared)
    }

    async fn cleanup(&self) -> Result<u64> {
        let now = self.now();
        let most = self.options.cleanup_batch.unwrap_or(CLEANUP_BATCH) as usize;
        self.shared
            .write("cleanup", |jobs| Ok(jobs.cleanup(most, now)))
    }

    async fn close(&self) -> Result<()> {
        self.shared.close();
        self.signals.notify_all();
        Ok(())
    }
}
