//! Randomness as an input: the only place that asks the operating system for it.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use uuid::Uuid;

/// A source of random bits for job ids and jitter. Not for cryptography.
pub trait Random: Debug + Send + Sync + 'static {
    /// Sixty-four fresh bits.
    fn next_u64(&self) -> u64;
}

impl<R: Random + ?Sized> Random for Arc<R> {
    fn next_u64(&self) -> u64 {
        (**self).next_u64()
    }
}

/// The operating system's randomness.
///
/// ```
/// use store_core::{Random, SystemRandom};
/// assert_ne!(SystemRandom.next_u64(), SystemRandom.next_u64());
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    #[expect(clippy::disallowed_methods, reason = "this is the source")]
    fn next_u64(&self) -> u64 {
        let (high, low) = Uuid::new_v4().as_u64_pair();
        // A version 4 UUID fixes six bits, all of them in different places of the two halves.
        high.rotate_left(32) ^ low
    }
}

/// Repeatable numbers from a seed (`SplitMix64`), for tests and simulations.
///
/// ```
/// use store_core::Random;
/// use store_core::backend::SeededRandom;
/// assert_eq!(SeededRandom::new(7).next_u64(), SeededRandom::new(7).next_u64());
/// ```
#[derive(Debug, Default)]
pub struct SeededRandom {
    state: AtomicU64,
}

impl SeededRandom {
    /// The sequence that belongs to `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            state: AtomicU64::new(seed),
        }
    }
}

impl Random for SeededRandom {
    fn next_u64(&self) -> u64 {
        // Steele, Lea, Flood: "Fast splittable pseudorandom number generators" (2014).
        const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut z = self
            .state
            .fetch_add(GOLDEN_GAMMA, Ordering::Relaxed)
            .wrapping_add(GOLDEN_GAMMA);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// A duration between zero and `most`, both included, to whole microseconds.
pub(crate) fn up_to(random: &dyn Random, most: Duration) -> Duration {
    let micros = u64::try_from(most.as_micros()).unwrap_or(u64::MAX - 1);
    Duration::from_micros(random.next_u64() % micros.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_stays_within_its_bound_and_varies() {
        let random = SeededRandom::new(1);
        let most = Duration::from_millis(20);
        let drawn: Vec<_> = (0..100).map(|_| up_to(&random, most)).collect();
        assert!(drawn.iter().all(|jitter| *jitter <= most));
        assert!(drawn.iter().any(|jitter| *jitter != drawn[0]));
        assert_eq!(up_to(&random, Duration::ZERO), Duration::ZERO);
    }
}
