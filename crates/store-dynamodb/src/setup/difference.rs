//! Differences between an existing table and its spec.

use std::fmt;

use super::existing::ExistingTable;
use super::{Step, TableSpec};

/// One property in which an existing table differs from its [`TableSpec`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Difference {
    /// The property.
    pub property: Property,
    /// What the table has, in words.
    pub found: String,
    /// What the spec requires, in words.
    pub wanted: String,
    /// The step that fixes it while the table serves; `None` if it cannot be fixed in place.
    pub repaired_by: Option<Step>,
}

/// A property of a table that is compared with its [`TableSpec`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Property {
    /// The key schema, which cannot be changed.
    KeySchema,
    /// The type of the key attribute of this name, which cannot be changed.
    AttributeType(String),
    /// Time to live. It can be turned on, but not moved to another attribute.
    TimeToLive,
    /// The global secondary index of this name: its keys and projection. It can be added, but not changed.
    Index(String),
    /// The billing mode. Capacity units are not compared: auto-scaling changes them.
    Billing,
    /// Point-in-time recovery.
    PointInTimeRecovery,
}

impl Difference {
    pub(super) fn between(spec: &TableSpec, found: &ExistingTable) -> Vec<Self> {
        let mut differences = Vec::new();
        let mut compare = |property, found: String, wanted: String, repaired_by| {
            if found != wanted {
                differences.push(Self {
                    property,
                    found,
                    wanted,
                    repaired_by,
                });
            }
        };
        let wanted = keys(&spec.partition_key, Some(&spec.sort_key));
        compare(Property::KeySchema, found.keys.clone(), wanted, None);
        for attribute in spec.key_attributes() {
            if let Some(kind) = found.types.get(attribute) {
                let property = Property::AttributeType(attribute.to_owned());
                compare(property, kind.clone(), "S".to_owned(), None);
            }
        }
        if let Some(index) = &spec.index {
            let (there, repaired_by) = match found.indexes.get(&index.name) {
                Some(there) => (there.clone(), None),
                None => ("missing".to_owned(), Some(Step::AddIndex)),
            };
            let wanted = keys(&index.partition_key, Some(&index.sort_key));
            let wanted = format!("{wanted}, projection ALL");
            let property = Property::Index(index.name.clone());
            compare(property, there, wanted, repaired_by);
        }
        let (time_to_live, repaired_by) = match &found.time_to_live {
            Some(attribute) => (format!("by {attribute}"), None),
            None => ("off".to_owned(), Some(Step::EnableTimeToLive)),
        };
        let wanted = format!("by {}", spec.time_to_live);
        compare(Property::TimeToLive, time_to_live, wanted, repaired_by);
        if spec.billing.mode() != found.billing.mode() {
            let (found, wanted) = (found.billing.to_string(), spec.billing.to_string());
            compare(Property::Billing, found, wanted, None);
        }
        if spec.point_in_time_recovery && !found.point_in_time_recovery {
            let repaired_by = Some(Step::EnablePointInTimeRecovery);
            let (found, wanted) = ("off".to_owned(), "on".to_owned());
            compare(Property::PointInTimeRecovery, found, wanted, repaired_by);
        }
        differences
    }
}

/// Text form of a key schema, the same for the actual and the required one.
pub(crate) fn keys(partition: &str, sort: Option<&str>) -> String {
    match sort {
        Some(sort) => format!("{partition} (partition), {sort} (sort)"),
        None => format!("{partition} (partition)"),
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            property,
            found,
            wanted,
            ..
        } = self;
        write!(f, "{property}: {found}; should be {wanted}")
    }
}

impl fmt::Display for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeySchema => f.write_str("keys"),
            Self::AttributeType(attribute) => write!(f, "type of key {attribute}"),
            Self::TimeToLive => f.write_str("time to live"),
            Self::Index(index) => write!(f, "index {index}"),
            Self::Billing => f.write_str("billing"),
            Self::PointInTimeRecovery => f.write_str("point-in-time recovery"),
        }
    }
}
