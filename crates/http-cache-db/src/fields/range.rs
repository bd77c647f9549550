//! The request's `Range` (RFC 9110, section 14.2).

use super::list::trim;

/// What a request asks for with its `Range`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RangeField {
    /// The whole: the field is absent, or no byte range, and is then ignored.
    Whole,
    /// One range.
    Single(ByteRange),
    /// Several ranges.
    Multiple,
}

/// A range of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ByteRange {
    /// From the first position to the last, or to the end.
    From {
        /// The position of the first byte.
        first: u64,
        /// The position of the last byte.
        last: Option<u64>,
    },
    /// So many bytes at the end.
    Suffix(u64),
}

impl RangeField {
    /// Parses the field.
    ///
    /// ```
    /// use http_cache_db::fields::{ByteRange, RangeField};
    ///
    /// let range = ByteRange::From { first: 0, last: Some(4) };
    /// assert_eq!(RangeField::parse("bytes=0-4"), RangeField::Single(range));
    /// assert_eq!(RangeField::parse("bytes=0-4, 8-"), RangeField::Multiple);
    /// assert_eq!(RangeField::parse("bytes=4-0"), RangeField::Whole);
    /// ```
    #[must_use]
    pub fn parse(value: &str) -> Self {
        let Some((unit, set)) = value.split_once('=') else {
            return Self::Whole;
        };
        if !trim(unit).eq_ignore_ascii_case("bytes") {
            return Self::Whole;
        }
        if set.contains(',') {
            return Self::Multiple;
        }
        ByteRange::parse(trim(set)).map_or(Self::Whole, Self::Single)
    }
}

impl ByteRange {
    fn parse(range: &str) -> Option<Self> {
        let (first, last) = range.split_once('-')?;
        if first.is_empty() {
            return position(last).map(Self::Suffix);
        }
        let first = position(first)?;
        let last = match last {
            "" => None,
            last => Some(position(last)?),
        };
        let is_valid = last.is_none_or(|last| first <= last);
        is_valid.then_some(Self::From { first, last })
    }

    /// The first and last position of this range in `len` bytes; `None` if it has none of them.
    ///
    /// ```
    /// use http_cache_db::fields::ByteRange;
    ///
    /// assert_eq!(ByteRange::Suffix(4).within(10), Some((6, 9)));
    /// assert_eq!(ByteRange::Suffix(40).within(10), Some((0, 9)));
    /// assert_eq!(ByteRange::From { first: 10, last: None }.within(10), None);
    /// ```
    #[must_use]
    pub fn within(self, len: u64) -> Option<(u64, u64)> {
        let end = len.checked_sub(1)?;
        let (first, last) = match self {
            Self::From { first, last } => (first, last.unwrap_or(end).min(end)),
            Self::Suffix(0) => return None,
            Self::Suffix(count) => (len.saturating_sub(count), end),
        };
        (first <= last).then_some((first, last))
    }
}

/// A position: digits only, clamped.
pub(super) fn position(digits: &str) -> Option<u64> {
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| digits.parse().unwrap_or(u64::MAX))
}
