//! Long bodies pass through the middleware without being held.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use axum::Router;
use axum::routing::{get, post};
use bytes::Bytes;
use futures_util::future::ready;
use http_body::Frame;
use http_body_util::BodyExt;
use http_cache_db::middleware::reqwest::HttpCacheMiddleware;
use reqwest_middleware::ClientBuilder;

use crate::support::{Fixture, serve};

static CHUNK: [u8; 1 << 16] = [0; 1 << 16];
const BYTES: u64 = 64 << 20;
/// What sockets hold; the rest is read before more is made.
const MOST_IN_FLIGHT: u64 = 48 << 20;

/// The bytes that were made and not yet read.
#[derive(Clone, Default)]
struct InFlight(Arc<[AtomicU64; 3]>);

impl InFlight {
    fn made(&self, bytes: u64) {
        let made = self.0[0].fetch_add(bytes, Ordering::SeqCst) + bytes;
        let now = made - self.0[1].load(Ordering::SeqCst);
        self.0[2].fetch_max(now, Ordering::SeqCst);
    }

    fn read(&self, bytes: usize) {
        self.0[1].fetch_add(bytes as u64, Ordering::SeqCst);
    }

    /// The bytes that were read, and the most that were in flight.
    fn read_and_most(&self) -> (u64, u64) {
        (
            self.0[1].load(Ordering::SeqCst),
            self.0[2].load(Ordering::SeqCst),
        )
    }
}

/// A body of zeros.
struct Zeros {
    left: u64,
    in_flight: InFlight,
}

impl http_body::Body for Zeros {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let chunk = Bytes::from_static(&CHUNK);
        self.left -= chunk.len() as u64;
        self.in_flight.made(chunk.len() as u64);
        Poll::Ready(Some(Ok(Frame::data(chunk))))
    }
}

fn zeros(in_flight: &InFlight) -> Zeros {
    Zeros {
        left: BYTES,
        in_flight: in_flight.clone(),
    }
}

async fn read(mut body: axum::body::Body, in_flight: InFlight) {
    while let Some(frame) = body.frame().await {
        in_flight.read(frame.unwrap().data_ref().map_or(0, Bytes::len));
    }
}

#[tokio::test]
async fn a_long_request_is_not_held() {
    let (it, in_flight) = (Fixture::new(), InFlight::default());
    let reading = in_flight.clone();
    let router = Router::new().route("/", post(move |body| read(body, reading.clone())));
    let (url, _) = serve(router).await;
    let client = ClientBuilder::new({
        // Where reqwest is built with TLS and without a provider.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        reqwest::Client::new()
    })
    .with(HttpCacheMiddleware::new(it.cache.clone()))
    .build();
    let request = client
        .post(url)
        .body(reqwest::Body::wrap(zeros(&in_flight)));
    assert!(request.send().await.unwrap().status().is_success());
    let (read, most) = in_flight.read_and_most();
    assert_eq!(read, BYTES);
    assert!(most < MOST_IN_FLIGHT, "{most}");
}

/// It is too long for the store, which is found out on the way.
#[tokio::test]
async fn a_long_response_is_not_held() {
    let (it, in_flight) = (Fixture::new(), InFlight::default());
    let making = in_flight.clone();
    let answer = move || {
        let body = axum::body::Body::new(zeros(&making));
        ready(([("cache-control", "max-age=60")], body))
    };
    let (url, _) = serve(Router::new().route("/", get(answer))).await;
    let client = ClientBuilder::new({
        // Where reqwest is built with TLS and without a provider.
        let _installed = rustls::crypto::ring::default_provider().install_default();
        reqwest::Client::new()
    })
    .with(HttpCacheMiddleware::new(it.cache.clone()))
    .build();
    let mut response = client.get(url).send().await.unwrap();
    while let Some(chunk) = response.chunk().await.unwrap() {
        in_flight.read(chunk.len());
    }
    let (read, most) = in_flight.read_and_most();
    assert_eq!(read, BYTES);
    assert!(most < MOST_IN_FLIGHT, "{most}");
}
