//! How long a request waits for the store.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Either, select};
use store_core::{Clock, Error, ErrorKind, Result};

/// How long a request waits for the store, which may be slow or stuck.
#[derive(Clone, Debug)]
pub(super) struct Patience {
    clock: Arc<dyn Clock>,
    limit: Duration,
}

impl Patience {
    pub(super) const fn new(clock: Arc<dyn Clock>, limit: Duration) -> Self {
        Self { clock, limit }
    }

    /// Ends once the patience that begins now is over.
    pub(super) fn over(&self) -> BoxFuture<'static, ()> {
        let (clock, limit) = (Arc::clone(&self.clock), self.limit);
        async move { clock.sleep(limit).await }.boxed()
    }

    /// What `work` yields; `None` if it takes too long.
    pub(super) async fn bound<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let over = self.clock.sleep(self.limit);
        match select(pin!(work), pin!(over)).await {
            Either::Left((done, _)) => Some(done),
            Either::Right(_) => None,
        }
    }

    /// What `work` on the store yields, or an error of the kind `Timeout`.
    pub(super) async fn wait<T>(
        &self,
        operation: &'static str,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let done = self.bound(work).await;
        done.unwrap_or_else(|| Err(too_slow(operation)))
    }
}

pub(super) fn too_slow(operation: &'static str) -> Error {
    Error::new(ErrorKind::Timeout, "http-cache", operation).with_detail("the store is too slow")
}
