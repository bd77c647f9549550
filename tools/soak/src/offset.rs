//! A clock that is set wrong.

use std::time::Duration;

use store_core::{Clock, Sleep, SystemClock, Timestamp};

/// The system's clock, by some milliseconds ahead or behind.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct OffsetClock {
    system: SystemClock,
    /// How far ahead it is; behind, if negative.
    millis: i64,
}

impl OffsetClock {
    pub(crate) fn new(millis: i64) -> Self {
        Self {
            system: SystemClock::new(),
            millis,
        }
    }

    /// Offsets of several clocks: the first is as far behind as `skew` allows, the last as far ahead, and the
    /// others are spread between them.
    pub(crate) fn spread(skew: Duration, number: usize, of: usize) -> i64 {
        let skew = i64::try_from(skew.as_millis()).unwrap_or(i64::MAX / 4);
        let at = |number: usize| i64::try_from(number).unwrap_or(0);
        let steps = at(of).saturating_sub(1).max(1);
        2 * skew * (at(number) % at(of).max(1)) / steps - skew
    }
}

fn moved(at: Timestamp, millis: i64) -> Timestamp {
    Timestamp::from_millis(at.as_millis().saturating_add(millis))
}

impl Clock for OffsetClock {
    fn now(&self) -> Timestamp {
        moved(self.system.now(), self.millis)
    }

    fn monotonic(&self) -> Duration {
        self.system.monotonic()
    }

    fn sleep_until(&self, at: Timestamp) -> Sleep<'_> {
        self.system.sleep_until(moved(at, -self.millis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_are_spread_over_the_whole_skew() {
        let skew = Duration::from_secs(2);
        let offsets = [0, 1, 2, 3, 4].map(|number| OffsetClock::spread(skew, number, 5));
        assert_eq!(offsets, [-2_000, -1_000, 0, 1_000, 2_000]);
        assert_eq!(OffsetClock::spread(Duration::ZERO, 3, 5), 0);
        assert_eq!(OffsetClock::spread(skew, 7, 5), offsets[2]);
    }

    #[test]
    fn a_clock_that_is_behind_shows_an_earlier_time() {
        let (system, behind) = (SystemClock::new(), OffsetClock::new(-60_000));
        assert!(behind.now() < system.now() - Duration::from_secs(59));
    }
}
