//! A clock that is faster than the real one.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use store_core::{Clock, Sleep, SystemClock, Timestamp};

/// How many seconds it goes on in a second.
const RATE: u32 = 20;

/// The system's clock, faster from a moment on that all processes share.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct FastClock {
    since_millis: i64,
    /// How much later it is besides.
    ahead: Duration,
}

impl FastClock {
    pub(super) fn starting_now() -> Self {
        Self {
            since_millis: SystemClock::new().now().as_millis(),
            ahead: Duration::ZERO,
        }
    }

    pub(super) fn later(self, ahead: Duration) -> Self {
        Self { ahead, ..self }
    }
}

impl Clock for FastClock {
    fn now(&self) -> Timestamp {
        let since = Timestamp::from_millis(self.since_millis);
        since + SystemClock::new().now().since(since) * RATE + self.ahead
    }

    fn monotonic(&self) -> Duration {
        let now = self.now().as_millis().unsigned_abs();
        Duration::from_millis(now)
    }

    fn sleep_until(&self, at: Timestamp) -> Sleep<'_> {
        let wait = at.since(self.now()) / RATE;
        Box::pin(async move {
            let system = SystemClock::new();
            system.sleep_until(system.now() + wait).await;
        })
    }
}

#[cfg(test)]
mod tests {
    use store_core::SECOND;

    use super::*;

    #[test]
    fn a_clock_that_started_a_while_ago_is_far_ahead() {
        let mut clock = FastClock::starting_now();
        clock.since_millis -= 1_000;
        let ahead = clock.now().since(SystemClock::new().now());
        assert!(ahead >= SECOND * (RATE - 1), "{ahead:?}");
        assert!(clock.later(SECOND).now().since(clock.now()) >= SECOND / 2);
    }
}
