//! Permits for what the cache cannot answer.

use std::convert::Infallible;
use std::time::Duration;

use futures_util::future::ready;
use http::{Request, Response};
use http_cache_db::cache::{Body, Origin};
use http_cache_db::middleware::tower::HttpCacheLayer;
use http_cache_db::middleware::{Permits, RateLimited, RateLimitedError};
use store_core::{
    Acquire, AcquireError, Clock, HOUR, Limit, ManualClock, RateLimitOptions, RateLimitStore,
    RateLimitStoreExt, RateLimiterOptions, Reason, Resource, SECOND,
};
use store_memory::MemoryRateLimitStore;
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::support::{Counter, Fixture};

/// Permits of which each host has so many an hour, and that nobody waits for.
pub(crate) fn an_hour(number: u32, clock: &ManualClock) -> Permits {
    let options = RateLimitOptions::default()
        .with_default_config(Limit::new(number, HOUR))
        .with_clock(clock.clone());
    let waiting = RateLimiterOptions::default()
        .with_clock(clock.clone())
        .with_max_wait(Duration::ZERO);
    Permits::new(MemoryRateLimitStore::with_options(options).limiter_with(waiting))
}

fn get(path: &str) -> Request<Body> {
    let url = format!("http://example.org{path}");
    Request::get(url).body(Body::empty()).unwrap()
}

async fn ask<S>(service: &S, path: &str) -> Result<String, S::Error>
where
    S: Service<Request<Body>, Response = Response<Body>, Future: Send, Error: Send>
        + Clone
        + Send
        + Sync,
{
    let response = service.clone().oneshot(get(path)).await?;
    let body = response.into_body().bytes().await.unwrap();
    Ok(String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn a_miss_takes_a_permit_and_a_hit_takes_none() {
    let (it, calls) = (Fixture::new(), Counter::default());
    let inner = service_fn(move |_| {
        let body = Body::full(calls.count().to_string());
        let response = Response::builder().header("cache-control", "max-age=1");
        ready(Ok::<_, Infallible>(response.body(body).unwrap()))
    });
    let layer = HttpCacheLayer::new(it.cache.clone());
    let service = layer.with_permits(an_hour(2, &it.clock)).layer(inner);
    for (path, body) in [("/a", "0"), ("/a", "0"), ("/b", "1"), ("/a", "0")] {
        assert_eq!(ask(&service, path).await.unwrap(), body);
    }
    let error = ask(&service, "/c").await.unwrap_err();
    let first_leaves = it.clock.now() + HOUR;
    assert_eq!(error.retry_at(), Some(first_leaves));
    let RateLimitedError::NoPermit(AcquireError::Denied { reason, .. }) = error else {
        panic!("{error:?}");
    };
    let host = Resource::new("example.org").unwrap();
    assert_eq!(reason, Reason::WindowFull(host));
    // What is stale stands in for an origin that may not be asked.
    it.clock.advance(SECOND * 5);
    assert_eq!(ask(&service, "/a").await.unwrap(), "0");
    it.clock.advance(HOUR);
    assert_eq!(ask(&service, "/a").await.unwrap(), "2");
}

#[tokio::test]
async fn a_request_names_what_it_takes() {
    let it = Fixture::new();
    let permits = an_hour(1, &it.clock).with_acquire(|request| {
        let resource = Resource::new(request.uri.path()).unwrap();
        Acquire::one(&resource).background()
    });
    let origin = |_: Request<Body>| ready(Ok::<_, Infallible>(Response::new(Body::empty())));
    let origin = RateLimited::new(origin, permits);
    for (path, is_ok) in [("/a", true), ("/b", true), ("/a", false)] {
        let answer = it.cache.handle(get(path), &origin).await;
        assert_eq!(answer.is_ok(), is_ok, "{path}");
    }
}

/// An origin that no request reaches.
#[derive(Clone)]
struct OutOfReach {
    was_sent: bool,
}

impl Origin for OutOfReach {
    type Error = &'static str;

    async fn send(&self, _: Request<Body>) -> Result<Response<Body>, &'static str> {
        Err("no answer")
    }

    fn was_sent(&self, _: &&'static str) -> bool {
        self.was_sent
    }
}

#[tokio::test]
async fn a_request_that_was_not_sent_gives_its_permit_back() {
    for was_sent in [false, true] {
        let it = Fixture::new();
        let origin = RateLimited::new(OutOfReach { was_sent }, an_hour(1, &it.clock));
        let first = it.cache.handle(get("/a"), &origin).await.unwrap_err();
        assert!(matches!(first, RateLimitedError::Origin("no answer")));
        let second = it.cache.handle(get("/a"), &origin).await.unwrap_err();
        let is_denied = matches!(second, RateLimitedError::NoPermit(_));
        assert_eq!(is_denied, was_sent);
    }
}

#[tokio::test]
async fn a_service_that_does_not_get_ready_gives_the_permit_back() {
    let it = Fixture::new();
    let inner = NeverReady;
    let layer = HttpCacheLayer::new(it.cache.clone()).with_permits(an_hour(1, &it.clock));
    let service = layer.layer(inner);
    for _ in 0..2 {
        let error = ask(&service, "/a").await.unwrap_err();
        assert!(matches!(error, RateLimitedError::Origin("not ready")));
    }
}

#[derive(Clone)]
struct NeverReady;

impl Service<Request<Body>> for NeverReady {
    type Response = Response<Body>;
    type Error = &'static str;
    type Future = std::future::Pending<Result<Response<Body>, &'static str>>;

    fn poll_ready(
        &mut self,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Result<(), &'static str>> {
        std::task::Poll::Ready(Err("not ready"))
    }

    fn call(&mut self, _: Request<Body>) -> Self::Future {
        std::future::pending()
    }
}

#[tokio::test]
async fn a_limiter_that_fails_sends_nothing() {
    let (it, calls) = (Fixture::new(), Counter::default());
    let limits = MemoryRateLimitStore::new(Limit::new(1, HOUR));
    limits.close().await.unwrap();
    let counted = calls.clone();
    let origin = move |_: Request<Body>| {
        counted.count();
        ready(Ok::<_, Infallible>(Response::new(Body::empty())))
    };
    let origin = RateLimited::new(origin, Permits::new(limits.limiter()));
    let error = it.cache.handle(get("/a"), &origin).await.unwrap_err();
    assert!(matches!(
        error,
        RateLimitedError::NoPermit(AcquireError::Store(_))
    ));
    assert_eq!((error.retry_at(), calls.counted()), (None, 0));
}
