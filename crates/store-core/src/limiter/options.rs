//! Options of a limiter.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, SystemClock};
use crate::random::{Random, SystemRandom};
use crate::time::{MINUTE, SECOND};
use crate::wait::WaitObserver;

/// Options of a [`RateLimiter`](crate::RateLimiter).
///
/// ```
/// use store_core::{RateLimiterOptions, SECOND};
///
/// let options = RateLimiterOptions::default().with_max_wait(SECOND * 5);
/// assert_eq!(options.promote_after, SECOND * 30);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RateLimiterOptions {
    /// How long a request waits that does not say so itself; `Duration::MAX` is without a bound. Default: 60
    /// seconds.
    pub max_wait: Duration,
    /// The most that a waiter wakes after a slot is free, so that processes do not all ask at the same
    /// instant; at most a sixteenth of the time that it slept. Default: 5 milliseconds.
    pub jitter: Duration,
    /// The longest time after which a background request ranks as a user's; it does so earlier, after
    /// half of the time that it waits at most. Default: 30 seconds.
    pub promote_after: Duration,
    /// What is told of waits for a permit. Default: nothing.
    pub on_wait: Option<WaitObserver>,
    /// The clock. Default: the system's.
    pub clock: Arc<dyn Clock>,
    /// The source of jitter. Default: the system's randomness.
    pub random: Arc<dyn Random>,
}

impl Default for RateLimiterOptions {
    fn default() -> Self {
        Self {
            max_wait: MINUTE,
            jitter: Duration::from_millis(5),
            promote_after: SECOND * 30,
            on_wait: None,
            clock: Arc::new(SystemClock::new()),
            random: Arc::new(SystemRandom),
        }
    }
}

impl RateLimiterOptions {
    /// Sets [`max_wait`](Self::max_wait).
    #[must_use]
    pub fn with_max_wait(mut self, max_wait: Duration) -> Self {
        self.max_wait = max_wait;
        self
    }

    /// Sets [`jitter`](Self::jitter).
    #[must_use]
    pub fn with_jitter(mut self, jitter: Duration) -> Self {
        self.jitter = jitter;
        self
    }

    /// Sets [`promote_after`](Self::promote_after).
    #[must_use]
    pub fn with_promote_after(mut self, after: Duration) -> Self {
        self.promote_after = after;
        self
    }

    /// Sets [`on_wait`](Self::on_wait).
    #[must_use]
    pub fn with_on_wait(mut self, observer: WaitObserver) -> Self {
        self.on_wait = Some(observer);
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
}
