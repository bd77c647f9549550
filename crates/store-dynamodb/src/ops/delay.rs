//! Adaptive delay between requests to a throttled table.

use std::sync::Arc;
use std::time::Duration;

use store_core::{Random, SECOND, SystemRandom};

/// Default bounds of the delay.
const SHORTEST: Duration = Duration::from_millis(25);
const LONGEST: Duration = SECOND;

/// A delay between requests that doubles while they are throttled and halves while they succeed.
///
/// Half of each delay is random jitter, so that processes throttled together do not retry together.
///
/// ```
/// use std::time::Duration;
/// use store_dynamodb::ops::AdaptiveDelayCalculator;
///
/// let mut delay = AdaptiveDelayCalculator::default();
/// assert_eq!(delay.next_delay(), Duration::ZERO);
/// delay.throttled();
/// assert!(delay.next_delay() >= Duration::from_millis(12));
/// delay.succeeded();
/// assert_eq!(delay.next_delay(), Duration::ZERO);
/// ```
#[derive(Clone, Debug)]
pub struct AdaptiveDelayCalculator {
    shortest: Duration,
    longest: Duration,
    current: Duration,
    random: Arc<dyn Random>,
}

impl Default for AdaptiveDelayCalculator {
    /// From 25 ms to 1 s, with jitter from the operating system's random source.
    fn default() -> Self {
        Self::new(SHORTEST, LONGEST)
    }
}

impl AdaptiveDelayCalculator {
    /// Delays from `shortest` to `longest`; zero until a request is throttled.
    #[must_use]
    pub fn new(shortest: Duration, longest: Duration) -> Self {
        Self::drawing(shortest, longest, Arc::new(SystemRandom))
    }

    /// Sets the random source of the jitter.
    #[must_use]
    pub fn with_random(mut self, random: impl Random) -> Self {
        self.random = Arc::new(random);
        self
    }

    /// The default bounds with a shared random source.
    pub(crate) fn shared(random: &Arc<dyn Random>) -> Self {
        Self::drawing(SHORTEST, LONGEST, Arc::clone(random))
    }

    pub(crate) fn drawing(shortest: Duration, longest: Duration, random: Arc<dyn Random>) -> Self {
        Self {
            shortest,
            longest: longest.max(shortest),
            current: Duration::ZERO,
            random,
        }
    }

    /// The delay before the next request: random between half of the current delay and all of it, in whole
    /// microseconds; zero while nothing is throttled.
    #[must_use]
    pub fn next_delay(&self) -> Duration {
        spread(&*self.random, self.current)
    }

    /// The delay before one more request than before: the first is the shortest.
    pub(crate) fn lengthened(&mut self) -> Duration {
        self.throttled();
        self.next_delay()
    }

    /// Records a request that was throttled, in whole or in part: the delay doubles, up to the longest.
    pub fn throttled(&mut self) {
        let doubled = self.current.saturating_mul(2);
        self.current = doubled.clamp(self.shortest, self.longest);
    }

    /// Records a successful request: the delay halves, and becomes zero below the shortest.
    pub fn succeeded(&mut self) {
        let halved = self.current / 2;
        let is_over = halved < self.shortest;
        self.current = if is_over { Duration::ZERO } else { halved };
    }
}

/// A random duration between half of `longest` and all of it, so that processes do not retry in step.
pub(crate) fn spread(random: &dyn Random, longest: Duration) -> Duration {
    let half = longest / 2;
    let micros = u64::try_from(half.as_micros()).unwrap_or(u64::MAX);
    half + Duration::from_micros(random.next_u64() % micros.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use store_core::backend::SeededRandom;

    use super::*;

    fn delay() -> AdaptiveDelayCalculator {
        AdaptiveDelayCalculator::default().with_random(SeededRandom::new(7))
    }

    // covers("B13")
    #[test]
    fn pauses_grow_while_throttled_and_stay_within_bounds() {
        let mut delay = delay();
        let mut least = Duration::ZERO;
        for doubled in [25, 50, 100, 200, 400, 800, 1_000, 1_000] {
            delay.throttled();
            let longest = Duration::from_millis(doubled);
            for _ in 0..100 {
                let pause = delay.next_delay();
                assert!(pause >= longest / 2 && pause <= longest, "{pause:?}");
            }
            assert!(longest >= least);
            least = longest;
        }
    }

    // covers("B13")
    #[test]
    fn pauses_shrink_on_success_and_end() {
        let mut delay = delay();
        for _ in 0..3 {
            delay.throttled();
        }
        for longest in [50, 25] {
            delay.succeeded();
            assert!(delay.next_delay() <= Duration::from_millis(longest));
            assert!(delay.next_delay() > Duration::ZERO);
        }
        delay.succeeded();
        assert_eq!(delay.next_delay(), Duration::ZERO);
    }

    #[test]
    fn pauses_of_two_processes_differ() {
        let mut both = [1, 2].map(|seed| delay().with_random(SeededRandom::new(seed)));
        both.iter_mut().for_each(AdaptiveDelayCalculator::throttled);
        assert_ne!(both[0].next_delay(), both[1].next_delay());
    }

    #[test]
    fn bounds_in_the_wrong_order_are_no_panic() {
        let mut delay = AdaptiveDelayCalculator::new(SECOND, SHORTEST);
        delay.throttled();
        assert!(delay.next_delay() <= SECOND);
    }
}
