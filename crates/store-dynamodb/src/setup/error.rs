//! Why a table was not set up.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use store_core::Error;

use super::Difference;

/// Why a table was not set up.
#[derive(Debug)]
#[non_exhaustive]
pub enum SetupError {
    /// There is a table of this name, and it is another one.
    Mismatch {
        /// Its name.
        table: String,
        /// What differs; nothing was changed.
        differences: Vec<Difference>,
    },
    /// The table was not ready in time. Run again, the set-up goes on where it stopped.
    NotActive {
        /// Its name.
        table: String,
        /// What the service said last, such as `CREATING`.
        status: String,
        /// For how long it was waited for.
        waited: Duration,
    },
    /// The service could not be asked, or refused.
    Request(Error),
}

impl From<Error> for SetupError {
    fn from(error: Error) -> Self {
        Self::Request(error)
    }
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mismatch { table, differences } => {
                write!(f, "table {table} is not what the stores need")?;
                for difference in differences {
                    write!(f, "\n  {difference}")?;
                    if difference.mended_by().is_some() {
                        f.write_str(" [can be mended in place]")?;
                    }
                }
                let is_mendable = |difference: &Difference| difference.mended_by().is_some();
                f.write_str(if differences.iter().all(is_mendable) {
                    "\nmend it with `cargo xtask setup-dynamo --mend`"
                } else {
                    "\nuse another name, or change or delete that table yourself"
                })
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
