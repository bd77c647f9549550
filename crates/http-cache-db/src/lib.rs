//! An HTTP cache by RFC 9111, as parts: fields, rules, and what to do next.
//!
//! Nothing here does I/O. [`engine`] decides on a request and on the origin's answer by the rules of
//! [`policy`], which are functions of the parsed [`fields`] and of times. A program supplies the sockets;
//! `http-cache-proxy` is one.
//!
//! | to | use |
//! |---|---|
//! | parse `Cache-Control`, `Vary`, `Age`, dates, ranges | [`fields`] |
//! | ask a single rule: lifetime, storable, selected | [`policy`] |
//! | run a cache | [`engine::decide`], [`engine::resolve`], [`engine::answer`] |
//! | keep responses in memory | [`MemoryStore`] |
//! | keep responses in a database: its rows as data | [`record`] |
//! | compress bodies, and choose which | [`codec::Codecs`] |
//! | log a target without its secrets | [`Redaction`] |
//!
//! ```
//! use std::time::Duration;
//!
//! use http::{HeaderMap, Method, StatusCode, Uri};
//! use http_cache_db::Timestamp;
//! use http_cache_db::engine::{Decision, StoredResponse, decide};
//! use http_cache_db::policy::{Mode, Policy, RequestHead, ResponseHead, ExchangeTimes};
//!
//! let policy = Policy::new(Mode::Private);
//! let target = Uri::from_static("http://example.org/issues");
//! let request = RequestHead::new(Method::GET, target, HeaderMap::new());
//!
//! let mut headers = HeaderMap::new();
//! headers.insert("cache-control", "max-age=60".parse()?);
//! let response = ResponseHead::new(StatusCode::OK, headers, &policy);
//! let now = Timestamp::from_millis(1_700_000_000_000);
//! let times = ExchangeTimes { requested_at: now, received_at: now };
//! let stored = StoredResponse::new(&request, response, times, 2, &policy).ok_or("varies on *")?;
//!
//! let decision = decide(&request, &[&stored], now + Duration::from_secs(59), &policy);
//! assert_eq!(decision, Decision::Serve(0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod codec;
pub mod engine;
pub mod fields;
mod memory;
pub mod policy;
pub mod record;
mod redaction;
#[cfg(test)]
mod test_headers;

pub use memory::{Entry, Fill, MemoryStore};
pub use redaction::Redaction;
pub use store_core::{Clock, ErrorChain, SystemClock, Timestamp};
