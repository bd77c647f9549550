//! The error of a call that needs a lock.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use crate::error::Error;

/// The error of an [`AdvisoryLock`](crate::AdvisoryLock).
#[derive(Debug)]
#[non_exhaustive]
pub enum LockError {
    /// Another holder has the lock; the work did not run.
    Held {
        /// How long its lease runs unless it is renewed; zero if it was released at this moment.
        lease_left: Duration,
    },
    /// The work has run, but another may have held the lock before it ended: what it wrote without its
    /// token may be wrong, and its output is dropped.
    Lost,
    /// The store failed before the work began.
    Store(Error),
}

impl fmt::Display for LockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Held { lease_left } => {
                write!(
                    f,
                    "the lock is held by another, whose lease runs for {lease_left:?}"
                )
            }
            Self::Lost => f.write_str("the lease of the lock was lost before the work ended"),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl StdError for LockError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            // The error is displayed in place of this one, so its cause is this one's.
            Self::Store(error) => error.source(),
            Self::Held { .. } | Self::Lost => None,
        }
    }
}

impl From<Error> for LockError {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}
