//! The rows of the cache's database as plain data.
//!
//! A record is one row, under the names of its columns. Nothing here reads or writes a database. Ids are
//! `None` until a database has given one. Times are whole milliseconds; in JSON they are milliseconds since the
//! Unix epoch, and bytes are Latin-1 text, one character a byte.
//!
//! | to | use |
//! |---|---|
//! | take a URL apart and put it together | [`UrlRecord`] |
//! | keep a request and its response | [`RequestRecord`], [`ResponseRecord`], [`HeaderList`] |
//! | keep equal bodies once, and every version of one | [`BodyRecord`], [`BodyContentRecord`], [`ContentHash`] |
//! | keep header fields once | [`HeaderNameRecord`], [`HeaderPairRecord`] |
//! | know how to validate a response | [`CacheValidationRecord`] |
//! | know how a body was compressed | [`CompressionProcessRecord`] |
//! | check records, also by rules of an application | [`Validation`] |
//! | hand out a body with where it is from | [`StoredFile`] |
//!
//! ```
//! use http_cache_db::Timestamp;
//! use http_cache_db::record::{Record, RequestRecord, UrlRecord, Validation};
//!
//! let now = Timestamp::from_millis(1_700_000_000_000);
//! let url = UrlRecord::parse("HTTPS://user:pass@Example.org:443/issues?page=2", now)?;
//! assert_eq!(url.full_url, "https://example.org/issues?page=2");
//!
//! let mut request = RequestRecord::new(1, "GET", now);
//! request.add_header("Accept", "application/json");
//! Validation::default().check(&request)?;
//! assert_eq!(request.to_json()["headers"][0][0], "accept");
//! # Ok::<(), http_cache_db::record::InvalidRecord>(())
//! ```

mod body;
mod cache_validation;
mod compression;
mod content;
mod file;
mod hash;
mod header;
mod headers;
mod invalid;
mod json;
mod kind;
mod request;
mod response;
#[cfg(test)]
mod tests;
mod url;
mod validation;

pub use body::BodyRecord;
pub use cache_validation::{CacheValidationRecord, DEFAULT_MAX_AGE, ValidatorType};
pub use compression::CompressionProcessRecord;
pub use content::BodyContentRecord;
pub use file::StoredFile;
pub use hash::ContentHash;
pub use header::{HeaderNameRecord, HeaderPairRecord};
pub use headers::HeaderList;
pub use invalid::InvalidRecord;
pub use kind::{Record, RecordKind, RecordRef};
pub use request::RequestRecord;
pub use response::ResponseRecord;
pub use url::UrlRecord;
pub use validation::Validation;
