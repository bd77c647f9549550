//! Measurements, and where they go.
//!
//! With the feature `metrics` each one also reaches the recorder that the application has installed for
//! the facade of that name. None ever names a key, a tag or a resource.

use std::fmt::Debug;
use std::time::Duration;

use store_core::Timestamp;

/// Somewhere for measurements to go, besides the `metrics` facade.
pub trait MetricsSink: Debug + Send + Sync + 'static {
    /// Takes a measurement made `at` some time. Requests wait for it: what takes long belongs elsewhere.
    fn record(&self, metric: &Metric<'_>, at: Timestamp);
}

/// One measurement.
///
/// ```
/// use store_dynamodb::{Metric, MetricKind};
///
/// let metric = Metric::count("issues_imported_total", 12).with_labels(&[("source", "nightly")]);
/// assert_eq!((metric.kind, metric.value), (MetricKind::Count, 12.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Metric<'a> {
    /// What is measured.
    pub name: &'a str,
    /// In what way.
    pub kind: MetricKind,
    /// How much, in the unit of its kind.
    pub value: f64,
    /// What tells it from others of its name. Each combination is a series of its own, which costs:
    /// never put here what has many values. Default: none.
    pub labels: &'a [(&'a str, &'a str)],
}

/// In what way something is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetricKind {
    /// Something happened this many times: values add up.
    Count,
    /// Something took this many seconds: values are a distribution.
    Seconds,
    /// Something stands at this: the last value holds.
    Level,
}

impl<'a> Metric<'a> {
    /// That something happened `times` more.
    #[must_use]
    pub fn count(name: &'a str, times: u32) -> Self {
        Self::new(name, MetricKind::Count, f64::from(times))
    }

    /// That something took so long.
    #[must_use]
    pub const fn duration(name: &'a str, took: Duration) -> Self {
        Self::new(name, MetricKind::Seconds, took.as_secs_f64())
    }

    /// That something stands at `level`.
    #[must_use]
    pub const fn level(name: &'a str, level: f64) -> Self {
        Self::new(name, MetricKind::Level, level)
    }

    pub(crate) const fn new(name: &'a str, kind: MetricKind, value: f64) -> Self {
        Self {
            name,
            kind,
            value,
            labels: &[],
        }
    }

    /// Sets [`labels`](Self::labels).
    #[must_use]
    pub const fn with_labels(mut self, labels: &'a [(&'a str, &'a str)]) -> Self {
        self.labels = labels;
        self
    }
}

/// Hands the measurement to whatever the application has installed.
#[cfg(feature = "metrics")]
pub(crate) fn facade(metric: &Metric<'_>) {
    let labels: Vec<metrics::Label> = metric
        .labels
        .iter()
        .map(|(name, value)| metrics::Label::new((*name).to_owned(), (*value).to_owned()))
        .collect();
    let name = metric.name.to_owned();
    match metric.kind {
        MetricKind::Count => {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the facade counts in whole numbers, and so does the service where reads are \
                          consistent"
            )]
            let times = metric.value.round() as u64;
            metrics::counter!(name, labels).increment(times);
        }
        MetricKind::Seconds => metrics::histogram!(name, labels).record(metric.value),
        MetricKind::Level => metrics::gauge!(name, labels).set(metric.value),
    }
}
