//! Injected faults on the wire.

use std::io::ErrorKind;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use comicvine_fake::{FakeServer, Fault, Injection, Limits};
use store_core::{Clock, ManualClock};

use crate::client::{Connection, get, request, unlimited};

const TARGET: &str = "/api/issues/?api_key=secret&limit=2";

#[tokio::test]
async fn faults_have_their_status_and_body() {
    let server = unlimited().await;
    for (fault, status, part) in [
        (Fault::RateLimited, 420, "Slow down cowboy."),
        (Fault::RateLimitedBody, 200, "Slow down cowboy."),
        (Fault::AddressBanned, 403, "error code: 1015"),
        (Fault::AddressLimited, 429, "Error 1015"),
        (Fault::Forbidden, 403, "Cloudflare"),
        (
            Fault::AbnormalTraffic,
            200,
            "<title>Abnormal Traffic Detected</title>",
        ),
        (Fault::Maintenance, 200, "Down for Maintenance"),
        (Fault::NotFound, 404, "Page Not Found"),
        (Fault::Unavailable, 503, "first byte timeout"),
        (Fault::InternalError, 500, "Internal Server Error"),
    ] {
        server.inject(Injection::new(fault));
        let response = get(&server, "issues/").await;
        assert_eq!(response.status, status, "{fault:?}");
        assert!(
            response.text().contains(part),
            "{fault:?}: {}",
            response.text()
        );
    }
    assert_eq!(get(&server, "issues/").await.json()["status_code"], 1);
    assert_eq!(server.counts().path("issues").injected, 10);
}

#[tokio::test]
async fn fault_affects_its_number_of_requests_on_its_path() {
    let server = unlimited().await;
    let twice = NonZeroU32::new(2).unwrap();
    let wait = Duration::from_millis(29_500);
    let injection = Injection::new(Fault::RateLimited).times(twice);
    server.inject(injection.on_path("issues").retry_after(wait));
    assert_eq!(get(&server, "volumes/").await.status, 200);
    let refused = get(&server, "issues/").await;
    assert_eq!(refused.status, 420);
    assert_eq!(refused.header("retry-after"), Some("30"));
    assert_eq!(get(&server, "issues/").await.status, 420);
    assert_eq!(get(&server, "issues/").await.status, 200);
}

#[tokio::test]
async fn cut_off_body_is_shorter_than_its_content_length() {
    let server = unlimited().await;
    let whole = request(&server, "GET", TARGET, "").await.unwrap();
    assert!(whole.is_complete());
    server.inject(Injection::new(Fault::CutOff));
    let cut = request(&server, "GET", TARGET, "").await.unwrap();
    assert_eq!(cut.status, 200);
    let length = whole.body.len();
    assert_eq!(cut.lengths(), (length, length / 2));
    assert!(whole.body.starts_with(&cut.body));
}

#[tokio::test]
async fn body_may_be_missing_or_end_early_in_a_complete_message() {
    let server = unlimited().await;
    let whole = request(&server, "GET", TARGET, "").await.unwrap();
    for (fault, length) in [
        (Fault::EmptyBody, 0),
        (Fault::HalfBody, whole.body.len() / 2),
    ] {
        server.inject(Injection::new(fault));
        let faulty = request(&server, "GET", TARGET, "").await.unwrap();
        assert_eq!((faulty.status, faulty.lengths()), (200, (length, length)));
        assert!(whole.body.starts_with(&faulty.body));
    }
}

#[tokio::test]
async fn page_may_be_empty_or_the_first_one_again() {
    let server = unlimited().await;
    let first = get(&server, "issues/?limit=2").await.json();
    server.inject(Injection::new(Fault::EmptyPage));
    let empty = get(&server, "issues/?limit=2&offset=2").await.json();
    assert_eq!(empty["results"], serde_json::json!([]));
    assert_eq!(empty["offset"], 2);
    let total = "number_of_total_results";
    assert_eq!(empty[total], first[total]);
    server.inject(Injection::new(Fault::RepeatedPage));
    let repeated = get(&server, "issues/?limit=2&offset=2").await.json();
    assert_eq!(repeated["results"], first["results"]);
}

#[tokio::test]
async fn large_response_is_the_normal_one_padded_to_its_length() {
    let server = unlimited().await;
    let normal = request(&server, "GET", TARGET, "").await.unwrap();
    server.inject(Injection::new(Fault::Large { bytes: 300_000 }));
    let large = request(&server, "GET", TARGET, "").await.unwrap();
    assert_eq!(large.lengths(), (300_000, 300_000));
    assert_eq!(large.json(), normal.json());
}

#[tokio::test]
async fn reset_connection_has_no_response() {
    let server = unlimited().await;
    server.inject(Injection::new(Fault::Reset));
    let failed = request(&server, "GET", TARGET, "").await.unwrap_err();
    assert_eq!(failed.kind(), ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn slow_response_sends_headers_first_and_waits_on_the_clock() {
    let clock = ManualClock::default();
    let server = FakeServer::builder()
        .limits(Limits::unlimited())
        .clock(Arc::new(clock.clone()))
        .start()
        .await
        .unwrap();
    let delay = Duration::from_secs(20);
    server.inject(Injection::new(Fault::Slow { delay }));
    let mut connection = Connection::open(&server).await.unwrap();
    connection.send("GET", TARGET, "", "close").await.unwrap();
    let head = connection.head().await.unwrap();
    assert!(head.starts_with("HTTP/1.1 200"));
    assert_eq!(connection.received(), 0);
    clock.advance(delay);
    connection.finish().await.unwrap();
    assert!(connection.received() > 100);
}

#[tokio::test]
async fn latency_delays_every_response() {
    let clock = ManualClock::default();
    let server = FakeServer::builder()
        .limits(Limits::unlimited())
        .latency(Duration::from_secs(3))
        .clock(Arc::new(clock.clone()))
        .start()
        .await
        .unwrap();
    let before = clock.now();
    let mut connection = Connection::open(&server).await.unwrap();
    connection.send("GET", TARGET, "", "close").await.unwrap();
    while clock.sleepers() == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(server.counts().path("issues").accepted, 1);
    clock.advance(Duration::from_secs(3));
    assert_eq!(connection.response().await.unwrap().status, 200);
    assert_eq!(clock.now().since(before), Duration::from_secs(3));
}

#[tokio::test]
async fn connection_is_kept_alive_and_stop_ends_it() {
    let server = unlimited().await;
    let mut connection = Connection::open(&server).await.unwrap();
    for _ in 0..2 {
        connection
            .send("GET", TARGET, "", "keep-alive")
            .await
            .unwrap();
        assert!(connection.response().await.unwrap().is_complete());
    }
    let address = server.address();
    server.stop().await;
    let ended = connection.response().await.unwrap_err();
    assert_eq!(ended.kind(), ErrorKind::UnexpectedEof);
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}
