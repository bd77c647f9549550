//! What all records have in common.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use store_core::Timestamp;

use super::{
    BodyContentRecord, BodyRecord, CacheValidationRecord, CompressionProcessRecord,
    HeaderNameRecord, HeaderPairRecord, InvalidRecord, RequestRecord, ResponseRecord, UrlRecord,
};

/// A row of the database that knows when it was made and changed.
pub trait Record: Clone + Serialize + DeserializeOwned {
    /// Which kind of record it is.
    const KIND: RecordKind;

    /// When the record was made.
    fn created_at(&self) -> Timestamp;

    /// When the record was last changed by a method that is told the time, or by [`touch`](Self::touch).
    fn modified_at(&self) -> Timestamp;

    /// Says that the record was changed at `now`, unless it is known to have been changed later.
    fn touch(&mut self, now: Timestamp);

    /// Checks the rules that hold for every such record.
    ///
    /// # Errors
    /// The first rule that is broken.
    fn validate(&self) -> Result<(), InvalidRecord>;

    /// All columns, also those that are computed from others. It reads back as an equal record.
    fn to_json(&self) -> Value;
}

/// Declares the kinds of records: each with its type, its name, and the columns that are methods.
macro_rules! records {
    ($($kind:ident($record:ident) = $name:literal [$($column:ident),*],)+) => {
        /// A kind of record.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum RecordKind {
            $(#[doc = concat!("[`", stringify!($record), "`]")] $kind,)+
        }

        impl RecordKind {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$(Self::$kind),+];

            /// The name, in lower case: `body_content`.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$kind => $name,)+
                }
            }
        }

        /// Any record, by reference.
        #[derive(Clone, Copy, Debug, PartialEq)]
        #[non_exhaustive]
        pub enum RecordRef<'a> {
            $(#[doc = concat!("[`", stringify!($record), "`]")] $kind(&'a $record),)+
        }

        impl RecordRef<'_> {
            /// Which kind of record it is.
            #[must_use]
            pub const fn kind(self) -> RecordKind {
                match self {
                    $(Self::$kind(_) => RecordKind::$kind,)+
                }
            }

            /// When the record was made.
            #[must_use]
            pub const fn created_at(self) -> Timestamp {
                match self {
                    $(Self::$kind(record) => record.created_at,)+
                }
            }

            /// When the record was last changed.
            #[must_use]
            pub const fn modified_at(self) -> Timestamp {
                match self {
                    $(Self::$kind(record) => record.modified_at,)+
                }
            }

            /// [`Record::validate`]
            ///
            /// # Errors
            /// The first rule that is broken.
            pub fn validate(self) -> Result<(), InvalidRecord> {
                match self {
                    $(Self::$kind(record) => record.validate(),)+
                }
            }

            /// [`Record::to_json`]
            #[must_use]
            pub fn to_json(self) -> Value {
                match self {
                    $(Self::$kind(record) => record.to_json(),)+
                }
            }
        }

        $(
            impl<'a> From<&'a $record> for RecordRef<'a> {
                fn from(record: &'a $record) -> Self {
                    Self::$kind(record)
                }
            }

            impl Record for $record {
                const KIND: RecordKind = RecordKind::$kind;

                fn created_at(&self) -> Timestamp {
                    self.created_at
                }

                fn modified_at(&self) -> Timestamp {
                    self.modified_at
                }

                fn touch(&mut self, now: Timestamp) {
                    self.modified_at = self.modified_at.max(now);
                }

                fn validate(&self) -> Result<(), InvalidRecord> {
                    let is_in_order = self.created_at <= self.modified_at;
                    Self::KIND.ensure(is_in_order, "modified_at", "is before created_at")?;
                    self.check_fields()
                }

                fn to_json(&self) -> Value {
                    columns(self, &[$((stringify!($column), json!(self.$column())),)*])
                }
            }
        )+
    };
}

records! {
    Url(UrlRecord) = "url" [],
    Request(RequestRecord) = "request" [],
    Response(ResponseRecord) = "response" [],
    Body(BodyRecord) = "body" [],
    BodyContent(BodyContentRecord) = "body_content" [compression_ratio],
    HeaderName(HeaderNameRecord) = "header_name" [],
    HeaderPair(HeaderPairRecord) = "header_pair" [],
    CacheValidation(CacheValidationRecord) = "cache_validation" [validator_type, is_strong_validator],
    CompressionProcess(CompressionProcessRecord) = "compression_process" [],
}

/// The fields of a record and its computed columns.
fn columns(record: &impl Serialize, computed: &[(&str, Value)]) -> Value {
    // Only maps whose keys are not text fail, and no record has one.
    let mut columns = serde_json::to_value(record).unwrap_or_default();
    for (column, value) in computed {
        columns[*column] = value.clone();
    }
    columns
}

impl RecordKind {
    /// Fails unless the rule on `field` is met.
    pub(super) fn ensure(
        self,
        is_met: bool,
        field: &'static str,
        reason: &'static str,
    ) -> Result<(), InvalidRecord> {
        if is_met {
            return Ok(());
        }
        Err(InvalidRecord::new(self, field, reason))
    }

    /// Fails unless a column of 64 bits with a sign holds the number.
    pub(super) fn ensure_fits(self, number: u64, field: &'static str) -> Result<(), InvalidRecord> {
        let fits = i64::try_from(number).is_ok();
        self.ensure(fits, field, "does not fit a column of 64 bits")
    }
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
