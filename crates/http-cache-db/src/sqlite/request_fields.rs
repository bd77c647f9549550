//! Which fields of a request are stored with its response.

use http::{HeaderName, HeaderValue};

use crate::fields::{combined_value, list_members};
use crate::redaction::Redaction;
use crate::store::NewResponse;

/// The fields of requests that are stored, beside those that `Vary` names.
const STORED_FIELDS: [&str; 7] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "range",
    "user-agent",
];
/// Longer fields of requests are not stored.
const MAX_FIELD_BYTES: usize = 1_024;

/// The fields of the request that are stored, without secrets: what a representation is chosen by, and for whom. Others
/// may be anything, and as long as the client likes.
pub(super) fn stored_fields(
    redaction: &Redaction,
    response: &NewResponse,
) -> Vec<(HeaderName, HeaderValue)> {
    let vary = combined_value(&response.head.headers, "vary").unwrap_or_default();
    let is_stored = |name: &HeaderName, value: &HeaderValue| {
        let name = name.as_str();
        let is_named = list_members(&vary).any(|named| named.eq_ignore_ascii_case(name));
        (STORED_FIELDS.contains(&name) || is_named) && value.len() <= MAX_FIELD_BYTES
    };
    let mut fields = redaction.request_fields(&response.request);
    fields.retain(|(name, value)| is_stored(name, value));
    fields
}
