//! A row of `cache_validation`.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use store_core::{DAY, Timestamp};

use super::headers::is_value;
use super::json::{millis, optional_millis};
use super::{InvalidRecord, Record};
use crate::fields::EntityTag;

/// For how long a validation counts, unless said otherwise: one day.
pub const DEFAULT_MAX_AGE: Duration = DAY;

/// What a response can be validated by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ValidatorType {
    /// An entity tag.
    Etag,
    /// A date of last modification.
    LastModified,
    /// An entity tag and a date of last modification.
    Both,
}

impl ValidatorType {
    /// The name in the database and in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Etag => "etag",
            Self::LastModified => "last-modified",
            Self::Both => "both",
        }
    }
}

impl fmt::Display for ValidatorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The validators of a response (RFC 9110, section 8.8), and when the origin last confirmed them.
///
/// In JSON there are also `validator_type` and `is_strong_validator`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CacheValidationRecord {
    /// The row's id.
    pub validation_id: Option<i64>,
    /// The response, [`ResponseRecord::response_id`](super::ResponseRecord::response_id).
    pub response_id: i64,
    /// The value of `ETag`, as it was sent.
    pub etag: Option<String>,
    /// The time of `Last-Modified`.
    #[serde(with = "optional_millis", default)]
    pub last_modified: Option<Timestamp>,
    /// When the response was received or last validated.
    #[serde(with = "millis")]
    pub validated_at: Timestamp,
    /// When the record was made.
    #[serde(with = "millis")]
    pub created_at: Timestamp,
    /// When the record was last changed.
    #[serde(with = "millis")]
    pub modified_at: Timestamp,
}

impl CacheValidationRecord {
    /// A response without validators. It is not valid until one is added.
    #[must_use]
    pub fn new(response_id: i64, validated_at: Timestamp) -> Self {
        Self {
            validation_id: None,
            response_id,
            etag: None,
            last_modified: None,
            validated_at,
            created_at: validated_at,
            modified_at: validated_at,
        }
    }

    /// Sets [`etag`](Self::etag).
    #[must_use]
    pub fn with_etag(mut self, etag: impl Into<String>) -> Self {
        self.etag = Some(etag.into());
        self
    }

    /// Sets [`last_modified`](Self::last_modified).
    #[must_use]
    pub const fn with_last_modified(mut self, last_modified: Timestamp) -> Self {
        self.last_modified = Some(last_modified);
        self
    }

    /// What the response can be validated by. `None`: nothing.
    #[must_use]
    pub const fn validator_type(&self) -> Option<ValidatorType> {
        match (&self.etag, self.last_modified) {
            (Some(_), Some(_)) => Some(ValidatorType::Both),
            (Some(_), None) => Some(ValidatorType::Etag),
            (None, Some(_)) => Some(ValidatorType::LastModified),
            (None, None) => None,
        }
    }

    /// Whether an unchanged validator means unchanged bytes: there is an entity tag that is not weak. A date of
    /// last modification is taken as weak (RFC 9110, section 8.8.1).
    #[must_use]
    pub fn is_strong_validator(&self) -> bool {
        let etag = self.etag.as_deref();
        etag.is_some_and(|etag| EntityTag::new(etag).is_strong())
    }

    /// Whether there is a validator, and the origin confirmed it less than `max_age` ago.
    #[must_use]
    pub fn is_valid(&self, now: Timestamp, max_age: Option<Duration>) -> bool {
        self.validator_type().is_some() && !self.is_expired(now, max_age)
    }

    /// Whether the validation is `max_age` old. Default: [`DEFAULT_MAX_AGE`].
    #[must_use]
    pub fn is_expired(&self, now: Timestamp, max_age: Option<Duration>) -> bool {
        now.since(self.validated_at) >= max_age.unwrap_or(DEFAULT_MAX_AGE)
    }

    pub(super) fn check_fields(&self) -> Result<(), InvalidRecord> {
        let has_validator = self.validator_type().is_some();
        Self::KIND.ensure(has_validator, "validator_type", "is missing")?;
        let etag = self.etag.as_deref();
        let is_legal = etag.is_none_or(|etag| !etag.is_empty() && is_value(etag.as_bytes()));
        Self::KIND.ensure(is_legal, "etag", "is empty or not a field value")
    }
}

#[cfg(test)]
mod tests {
    use store_core::SECOND;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    // covers("C14")
    #[test]
    fn the_type_follows_from_the_validators_there_are() {
        let none = CacheValidationRecord::new(1, NOW);
        let etag = none.clone().with_etag("\"a\"");
        let date = none.clone().with_last_modified(NOW);
        let both = date.clone().with_etag("\"a\"");
        for (validation, name) in [(&etag, "etag"), (&date, "last-modified"), (&both, "both")] {
            assert_eq!(validation.validator_type().unwrap().to_string(), name);
            assert_eq!(validation.to_json()["validator_type"], name);
            assert_eq!(validation.validate(), Ok(()));
        }
        assert!(none.to_json()["validator_type"].is_null());
        assert_eq!(none.validate().unwrap_err().field(), "validator_type");
        assert_eq!(none.with_etag("").validate().unwrap_err().field(), "etag");
    }

    // covers("C14")
    #[test]
    fn only_an_entity_tag_that_is_not_weak_is_strong() {
        let date = CacheValidationRecord::new(1, NOW).with_last_modified(NOW);
        assert!(!date.is_strong_validator());
        assert!(!date.clone().with_etag("W/\"a\"").is_strong_validator());
        let strong = date.with_etag("\"a\"");
        assert!(strong.is_strong_validator());
        assert_eq!(strong.to_json()["is_strong_validator"], true);
    }

    // covers("C14")
    #[test]
    fn a_validation_counts_for_a_day_unless_said_otherwise() {
        let validation = CacheValidationRecord::new(1, NOW).with_etag("\"a\"");
        assert!(validation.is_valid(NOW + DAY - SECOND, None));
        assert!(validation.is_expired(NOW + DAY, None));
        assert!(!validation.is_valid(NOW + SECOND, Some(SECOND)));
        assert!(validation.is_valid(NOW + DAY, Some(DAY * 2)));
        assert!(!CacheValidationRecord::new(1, NOW).is_valid(NOW, None));
    }
}
