//! Errors of the table set-up.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use store_core::Error;

use super::Difference;
use super::steps::fmt_differences;

/// Error of the table set-up.
#[derive(Debug)]
#[non_exhaustive]
pub enum SetupError {
    /// The existing table differs from its spec; nothing was changed.
    Mismatch {
        /// Name of the table.
        table: String,
        /// All differences, including those that could be fixed in place.
        differences: Vec<Difference>,
    },
    /// The table was not ready within the timeout. Running the set-up again resumes it.
    NotActive {
        /// Name of the table.
        table: String,
        /// Last status, such as `CREATING`.
        status: String,
        /// Time waited.
        waited: Duration,
    },
    /// A request failed.
    Request(Error),
}

impl From<Error> for SetupError {
    fn from(error: Error) -> Self {
        Self::Request(error)
    }
}

impl SetupError {
    /// The error, with the table that its request was about.
    pub(super) fn named(self, table: &str) -> Self {
        match self {
            Self::Request(error) => Self::Request(error.with_key(table)),
            named @ (Self::Mismatch { .. } | Self::NotActive { .. }) => named,
        }
    }
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mismatch { table, differences } => {
                write!(f, "table {table}")?;
                fmt_differences(differences, f)?;
                let is_repairable = |difference: &Difference| difference.repaired_by.is_some();
                if differences.iter().all(is_repairable) {
                    write!(
                        f,
                        "\nmend it with `comicvine table setup --repair --table {table}` and the other options \
                         of this set-up"
                    )
                } else {
                    f.write_str("\nuse another table name, or change or delete that table yourself")
                }
            }
            Self::NotActive {
                table,
                status,
                waited,
            } => write!(
                f,
                "table {table} is still {status} after {} s; run the set-up again later",
                waited.as_secs()
            ),
            Self::Request(error) => error.fmt(f),
        }
    }
}

impl StdError for SetupError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Request(error) => error.source(),
            Self::Mismatch { .. } | Self::NotActive { .. } => None,
        }
    }
}
