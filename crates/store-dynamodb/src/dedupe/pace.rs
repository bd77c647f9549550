//! The polling interval of a process.

use std::time::Duration;

use store_core::Random;

/// Pauses between `shortest` and `longest`, spread so that processes do not ask in step: each at most
/// three times as long as the one before ("decorrelated jitter", AWS Architecture Blog, 2015).
#[derive(Debug)]
pub(super) struct Pace {
    shortest: Duration,
    longest: Duration,
    last: Option<Duration>,
}

impl Pace {
    pub(super) fn new(shortest: Duration, longest: Duration) -> Self {
        // A pause of nothing would be a loop without one.
        let shortest = shortest.max(Duration::from_millis(1));
        Self {
            shortest,
            longest: longest.max(shortest),
            last: None,
        }
    }

    pub(super) const fn shortest(&self) -> Duration {
        self.shortest
    }

    /// Restarts with the shortest pause.
    pub(super) const fn reset(&mut self) {
        self.last = None;
    }

    pub(super) fn next(&mut self, random: &dyn Random) -> Duration {
        let pause = match self.last {
            None => self.shortest,
            Some(last) => {
                let span = (last * 3).saturating_sub(self.shortest);
                let span = u64::try_from(span.as_millis()).unwrap_or(u64::MAX - 1);
                let extra = random.next_u64() % span.saturating_add(1);
                (self.shortest + Duration::from_millis(extra)).min(self.longest)
            }
        };
        self.last = Some(pause);
        pause
    }
}

#[cfg(test)]
mod tests {
    use store_core::backend::SeededRandom;

    use super::*;

    #[test]
    fn pauses_grow_from_the_shortest_and_stay_within_their_bounds() {
        let (shortest, longest) = (Duration::from_millis(100), Duration::from_secs(2));
        let random = SeededRandom::new(1);
        let mut pace = Pace::new(shortest, longest);
        assert_eq!(pace.next(&random), shortest);
        let pauses: Vec<_> = (0..200).map(|_| pace.next(&random)).collect();
        assert!(
            pauses
                .iter()
                .all(|pause| (shortest..=longest).contains(pause))
        );
        assert!(pauses.contains(&longest) && pauses.iter().any(|pause| *pause < longest / 2));
        pace.reset();
        assert_eq!(pace.next(&random), shortest);
    }

    #[test]
    fn there_is_always_a_pause() {
        let mut pace = Pace::new(Duration::ZERO, Duration::ZERO);
        let pause = pace.next(&SeededRandom::new(1));
        assert!(!pause.is_zero());
    }
}
