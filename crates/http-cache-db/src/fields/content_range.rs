//! The response's `Content-Range` (RFC 9110, section 14.4).

use super::range::position;

/// The bytes that a part holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ContentRange {
    /// The position of the first byte.
    pub first: u64,
    /// The position of the last byte.
    pub last: u64,
    /// The length of the whole, if it is known.
    pub total: Option<u64>,
}

impl ContentRange {
    /// Parses the field; `None` if it contradicts itself, or if no range was satisfied.
    ///
    /// ```
    /// use http_cache_db::fields::ContentRange;
    ///
    /// let range = ContentRange::parse("bytes 0-4/10").unwrap();
    /// assert_eq!((range.len(), range.total), (5, Some(10)));
    /// assert_eq!(ContentRange::parse("bytes 4-9/5"), None);
    /// assert_eq!(ContentRange::parse("bytes */10"), None);
    /// ```
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let (range, total) = value.strip_prefix("bytes ")?.split_once('/')?;
        let (first, last) = range.split_once('-')?;
        let (first, last) = (position(first)?, position(last)?);
        let total = match total {
            "*" => None,
            total => Some(position(total)?),
        };
        let is_valid = first <= last && last < u64::MAX && total.is_none_or(|total| last < total);
        is_valid.then_some(Self { first, last, total })
    }

    /// The number of bytes.
    #[must_use]
    pub const fn len(self) -> u64 {
        self.last - self.first + 1
    }

    /// Always false: a range has a byte.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        false
    }
}
