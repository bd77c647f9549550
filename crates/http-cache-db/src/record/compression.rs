//! A row of `compression_processes`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use store_core::Timestamp;

use super::json::millis;
use super::{InvalidRecord, Record};

/// A way to compress bodies: a codec and its settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CompressionProcessRecord {
    /// The row's id.
    pub id: Option<i64>,
    /// The name for people: `Brotli, level 5`.
    pub full_name: String,
    /// The name for programs: `brotli`.
    pub system_name: String,
    /// The codec's level, whose range is the codec's own. `None`: it has none.
    pub compression_level: Option<i32>,
    /// Further settings, an object. Default: empty.
    pub options: Value,
    /// When the record was made.
    #[serde(with = "millis")]
    pub created_at: Timestamp,
    /// When the record was last changed.
    #[serde(with = "millis")]
    pub modified_at: Timestamp,
}

impl CompressionProcessRecord {
    /// A codec without level and further settings.
    #[must_use]
    pub fn new(
        full_name: impl Into<String>,
        system_name: impl Into<String>,
        now: Timestamp,
    ) -> Self {
        Self {
            id: None,
            full_name: full_name.into(),
            system_name: system_name.into(),
            compression_level: None,
            options: Value::Object(Map::new()),
            created_at: now,
            modified_at: now,
        }
    }

    /// Sets [`compression_level`](Self::compression_level).
    #[must_use]
    pub const fn with_compression_level(mut self, level: i32) -> Self {
        self.compression_level = Some(level);
        self
    }

    /// Sets [`options`](Self::options).
    #[must_use]
    pub fn with_options(mut self, options: Value) -> Self {
        self.options = options;
        self
    }

    pub(super) fn check_fields(&self) -> Result<(), InvalidRecord> {
        let kind = Self::KIND;
        kind.ensure(!self.full_name.is_empty(), "full_name", "is empty")?;
        kind.ensure(!self.system_name.is_empty(), "system_name", "is empty")?;
        kind.ensure(self.options.is_object(), "options", "are no object")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    // covers("C15")
    #[test]
    fn a_process_has_names_a_level_and_options() {
        let process = CompressionProcessRecord::new("Brotli", "brotli", Timestamp::default())
            .with_compression_level(5)
            .with_options(json!({"window": 22}));
        assert_eq!(process.validate(), Ok(()));
        let json = process.to_json();
        assert_eq!(json["system_name"], "brotli");
        assert_eq!(json["compression_level"], 5);
        assert_eq!(json["options"]["window"], 22);
    }

    // covers("C15")
    #[test]
    fn a_process_without_name_or_options_is_found() {
        let new = |full, system| CompressionProcessRecord::new(full, system, Timestamp::default());
        for (process, field) in [
            (new("", "b"), "full_name"),
            (new("B", ""), "system_name"),
            (new("B", "b").with_options(json!([])), "options"),
        ] {
            assert_eq!(process.validate().unwrap_err().field(), field);
        }
    }
}
