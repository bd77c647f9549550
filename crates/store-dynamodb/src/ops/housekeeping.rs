//! Which operations are housekeeping, and how fast it goes: as fast as the table takes it beside its users.
//!
//! Nobody waits for housekeeping within a deadline, so its failures say nothing to the circuit breaker that users'
//! requests pass, and it does not spend the retries of the client, which all requests of a process share. While the
//! table is throttled its requests go one at a time, after growing pauses.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use store_core::backend::breaker::Class;
use store_core::{Clock, MINUTE, Random};

use super::delay::AdaptiveDelayCalculator;

/// How long nothing but throttling makes a call fail.
pub(crate) const GIVE_UP_AFTER: Duration = MINUTE;

/// The bounds of the pauses. The shortest leaves room for users before the table has told how much it takes.
const SHORTEST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(1);

/// The shortest time without throttling after which the pauses become shorter.
const EASE_AFTER: Duration = Duration::from_secs(2);

/// The class of an operation, by the name that its errors and metrics carry.
pub(crate) fn class_of(operation: &str) -> Class {
    match operation {
        "clear" | "cleanup" | "free" | "list" | "stats" => Class::Housekeeping,
        _ => Class::Foreground,
    }
}

/// How often what a batch left unprocessed is asked for again, after delays of up to a second.
pub(crate) fn leftover_tries(operation: &str) -> u32 {
    match class_of(operation) {
        Class::Foreground => 6,
        Class::Housekeeping => 60,
    }
}

/// The pauses between the housekeeping requests of a table handle.
#[derive(Debug)]
pub(crate) struct Pace {
    /// Held during a pause: while the table is throttled, requests begin one after the other.
    turn: tokio::sync::Mutex<()>,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    delay: AdaptiveDelayCalculator,
    /// When the delay last changed: what began before it tells of the same moment.
    changed_at: Duration,
    /// When a request was last throttled.
    throttled_at: Option<Duration>,
    /// Since when every request has been throttled.
    throttled_since: Option<Duration>,
}

impl Pace {
    pub(crate) fn new(random: &Arc<dyn Random>) -> Self {
        Self {
            turn: tokio::sync::Mutex::default(),
            inner: Mutex::new(Inner {
                delay: AdaptiveDelayCalculator::drawing(SHORTEST, LONGEST, Arc::clone(random)),
                changed_at: Duration::ZERO,
                throttled_at: None,
                throttled_since: None,
            }),
        }
    }

    /// Waits until a request may be sent; at once unless the table was throttled.
    pub(crate) async fn turn(&self, clock: &dyn Clock) {
        if self.next_delay().is_zero() {
            return;
        }
        let _turn = self.turn.lock().await;
        // Those before may have made it longer or shorter.
        let pause = self.next_delay();
        if !pause.is_zero() {
            clock.sleep(pause).await;
        }
    }

    /// Records that a request that began at `began` was throttled; since when all have been. The pauses grow with
    /// the second one within a while: one alone shows that the pace is about right, and what is throttled more often
    /// takes what users need.
    pub(crate) fn throttled(&self, began: Duration, now: Duration) -> Duration {
        let mut inner = self.lock();
        let is_unpaced = inner.delay.next_delay().is_zero();
        if is_unpaced || began >= inner.changed_at {
            let is_frequent = inner
                .throttled_at
                .is_some_and(|before| now.saturating_sub(before) < EASE_AFTER);
            if is_unpaced || is_frequent {
                inner.delay.throttled();
            }
            inner.changed_at = now;
            inner.throttled_at = Some(now);
        }
        *inner.throttled_since.get_or_insert(began)
    }

    /// Records that a request succeeded.
    pub(crate) fn succeeded(&self, now: Duration) {
        let mut inner = self.lock();
        inner.throttled_since = None;
        if now.saturating_sub(inner.changed_at) >= EASE_AFTER {
            inner.delay.succeeded();
            inner.changed_at = now;
        }
    }

    fn next_delay(&self) -> Duration {
        self.lock().delay.next_delay()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use store_core::backend::SeededRandom;
    use store_core::{ManualClock, SECOND};

    use super::*;

    fn pace() -> Pace {
        let random: Arc<dyn Random> = Arc::new(SeededRandom::new(7));
        Pace::new(&random)
    }

    #[test]
    fn requests_that_are_throttled_together_lengthen_the_pause_once() {
        let pace = pace();
        for _ in 0..50 {
            pace.throttled(SECOND, SECOND * 2);
        }
        assert!(pace.next_delay() > Duration::ZERO && pace.next_delay() <= SHORTEST);
        pace.throttled(SECOND * 2, SECOND * 3);
        assert!(pace.next_delay() >= SHORTEST);
    }

    #[test]
    fn one_that_is_throttled_now_and_then_leaves_the_pause_as_it_is() {
        let pace = pace();
        for round in 1..100 {
            let now = EASE_AFTER * round;
            pace.throttled(now, now);
            pace.succeeded(now);
        }
        assert!(pace.next_delay() <= SHORTEST);
    }

    #[test]
    fn the_pause_grows_until_throttling_is_rare_though_others_succeed() {
        let pace = pace();
        for round in 1..100 {
            let now = Duration::from_millis(100) * round;
            pace.throttled(now, now);
            pace.succeeded(now);
        }
        assert!(pace.next_delay() >= SECOND / 2);
    }

    #[test]
    fn pauses_shorten_slowly_and_end() {
        let pace = pace();
        pace.throttled(SECOND, SECOND);
        for _ in 0..1_000 {
            pace.succeeded(SECOND + Duration::from_millis(100));
        }
        assert!(pace.next_delay() > Duration::ZERO);
        pace.succeeded(SECOND + EASE_AFTER);
        assert_eq!(pace.next_delay(), Duration::ZERO);
    }

    #[tokio::test]
    async fn without_throttling_nobody_waits() {
        pace().turn(&ManualClock::default()).await;
    }
}
