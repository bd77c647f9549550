//! The Comic Vine API over real HTTP on loopback, for tests, demonstrations and benchmarks.
//!
//! [`FakeServer`] answers like the API: 19 resources with details and lists, search and types, in
//! the API's envelope, with its errors. It answers from an invented catalogue, the same for the
//! same seed, or from a folder of recorded responses; it enforces the API's limits exactly, tells
//! what it has seen ([`Counts`]), and misbehaves on request ([`Fault`]).
//!
//! The program `comicvine-fake` is the same server for use outside tests. Both take commands over
//! HTTP as well, outside the API and without a key:
//!
//! | request | body |
//! |---|---|
//! | `GET /control/counts` | |
//! | `POST /control/inject` | `{"fault":"slow","times":2,"path":"issues","delay_ms":500}` |
//! | `POST /control/reset` | |
//! | `GET`, `POST /control/limits` | `{"requests":200,"window_ms":3600000,"spacing_ms":1000}` |
//! | `POST /control/latency` | `{"latency_ms":20}` |
//!
//! Faults are `rate_limited`, `forbidden`, `abnormal_traffic`, `unavailable`, `internal_error`,
//! `slow`, `cut_off` and `reset`; all fields but `fault` are optional, and `retry_after_s` adds a
//! header.

mod answer;
mod body;
mod builder;
mod catalog;
mod control;
mod counts;
mod envelope;
mod error;
mod fingerprint;
mod inject;
mod limits;
mod pages;
mod query;
mod reply;
mod resource;
mod router;
mod server;
mod service;

pub use self::builder::FakeServerBuilder;
pub use self::counts::{Counts, KeyCounts};
pub use self::error::Error;
pub use self::fingerprint::KeyFingerprint;
pub use self::inject::{Fault, Injection};
pub use self::limits::Limits;
pub use self::server::FakeServer;
