//! The periodic background cleanup of a store.

use std::future::Future;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use store_core::{Clock, Result};
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
#[derive(Debug, Default)]
pub(crate) struct CleanupTask {
    task: OnceLock<Option<AbortHandle>>,
}

impl CleanupTask {
    /// Starts the task on the first call, if there is a tokio runtime and an interval.
    pub(crate) fn start<S: Cleanup>(
        &self,
        store: &Arc<S>,
        clock: &Arc<dyn Clock>,
        interval: Option<Duration>,
    ) {
        self.task.get_or_init(|| {
            let runtime = runtime::Handle::try_current().ok()?;
            let task = run_every(interval?, Arc::clone(clock), Arc::downgrade(store));
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
                Err(error) => {
                    tracing::warn!(%error, "a cleanup failed; it is retried at the next interval");
                    break;
                }
            }
        }
    }
}
