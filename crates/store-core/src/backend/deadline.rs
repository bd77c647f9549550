//! Until when a caller waits, wherever the wall clock is set meanwhile.

use std::time::Duration;

use crate::clock::Clock;
use crate::time::Timestamp;

/// The end of a caller's patience, on the monotonic clock: a wall clock that is set neither prolongs nor
/// shortens a wait. It means nothing outside this process.
///
/// ```
/// use store_core::backend::Deadline;
/// use store_core::{Clock, HOUR, ManualClock, SECOND};
///
/// let clock = ManualClock::default();
/// let deadline = Deadline::after(SECOND, &clock);
/// clock.set_wall(clock.now() - HOUR);
/// assert_eq!(deadline.left(&clock), SECOND);
/// clock.advance(SECOND);
/// assert!(deadline.is_over(&clock));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Deadline(Duration);

impl Deadline {
    /// The deadline of a caller that waits for so long from now on; `Duration::MAX` is without a bound.
    #[must_use]
    pub fn after(wait: Duration, clock: &dyn Clock) -> Self {
        Self(clock.monotonic().saturating_add(wait))
    }

    /// How long it is until then; zero if it is over.
    #[must_use]
    pub fn left(self, clock: &dyn Clock) -> Duration {
        self.0.saturating_sub(clock.monotonic())
    }

    /// Whether it has passed.
    #[must_use]
    pub fn is_over(self, clock: &dyn Clock) -> bool {
        clock.monotonic() >= self.0
    }

    /// Whether it comes before the wall clock shows `at`, as far as is known now; to the millisecond.
    #[must_use]
    pub fn is_before(self, at: Timestamp, clock: &dyn Clock) -> bool {
        at > clock.now() + self.left(clock)
    }

    /// The deadline as a reading of the monotonic clock.
    pub(crate) const fn monotonic(self) -> Duration {
        self.0
    }
}
