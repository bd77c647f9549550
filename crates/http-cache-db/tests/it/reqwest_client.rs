//! The middleware in a client of reqwest, over real HTTP.

use std::future::pending;
use std::time::Duration;

use axum::Router;
use axum::response::Redirect;
use axum::routing::{get, post};
use futures_util::future::ready;
use http::StatusCode;
use http_cache_db::events::Event;
use http_cache_db::middleware::reqwest::HttpCacheMiddleware;
use reqwest::Response;
use reqwest_middleware::{ClientBuilder, ClientWithMiddleware, Error};
use store_core::{AcquireError, SECOND};
use tokio::net::TcpListener;

use crate::permits::an_hour;
use crate::support::{Counter, Fixture, is_stored, serve, until};

fn client(middleware: HttpCacheMiddleware) -> ClientWithMiddleware {
    ClientBuilder::new({
        // Where reqwest is built with TLS and without a provider.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        reqwest::Client::new()
    })
    .with(middleware)
    .build()
}

async fn text(response: Result<Response, Error>) -> String {
    response.unwrap().text().await.unwrap()
}

/// Answers with the number of requests before.
fn counting(cache_control: &'static str) -> Router {
    let calls = Counter::default();
    let answer = move || {
        let body = calls.count().to_string();
        ready(([("cache-control", cache_control)], body))
    };
    Router::new().route("/count", get(answer.clone()).post(answer))
}

#[tokio::test]
async fn the_second_of_two_requests_is_not_on_the_wire() {
    let it = Fixture::new();
    let (url, received) = serve(counting("max-age=60")).await;
    let client = client(HttpCacheMiddleware::new(it.cache.clone()));
    let url = format!("{url}/count");
    for status in ["fwd=uri-miss;fwd-status=200;stored", "hit;ttl=60"] {
        let request = client.get(format!("{url}#top"));
        let response = request.send().await.unwrap();
        assert_eq!(response.url().as_str(), url);
        assert_eq!(response.version(), http::Version::HTTP_11);
        let did = response.headers()["cache-status"].to_str().unwrap();
        assert_eq!(did, format!("http-cache;{status}"));
        assert_eq!(response.text().await.unwrap(), "0");
    }
    assert_eq!(received.counted(), 1);
}

#[tokio::test]
async fn a_range_is_cut_out_of_what_is_stored() {
    let it = Fixture::new();
    let answer = || ready(([("cache-control", "max-age=60")], "0123456789"));
    let (url, received) = serve(Router::new().route("/", get(answer))).await;
    let client = client(HttpCacheMiddleware::new(it.cache.clone()));
    text(client.get(&url).send().await).await;
    let part = client.get(&url).header("range", "bytes=2-4").send().await;
    let part = part.unwrap();
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.text().await.unwrap(), "234");
    assert_eq!(received.counted(), 1);
}

#[tokio::test]
async fn a_post_makes_its_target_invalid() {
    let it = Fixture::new();
    let (url, _) = serve(counting("max-age=60")).await;
    let client = client(HttpCacheMiddleware::new(it.cache.clone()));
    let url = format!("{url}/count");
    assert_eq!(text(client.get(&url).send().await).await, "0");
    assert_eq!(text(client.post(&url).send().await).await, "1");
    assert_eq!(text(client.get(&url).send().await).await, "2");
}

#[tokio::test]
async fn a_post_that_is_given_up_makes_its_target_invalid() {
    let it = Fixture::new();
    let answer = || ready(([("cache-control", "max-age=60")], "one"));
    let router = Router::new().route("/", get(answer).post(pending::<()>));
    let (url, received) = serve(router).await;
    let client = client(HttpCacheMiddleware::new(it.cache.clone()));
    text(client.get(&url).send().await).await;
    let posting = tokio::spawn(client.post(&url).send());
    until(|| received.counted() == 2).await;
    posting.abort();
    it.until_told(1, |event| {
        matches!(event, Event::Invalidated { responses: 1, .. })
    })
    .await;
}

#[tokio::test]
async fn a_response_that_a_redirect_led_to_is_not_stored() {
    let it = Fixture::new();
    let moved = get(|| ready(Redirect::temporary("/count")));
    let (url, received) = serve(counting("max-age=60").route("/old", moved)).await;
    let client = client(HttpCacheMiddleware::new(it.cache.clone()));
    for body in ["0", "1"] {
        let response = client.get(format!("{url}/old")).send().await.unwrap();
        assert_eq!(response.url().path(), "/count");
        assert_eq!(response.text().await.unwrap(), body);
    }
    assert_eq!(received.counted(), 4);
}

#[tokio::test]
async fn a_body_that_is_known_follows_a_redirect() {
    let it = Fixture::new();
    let router = Router::new()
        .route("/old", post(|| ready(Redirect::temporary("/echo"))))
        .route("/echo", post(|body: String| ready(body)));
    let (url, _) = serve(router).await;
    let client = client(HttpCacheMiddleware::new(it.cache.clone()));
    let request = client.post(format!("{url}/old")).body("one");
    assert_eq!(text(request.send().await).await, "one");
}

#[tokio::test]
async fn without_a_client_for_it_nothing_is_validated_in_the_background() {
    let it = Fixture::new();
    let (url, _) = serve(counting("max-age=1, stale-while-revalidate=60")).await;
    let url = format!("{url}/count");
    let client = client(HttpCacheMiddleware::new(it.cache.clone()));
    for body in ["0", "1"] {
        assert_eq!(text(client.get(&url).send().await).await, body);
        it.clock.advance(SECOND * 2);
    }
}

#[tokio::test]
async fn a_client_for_it_validates_in_the_background() {
    let it = Fixture::new();
    let (url, _) = serve(counting("max-age=1, stale-while-revalidate=60")).await;
    let url = format!("{url}/count");
    let middleware = HttpCacheMiddleware::new(it.cache.clone());
    let client = client(middleware.with_background_client({
        // Where reqwest is built with TLS and without a provider.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        reqwest::Client::new()
    }));
    text(client.get(&url).send().await).await;
    it.clock.advance(SECOND * 2);
    assert_eq!(text(client.get(&url).send().await).await, "0");
    it.until_told(2, is_stored).await;
    assert_eq!(text(client.get(&url).send().await).await, "1");
}

#[tokio::test]
async fn a_request_keeps_its_timeout() {
    let it = Fixture::new();
    let (url, _) = serve(Router::new().route("/", get(pending::<()>))).await;
    let client = client(HttpCacheMiddleware::new(it.cache.clone()));
    let request = client.get(url).timeout(Duration::from_millis(1));
    assert!(request.send().await.unwrap_err().is_timeout());
}

#[tokio::test]
async fn a_denial_is_an_error_with_a_time() {
    let it = Fixture::new();
    let (url, received) = serve(counting("max-age=60")).await;
    let middleware = HttpCacheMiddleware::new(it.cache.clone());
    let client = client(middleware.with_permits(an_hour(1, &it.clock)));
    for _ in 0..2 {
        assert_eq!(
            text(client.get(format!("{url}/count")).send().await).await,
            "0"
        );
    }
    let denied = client.get(format!("{url}/other")).send().await.unwrap_err();
    let Error::Middleware(error) = denied else {
        panic!("{denied}");
    };
    let denied = error.downcast_ref::<AcquireError>();
    assert!(
        matches!(denied, Some(AcquireError::Denied { .. })),
        "{error}"
    );
    assert_eq!(received.counted(), 1);
}

#[tokio::test]
async fn without_a_connection_the_permit_is_given_back() {
    let it = Fixture::new();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let middleware = HttpCacheMiddleware::new(it.cache.clone());
    let client = client(middleware.with_permits(an_hour(1, &it.clock)));
    for _ in 0..2 {
        assert!(client.get(&url).send().await.unwrap_err().is_connect());
    }
}
