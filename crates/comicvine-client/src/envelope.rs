//! The envelope of every response of the API.

use std::fmt;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::model::field::lenient;
use crate::model::scalar::Scalar;

/// The status code in the body, which is more specific than the HTTP status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StatusCode {
    /// 1: success.
    Ok,
    /// 100: the API key is not valid.
    InvalidApiKey,
    /// 101: the resource does not exist.
    ObjectNotFound,
    /// 102: the path or its id is malformed.
    UrlFormat,
    /// 103: `jsonp` without a callback.
    JsonpCallback,
    /// 104: the filter is invalid.
    Filter,
    /// 105: the video is for subscribers only.
    SubscriberOnly,
    /// 107, or 420 in XML bodies: too many requests.
    RateLimited,
    /// Another code.
    Other(u16),
}

impl StatusCode {
    /// The number in the body.
    #[must_use]
    pub const fn number(self) -> u16 {
        match self {
            Self::Ok => 1,
            Self::InvalidApiKey => 100,
            Self::ObjectNotFound => 101,
            Self::UrlFormat => 102,
            Self::JsonpCallback => 103,
            Self::Filter => 104,
            Self::SubscriberOnly => 105,
            Self::RateLimited => 107,
            Self::Other(number) => number,
        }
    }
}

impl From<u16> for StatusCode {
    fn from(number: u16) -> Self {
        match number {
            1 => Self::Ok,
            100 => Self::InvalidApiKey,
            101 => Self::ObjectNotFound,
            102 => Self::UrlFormat,
            103 => Self::JsonpCallback,
            104 => Self::Filter,
            105 => Self::SubscriberOnly,
            107 | 420 => Self::RateLimited,
            other => Self::Other(other),
        }
    }
}

impl<'de> Deserialize<'de> for StatusCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = Scalar::deserialize(deserializer)?.into_number();
        number
            .ok()
            .flatten()
            .and_then(|number| u16::try_from(number).ok())
            .map(Self::from)
            .ok_or_else(|| D::Error::custom("status_code is not a number below 65536"))
    }
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.number(), f)
    }
}

/// A response body of the API.
///
/// ```
/// use comicvine_client::{Envelope, StatusCode};
///
/// let body = br#"{"error":"OK","limit":1,"offset":0,"number_of_page_results":1,
///     "number_of_total_results":1,"status_code":1,"results":{"id":44},"version":"1.0"}"#;
/// let envelope = Envelope::parse(body)?;
/// assert_eq!(envelope.status_code, StatusCode::Ok);
/// assert_eq!(envelope.results.get(), r#"{"id":44}"#);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Debug, Deserialize)]
#[non_exhaustive]
pub struct Envelope<R> {
    /// `OK`, or the API's error message.
    #[serde(default, deserialize_with = "lenient")]
    pub error: String,
    /// The maximum number of rows of this page.
    #[serde(default, deserialize_with = "lenient")]
    pub limit: u64,
    /// The number of rows before this page.
    #[serde(default, deserialize_with = "lenient")]
    pub offset: u64,
    /// The number of rows of this page as counted by the API.
    #[serde(default, deserialize_with = "lenient")]
    pub number_of_page_results: u64,
    /// The number of rows of all pages.
    #[serde(default, deserialize_with = "lenient")]
    pub number_of_total_results: u64,
    /// The status of the request.
    pub status_code: StatusCode,
    /// An object for one resource, an array for a list, `[]` for an error.
    pub results: R,
    /// The API's version, `1.0`; absent from errors.
    #[serde(default, deserialize_with = "lenient")]
    pub version: Option<String>,
}

impl<'a> Envelope<&'a RawValue> {
    /// Parses a body and leaves its results as they are.
    ///
    /// # Errors
    /// [`serde_json::Error`] if it is not JSON, or has no `status_code` or no `results`.
    pub fn parse(body: &'a [u8]) -> Result<Self, serde_json::Error> {
        const UTF8_BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
        serde_json::from_slice(body.strip_prefix(UTF8_BYTE_ORDER_MARK).unwrap_or(body))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_body_has_zeros_an_empty_array_and_no_version() {
        let body = br#"{"error":"Object Not Found","limit":0,"offset":0,
            "number_of_page_results":0,"number_of_total_results":0,"status_code":101,"results":[]}"#;
        let envelope = Envelope::parse(body).unwrap();
        assert_eq!(envelope.status_code, StatusCode::ObjectNotFound);
        assert_eq!(envelope.error, "Object Not Found");
        assert_eq!(envelope.version, None);
        assert_eq!(envelope.results.get(), "[]");
    }

    #[test]
    fn results_keep_every_byte() {
        let body = b"\xef\xbb\xbf{\"status_code\":\"1\",\"results\": {\"b\":1.50, \"a\":\"\\u00bd\", \"a\":2}}";
        let envelope = Envelope::parse(body).unwrap();
        assert_eq!(envelope.results.get(), r#"{"b":1.50, "a":"\u00bd", "a":2}"#);
    }

    #[test]
    fn counts_may_be_strings_or_missing() {
        let body =
            br#"{"limit":"100","number_of_total_results":null,"status_code":1,"results":[]}"#;
        let envelope = Envelope::parse(body).unwrap();
        assert_eq!((envelope.limit, envelope.number_of_total_results), (100, 0));
    }

    #[test]
    fn other_json_is_not_an_envelope() {
        for body in [
            "{}",
            "[]",
            r#"{"status_code":1}"#,
            r#"{"status_code":"x","results":[]}"#,
            "<a/>",
        ] {
            assert!(Envelope::parse(body.as_bytes()).is_err(), "{body}");
        }
    }

    #[test]
    fn codes_round_trip() {
        for number in [1, 100, 101, 102, 103, 104, 105, 107, 999] {
            assert_eq!(StatusCode::from(number).number(), number);
        }
        assert_eq!(StatusCode::from(420), StatusCode::RateLimited);
    }
}
