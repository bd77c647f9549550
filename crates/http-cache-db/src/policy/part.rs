//! Stored parts: responses with the status 206 (RFC 9111, sections 3.3 and 3.4).

use std::ops::Range;

use super::head::{RequestHead, ResponseHead};
use crate::fields::{ByteRange, ContentRange, RangeField};

/// The part of a response that is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The bytes that the part says it holds.
    pub range: ContentRange,
    /// The `Range` that it answered.
    pub asked: String,
    /// Whether it holds as many bytes as it says. One that does not answers only the same `Range` again.
    pub is_exact: bool,
}

/// Bytes of a stored body that answer a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Their positions in the whole.
    pub range: ContentRange,
    /// Their positions in the stored body.
    pub bytes: Range<u64>,
}

impl Part {
    /// The part in a response of `body_len` bytes to `request`; `None` if the response is a whole.
    #[must_use]
    pub fn new(request: &RequestHead, response: &ResponseHead, body_len: u64) -> Option<Self> {
        let asked = request.fields.range_text.clone().unwrap_or_default();
        Self::of(asked, response, body_len)
    }

    /// The part in a response of `body_len` bytes to the `Range` that was `asked` for; `None` if the response is
    /// a whole.
    pub(crate) fn of(asked: String, response: &ResponseHead, body_len: u64) -> Option<Self> {
        if response.status != http::StatusCode::PARTIAL_CONTENT {
            return None;
        }
        let range = response.fields.content_range?;
        Some(Self {
            range,
            asked,
            is_exact: range.len() == body_len,
        })
    }

    /// The bytes of this part, whose body has `body_len` of them, that answer the `Range` of `request`.
    #[must_use]
    pub fn slice(&self, request: &RequestHead, body_len: u64) -> Option<Slice> {
        if request.fields.range_text.as_deref() == Some(&self.asked) {
            let (range, bytes) = (self.range, 0..body_len);
            return Some(Slice { range, bytes });
        }
        let RangeField::Single(asked) = request.fields.range else {
            return None;
        };
        let (first, last) = match (asked, self.range.total) {
            (asked, Some(total)) => asked.within(total)?,
            (ByteRange::From { first, last }, None) => (first, last?),
            (ByteRange::Suffix(_), None) => return None,
        };
        let held = self.range;
        let is_held = self.is_exact && held.first <= first && last <= held.last;
        is_held.then(|| Slice {
            range: ContentRange {
                first,
                last,
                total: held.total,
            },
            bytes: first - held.first..last - held.first + 1,
        })
    }

    /// Whether the part is the beginning of the whole, which the rest can be added to.
    #[must_use]
    pub const fn is_beginning(&self) -> bool {
        self.is_exact && self.range.first == 0
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, Method, StatusCode, Uri};

    use super::*;
    use crate::policy::Policy;

    fn request(range: &str) -> RequestHead {
        let mut headers = HeaderMap::new();
        headers.insert("range", range.parse().unwrap());
        RequestHead::new(
            Method::GET,
            Uri::from_static("http://example.org/"),
            headers,
        )
    }

    fn part(asked: &str, content_range: &str, body_len: u64) -> Part {
        let mut headers = HeaderMap::new();
        headers.insert("content-range", content_range.parse().unwrap());
        let response = ResponseHead::new(StatusCode::PARTIAL_CONTENT, headers, &Policy::default());
        Part::new(&request(asked), &response, body_len).unwrap()
    }

    #[test]
    fn a_part_answers_what_lies_within_it() {
        let part = part("bytes=2-7", "bytes 2-7/10", 6);
        let bytes = |range| part.slice(&request(range), 6).map(|slice| slice.bytes);
        assert_eq!(bytes("bytes=2-7"), Some(0..6));
        assert_eq!(bytes("bytes=4-5"), Some(2..4));
        assert_eq!(bytes("bytes=4-8"), None);
        assert_eq!(bytes("bytes=4-"), None);
        assert_eq!(bytes("bytes=-3"), None);
    }

    #[test]
    fn a_suffix_is_found_if_the_length_is_known() {
        let end = part("bytes=5-9", "bytes 5-9/10", 5);
        let suffix = request("bytes=-2");
        assert_eq!(end.slice(&suffix, 5).map(|slice| slice.bytes), Some(3..5));
        let unknown = part("bytes=5-9", "bytes 5-9/*", 5);
        assert_eq!(unknown.slice(&suffix, 5), None);
    }

    #[test]
    fn a_part_that_contradicts_itself_answers_only_the_same_range() {
        let part = part("bytes=4-9", "bytes 4-9/10", 5);
        let same = part.slice(&request("bytes=4-9"), 5);
        assert_eq!(same.map(|slice| slice.bytes), Some(0..5));
        assert_eq!(part.slice(&request("bytes=5-6"), 5), None);
    }
}
