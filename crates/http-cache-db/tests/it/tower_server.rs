//! The layer in a server of axum.

use std::convert::Infallible;

use axum::Router;
use axum::routing::get;
use futures_util::future::ready;
use http::{HeaderMap, Request, Response, Uri, Version};
use http_cache_db::cache::Body;
use http_cache_db::middleware::tower::HttpCacheLayer;
use tower::{Layer, ServiceExt, service_fn};

use crate::support::{Counter, Fixture, serve};

/// Answers with the target that it got, and counts.
fn target(calls: &Counter) -> Router {
    let calls = calls.clone();
    let answer = move |uri: Uri, headers: HeaderMap| {
        calls.count();
        assert!(headers.contains_key("host"));
        ready(([("cache-control", "max-age=60")], uri.to_string()))
    };
    Router::new().route("/issues/{id}", get(answer))
}

#[tokio::test]
async fn handlers_get_the_path_and_stored_responses_are_of_one_host() {
    let (it, handled) = (Fixture::new(), Counter::default());
    let router = target(&handled).layer(HttpCacheLayer::new(it.cache.clone()));
    let (url, received) = serve(router).await;
    let client = {
        // Where reqwest is built with TLS and without a provider.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        reqwest::Client::new()
    };
    let ask = async |host: &str| {
        let request = client.get(format!("{url}/issues/1?page=2"));
        let response = request.header("host", host).send().await.unwrap();
        response.text().await.unwrap()
    };
    for host in ["a.example", "a.example", "b.example"] {
        assert_eq!(ask(host).await, "/issues/1?page=2");
    }
    assert_eq!((received.counted(), handled.counted()), (3, 2));
}

#[tokio::test]
async fn a_request_without_one_host_is_not_for_the_cache() {
    let (it, calls) = (Fixture::new(), Counter::default());
    let counted = calls.clone();
    let inner = service_fn(move |request: Request<Body>| {
        counted.count();
        assert_eq!(request.uri(), "/issues");
        let response = Response::builder().header("cache-control", "max-age=60");
        ready(Ok::<_, Infallible>(response.body(Body::empty()).unwrap()))
    });
    let service = HttpCacheLayer::new(it.cache.clone()).layer(inner);
    for hosts in [&[][..], &["a.example", "b.example"]] {
        for _ in 0..2 {
            let mut request = Request::get("/issues").body(Body::empty()).unwrap();
            for host in hosts {
                request.headers_mut().append("host", host.parse().unwrap());
            }
            let response = service.clone().oneshot(request).await.unwrap();
            assert!(!response.headers().contains_key("cache-status"));
        }
    }
    assert_eq!(calls.counted(), 4);
}

#[tokio::test]
async fn the_inner_service_gets_the_request_as_it_came() {
    let it = Fixture::new();
    let inner = service_fn(|request: Request<Body>| {
        let target = (request.uri().to_string(), request.version());
        assert_eq!(target, ("/issues".to_owned(), Version::HTTP_10));
        ready(Ok::<_, Infallible>(Response::new(Body::empty())))
    });
    let layer = HttpCacheLayer::new(it.cache.clone()).with_scheme(http::uri::Scheme::HTTPS);
    let request = Request::get("/issues")
        .version(Version::HTTP_10)
        .header("host", "example.org");
    let request = request.body(Body::empty()).unwrap();
    let response = layer.layer(inner).oneshot(request).await.unwrap();
    assert!(response.headers().contains_key("cache-status"));
}
