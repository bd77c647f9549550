//! The way to the origin.

use http::{Request, Response};
use store_core::Timestamp;

use super::body::Body;

/// Sends requests to the origin. A closure over a request that returns a future is one.
///
/// The request has an absolute target, the extensions of the request that the cache was asked, and among them the
/// [`CacheStatus`](crate::engine::CacheStatus) so far: why it is sent. `Host` may be missing, and lengths are those of the body.
pub trait Origin: Clone + Send + Sync + 'static {
    /// Why there is no answer.
    type Error: Send + 'static;

    /// Sends a request; yields the response once its head has arrived.
    ///
    /// # Errors
    /// If there is none.
    fn send(
        &self,
        request: Request<Body>,
    ) -> impl Future<Output = Result<Response<Body>, Self::Error>> + Send;

    /// Whether the request that failed with this error may have reached the origin. One that certainly has not
    /// makes nothing invalid, and gives its permit back.
    ///
    /// Default: it may have.
    fn was_sent(&self, _error: &Self::Error) -> bool {
        true
    }

    /// The same origin for work in the background, which no client waits for.
    #[must_use]
    fn detached(&self) -> Self {
        self.clone()
    }
}

/// When the request was sent, among the extensions of a response: for an origin that waits before it sends, so that
/// the wait is no part of the response's age.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentAt(pub Timestamp);

/// Among the extensions of a response: the origin followed a redirect, and this is of another target than the one
/// that was asked for. It is passed on and not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Redirected;

impl<F, Answer, E> Origin for F
where
    F: Fn(Request<Body>) -> Answer + Clone + Send + Sync + 'static,
    Answer: Future<Output = Result<Response<Body>, E>> + Send,
    E: Send + 'static,
{
    type Error = E;

    fn send(
        &self,
        request: Request<Body>,
    ) -> impl Future<Output = Result<Response<Body>, E>> + Send {
        self(request)
    }
}
