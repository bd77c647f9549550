//! The layer in front of a client.

use std::convert::Infallible;
use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::future::{Ready, ready};
use futures_util::stream;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use http_cache_db::cache::Body;
use http_cache_db::events::Event;
use http_cache_db::middleware::tower::HttpCacheLayer;
use store_core::SECOND;
use tokio::sync::Semaphore;
use tower::{Layer, Service, ServiceExt, service_fn};

use crate::support::{Counter, Fixture, is_stored, until};

const FRESH: &str = "max-age=60";

fn get(path: &str) -> Request<Body> {
    let url = format!("http://example.org{path}");
    Request::get(url).body(Body::empty()).unwrap()
}

fn answer(cache_control: &str, body: Body) -> Response<Body> {
    let response = Response::builder().header("cache-control", cache_control);
    response.body(body).unwrap()
}

/// Answers with the number of requests before.
fn counting(
    cache_control: &'static str,
    calls: &Counter,
) -> impl Service<
    Request<Body>,
    Response = Response<Body>,
    Error = Infallible,
    Future = Ready<Result<Response<Body>, Infallible>>,
> + Clone
+ Send
+ Sync
+ use<> {
    let calls = calls.clone();
    service_fn(move |_| {
        let body = Body::full(calls.count().to_string());
        ready(Ok(answer(cache_control, body)))
    })
}

async fn ask<S>(service: &S, path: &str) -> Bytes
where
    S: Service<Request<Body>, Response = Response<Body>, Future: Send, Error: Debug + Send>
        + Clone
        + Send
        + Sync,
{
    let response = service.clone().oneshot(get(path)).await.unwrap();
    response.into_body().bytes().await.unwrap()
}

#[tokio::test]
async fn a_stored_response_needs_no_inner_service() {
    let (it, calls) = (Fixture::new(), Counter::default());
    let service = HttpCacheLayer::new(it.cache.clone()).layer(counting(FRESH, &calls));
    for body in ["0", "0"] {
        assert_eq!(ask(&service, "/issues").await, body);
    }
    assert_eq!(ask(&service, "/other").await, "1");
}

#[tokio::test]
async fn equal_requests_at_the_same_time_are_one() {
    let (it, calls, gate) = (
        Fixture::new(),
        Counter::default(),
        Arc::new(Semaphore::new(0)),
    );
    let (counted, opened) = (calls.clone(), Arc::clone(&gate));
    let inner = service_fn(move |_| {
        let (gate, number) = (Arc::clone(&opened), counted.count());
        async move {
            gate.acquire().await.unwrap().forget();
            Ok::<_, Infallible>(answer(FRESH, Body::full(number.to_string())))
        }
    });
    let service = HttpCacheLayer::new(it.cache.clone()).layer(inner);
    let asking = [(); 2].map(|()| {
        let service = service.clone();
        tokio::spawn(async move { ask(&service, "/issues").await })
    });
    it.until_told(1, |event| matches!(event, Event::Collapsed { .. }))
        .await;
    gate.add_permits(1);
    for answer in asking {
        assert_eq!(answer.await.unwrap(), "0");
    }
    assert_eq!(calls.counted(), 1);
}

#[tokio::test]
async fn a_stale_response_is_validated_in_the_background() {
    let (it, calls) = (Fixture::new(), Counter::default());
    let inner = counting("max-age=1, stale-while-revalidate=60", &calls);
    let service = HttpCacheLayer::new(it.cache.clone()).layer(inner);
    ask(&service, "/issues").await;
    it.clock.advance(SECOND * 2);
    assert_eq!(ask(&service, "/issues").await, "0");
    it.until_told(2, is_stored).await;
    assert_eq!(ask(&service, "/issues").await, "1");
}

#[tokio::test]
async fn errors_of_the_inner_service_pass_through() {
    let it = Fixture::new();
    let inner = service_fn(|_| ready(Err::<Response<Body>, _>("down")));
    let service = HttpCacheLayer::new(it.cache.clone()).layer(inner);
    let error = service.oneshot(get("/issues")).await.unwrap_err();
    assert_eq!(error, "down");
}

#[tokio::test]
async fn a_body_that_breaks_off_passes_through_and_is_not_stored() {
    let (it, calls) = (Fixture::new(), Counter::default());
    let counted = calls.clone();
    let inner = service_fn(move |_| {
        counted.count();
        let frames = [Ok(Frame::data(Bytes::from("one"))), Err("broken")];
        let body = Body::new(StreamBody::new(stream::iter(frames)));
        ready(Ok::<_, Infallible>(answer(FRESH, body)))
    });
    let service = HttpCacheLayer::new(it.cache.clone()).layer(inner);
    for _ in 0..2 {
        let response = service.clone().oneshot(get("/issues")).await.unwrap();
        let error = response.into_body().bytes().await.unwrap_err();
        assert_eq!(error.to_string(), "broken");
    }
    assert_eq!(calls.counted(), 2);
}

/// Is ready once it is open, and each clone by itself.
struct Gate {
    is_open: Arc<AtomicBool>,
    polled: Counter,
    is_ready: bool,
}

impl Clone for Gate {
    fn clone(&self) -> Self {
        Self {
            is_open: Arc::clone(&self.is_open),
            polled: self.polled.clone(),
            is_ready: false,
        }
    }
}

impl Service<Request<Body>> for Gate {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.polled.count();
        if self.is_open.load(Ordering::SeqCst) {
            self.is_ready = true;
            return Poll::Ready(Ok(()));
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        assert!(
            std::mem::take(&mut self.is_ready),
            "called before it was ready"
        );
        let body = Body::full(request.uri().path().to_owned());
        ready(Ok(answer(FRESH, body)))
    }
}

#[tokio::test]
async fn only_what_is_not_stored_waits_until_the_inner_service_is_ready() {
    let (it, polled) = (Fixture::new(), Counter::default());
    let is_open = Arc::new(AtomicBool::new(true));
    let gate = Gate {
        is_open: Arc::clone(&is_open),
        polled: polled.clone(),
        is_ready: false,
    };
    let service = HttpCacheLayer::new(it.cache.clone()).layer(gate);
    ask(&service, "/stored").await;
    is_open.store(false, Ordering::SeqCst);
    assert_eq!(ask(&service, "/stored").await, "/stored");
    let before = polled.counted();
    let asking = tokio::spawn(async move { ask(&service, "/missing").await });
    until(|| polled.counted() > before + 2).await;
    assert!(!asking.is_finished());
    is_open.store(true, Ordering::SeqCst);
    assert_eq!(asking.await.unwrap(), "/missing");
}
