//! Frees room now and then, off the hot path, for as long as its store lives.

use std::future::Future;
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use store_core::{Clock, Result};
use tokio::runtime;
use tokio::task::AbortHandle;

/// What can be swept.
pub(crate) trait Sweep: Send + Sync + 'static {
    /// The most rows that one run removes.
    fn batch(&self) -> u32;

    /// Removes at most a batch of rows and returns how many it removed.
    fn sweep(&self) -> impl Future<Output = Result<u64>> + Send;
}

/// The task that sweeps a store; it ends with this value.
#[derive(Debug, Default)]
pub(crate) struct Sweeper {
    task: OnceLock<Option<AbortHandle>>,
}

impl Sweeper {
    /// Starts the task on first call.
    pub(crate) fn start<S: Sweep>(
        &self,
        store: &Arc<S>,
        clock: &Arc<dyn Clock>,
        interval: Option<Duration>,
    ) {
        self.task.get_or_init(|| {
            let runtime = runtime::Handle::try_current().ok()?;
            let work = sweep_every(interval?, Arc::clone(clock), Arc::downgrade(store));
            Some(runtime.spawn(work).abort_handle())
        });
    }

    pub(crate) fn stop(&self) {
        if let Some(Some(task)) = self.task.get() {
            task.abort();
        }
    }
}

impl Drop for Sweeper {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn sweep_every<S: Sweep>(interval: Duration, clock: Arc<dyn Clock>, store: Weak<S>) {
    loop {
        clock.sleep_until(clock.now() + interval).await;
        loop {
            let Some(store) = store.upgrade() else { return };
            match store.sweep().await {
                Ok(removed) if removed >= u64::from(store.batch()) => {
                    tokio::task::yield_now().await;
                }
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(%error, "a sweep failed; the next one tries again");
                    break;
                }
            }
        }
    }
}
