//! What a table should be.

use std::fmt;

use crate::table::{TableNames, TableOptions};

/// What a table should be: names, keys, time to live, index, billing, backups.
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
    /// The table's name. Default: `comic-vine-store`.
    pub table: String,
    /// The region, for what is printed; requests go where the client does. Default: none.
    pub region: Option<String>,
    /// The partition key, a text. Default: `PK`.
    pub partition_key: String,
    /// The sort key, a text. Default: `SK`.
    pub sort_key: String,
    /// The attribute by which DynamoDB removes items, in Unix seconds. Default: `TTL`.
    pub time_to_live: String,
    /// The global secondary index of the original package's tables, with all attributes. The stores
    /// write none of its keys, so it stays empty; provisioned, it has one unit of each kind. Default:
    /// `GSI1`.
    pub index: Option<IndexSpec>,
    /// How capacity is paid for. Default: on demand.
    pub billing: Billing,
    /// Whether the table can be restored to any second of the last 35 days. Default: off.
    pub point_in_time_recovery: bool,
}

impl Default for TableSpec {
    fn default() -> Self {
        Self::of(&TableOptions::default())
    }
}

impl TableSpec {
    /// The table that stores with these options need.
    #[must_use]
    pub fn of(options: &TableOptions) -> Self {
        let TableNames {
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
            index: Some(IndexSpec::named(index)),
            billing: Billing::default(),
            point_in_time_recovery: false,
        }
    }

    /// Sets [`index`](Self::index).
    #[must_use]
    pub fn with_index(mut self, index: Option<IndexSpec>) -> Self {
        self.index = index;
        self
    }

    /// Sets [`billing`](Self::billing).
    #[must_use]
    pub const fn with_billing(mut self, billing: Billing) -> Self {
        self.billing = billing;
        self
    }

    /// Sets [`point_in_time_recovery`](Self::point_in_time_recovery).
    #[must_use]
    pub const fn with_point_in_time_recovery(mut self, is_on: bool) -> Self {
        self.point_in_time_recovery = is_on;
        self
    }

    /// The attributes that are keys of the table or of its index, each once; all of them are texts.
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

/// A global secondary index, with all attributes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct IndexSpec {
    /// Its name.
    pub name: String,
    /// Its partition key, a text.
    pub partition_key: String,
    /// Its sort key, a text.
    pub sort_key: String,
}

impl IndexSpec {
    /// An index with keys that are called after it.
    ///
    /// ```
    /// use store_dynamodb::setup::IndexSpec;
    ///
    /// assert_eq!(IndexSpec::named("GSI1").partition_key, "GSI1PK");
    /// assert_eq!(IndexSpec::named("gsi1").sort_key, "gsi1sk");
    /// ```
    #[must_use]
    pub fn named(name: impl Into<String>) -> Self {
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

/// How capacity is paid for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Billing {
    /// By request: nothing to plan, nothing to pay while idle.
    #[default]
    OnDemand,
    /// By the hour, for capacity that is kept ready.
    Provisioned {
        /// Reads per second of 4 KB each, consistent.
        read_units: u32,
        /// Writes per second of 1 KB each.
        write_units: u32,
    },
}

impl Billing {
    /// How the index is paid for: as the table is, with the least there is, because the stores write
    /// none of its keys.
    pub(super) const fn of_index(self) -> Self {
        match self {
            Self::OnDemand => Self::OnDemand,
            Self::Provisioned { .. } => Self::Provisioned {
                read_units: 1,
                write_units: 1,
            },
        }
    }

    /// As the service calls it.
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
