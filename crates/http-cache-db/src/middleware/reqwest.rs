//! The cache as a middleware of reqwest (feature `reqwest`).
//!
//! Put it after middlewares that repeat requests, so that each of these is looked up and takes its permit, and after
//! those that add fields to requests. What the client itself adds, such as its default headers and cookies, the
//! cache does not see: clients that differ in it need stores of their own.
//!
//! ```
//! use std::sync::Arc;
//!
//! use http_cache_db::middleware::reqwest::HttpCacheMiddleware;
//! use http_cache_db::{HttpCache, MemoryStore};
//! use reqwest_middleware::ClientBuilder;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use std::sync::atomic::{AtomicU32, Ordering};
//! # let sent = Arc::new(AtomicU32::new(0));
//! # let counter = Arc::clone(&sent);
//! # let answer = move || {
//! #     counter.fetch_add(1, Ordering::SeqCst);
//! #     async { ([("cache-control", "max-age=60")], "one") }
//! # };
//! # let router = axum::Router::new().route("/issues", axum::routing::get(answer));
//! # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! # let url = format!("http://{}/issues", listener.local_addr()?);
//! # tokio::spawn(async { axum::serve(listener, router).await });
//! let cache = HttpCache::new(Arc::new(MemoryStore::new(64 * 1024 * 1024)));
//! # let _installed = rustls::crypto::ring::default_provider().install_default();
//! let client = ClientBuilder::new(reqwest::Client::new())
//!     .with(HttpCacheMiddleware::new(cache))
//!     .build();
//! for _ in 0..2 {
//!     let body = client.get(&url).send().await?.text().await?;
//!     assert_eq!(body, "one");
//! }
//! # assert_eq!(sent.load(Ordering::SeqCst), 1);
//! # Ok(())
//! # }
//! ```

mod body;
mod link;

use std::fmt;
use std::pin::pin;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::{Either, select};
use http::{Extensions, Uri, header};
use reqwest::{Request, Response, ResponseBuilderExt};
use reqwest_middleware::{ClientWithMiddleware, Error, Middleware, Next, Result};

use self::body::SyncBody;
use self::link::{FromNetwork, Link, Template, Way};
use super::{Permits, RateLimited, RateLimitedError};
use crate::HttpCache;
use crate::cache::Body;
use crate::fields::Directive;
use crate::policy::Policy;
use crate::store::Tags;

/// Answers the requests of a client from an [`HttpCache`] where that is possible.
///
/// - What the client sends, and the middlewares after this one, is not looked at. A request that the cache sends twice
///   because the first answer was of no use passes them twice.
/// - A [`Policy`] among the extensions of a request takes the place of the cache's; [`Tags`] there are those of the
///   response that is stored.
/// - A response that a redirect led to is not stored. To cache such, build the client with
///   [`redirect::Policy::none`](reqwest::redirect::Policy::none), and follow `Location` by requests of your own.
/// - A request whose future is dropped ends; if it was unsafe, the stored responses of its target become invalid.
/// - Requests with the field `Upgrade` go to the client as they are.
pub struct HttpCacheMiddleware {
    cache: HttpCache,
    permits: Option<Permits>,
    background: Option<ClientWithMiddleware>,
}

impl HttpCacheMiddleware {
    /// A middleware with this cache. `stale-while-revalidate` has no effect: what is stale is validated before it
    /// answers, because the chain of middlewares ends with the request.
    #[must_use]
    pub const fn new(cache: HttpCache) -> Self {
        Self {
            cache,
            permits: None,
            background: None,
        }
    }

    /// Validates with this client in the background, as `stale-while-revalidate` asks for. It is a
    /// [`reqwest::Client`], or one with those middlewares that authenticate, for example; not with this one.
    #[must_use]
    pub fn with_background_client(mut self, client: impl Into<ClientWithMiddleware>) -> Self {
        self.background = Some(client.into());
        self
    }

    /// Takes a permit for each request that is sent. A request that gets none fails with an [`Error::Middleware`]
    /// that is an [`AcquireError`](store_core::AcquireError). The permit is given back if no connection was made.
    #[must_use]
    pub fn with_permits(mut self, permits: Permits) -> Self {
        self.permits = Some(permits);
        self
    }

    async fn answer(
        &self,
        request: http::Request<Body>,
        origin: Link,
    ) -> Result<http::Response<Body>> {
        let Some(permits) = &self.permits else {
            return self.cache.handle(request, &origin).await;
        };
        let origin = RateLimited::new(origin, permits.clone());
        let answer = self.cache.handle(request, &origin).await;
        answer.map_err(|error| match error {
            RateLimitedError::NoPermit(error) => Error::middleware(error),
            RateLimitedError::Origin(error) => error,
        })
    }

    /// The rules for a request, if they are others than the cache's.
    fn policy(&self, extensions: &Extensions) -> Option<Policy> {
        let own = extensions.get::<Policy>();
        if self.background.is_some() {
            return own.cloned();
        }
        let policy = own.unwrap_or_else(|| self.cache.policy()).clone();
        Some(policy.ignoring(Directive::StaleWhileRevalidate))
    }
}

#[async_trait]
impl Middleware for HttpCacheMiddleware {
    async fn handle(
        &self,
        mut request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> Result<Response> {
        // No part of a target; the URL of a response has none either.
        request.url_mut().set_fragment(None);
        let url = request.url().clone();
        // reqwest tells what is wrong with a target.
        let uri = url.as_str().parse::<Uri>();
        let Ok(uri) = uri else {
            return next.run(request, extensions).await;
        };
        if request.headers().contains_key(header::UPGRADE) {
            return next.run(request, extensions).await;
        }
        let template = Template::of(&mut request);
        let mut asked = http::Request::new(
            request
                .body_mut()
                .take()
                .map_or_else(Body::empty, Body::new),
        );
        *asked.method_mut() = request.method().clone();
        *asked.uri_mut() = uri;
        *asked.headers_mut() = std::mem::take(request.headers_mut());
        if let Some(policy) = self.policy(extensions) {
            asked.extensions_mut().insert(policy);
        }
        if let Some(tags) = extensions.get::<Tags>() {
            asked.extensions_mut().insert(tags.clone());
        }
        let (way, mut requests) = Way::channel();
        let link = Link {
            template: Arc::new(template),
            way,
            background: self.background.clone(),
        };
        // Holds the channel open: the sending ends with the answer.
        let _open = link.clone();
        let sending = async {
            while let Some(sent) = requests.recv().await {
                let answer = next.clone().run(sent.request, &mut *extensions).await;
                // Nobody waits for the answer any more if the cache has given up.
                drop(sent.reply.send(answer));
            }
        };
        let answer = match select(pin!(self.answer(asked, link)), pin!(sending)).await {
            Either::Left((answer, _)) => answer,
            Either::Right(((), answer)) => answer.await,
        };
        Ok(response(answer?, url))
    }
}

impl fmt::Debug for HttpCacheMiddleware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpCacheMiddleware")
            .field("cache", &self.cache)
            .field("permits", &self.permits)
            .finish_non_exhaustive()
    }
}

/// The answer, which is of `url` unless the client was redirected.
fn response(mut answer: http::Response<Body>, url: reqwest::Url) -> Response {
    let network = answer.extensions_mut().remove::<FromNetwork>();
    let (url, version) = match network {
        Some(network) => (network.url, network.version),
        None => (url, answer.version()),
    };
    let (parts, body) = answer.into_parts();
    let mut response = http::Response::builder().url(url).version(version);
    if let Some(extensions) = response.extensions_mut() {
        extensions.extend(parts.extensions);
    }
    let body = reqwest::Body::wrap(SyncBody::new(body));
    let mut response = response.body(body).unwrap_or_default();
    *response.status_mut() = parts.status;
    *response.headers_mut() = parts.headers;
    response.into()
}
