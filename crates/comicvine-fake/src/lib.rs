//! A fake of the Comic Vine API over HTTP on loopback, for tests, demonstrations and benchmarks.
//!
//! | type | for |
//! |---|---|
//! | [`FakeServer`], [`FakeServerBuilder`] | a server and its settings |
//! | [`Limits`] | the rate limits it enforces: 200 requests per path and hour, 1 second apart |
//! | [`Fault`], [`Injection`] | errors, blocks, delays and broken connections on request |
//! | [`Counts`], [`KeyCounts`], [`KeyFingerprint`] | the requests it received, by path and API key |
//! | [`Error`] | why a server could not start |
//!
//! It serves 19 resources with details and lists, search and types, in the API's envelope and with
//! its errors, as JSON, JSONP or XML. The data is a generated catalogue, the same for the same seed, or a
//! folder of recorded responses. With [`serve_images`](FakeServerBuilder::serve_images) it serves images too.
//!
//! # Example
//!
//! ```
//! use comicvine_fake::{FakeServer, Fault, Injection, Limits};
//! use tokio::io::{AsyncReadExt, AsyncWriteExt};
//! use tokio::net::TcpStream;
//!
//! /// Any HTTP client works; this is the least there is.
//! async fn get(server: &FakeServer, path: &str) -> std::io::Result<String> {
//!     let mut stream = TcpStream::connect(server.address()).await?;
//!     let request = format!("GET {path} HTTP/1.1\r\nhost: fake\r\nconnection: close\r\n\r\n");
//!     stream.write_all(request.as_bytes()).await?;
//!     let mut response = String::new();
//!     stream.read_to_string(&mut response).await?;
//!     Ok(response)
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let server = FakeServer::builder().limits(Limits::unlimited()).start().await?;
//!     let volumes = "/api/volumes/?api_key=any&limit=1";
//!     assert!(get(&server, volumes).await?.contains(r#""error":"OK""#));
//!
//!     server.inject(Injection::new(Fault::RateLimited));
//!     assert!(get(&server, volumes).await?.starts_with("HTTP/1.1 420"));
//!
//!     let counts = server.counts().path("volumes");
//!     assert_eq!((counts.accepted, counts.injected), (2, 1));
//!     server.stop().await;
//!     Ok(())
//! }
//! ```
//!
//! # Control over HTTP
//!
//! The program `comicvine-fake` is the same server for use outside Rust tests. Both accept commands
//! over HTTP, outside the API and without an API key:
//!
//! | request | body |
//! |---|---|
//! | `GET /control/counts` | |
//! | `POST /control/inject` | `{"fault":"slow","times":2,"path":"issues","delay_ms":500}` |
//! | `POST /control/reset` | |
//! | `GET`, `POST /control/limits` | `{"requests":200,"window_ms":3600000,"spacing_ms":1000}` |
//! | `POST /control/latency` | `{"latency_ms":20}` |
//!
//! Faults are `rate_limited`, `rate_limited_body`, `forbidden`, `address_banned`, `address_limited`,
//! `abnormal_traffic`, `maintenance`, `not_found`, `unavailable`, `internal_error`, `slow` (with `delay_ms`),
//! `large` (with `bytes`), `cut_off`, `reset`, `empty_body`, `half_body`, `half_gzip`, `empty_page` and
//! `repeated_page`. All fields except `fault` are optional; `retry_after_s` adds the header.

mod body;
mod builder;
mod catalog;
mod content_coding;
mod control;
mod counts;
mod envelope;
mod error;
mod error_pages;
mod format;
mod images;
mod inject;
mod key_fingerprint;
mod limits;
mod query;
mod resource;
mod respond;
mod response;
mod router;
mod server;
mod service;

pub use self::builder::FakeServerBuilder;
pub use self::counts::{Counts, KeyCounts};
pub use self::error::Error;
pub use self::inject::{Fault, Injection};
pub use self::key_fingerprint::KeyFingerprint;
pub use self::limits::Limits;
pub use self::server::FakeServer;
