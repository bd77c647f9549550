//! Why a record is not valid.

use std::borrow::Cow;
use std::fmt;

use super::kind::RecordKind;

/// A record that breaks a rule. It says which and where, and never shows a value, which may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidRecord {
    record: RecordKind,
    field: &'static str,
    reason: Cow<'static, str>,
}

impl InvalidRecord {
    /// `field` of a record breaks a rule. The reason reads on after the field's name: `is not a token`. It
    /// should not hold the value.
    #[must_use]
    pub fn new(
        record: RecordKind,
        field: &'static str,
        reason: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            record,
            field,
            reason: reason.into(),
        }
    }

    /// Which kind of record it is.
    #[must_use]
    pub const fn record(&self) -> RecordKind {
        self.record
    }

    /// The field that breaks the rule.
    #[must_use]
    pub const fn field(&self) -> &'static str {
        self.field
    }

    /// What is wrong with the field.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }
}

impl fmt::Display for InvalidRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            record,
            field,
            reason,
        } = self;
        write!(f, "{record} record: {field} {reason}")
    }
}

impl std::error::Error for InvalidRecord {}
