//! A row of `requests`.

use http::Method;
use serde::{Deserialize, Serialize};
use store_core::Timestamp;

use super::json::millis;
use super::{HeaderList, InvalidRecord, Record};

/// A request with its header fields.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RequestRecord {
    /// The row's id.
    pub request_id: Option<i64>,
    /// The URL, [`UrlRecord::url_id`](super::UrlRecord::url_id).
    pub url_id: i64,
    /// The row of `http_methods` that has the method.
    pub method_id: Option<i64>,
    /// The method, a case-sensitive token (RFC 9110, section 9.1).
    pub method: String,
    /// When the request was sent.
    #[serde(with = "millis")]
    pub requested_at: Timestamp,
    /// The content, [`BodyRecord::body_id`](super::BodyRecord::body_id). `None`: no content.
    pub body_id: Option<i64>,
    /// The header fields.
    pub headers: HeaderList,
    /// When the record was made.
    #[serde(with = "millis")]
    pub created_at: Timestamp,
    /// When the record was last changed.
    #[serde(with = "millis")]
    pub modified_at: Timestamp,
}

impl RequestRecord {
    /// A request without content and header fields. The record is as old as the request.
    #[must_use]
    pub fn new(url_id: i64, method: impl Into<String>, requested_at: Timestamp) -> Self {
        Self {
            request_id: None,
            url_id,
            method_id: None,
            method: method.into(),
            requested_at,
            body_id: None,
            headers: HeaderList::default(),
            created_at: requested_at,
            modified_at: requested_at,
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

    pub(super) fn check_fields(&self) -> Result<(), InvalidRecord> {
        let is_token = Method::from_bytes(self.method.as_bytes()).is_ok();
        Self::KIND.ensure(is_token, "method", "is not a token")?;
        self.headers.check(Self::KIND)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // covers("C10")
    #[test]
    fn fields_are_found_in_any_case_and_kept_in_order() {
        let mut request = RequestRecord::new(1, "GET", Timestamp::default());
        request.add_header("Accept", "a");
        request.add_header("X-Name", b"\xE9\x80");
        request.add_header("ACCEPT", "b");
        assert_eq!(request.header("accEPT"), Some(&b"a"[..]));
        assert_eq!(request.header("accep"), None);
        let values: Vec<&[u8]> = request.header_values("accept").collect();
        assert_eq!(values, [b"a", b"b"]);
        let names: Vec<&str> = request.headers.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["accept", "x-name", "accept"]);
        assert_eq!(request.to_json()["headers"][1][1], "é\u{80}");
        assert_eq!(request.validate(), Ok(()));
    }

    #[test]
    fn a_method_is_a_token() {
        for (method, is_valid) in [("PURGE", true), ("", false), ("GET /", false), ("é", false)] {
            let request = RequestRecord::new(1, method, Timestamp::default());
            assert_eq!(request.validate().is_ok(), is_valid, "{method}");
        }
    }
}
