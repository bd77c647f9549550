//! The answer that a stored response gives (RFC 9111, section 4; RFC 9110, sections 13 and 14).

use std::ops::Range;

use http::header::{AGE, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_RANGE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use store_core::Timestamp;

use super::stored::{StoredResponse, withheld};
use crate::fields::{ContentRange, RangeField};
use crate::policy::{Policy, RequestHead, is_not_modified, is_range_current};

/// The greatest age that is sent (RFC 9111, section 1.2.2).
const MAX_AGE: u64 = 1 << 31;

/// An answer: its head, and which bytes of the stored body follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// All fields. `Content-Length` is left out unless the body is the whole.
    pub headers: HeaderMap,
    /// The body.
    pub body: BodyPart,
}

/// Bytes of a stored body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BodyPart {
    /// None.
    Empty,
    /// All.
    Whole,
    /// Those at these positions.
    Slice(Range<u64>),
}

/// The answer of `stored` to `request`.
#[must_use]
pub fn answer(
    request: &RequestHead,
    stored: &StoredResponse,
    now: Timestamp,
    policy: &Policy,
) -> Answer {
    let headers = served_headers(stored, now, policy);
    let status = stored.response.status;
    let is_ok = status == StatusCode::OK;
    if is_ok && is_not_modified(request, &stored.response, stored.times) {
        return not_modified(headers);
    }
    if request.method == Method::HEAD {
        return Answer {
            status,
            headers,
            body: BodyPart::Empty,
        };
    }
    let whole = |headers| Answer {
        status,
        headers,
        body: BodyPart::Whole,
    };
    if let Some(part) = &stored.part {
        return match part.slice(request, stored.body_len) {
            Some(slice) => partial(headers, slice.range, slice.bytes),
            None => whole(headers),
        };
    }
    let RangeField::Single(asked) = request.fields.range else {
        return whole(headers);
    };
    if !is_ok || !is_range_current(request, &stored.response) {
        return whole(headers);
    }
    match asked.within(stored.body_len) {
        Some((first, last)) => {
            let total = Some(stored.body_len);
            let range = ContentRange { first, last, total };
            partial(headers, range, first..last + 1)
        }
        None => not_satisfiable(headers, stored.body_len),
    }
}

/// The stored fields as a hit sends them: with the age, without what must not be reused.
fn served_headers(stored: &StoredResponse, now: Timestamp, policy: &Policy) -> HeaderMap {
    let mut headers = stored.response.headers.clone();
    for name in withheld(&stored.response, policy) {
        headers.remove(name);
    }
    let age = stored.freshness(now, policy).age.as_secs();
    headers.insert(AGE, HeaderValue::from(age.min(MAX_AGE)));
    headers
}

fn partial(mut headers: HeaderMap, range: ContentRange, bytes: Range<u64>) -> Answer {
    let ContentRange { first, last, total } = range;
    let total = total.map_or_else(|| "*".to_owned(), |total| total.to_string());
    set_content_range(&mut headers, format!("bytes {first}-{last}/{total}"));
    Answer {
        status: StatusCode::PARTIAL_CONTENT,
        headers,
        body: BodyPart::Slice(bytes),
    }
}

fn not_satisfiable(mut headers: HeaderMap, len: u64) -> Answer {
    set_content_range(&mut headers, format!("bytes */{len}"));
    Answer {
        status: StatusCode::RANGE_NOT_SATISFIABLE,
        headers,
        body: BodyPart::Empty,
    }
}

fn set_content_range(headers: &mut HeaderMap, range: String) {
    headers.remove(CONTENT_LENGTH);
    if let Ok(range) = HeaderValue::try_from(range) {
        headers.insert(CONTENT_RANGE, range);
    }
}

/// The 304 in place of a response with these fields.
#[must_use]
pub fn not_modified(mut headers: HeaderMap) -> Answer {
    for name in [
        CONTENT_LENGTH,
        CONTENT_ENCODING,
        CONTENT_RANGE,
        CONTENT_LANGUAGE,
    ] {
        headers.remove(name);
    }
    Answer {
        status: StatusCode::NOT_MODIFIED,
        headers,
        body: BodyPart::Empty,
    }
}
