//! The cache as a tower layer, for clients and servers (feature `tower`).
//!
//! In a client, put it within layers that repeat requests or follow redirects, so that each of these requests is
//! looked up by itself. In a server, requests name their path only; the field `Host` and
//! [`with_scheme`](HttpCacheLayer::with_scheme) complete the URL by which responses are stored, and the inner service
//! gets the request as it came. A server that serves several users needs
//! [`Mode::Shared`](crate::policy::Mode::Shared).
//!
//! ```
//! use std::convert::Infallible;
//! use std::sync::Arc;
//!
//! use http::{Request, Response};
//! use http_cache_db::cache::Body;
//! use http_cache_db::middleware::tower::HttpCacheLayer;
//! use http_cache_db::{HttpCache, MemoryStore};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let cache = HttpCache::new(Arc::new(MemoryStore::new(64 * 1024 * 1024)));
//! let client = ServiceBuilder::new()
//!     .layer(HttpCacheLayer::new(cache))
//!     .service(service_fn(|_request: Request<Body>| async {
//!         let response = Response::builder().header("cache-control", "max-age=60");
//!         Ok::<_, Infallible>(response.body(Body::full("one")).unwrap_or_default())
//!     }));
//! for expected in ["http-cache;fwd=uri-miss;fwd-status=200;stored", "http-cache;hit;ttl=60"] {
//!     let request = Request::get("http://example.org/issues").body(Body::empty())?;
//!     let response = client.clone().oneshot(request).await?;
//!     assert_eq!(response.headers()["cache-status"], expected);
//!     # let read = response.into_body().bytes().await;
//!     # assert_eq!(read.map_err(|error| error.to_string())?, "one");
//! }
//! # Ok(())
//! # }
//! ```

mod origin;
mod target;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::uri::Scheme;
use http::{Request, Response};
use store_core::BoxError;
use tower_layer::Layer;
use tower_service::Service;

use self::origin::{NoAnswer, ServiceOrigin};
use self::target::{Target, target};
use super::{Permits, RateLimited, RateLimitedError};
use crate::HttpCache;
use crate::cache::{Body, Origin};

type Answer<E> = Pin<Box<dyn Future<Output = Result<Response<Body>, E>> + Send>>;

/// A layer that puts an [`HttpCache`] in front of a service.
#[derive(Clone, Debug)]
pub struct HttpCacheLayer<P = ()> {
    cache: HttpCache,
    scheme: Scheme,
    permits: P,
}

impl HttpCacheLayer {
    /// A layer with this cache.
    #[must_use]
    pub const fn new(cache: HttpCache) -> Self {
        Self {
            cache,
            scheme: Scheme::HTTP,
            permits: (),
        }
    }

    /// Takes a permit for each request to the inner service. The error is a [`RateLimitedError`] then. The permit is
    /// given back if the inner service fails to become ready.
    #[must_use]
    pub fn with_permits(self, permits: Permits) -> HttpCacheLayer<Permits> {
        HttpCacheLayer {
            cache: self.cache,
            scheme: self.scheme,
            permits,
        }
    }
}

impl<P> HttpCacheLayer<P> {
    /// Sets the scheme of requests that do not name theirs, those of a server. Default: `http`.
    #[must_use]
    pub fn with_scheme(mut self, scheme: Scheme) -> Self {
        self.scheme = scheme;
        self
    }
}

impl<S, P: Clone> Layer<S> for HttpCacheLayer<P> {
    type Service = HttpCacheService<S, P>;

    fn layer(&self, inner: S) -> Self::Service {
        HttpCacheService {
            layer: self.clone(),
            inner,
        }
    }
}

/// A service behind an [`HttpCache`]; [`HttpCacheLayer`] makes it.
///
/// It is always ready: a stored response needs no inner service. Each request that does waits until the inner service
/// is ready.
///
/// What no cache can take part in is handed to the inner service as it is: `CONNECT`, requests with the field
/// `Upgrade`, and those without a URL, because they name no host, or several.
#[derive(Clone, Debug)]
pub struct HttpCacheService<S, P = ()> {
    layer: HttpCacheLayer<P>,
    inner: S,
}

impl<S: Clone, P> HttpCacheService<S, P> {
    /// The request with an absolute target, if it can be answered from the cache, and the way to the inner service.
    fn prepare<B>(&self, request: Request<B>) -> (Request<Body>, bool, ServiceOrigin<S>)
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        let (mut parts, body) = request.into_parts();
        let mut origin = ServiceOrigin {
            service: self.inner.clone(),
            version: parts.version,
            asked: None,
            clock: Arc::clone(self.layer.cache.clock()),
        };
        let is_cached = match target(&parts, &self.layer.scheme) {
            Target::Absolute => true,
            Target::Completed(uri) => {
                origin.asked = Some(std::mem::replace(&mut parts.uri, uri));
                true
            }
            Target::None => false,
        };
        let request = Request::from_parts(parts, Body::new(body));
        (request, is_cached, origin)
    }

    fn answer<O: Origin, E: 'static>(
        &self,
        request: Request<Body>,
        is_cached: bool,
        origin: O,
        to_error: fn(O::Error) -> E,
    ) -> Answer<E> {
        let cache = self.layer.cache.clone();
        Box::pin(async move {
            let answer = if is_cached {
                cache.handle(request, &origin).await
            } else {
                origin.send(request).await
            };
            answer.map_err(to_error)
        })
    }
}

impl<S, B, R> Service<Request<B>> for HttpCacheService<S>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
    S: Service<Request<Body>, Response = Response<R>> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Error: Send + 'static,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = Answer<S::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (request, is_cached, origin) = self.prepare(request);
        self.answer(request, is_cached, origin, NoAnswer::into_inner)
    }
}

impl<S, B, R> Service<Request<B>> for HttpCacheService<S, Permits>
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
    S: Service<Request<Body>, Response = Response<R>> + Clone + Send + Sync + 'static,
    S::Future: Send,
    S::Error: Send + 'static,
    R: http_body::Body<Data = Bytes> + Send + 'static,
    R::Error: Into<BoxError>,
{
    type Response = Response<Body>;
    type Error = RateLimitedError<S::Error>;
    type Future = Answer<Self::Error>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (request, is_cached, origin) = self.prepare(request);
        let origin = RateLimited::new(origin, self.layer.permits.clone());
        self.answer(request, is_cached, origin, |error| match error {
            RateLimitedError::NoPermit(error) => RateLimitedError::NoPermit(error),
            RateLimitedError::Origin(error) => RateLimitedError::Origin(error.into_inner()),
        })
    }
}
