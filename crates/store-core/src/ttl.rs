//! How long a cached value lives.

use std::time::Duration;

use crate::time::Timestamp;

/// How long a cached value lives, to the millisecond.
///
/// ```
/// use store_core::{HOUR, Timestamp, Ttl};
///
/// let now = Timestamp::from_millis(0);
/// assert_eq!(Ttl::After(HOUR).expires_at(now), Some(now + HOUR));
/// assert_eq!(Ttl::Never.expires_at(now), None);
/// assert_eq!(Ttl::from_npm_seconds(-1).expires_at(now), Some(now));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ttl {
    /// The value does not expire.
    Never,
    /// The value expires this long after it was stored; after zero it is expired at once.
    After(Duration),
}

impl Ttl {
    /// A time to live by the original packages' rule: seconds if positive, never if zero, expired at once if negative.
    #[must_use]
    pub const fn from_npm_seconds(seconds: i64) -> Self {
        match seconds {
            0 => Self::Never,
            1.. => Self::After(Duration::from_secs(seconds.unsigned_abs())),
            _ => Self::After(Duration::ZERO),
        }
    }

    /// When a value stored at `now` expires. It is gone from that very millisecond on.
    #[must_use]
    pub fn expires_at(self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Never => None,
            Self::After(after) => Some(now + after),
        }
    }
}

impl From<Duration> for Ttl {
    fn from(after: Duration) -> Self {
        Self::After(after)
    }
}
