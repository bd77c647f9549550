//! The inner service as an origin.

use std::future::poll_fn;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, Uri, Version};
use store_core::{BoxError, Clock};
use tower_service::Service;

use crate::cache::{Body, Origin, SentAt};

/// The inner service of one request.
#[derive(Clone, Debug)]
pub(super) struct ServiceOrigin<S> {
    pub(super) service: S,
    pub(super) version: Version,
    /// The target as it came, if it was completed for the cache.
    pub(super) asked: Option<Uri>,
    pub(super) clock: Arc<dyn Clock>,
}

/// The error of the inner service.
#[derive(Debug)]
pub(super) enum NoAnswer<E> {
    /// It did not become ready, and was not called.
    NotReady(E),
    Failed(E),
}

impl<E> NoAnswer<E> {
    pub(super) fn into_inner(self) -> E {
        match self {
            Self::NotReady(error) | Self::Failed(error) => error,
        }
    }
}

impl<S, R> Origin for ServiceOrigin<S>
where
    S: Service<Request<Body>, Response = Response<R>> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Error: Send + 'static,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Error = NoAnswer<S::Error>;

    async fn send(&self, mut request: Request<Body>) -> Result<Response<Body>, Self::Error> {
        if let Some(asked) = &self.asked {
            *request.uri_mut() = asked.clone();
        }
        *request.version_mut() = self.version;
        // A clone may not be ready although the original is.
        let mut service = self.service.clone();
        let ready = poll_fn(|context| service.poll_ready(context)).await;
        ready.map_err(NoAnswer::NotReady)?;
        let sent_at = SentAt(self.clock.now());
        let response = service.call(request).await.map_err(NoAnswer::Failed)?;
        let mut response = response.map(Body::new);
        response.extensions_mut().insert(sent_at);
        Ok(response)
    }

    fn was_sent(&self, error: &Self::Error) -> bool {
        match error {
            NoAnswer::NotReady(_) => false,
            NoAnswer::Failed(_) => true,
        }
    }
}
