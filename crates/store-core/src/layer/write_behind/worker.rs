//! The background task: receives what is queued, and delivers a few keys at once.

use std::future::poll_fn;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::{AbortHandle, JoinSet};
use tracing::{debug, warn};

use super::deliver::deliver;
use super::inner::Inner;
use crate::cache::CacheStore;
use crate::error::{Error, ErrorKind, Result};

/// The task; dropping this ends it, and the deliveries under way, whose leases lapse.
#[derive(Debug)]
pub(super) struct Worker {
    task: AbortHandle,
    is_stopped: AtomicBool,
}

impl Worker {
    pub(super) fn start<S: CacheStore>(inner: &Arc<Inner<S>>) -> Result<Self> {
        let runtime = Handle::try_current().map_err(|source| {
            Error::invalid(
                "start",
                "writes are delivered within a Tokio runtime; call it in one",
            )
            .with_source(source)
        })?;
        Ok(Self {
            task: runtime.spawn(run(Arc::clone(inner))).abort_handle(),
            is_stopped: AtomicBool::new(false),
        })
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Acquire)
    }

    pub(super) fn stop(&self) {
        self.is_stopped.store(true, Ordering::Release);
        self.task.abort();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn run<S: CacheStore>(inner: Arc<Inner<S>>) {
    let mut under_way = JoinSet::new();
    loop {
        let free = inner.options.concurrency.get() - under_way.len();
        let mut pause = Duration::MAX;
        if let Some(free) = NonZeroUsize::new(free) {
            match inner.queue.receive(free).await {
                Ok(received) => {
                    pause = received.next_in.unwrap_or(Duration::MAX);
                    for delivery in received.deliveries {
                        under_way.spawn(deliver(Arc::clone(&inner), delivery));
                    }
                }
                Err(error) if error.kind() == ErrorKind::Closed => {
                    debug!("the queue was closed; nothing more is delivered");
                    return;
                }
                Err(error) => warn!(%error, "the queue of writes cannot be read"),
            }
            pause = pause.min(inner.options.poll_interval);
        }
        if under_way.len() >= inner.options.concurrency.get() {
            // Nothing is received before a delivery has ended.
            pause = Duration::MAX;
        }
        wait(&inner, &mut under_way, pause).await;
    }
}

/// Waits until a delivery has ended, a write was accepted here, or the pause is over.
async fn wait<S: CacheStore>(inner: &Inner<S>, under_way: &mut JoinSet<()>, pause: Duration) {
    let mut accepted = pin!(inner.accepted.notified());
    let mut slept = (pause < Duration::MAX).then(|| inner.options.clock.sleep(pause));
    poll_fn(|context| {
        if let Poll::Ready(Some(ended)) = under_way.poll_join_next(context) {
            if let Err(error) = ended
                && error.is_panic()
            {
                warn!("a delivery has panicked; it is tried again when its lease has lapsed");
            }
            return Poll::Ready(());
        }
        if accepted.as_mut().poll(context).is_ready() {
            return Poll::Ready(());
        }
        match &mut slept {
            Some(sleep) => sleep.as_mut().poll(context),
            None => Poll::Pending,
        }
    })
    .await;
}
