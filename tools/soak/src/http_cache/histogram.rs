//! Durations, counted in buckets that are an eighth apart.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Buckets in each power of two.
const PARTS: u64 = 8;
/// Up to 2^40 microseconds.
const BUCKETS: usize = 41 * 8;

/// How often something took how long.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Histogram {
    counts: Vec<u64>,
    longest_micros: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            counts: vec![0; BUCKETS],
            longest_micros: 0,
        }
    }
}

/// The bucket of a number of microseconds: an eighth of its power of two.
fn bucket(micros: u64) -> usize {
    let power = u64::from(micros.max(1).ilog2());
    let part = ((micros.max(1) - (1 << power)) * PARTS) >> power;
    usize::try_from(power * PARTS + part)
        .unwrap_or(BUCKETS)
        .min(BUCKETS - 1)
}

/// The least number of microseconds beyond a bucket.
fn end(bucket: usize) -> u64 {
    let bucket = u64::try_from(bucket).unwrap_or_default();
    let (power, part) = (bucket / PARTS, bucket % PARTS);
    ((1 << power) * (PARTS + part + 1)).div_ceil(PARTS)
}

impl Histogram {
    pub(super) fn count(&mut self, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.counts[bucket(micros)] += 1;
        self.longest_micros = self.longest_micros.max(micros);
    }

    pub(super) fn add(&mut self, other: &Self) {
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.longest_micros = self.longest_micros.max(other.longest_micros);
    }

    pub(super) fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    pub(super) fn longest(&self) -> Duration {
        Duration::from_micros(self.longest_micros)
    }

    /// What so many percent took at most, an eighth too much at worst.
    pub(super) fn percentile(&self, percent: u64) -> Duration {
        let wanted = (self.total() * percent).div_ceil(100);
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return Duration::from_micros(end(bucket)).min(self.longest());
            }
        }
        self.longest()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_an_eighth_too_much_at_worst() {
        let mut histogram = Histogram::default();
        for micros in 1..=1_000 {
            histogram.count(Duration::from_micros(micros));
        }
        for percent in [1, 50, 99, 100] {
            let exact = u128::from(percent) * 10;
            let found = histogram.percentile(percent).as_micros();
            assert!(
                (exact..=exact + exact / 8 + 1).contains(&found),
                "{percent} %: {found}"
            );
        }
        let mut both = histogram.clone();
        both.add(&histogram);
        assert_eq!(
            (both.total(), both.longest()),
            (2_000, Duration::from_millis(1))
        );
    }
}
