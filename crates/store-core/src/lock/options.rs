//! The options of a lock.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, SystemClock};
use crate::time::MINUTE;

/// Options of an [`AdvisoryLock`](crate::AdvisoryLock).
///
/// ```
/// use store_core::{LockOptions, SECOND};
///
/// let options = LockOptions::default().with_max_wait(SECOND * 5);
/// assert_eq!(options.max_wait.as_secs(), 5);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LockOptions {
    /// How long [`with_lock`](crate::AdvisoryLock::with_lock) waits for other holders; `Duration::MAX` is
    /// without a bound. Default: 60 seconds.
    pub max_wait: Duration,
    /// The clock. Default: the system's.
    pub clock: Arc<dyn Clock>,
}

impl Default for LockOptions {
    fn default() -> Self {
        Self {
            max_wait: MINUTE,
            clock: Arc::new(SystemClock::new()),
        }
    }
}

impl LockOptions {
    /// Sets [`max_wait`](Self::max_wait).
    #[must_use]
    pub fn with_max_wait(mut self, max_wait: Duration) -> Self {
        self.max_wait = max_wait;
        self
    }

    /// Sets [`clock`](Self::clock).
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }
}
