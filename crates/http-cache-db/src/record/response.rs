//! A row of `responses`.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use store_core::Timestamp;

use super::json::{millis, optional_millis};
use super::{HeaderList, InvalidRecord, Record};

/// A response with what its header fields say about caching.
///
/// The columns answer what can be answered without the fields; [`engine::decide`](crate::engine::decide) has
/// all of RFC 9111.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a column, in any combination with the others"
)]
pub struct ResponseRecord {
    /// The row's id.
    pub response_id: Option<i64>,
    /// The request, [`RequestRecord::request_id`](super::RequestRecord::request_id).
    pub request_id: i64,
    /// The status, 100 to 599.
    pub status_code: u16,
    /// When the response was received.
    #[serde(with = "millis")]
    pub responded_at: Timestamp,
    /// When the response expires if there is no [`max_age`](Self::max_age). Default: not stated.
    #[serde(with = "optional_millis", default)]
    pub expires_at: Option<Timestamp>,
    /// For how many seconds from [`responded_at`](Self::responded_at) the response is fresh. Default: not stated.
    pub max_age: Option<u64>,
    /// Whether the response must not be used when stale (RFC 9111, section 5.2.2.2). Default: false.
    pub must_revalidate: bool,
    /// Whether the response must be validated before each use (RFC 9111, section 5.2.2.4). Default: false.
    pub no_cache: bool,
    /// Whether the response must not be stored (RFC 9111, section 5.2.2.5). Default: false.
    pub no_store: bool,
    /// The content, [`BodyRecord::body_id`](super::BodyRecord::body_id). `None`: no content.
    pub body_id: Option<i64>,
    /// Whether the response is no longer used. Default: false.
    pub is_deleted: bool,
    /// The header fields.
    pub headers: HeaderList,
    /// When the record was made.
    #[serde(with = "millis")]
    pub created_at: Timestamp,
    /// When the record was last changed.
    #[serde(with = "millis")]
    pub modified_at: Timestamp,
}

impl ResponseRecord {
    /// A response without content and header fields. The record is as old as the response.
    #[must_use]
    pub fn new(request_id: i64, status_code: u16, responded_at: Timestamp) -> Self {
        Self {
            response_id: None,
            request_id,
            status_code,
            responded_at,
            expires_at: None,
            max_age: None,
            must_revalidate: false,
            no_cache: false,
            no_store: false,
            body_id: None,
            is_deleted: false,
            headers: HeaderList::default(),
            created_at: responded_at,
            modified_at: responded_at,
        }
    }

    /// [`HeaderList::add`]
    pub fn add_header(&mut self, name: &str, value: impl Into<Vec<u8>>) {
        self.headers.add(name, value);
    }

    /// [`HeaderList::get`]
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.headers.get(name)
    }

    /// [`HeaderList::values`]
    pub fn header_values(&self, name: &str) -> impl Iterator<Item = &[u8]> {
        self.headers.values(name)
    }

    /// Whether the lifetime has passed (RFC 9111, section 4.2): `max_age` if there is one, otherwise `expires_at`
    /// (section 5.3). A response that states neither is expired.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        let stated = self
            .max_age
            .map(|seconds| self.responded_at + Duration::from_secs(seconds));
        stated.or(self.expires_at).is_none_or(|end| end <= now)
    }

    /// Whether the origin must be asked before the response is used: it says `no-cache` (RFC 9111, section
    /// 5.2.2.4), or it is expired (section 4.2.4).
    ///
    /// `must-revalidate` (section 5.2.2.2) changes nothing here: it forbids to use a response that is expired, and
    /// one that is not needs no validation.
    #[must_use]
    pub fn needs_revalidation(&self, now: Timestamp) -> bool {
        self.no_cache || self.is_expired(now)
    }

    pub(super) fn check_fields(&self) -> Result<(), InvalidRecord> {
        let is_status = (100..=599).contains(&self.status_code);
        Self::KIND.ensure(is_status, "status_code", "is not in 100 to 599")?;
        Self::KIND.ensure_fits(self.max_age.unwrap_or(0), "max_age")?;
        self.headers.check(Self::KIND)
    }
}

#[cfg(test)]
mod tests {
    use store_core::SECOND;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn response() -> ResponseRecord {
        ResponseRecord::new(1, 200, NOW)
    }

    // covers("C11")
    #[test]
    fn max_age_counts_before_expires() {
        let mut response = response();
        assert!(response.is_expired(NOW));
        response.expires_at = Some(NOW + SECOND);
        assert!(!response.is_expired(NOW));
        assert!(response.is_expired(NOW + SECOND));
        response.max_age = Some(60);
        assert!(!response.is_expired(NOW + SECOND * 59));
        assert!(response.is_expired(NOW + SECOND * 60));
        response.max_age = Some(u64::MAX);
        assert!(!response.is_expired(NOW + SECOND * 60));
    }

    // covers("C11")
    #[test]
    fn a_fresh_response_needs_revalidation_only_if_it_says_no_cache() {
        let mut response = response();
        response.max_age = Some(60);
        response.must_revalidate = true;
        assert!(!response.needs_revalidation(NOW));
        assert!(response.needs_revalidation(NOW + SECOND * 60));
        response.no_cache = true;
        assert!(response.needs_revalidation(NOW));
    }

    // covers("C11")
    #[test]
    fn a_status_has_three_digits_and_a_known_class() {
        for (status, is_valid) in [(99, false), (100, true), (599, true), (600, false)] {
            let response = ResponseRecord::new(1, status, NOW);
            assert_eq!(response.validate().is_ok(), is_valid, "{status}");
        }
    }

    #[test]
    fn fields_are_found_in_any_case() {
        let mut response = response();
        response.add_header("ETag", "\"a\"");
        response.add_header("Vary", "a");
        response.add_header("vary", "b");
        assert_eq!(response.header("etag"), Some(&b"\"a\""[..]));
        assert_eq!(response.header_values("VARY").count(), 2);
        response.add_header("a", "\0");
        assert_eq!(response.validate().unwrap_err().field(), "headers");
    }
}
