//! Durations of many calls, and the middle of several runs.

use std::time::Duration;

/// The durations of calls, in nanoseconds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Samples(Vec<u64>);

/// What the calls of one run took, in microseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figures {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) mean: f64,
}

impl Samples {
    pub(crate) fn add(&mut self, duration: Duration) {
        self.0
            .push(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Adds those of another run.
    pub(crate) fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// How many there are.
    #[expect(clippy::cast_precision_loss, reason = "a number for rates")]
    pub(crate) const fn count(&self) -> f64 {
        self.0.len() as f64
    }

    pub(crate) fn figures(mut self) -> Figures {
        self.0.sort_unstable();
        let micros = |nanos: u64| Duration::from_nanos(nanos).as_secs_f64() * 1e6;
        let at = |percent: usize| {
            let place = self.0.len() * percent / 100;
            self.0.get(place).copied().map_or(f64::NAN, micros)
        };
        let total: u64 = self.0.iter().sum();
        let count = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        Figures {
            p50: at(50),
            p99: at(99),
            mean: micros(total) / f64::from(count),
        }
    }
}

impl Figures {
    /// The median of each figure over several runs.
    pub(crate) fn median(runs: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> f64| median(runs.iter().map(figure));
        Self {
            p50: of(|run| run.p50),
            p99: of(|run| run.p99),
            mean: of(|run| run.mean),
        }
    }
}

/// The middle of values in any order; of an even number, the lower of the two.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len().saturating_sub(1) / 2;
    sorted.get(middle).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figures_are_those_of_the_sorted_calls() {
        let mut samples = Samples::default();
        for micros in (1..=100).rev() {
            samples.add(Duration::from_micros(micros));
        }
        let Figures { p50, p99, mean } = samples.figures();
        assert!((p50 - 51.0).abs() < 1e-9, "{p50}");
        assert!((p99 - 100.0).abs() < 1e-9, "{p99}");
        assert!((mean - 50.5).abs() < 1e-9, "{mean}");
    }

    #[test]
    fn the_median_is_the_middle_in_any_order() {
        assert!((median([9.0, 1.0, 5.0].into_iter()) - 5.0).abs() < f64::EPSILON);
        assert!(median(std::iter::empty()).is_nan());
    }
}
