//! Choices that a seed decides.

use std::time::Duration;

use store_core::backend::SeededRandom;
use store_core::{Priority, Random as _};

/// One task's choices.
#[derive(Debug)]
pub(crate) struct Rng {
    random: SeededRandom,
}

impl Rng {
    /// The choices that belong to `seed` and `stream`: streams of one seed are unlike each other.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let first = SeededRandom::new(seed ^ stream.rotate_left(32)).next_u64();
        Self {
            random: SeededRandom::new(first.wrapping_add(stream)),
        }
    }

    pub(crate) fn next(&self) -> u64 {
        self.random.next_u64()
    }

    /// A number from zero up to, not including, `end`.
    pub(crate) fn below(&self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % end).unwrap_or(0)
    }

    pub(crate) fn chance(&self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// A time of at most `most`, in whole milliseconds.
    pub(crate) fn up_to(&self, most: Duration) -> Duration {
        let millis = u64::try_from(most.as_millis()).unwrap_or(u64::MAX - 1);
        Duration::from_millis(self.next() % (millis + 1))
    }

    pub(crate) fn priority(&self) -> Priority {
        if self.chance(50) {
            Priority::User
        } else {
            Priority::Background
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_repeats_itself_and_no_other() {
        let numbers = |seed, stream| {
            let rng = Rng::new(seed, stream);
            [rng.next(), rng.next()]
        };
        assert_eq!(numbers(7, 1), numbers(7, 1));
        assert_ne!(numbers(7, 1), numbers(7, 2));
        assert_ne!(numbers(7, 1), numbers(8, 1));
    }
}
