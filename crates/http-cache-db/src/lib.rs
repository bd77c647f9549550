//! An HTTP cache by RFC 9111.
//!
//! [`HttpCache`] is the whole: it takes requests, and a way to the origin. Below it, [`engine`] decides on a
//! request and on the origin's answer by the rules of [`policy`], which are functions of the parsed [`fields`] and
//! of times; none of these does I/O.
//!
//! | to | use |
//! |---|---|
//! | put a cache before an origin | [`HttpCache`] |
//! | put it into a tower client or server, or into reqwest | [`middleware`] |
//! | limit the rate of what the cache cannot answer | [`middleware::RateLimited`] |
//! | parse `Cache-Control`, `Vary`, `Age`, dates, ranges | [`fields`] |
//! | ask a single rule: lifetime, storable, selected | [`policy`] |
//! | run a cache of one's own | [`engine::decide`], [`engine::resolve`], [`engine::answer`] |
//! | remove what has a tag, a prefix or a host in common | [`HttpCache::purge`], [`store::Purge`] |
//! | keep responses in memory | [`MemoryStore`] |
//! | keep responses in a database: its rows as data | [`record`] |
//! | compress bodies, and choose which | [`codec::Codecs`] |
//! | keep responses in a file | [`SqliteStore`] |
//! | keep values by key beside the responses, as a `CacheStore` | [`ValueCache`] |
//! | ask a file for figures, URLs, responses | [`sqlite`] |
//! | keep them elsewhere | implement [`store::ResponseStore`] |
//! | hear what happens | [`events`] |
//! | log a target without its secrets | [`Redaction`] |
//!
//! ```
//! use std::time::Duration;
//!
//! use http::{HeaderMap, Method, StatusCode, Uri};
//! use http_cache_db::{Salt, Timestamp};
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
//! let stored = StoredResponse::new(&request, response, times, 2, Salt::random(), &policy).ok_or("varies on *")?;
//!
//! let decision = decide(&request, &[&stored], now + Duration::from_secs(59), &policy);
//! assert_eq!(decision, Decision::Serve(0));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod cache;
pub mod codec;
pub mod engine;
pub mod events;
pub mod fields;
mod keys;
mod memory;
pub mod middleware;
pub mod policy;
pub mod record;
mod redaction;
pub mod sqlite;
pub mod store;
mod tags;
#[cfg(test)]
mod test_headers;
mod url_base;

pub use cache::HttpCache;
pub use keys::{Salt, TargetKey};
pub use memory::MemoryStore;
pub use redaction::{Redaction, Secrets};
pub use sqlite::{SqliteStore, SqliteStoreOptions, ValueCache};
/// Options of the file, and what [`SqliteStore::database`] yields.
pub use sqlite_database;
pub use store_core::{
    BoxError, Clock, DedupeStore, Error, ErrorChain, ErrorKind, Random, SystemClock, SystemRandom,
    Timestamp,
};
