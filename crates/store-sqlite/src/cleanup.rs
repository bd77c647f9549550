//! The periodic background cleanup of a store.

use std::future::Future;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use store_core::{Clock, ErrorKind, Result};
use tokio::runtime;
use tokio::task::AbortHandle;

/// A store whose expired rows can be removed.
pub(crate) trait Cleanup: Send + Sync + 'static {
    /// The most rows that one run removes.
    fn batch_size(&self) -> u32;

    /// Removes at most a batch of expired rows and returns their number.
    fn cleanup(&self) -> impl Future<Output = Result<u64>> + Send;
}

/// The background task of a store; dropping this aborts it.
#[derive(Debug)]
pub(crate) struct CleanupTask {
    interval: Option<Duration>,
    task: OnceLock<Option<AbortHandle>>,
}

impl CleanupTask {
    /// A task that has not started; without an interval it never does.
    pub(crate) const fn new(interval: Option<Duration>) -> Self {
        Self {
            interval,
            task: OnceLock::new(),
        }
    }

    /// Starts the task on the first call, if there is a tokio runtime and an interval.
    pub(crate) fn start<S: Cleanup>(&self, store: &Arc<S>, clock: &Arc<dyn Clock>) {
        self.task.get_or_init(|| {
            let runtime = runtime::Handle::try_current().ok()?;
            let task = run_every(self.interval?, Arc::clone(clock), Arc::downgrade(store));
            Some(runtime.spawn(task).abort_handle())
        });
    }

    pub(crate) fn stop(&self) {
        if let Some(Some(task)) = self.task.get() {
            task.abort();
        }
    }
}

impl Drop for CleanupTask {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Cleans up `store` after each `interval`, until it is dropped or closed, or its database is closed.
async fn run_every<S: Cleanup>(interval: Duration, clock: Arc<dyn Clock>, store: Weak<S>) {
    loop {
        clock.sleep_until(clock.now() + interval).await;
        loop {
            let Some(store) = store.upgrade() else { return };
            match store.cleanup().await {
                Ok(removed) if removed >= u64::from(store.batch_size()) => {
                    tokio::task::yield_now().await;
                }
                Ok(_) => break,
                Err(error) if error.kind() == ErrorKind::Closed => return,
                Err(error) => {
                    tracing::warn!(%error, "a cleanup failed; it is retried at the next interval");
                    break;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use store_core::{Error, ManualClock};

    use super::*;
    use crate::error::BACKEND;

    /// A store whose second cleanup finds its database closed.
    #[derive(Default)]
    struct ClosingStore {
        cleanups: AtomicU32,
    }

    impl Cleanup for ClosingStore {
        fn batch_size(&self) -> u32 {
            1
        }

        async fn cleanup(&self) -> Result<u64> {
            let kind = match self.cleanups.fetch_add(1, Ordering::Relaxed) {
                0 => ErrorKind::Busy,
                1 => ErrorKind::Closed,
                _ => panic!("a cleanup of a closed database"),
            };
            Err(Error::new(kind, BACKEND, "cleanup"))
        }
    }

    #[tokio::test]
    async fn the_task_outlives_other_errors_and_ends_when_the_database_is_closed() {
        let store = Arc::new(ClosingStore::default());
        let clock = Arc::new(ManualClock::default());
        run_every(Duration::ZERO, clock, Arc::downgrade(&store)).await;
        assert_eq!(store.cleanups.load(Ordering::Relaxed), 2);
    }
}
