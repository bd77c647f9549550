//! The response envelope: eight keys around `results`, and the API's status codes.
//!
//! Error envelopes have no `version`, zeros, and an empty array even where an object was requested.

use bytes::Bytes;
use hyper::StatusCode;
use serde::Serialize;

/// The `status_code` of an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ApiStatus {
    InvalidKey,
    NotFound,
    UrlFormat,
    CallbackMissing,
    Filter,
    RateLimited,
}

/// The `status_code` of a success.
pub(crate) const OK: i64 = 1;

impl ApiStatus {
    pub(crate) fn code(self) -> i64 {
        match self {
            Self::InvalidKey => 100,
            Self::NotFound => 101,
            Self::UrlFormat => 102,
            Self::CallbackMissing => 103,
            Self::Filter => 104,
            Self::RateLimited => 107,
        }
    }

    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::InvalidKey => "Invalid API Key",
            Self::NotFound => "Object Not Found",
            Self::UrlFormat => "Error in URL Format",
            Self::CallbackMissing => "'jsonp' format requires a 'json_callback' argument",
            Self::Filter => "Filter Error",
            Self::RateLimited => "Rate limit exceeded.  Slow down cowboy.",
        }
    }

    pub(crate) fn http(self) -> StatusCode {
        match self {
            Self::InvalidKey => StatusCode::UNAUTHORIZED,
            Self::NotFound | Self::UrlFormat | Self::CallbackMissing | Self::Filter => {
                StatusCode::OK
            }
            // 420 is not registered, but valid in HTTP.
            Self::RateLimited => StatusCode::from_u16(420).unwrap_or(StatusCode::TOO_MANY_REQUESTS),
        }
    }
}

#[derive(Serialize)]
struct Envelope<'a, R> {
    error: &'a str,
    limit: usize,
    offset: usize,
    number_of_page_results: usize,
    number_of_total_results: usize,
    status_code: i64,
    results: R,
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<&'a str>,
}

/// The position of a page in its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) limit: usize,
    pub(crate) offset: usize,
    pub(crate) page_results: usize,
    pub(crate) total: usize,
}

impl Position {
    /// The position of a detail: one of one.
    pub(crate) const DETAIL: Self = Self {
        limit: 1,
        offset: 0,
        page_results: 1,
        total: 1,
    };
}

/// The envelope around `results`.
///
/// # Errors
/// [`serde_json::Error`] if `results` cannot be serialized.
pub(crate) fn with_results<R: Serialize>(
    position: Position,
    results: R,
) -> Result<Bytes, serde_json::Error> {
    let envelope = Envelope {
        error: "OK",
        limit: position.limit,
        offset: position.offset,
        number_of_page_results: position.page_results,
        number_of_total_results: position.total,
        status_code: OK,
        results,
        version: Some("1.0"),
    };
    serde_json::to_vec(&envelope).map(Bytes::from)
}

/// The same envelope with an empty page; `None` if its results are no rows.
pub(crate) fn without_rows(body: &[u8]) -> Option<Bytes> {
    let mut envelope: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(body).ok()?;
    envelope.get_mut("results")?.as_array_mut()?.clear();
    envelope.insert("number_of_page_results".to_owned(), 0.into());
    serde_json::to_vec(&envelope).map(Bytes::from).ok()
}

/// The envelope of an error.
pub(crate) fn error(status: ApiStatus) -> Bytes {
    let envelope = Envelope::<[u8; 0]> {
        error: status.message(),
        limit: 0,
        offset: 0,
        number_of_page_results: 0,
        number_of_total_results: 0,
        status_code: status.code(),
        results: [],
        version: None,
    };
    // Strings and numbers always serialize.
    serde_json::to_vec(&envelope)
        .map(Bytes::from)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_envelope_has_no_version_and_zeros() {
        let body = error(ApiStatus::NotFound);
        assert_eq!(
            body,
            r#"{"error":"Object Not Found","limit":0,"offset":0,"number_of_page_results":0,"number_of_total_results":0,"status_code":101,"results":[]}"#
        );
    }

    #[test]
    fn over_the_limit_is_http_420() {
        assert_eq!(ApiStatus::RateLimited.http().as_u16(), 420);
    }
}
