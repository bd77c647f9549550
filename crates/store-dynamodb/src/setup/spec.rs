//! The definition of the table.

use std::fmt;

use store_core::Error;

use crate::error::SETUP;
use crate::setters::setters;
use crate::table::{SchemaNames, TableOptions, check_name};

/// Definition of the table: name, keys, time to live, index, billing, backups.
///
/// ```
/// use store_dynamodb::TableOptions;
/// use store_dynamodb::setup::{Billing, TableSpec};
///
/// let spec = TableSpec::of(&TableOptions::default().with_table("comics"));
/// assert_eq!(spec.table, "comics");
/// assert_eq!(spec.billing, Billing::OnDemand);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableSpec {
    /// Name of the table. Default: `comic-vine-store`.
    pub table: String,
    /// Region, used only by [`render()`](super::render()); requests go to the region of the client. Default: none.
    pub region: Option<String>,
    /// Partition key, a string attribute. Default: `PK`.
    pub partition_key: String,
    /// Sort key, a string attribute. Default: `SK`.
    pub sort_key: String,
    /// Time-to-live attribute, in Unix seconds. Default: `TTL`.
    pub time_to_live: String,
    /// Global secondary index that the TypeScript package's tables have. The stores do not use it and write
    /// none of its keys, so it stays empty; a provisioned table gives it one read and one write unit.
    /// Default: `GSI1`.
    pub index: Option<IndexSpec>,
    /// Billing mode. Default: on demand.
    pub billing: Billing,
    /// Whether point-in-time recovery (restore to any second of the last 35 days) is on. Default: off.
    pub point_in_time_recovery: bool,
}

impl Default for TableSpec {
    fn default() -> Self {
        Self::of(&TableOptions::default())
    }
}

impl TableSpec {
    setters! { into: with_index index: Option<IndexSpec> }
    setters! {
        constant:
        with_billing billing: Billing,
        with_point_in_time_recovery point_in_time_recovery: bool,
    }

    /// The table that stores with these options require, billed on demand.
    #[must_use]
    pub fn of(options: &TableOptions) -> Self {
        let SchemaNames {
            partition_key,
            sort_key,
            time_to_live,
            index,
        } = options.names.clone();
        Self {
            table: options.table.clone(),
            region: options.region.clone(),
            partition_key,
            sort_key,
            time_to_live,
            index: Some(IndexSpec::new(index)),
            billing: Billing::default(),
            point_in_time_recovery: false,
        }
    }

    /// Fails for a name that DynamoDB does not allow.
    pub(super) fn check(&self) -> Result<(), Error> {
        check_name("a table", &self.table, SETUP)?;
        let index = self.index.as_ref();
        index.map_or(Ok(()), |index| check_name("an index", &index.name, SETUP))
    }

    /// The key attributes of the table and its index, without duplicates; all are strings.
    pub(super) fn key_attributes(&self) -> Vec<&str> {
        let mut names = vec![self.partition_key.as_str(), &self.sort_key];
        if let Some(index) = &self.index {
            names.extend([index.partition_key.as_str(), &index.sort_key]);
        }
        let mut seen = Vec::new();
        names.retain(|name| {
            let is_new = !seen.contains(name);
            seen.push(*name);
            is_new
        });
        names
    }
}

/// Definition of a global secondary index that projects all attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IndexSpec {
    /// Name of the index.
    pub name: String,
    /// Partition key, a string attribute.
    pub partition_key: String,
    /// Sort key, a string attribute.
    pub sort_key: String,
}

impl IndexSpec {
    /// An index whose keys are its name followed by `PK` and `SK`, in lower case if the name is.
    ///
    /// ```
    /// use store_dynamodb::setup::IndexSpec;
    ///
    /// assert_eq!(IndexSpec::new("GSI1").partition_key, "GSI1PK");
    /// assert_eq!(IndexSpec::new("gsi1").sort_key, "gsi1sk");
    /// ```
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        let (partition, sort) = if name.chars().any(char::is_uppercase) {
            ("PK", "SK")
        } else {
            ("pk", "sk")
        };
        Self {
            partition_key: format!("{name}{partition}"),
            sort_key: format!("{name}{sort}"),
            name,
        }
    }
}

/// Billing mode of the table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Billing {
    /// Pay per request: no capacity planning, no cost while idle.
    #[default]
    OnDemand,
    /// Provisioned capacity, billed by the hour.
    Provisioned {
        /// Strongly consistent reads of up to 4 KB per second.
        read_units: u32,
        /// Writes of up to 1 KB per second.
        write_units: u32,
    },
}

impl Billing {
    /// Billing of the index: the table's mode with the least capacity, because the stores write none of its
    /// keys.
    pub(super) const fn of_index(self) -> Self {
        match self {
            Self::OnDemand => Self::OnDemand,
            Self::Provisioned { .. } => Self::Provisioned {
                read_units: 1,
                write_units: 1,
            },
        }
    }

    /// The API's name of the mode.
    pub(super) const fn mode(self) -> &'static str {
        match self {
            Self::OnDemand => "PAY_PER_REQUEST",
            Self::Provisioned { .. } => "PROVISIONED",
        }
    }
}

impl fmt::Display for Billing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OnDemand => f.write_str("on demand"),
            Self::Provisioned {
                read_units,
                write_units,
            } => write!(
                f,
                "provisioned with {read_units} read and {write_units} write units"
            ),
        }
    }
}
