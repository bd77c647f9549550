//! Points in time as the stores keep them: whole milliseconds since the Unix epoch.
//!
//! All arithmetic saturates, so that no stored value, however wrong, can make a store panic.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// One second.
pub const SECOND: Duration = Duration::from_secs(1);
/// One minute.
pub const MINUTE: Duration = Duration::from_mins(1);
/// One hour.
pub const HOUR: Duration = Duration::from_hours(1);
/// One day.
pub const DAY: Duration = Duration::from_hours(24);

/// A wall-clock instant in whole milliseconds since the Unix epoch (UTC).
///
/// ```
/// use store_core::{HOUR, Timestamp};
///
/// let opened = Timestamp::from_millis(1_700_000_000_000);
/// assert_eq!((opened + HOUR).since(opened), HOUR);
/// assert_eq!(opened.to_string(), "2023-11-14T22:13:20.000Z");
/// ```
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The earliest instant that can be written down.
    pub const MIN: Self = Self(i64::MIN);
    /// The latest instant that can be written down.
    pub const MAX: Self = Self(i64::MAX);

    /// The instant `millis` milliseconds after the Unix epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// How long after `earlier` this instant is; zero if it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        let millis = self.0.saturating_sub(earlier.0);
        Duration::from_millis(u64::try_from(millis).unwrap_or(0))
    }
}

/// A duration in whole milliseconds, rounded up so that nothing becomes due too early.
pub(crate) fn millis_ceil(duration: Duration) -> i64 {
    // Not by way of `as_nanos`: every decision of a limiter comes through here, and a division of 128 bits is slow.
    let millis = u64::from(duration.subsec_nanos().div_ceil(1_000_000));
    let millis = duration
        .as_secs()
        .saturating_mul(1_000)
        .saturating_add(millis);
    i64::try_from(millis).unwrap_or(i64::MAX)
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(millis_ceil(duration)))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(millis_ceil(duration)))
    }
}

impl From<SystemTime> for Timestamp {
    /// Cut to whole milliseconds.
    fn from(time: SystemTime) -> Self {
        match time.duration_since(UNIX_EPOCH) {
            Ok(since) => Self(i64::try_from(since.as_millis()).unwrap_or(i64::MAX)),
            Err(before) => Self::default() - before.duration(),
        }
    }
}

impl TryFrom<Timestamp> for SystemTime {
    type Error = Error;

    /// Fails for instants that the system's time cannot hold.
    fn try_from(at: Timestamp) -> Result<Self> {
        let distance = Duration::from_millis(at.0.unsigned_abs());
        let time = if at.0 < 0 {
            UNIX_EPOCH.checked_sub(distance)
        } else {
            UNIX_EPOCH.checked_add(distance)
        };
        time.ok_or_else(|| Error::invalid("timestamp", "is out of the system's range"))
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC with milliseconds; plain milliseconds where the calendar has no such year.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const YEAR_9999_MILLIS: u64 = 253_402_300_800_000;
        match u64::try_from(self.0) {
            Ok(millis) if millis < YEAR_9999_MILLIS => {
                let at = UNIX_EPOCH + Duration::from_millis(millis);
                write!(f, "{}", humantime::format_rfc3339_millis(at))
            }
            _ => write!(f, "{} ms", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_saturates_at_both_ends() {
        assert_eq!(Timestamp::MAX + HOUR, Timestamp::MAX);
        assert_eq!(Timestamp::MIN - HOUR, Timestamp::MIN);
        assert_eq!(Timestamp::MIN.since(Timestamp::MAX), Duration::ZERO);
        assert_eq!(
            Timestamp::default() + Duration::MAX,
            Timestamp::from_millis(i64::MAX)
        );
    }

    #[test]
    fn a_part_of_a_millisecond_counts_as_a_whole_one() {
        let whole = Duration::from_millis(1_700_000_000_999);
        let short = Duration::new(1_700_000_000, 998_999_999);
        let nanosecond = Duration::from_nanos(1);
        assert_eq!(millis_ceil(Duration::ZERO), 0);
        assert_eq!(millis_ceil(nanosecond), 1);
        assert_eq!(millis_ceil(whole), 1_700_000_000_999);
        assert_eq!(millis_ceil(whole + nanosecond), 1_700_000_001_000);
        assert_eq!(millis_ceil(short), 1_700_000_000_999);
        assert_eq!(millis_ceil(Duration::MAX), i64::MAX);
    }

    #[test]
    fn the_systems_time_converts_both_ways() {
        for millis in [-1_500, 0, 1_700_000_000_000] {
            let at = Timestamp::from_millis(millis);
            let time = SystemTime::try_from(at).unwrap();
            assert_eq!(Timestamp::from(time), at);
        }
    }

    #[test]
    fn fractions_of_a_millisecond_round_up() {
        let start = Timestamp::from_millis(10);
        assert_eq!(start + Duration::from_micros(1), Timestamp::from_millis(11));
    }

    #[test]
    fn years_out_of_calendar_print_as_milliseconds() {
        assert_eq!(Timestamp::from_millis(-5).to_string(), "-5 ms");
        assert_eq!(Timestamp::MAX.to_string(), format!("{} ms", i64::MAX));
    }
}
