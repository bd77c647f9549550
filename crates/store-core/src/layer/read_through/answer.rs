//! What callers get: a value and its origin, or an error.

use std::error::Error as StdError;
use std::fmt;

use crate::pipeline::Outcome;
use crate::time::Timestamp;
use crate::typed::LoadError;

/// A value and its origin.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Answer<T> {
    /// The value; `None` if there is known to be none.
    pub value: Option<T>,
    /// Where it comes from: the cache, fresh (`Hit`) or not (`Stale`), a load for this caller (`Fetched`), or the
    /// load of another caller or process (`Joined`).
    pub outcome: Outcome,
    /// When its load began, here or elsewhere.
    pub loaded_at: Timestamp,
    /// Why a stale value is given; `None` if it is fresh.
    pub stale_cause: Option<StaleCause>,
}

/// Why a stale value is given.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum StaleCause {
    /// The last load failed, now or less than [`retry_after`](super::ReadThroughOptions::retry_after) ago.
    Failed(LoadError),
    /// The load takes longer than the [soft timeout](super::ReadThroughOptions::soft_timeout), and goes on.
    TimedOut,
    /// The cache is [closed](super::ReadThrough::close).
    Closed,
}

impl fmt::Display for StaleCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Failed(error) => error.fmt(f),
            Self::TimedOut => f.write_str("the load is still in progress"),
            Self::Closed => f.write_str("the cache is closed"),
        }
    }
}

/// The error of a caller for whom there is neither a fresh value nor a stale one.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ReadThroughError {
    /// The load failed, here or in the caller or process that was joined. It is not cached.
    Load(LoadError),
    /// The load takes longer than the [hard timeout](super::ReadThroughOptions::hard_timeout), and goes on.
    TimedOut,
    /// The cache is [closed](super::ReadThrough::close): it begins no load.
    Closed,
}

impl From<ReadThroughError> for StaleCause {
    fn from(error: ReadThroughError) -> Self {
        match error {
            ReadThroughError::Load(error) => Self::Failed(error),
            ReadThroughError::TimedOut => Self::TimedOut,
            ReadThroughError::Closed => Self::Closed,
        }
    }
}

impl fmt::Display for ReadThroughError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Load(error) => error.fmt(f),
            Self::TimedOut => f.write_str("the load is still in progress"),
            Self::Closed => f.write_str("the cache is closed"),
        }
    }
}

impl StdError for ReadThroughError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            // The error is displayed in place of this one, so its cause is this one's.
            Self::Load(error) => error.source(),
            Self::TimedOut | Self::Closed => None,
        }
    }
}
