//! What differs between the table that there is and the one that there should be.

use std::fmt;

use super::found::Found;
use super::{Billing, Step, TableSpec};

/// One thing that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Difference {
    /// The table's keys; they are for ever.
    KeySchema {
        /// As it should be: `PK (partition), SK (sort)`.
        wanted: String,
        /// As it is.
        found: String,
    },
    /// A key's type; it is for ever.
    AttributeType {
        /// The key.
        attribute: String,
        /// Its type, `S`, `N` or `B`; all of ours are `S`.
        found: String,
    },
    /// Items would never be removed, or by another attribute.
    TimeToLive {
        /// The attribute that should rule it.
        wanted: String,
        /// The one that does, if it is on.
        found: Option<String>,
    },
    /// The index is missing.
    IndexMissing {
        /// Its name.
        index: String,
    },
    /// The index is another one; it would have to be deleted first.
    Index {
        /// Its name.
        index: String,
        /// As it should be.
        wanted: String,
        /// As it is.
        found: String,
    },
    /// Capacity is paid for in another way. Units are not compared: auto-scaling changes them.
    Billing {
        /// As it should be.
        wanted: Billing,
        /// As it is.
        found: Billing,
    },
    /// Point-in-time recovery is off.
    PointInTimeRecovery,
}

impl Difference {
    /// What would put it right while the table serves, if anything would.
    #[must_use]
    pub const fn mended_by(&self) -> Option<Step> {
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

    pub(super) fn between(spec: &TableSpec, found: &Found) -> Vec<Self> {
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

fn index_difference(spec: &TableSpec, found: &Found) -> Option<Difference> {
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

/// Keys in words, the same for what is and what should be.
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
