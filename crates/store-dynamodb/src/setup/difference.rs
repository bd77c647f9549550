//! Differences between an existing table and its spec.

use std::fmt;

use super::existing::ExistingTable;
use super::{Billing, Step, TableSpec};

/// One property in which an existing table differs from its [`TableSpec`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// The key schema, which cannot be changed.
    KeySchema {
        /// Required keys, such as `PK (partition), SK (sort)`.
        wanted: String,
        /// Actual keys.
        found: String,
    },
    /// The type of a key attribute, which cannot be changed.
    AttributeType {
        /// Name of the key attribute.
        attribute: String,
        /// Actual type: `S`, `N` or `B`; `S` is required.
        found: String,
    },
    /// Time to live is off, or uses another attribute.
    TimeToLive {
        /// Required attribute.
        wanted: String,
        /// Actual attribute; `None` if time to live is off.
        found: Option<String>,
    },
    /// The global secondary index is missing.
    IndexMissing {
        /// Name of the index.
        index: String,
    },
    /// The index has other keys or another projection; it would have to be deleted first.
    Index {
        /// Name of the index.
        index: String,
        /// Required keys and projection.
        wanted: String,
        /// Actual keys and projection.
        found: String,
    },
    /// The billing mode. Capacity units are not compared: auto-scaling changes them.
    Billing {
        /// Required mode.
        wanted: Billing,
        /// Actual mode.
        found: Billing,
    },
    /// Point-in-time recovery is off.
    PointInTimeRecovery,
}

impl Difference {
    /// The step that fixes it while the table serves; `None` if it cannot be fixed in place.
    #[must_use]
    pub const fn repaired_by(&self) -> Option<Step> {
        match self {
            Self::TimeToLive { found: None, .. } => Some(Step::EnableTimeToLive),
            Self::IndexMissing { .. } => Some(Step::AddIndex),
            Self::PointInTimeRecovery => Some(Step::EnablePointInTimeRecovery),
            Self::KeySchema { .. }
            | Self::AttributeType { .. }
            | Self::TimeToLive { .. }
            | Self::Index { .. }
            | Self::Billing { .. } => None,
        }
    }

    pub(super) fn between(spec: &TableSpec, found: &ExistingTable) -> Vec<Self> {
        let mut differences = Vec::new();
        let keys = keys(&spec.partition_key, Some(&spec.sort_key));
        if found.keys != keys {
            differences.push(Self::KeySchema {
                wanted: keys,
                found: found.keys.clone(),
            });
        }
        for attribute in spec.key_attributes() {
            if let Some(kind) = found.types.get(attribute)
                && kind != "S"
            {
                differences.push(Self::AttributeType {
                    attribute: attribute.to_owned(),
                    found: kind.clone(),
                });
            }
        }
        differences.extend(index_difference(spec, found));
        if found.time_to_live.as_ref() != Some(&spec.time_to_live) {
            differences.push(Self::TimeToLive {
                wanted: spec.time_to_live.clone(),
                found: found.time_to_live.clone(),
            });
        }
        if spec.billing.mode() != found.billing.mode() {
            differences.push(Self::Billing {
                wanted: spec.billing,
                found: found.billing,
            });
        }
        if spec.point_in_time_recovery && !found.point_in_time_recovery {
            differences.push(Self::PointInTimeRecovery);
        }
        differences
    }
}

fn index_difference(spec: &TableSpec, found: &ExistingTable) -> Option<Difference> {
    let index = spec.index.as_ref()?;
    let keys = keys(&index.partition_key, Some(&index.sort_key));
    let wanted = format!("{keys}, projection ALL");
    match found.indexes.get(&index.name) {
        None => Some(Difference::IndexMissing {
            index: index.name.clone(),
        }),
        Some(found) if *found != wanted => Some(Difference::Index {
            index: index.name.clone(),
            wanted,
            found: found.clone(),
        }),
        Some(_) => None,
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
        match self {
            Self::KeySchema { wanted, found } => {
                write!(f, "keys: {found}; should be {wanted}")
            }
            Self::AttributeType { attribute, found } => {
                write!(f, "type of key {attribute}: {found}; should be S")
            }
            Self::TimeToLive { wanted, found } => match found {
                Some(found) => write!(f, "time to live: by {found}; should be by {wanted}"),
                None => write!(f, "time to live: off; should be by {wanted}"),
            },
            Self::IndexMissing { index } => write!(f, "index {index}: missing"),
            Self::Index {
                index,
                wanted,
                found,
            } => write!(f, "index {index}: {found}; should be {wanted}"),
            Self::Billing { wanted, found } => {
                write!(f, "billing: {found}; should be {wanted}")
            }
            Self::PointInTimeRecovery => f.write_str("point-in-time recovery: off; should be on"),
        }
    }
}
