//! When a value expires, and when it is loaded again before that: both at random.
//!
//! Vattani, Chierichetti, Lowenstein: "Optimal probabilistic cache stampede prevention" (VLDB 2015): with δ the time
//! that a load takes, a read loads again iff −δ·β·ln(rand) is at least the time until the expiry. Right after
//! a write that is all but impossible, and the expectation is to begin β·δ before the expiry, whatever the
//! number of readers.

use std::time::Duration;

use crate::random::Random;

/// How many bits of a random number are used: as many as a double holds.
const BITS: u32 = 53;

/// A little more than −ln(2⁻⁵³), the most that can be drawn.
const MOST_UNITS: f64 = 37.0;

/// Whether a reader of a value that expires in `left` loads it again now.
pub(super) fn is_due(load_time: Duration, left: Duration, beta: f64, random: &dyn Random) -> bool {
    if beta.is_nan() || beta <= 0.0 {
        return false;
    }
    let (unit, left) = (load_time.as_secs_f64() * beta, left.as_secs_f64());
    // Most readers come earlier than any number that can be drawn, and drawing costs a system call.
    if left > unit * MOST_UNITS {
        return false;
    }
    -unit * above_zero(random).ln() >= left
}

/// `ttl`, shortened by up to `fraction` of it.
pub(super) fn shortened(ttl: Duration, fraction: f64, random: &dyn Random) -> Duration {
    if fraction.is_nan() || fraction <= 0.0 {
        return ttl;
    }
    let part = 1.0 - fraction.min(1.0) * above_zero(random);
    Duration::try_from_secs_f64(ttl.as_secs_f64() * part).map_or(ttl, |short| short.min(ttl))
}

/// A number above zero, whose logarithm is finite, and up to one.
fn above_zero(random: &dyn Random) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a double holds 53 bits")]
    let [drawn, most] =
        [(random.next_u64() >> (u64::BITS - BITS)) + 1, 1_u64 << BITS].map(|bits| bits as f64);
    drawn / most
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::random::SeededRandom;
    use crate::time::{DAY, HOUR, MINUTE, SECOND};

    const DRAWS: u32 = 100_000;

    /// How many of the draws load a value again whose load takes a second.
    fn due(left: Duration, beta: f64) -> f64 {
        let random = SeededRandom::new(1);
        let due = (0..DRAWS).filter(|_| is_due(SECOND, left, beta, &random));
        f64::from(u32::try_from(due.count()).unwrap()) / f64::from(DRAWS)
    }

    // covers("D10", "F61")
    #[test]
    fn the_probability_falls_exponentially_with_the_time_left_in_units_of_the_load_time() {
        for (left, beta) in [(0.1, 1.0), (0.5, 1.0), (1.0, 1.0), (3.0, 1.0), (3.0, 2.0)] {
            let expected = f64::exp(-left / beta);
            let seen = due(Duration::from_secs_f64(left), beta);
            // Five standard deviations.
            let tolerance = 5.0 * (expected * (1.0 - expected) / f64::from(DRAWS)).sqrt();
            assert!((seen - expected).abs() < tolerance, "{left} {beta}: {seen}");
        }
    }

    // covers("F61")
    #[test]
    fn a_value_that_was_just_written_is_not_loaded_again() {
        assert!(due(MINUTE, 1.0) < f64::EPSILON);
    }

    /// Draws the smallest number, and says how often.
    #[derive(Debug, Default)]
    struct Smallest(AtomicU32);

    impl Random for Smallest {
        fn next_u64(&self) -> u64 {
            self.0.fetch_add(1, Ordering::Relaxed);
            0
        }
    }

    #[test]
    fn a_number_is_drawn_only_where_it_may_matter() {
        let random = Smallest::default();
        let at = |seconds| is_due(SECOND, Duration::from_secs_f64(seconds), 1.0, &random);
        assert!(at(36.7));
        assert!(!at(36.8));
        assert_eq!(random.0.load(Ordering::Relaxed), 2);
        assert!(!at(37.1));
        assert_eq!(random.0.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_beta_of_zero_is_never() {
        for beta in [0.0, -1.0, f64::NAN] {
            assert!(due(Duration::from_millis(1), beta) < f64::EPSILON);
        }
    }

    #[test]
    fn a_jittered_lifetime_is_never_longer_and_at_most_the_fraction_shorter() {
        let random = SeededRandom::new(1);
        let drawn: Vec<_> = (0..1_000).map(|_| shortened(HOUR, 0.1, &random)).collect();
        assert!(drawn.iter().all(|ttl| *ttl <= HOUR && *ttl >= MINUTE * 54));
        let mean = drawn.iter().sum::<Duration>() / 1_000;
        let expected = MINUTE * 57;
        assert!(mean.abs_diff(expected) < MINUTE, "{mean:?}");
    }

    #[test]
    fn a_lifetime_of_any_length_can_be_jittered() {
        let random = SeededRandom::new(1);
        for fraction in [-1.0, 0.0, f64::NAN] {
            assert_eq!(shortened(DAY, fraction, &random), DAY);
        }
        assert!(shortened(DAY, 7.0, &random) < DAY);
        assert!(shortened(Duration::MAX, 0.1, &random) <= Duration::MAX);
        assert_eq!(shortened(Duration::ZERO, 0.1, &random), Duration::ZERO);
    }
}
