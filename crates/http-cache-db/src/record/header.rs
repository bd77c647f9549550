//! Rows of `header_names` and `header_pairs`.

use serde::{Deserialize, Serialize};
use store_core::Timestamp;

use super::headers::{is_name, is_value};
use super::json::{latin1, millis};
use super::{InvalidRecord, Record};

/// The name of a header field, kept once for all messages that have one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HeaderNameRecord {
    /// The row's id.
    pub header_name_id: Option<i64>,
    /// The name, in lower case.
    pub name: String,
    /// When the record was made.
    #[serde(with = "millis")]
    pub created_at: Timestamp,
    /// When the record was last changed.
    #[serde(with = "millis")]
    pub modified_at: Timestamp,
}

impl HeaderNameRecord {
    /// The record of a name, which is lower-cased.
    #[must_use]
    pub fn new(name: &str, now: Timestamp) -> Self {
        Self {
            header_name_id: None,
            name: name.to_ascii_lowercase(),
            created_at: now,
            modified_at: now,
        }
    }

    pub(super) fn check_fields(&self) -> Result<(), InvalidRecord> {
        let is_legal = is_name(&self.name);
        Self::KIND.ensure(is_legal, "name", "is not a field name in lower case")
    }
}

/// A header field, kept once for all messages that have it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct HeaderPairRecord {
    /// The row's id.
    pub header_pair_id: Option<i64>,
    /// The name's row, [`HeaderNameRecord::header_name_id`].
    pub header_name_id: Option<i64>,
    /// The row of `header_values` that has the value.
    pub header_value_id: Option<i64>,
    /// The name, in lower case.
    pub name: String,
    /// The value, as it was sent.
    #[serde(with = "latin1")]
    pub value: Vec<u8>,
    /// When the record was made.
    #[serde(with = "millis")]
    pub created_at: Timestamp,
    /// When the record was last changed.
    #[serde(with = "millis")]
    pub modified_at: Timestamp,
}

impl HeaderPairRecord {
    /// The record of a field, whose name is lower-cased.
    #[must_use]
    pub fn new(name: &str, value: impl Into<Vec<u8>>, now: Timestamp) -> Self {
        Self {
            header_pair_id: None,
            header_name_id: None,
            header_value_id: None,
            name: name.to_ascii_lowercase(),
            value: value.into(),
            created_at: now,
            modified_at: now,
        }
    }

    pub(super) fn check_fields(&self) -> Result<(), InvalidRecord> {
        let is_legal = is_name(&self.name);
        Self::KIND.ensure(is_legal, "name", "is not a field name in lower case")?;
        Self::KIND.ensure(is_value(&self.value), "value", "is not a field value")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_lower_cased_and_checked() {
        let mut name = HeaderNameRecord::new("ETag", Timestamp::default());
        assert_eq!((name.name.as_str(), name.validate()), ("etag", Ok(())));
        name.name = "ETag".to_owned();
        assert_eq!(name.validate().unwrap_err().field(), "name");
    }

    #[test]
    fn values_are_any_bytes_that_may_be_sent() {
        let pair = |value: &[u8]| HeaderPairRecord::new("A", value, Timestamp::default());
        assert_eq!(pair(b"\x80\xFF\t").validate(), Ok(()));
        for value in [&b"\n"[..], b"\0", b"\x7F"] {
            assert_eq!(pair(value).validate().unwrap_err().field(), "value");
        }
    }
}
