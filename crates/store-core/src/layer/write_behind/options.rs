//! Options of writes that are delivered later.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, SystemClock};
use crate::random::{Random, SystemRandom};
use crate::time::{MINUTE, SECOND};

/// Options of a [`WriteBehind`](super::WriteBehind).
///
/// ```
/// use store_core::SECOND;
/// use store_core::layer::WriteBehindOptions;
///
/// let options = WriteBehindOptions::default().with_delivery_timeout(SECOND * 5);
/// assert_eq!(options.concurrency.get(), 4);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WriteBehindOptions {
    /// How many keys are delivered at once. Default: 4.
    pub concurrency: NonZeroUsize,
    /// How long one delivery may take before it is given up and has failed. Default: 60 seconds.
    pub delivery_timeout: Duration,
    /// The pause after a delivery has failed; it doubles with each attempt. Up to a half of each pause is left out, at
    /// random. Default: 100 milliseconds.
    pub first_pause: Duration,
    /// The longest pause. Default: 60 seconds.
    pub max_pause: Duration,
    /// How often the queue is asked for writes that other processes have accepted and do not deliver. Default: 1 second.
    pub poll_interval: Duration,
    /// How long a close waits for what is queued. Default: 10 seconds.
    pub close_timeout: Duration,
    /// The clock. Default: the system's.
    pub clock: Arc<dyn Clock>,
    /// The randomness of the pauses. Default: the system's.
    pub random: Arc<dyn Random>,
}

impl Default for WriteBehindOptions {
    fn default() -> Self {
        Self {
            concurrency: NonZeroUsize::MIN.saturating_add(3),
            delivery_timeout: MINUTE,
            first_pause: Duration::from_millis(100),
            max_pause: MINUTE,
            poll_interval: SECOND,
            close_timeout: SECOND * 10,
            clock: Arc::new(SystemClock::new()),
            random: Arc::new(SystemRandom),
        }
    }
}

impl WriteBehindOptions {
    /// Sets [`concurrency`](Self::concurrency).
    #[must_use]
    pub fn with_concurrency(mut self, keys: NonZeroUsize) -> Self {
        self.concurrency = keys;
        self
    }

    /// Sets [`delivery_timeout`](Self::delivery_timeout).
    #[must_use]
    pub fn with_delivery_timeout(mut self, timeout: Duration) -> Self {
        self.delivery_timeout = timeout;
        self
    }

    /// Sets [`first_pause`](Self::first_pause).
    #[must_use]
    pub fn with_first_pause(mut self, pause: Duration) -> Self {
        self.first_pause = pause;
        self
    }

    /// Sets [`max_pause`](Self::max_pause).
    #[must_use]
    pub fn with_max_pause(mut self, pause: Duration) -> Self {
        self.max_pause = pause;
        self
    }

    /// Sets [`poll_interval`](Self::poll_interval).
    #[must_use]
    pub fn with_poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    /// Sets [`close_timeout`](Self::close_timeout).
    #[must_use]
    pub fn with_close_timeout(mut self, timeout: Duration) -> Self {
        self.close_timeout = timeout;
        self
    }

    /// Sets [`clock`](Self::clock).
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets [`random`](Self::random).
    #[must_use]
    pub fn with_random(mut self, random: impl Random) -> Self {
        self.random = Arc::new(random);
        self
    }

    /// The pause after the attempt with this number, from 1, has failed.
    pub(super) fn pause_after(&self, attempt: u32) -> Duration {
        let doubled = 1_u32.checked_shl(attempt.saturating_sub(1));
        let longest = doubled
            .and_then(|factor| self.first_pause.checked_mul(factor))
            .unwrap_or(Duration::MAX)
            .min(self.max_pause);
        longest.saturating_sub(crate::random::up_to(&*self.random, longest / 2))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;

    #[test]
    fn pauses_double_up_to_the_longest_and_lose_a_half_at_most() {
        let options = WriteBehindOptions::default()
            .with_first_pause(SECOND)
            .with_max_pause(SECOND * 5)
            .with_random(SeededRandom::new(1));
        for (attempt, longest) in [(1, 1), (2, 2), (3, 4), (4, 5), (33, 5), (u32::MAX, 5)] {
            let (pause, longest) = (options.pause_after(attempt), SECOND * longest);
            assert!(
                longest / 2 <= pause && pause <= longest,
                "{attempt}: {pause:?}"
            );
        }
    }
}
