//! Metrics and their sinks.
//!
//! With the feature `metrics` each metric also reaches the recorder that the application has installed for
//! the facade of that name. No metric contains a key, a tag or a resource.

use std::fmt::Debug;
use std::time::Duration;

use store_core::Timestamp;

/// A receiver of metrics, besides the `metrics` facade.
pub trait MetricsSink: Debug + Send + Sync + 'static {
    /// Records a metric observed `at` this time. Called on the request path, so it must not block.
    fn record(&self, metric: &Metric<'_>, at: Timestamp);
}

/// One observation of a metric.
///
/// ```
/// use store_dynamodb::ops::{Metric, MetricKind};
///
/// let metric = Metric::counter("issues_imported_total", 12).with_labels(&[("source", "nightly")]);
/// assert_eq!((metric.kind, metric.value), (MetricKind::Counter, 12.0));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Metric<'a> {
    /// Name of the metric.
    pub name: &'a str,
    /// Kind of the metric.
    pub kind: MetricKind,
    /// Observed value: an increment, seconds or a level, by kind.
    pub value: f64,
    /// Labels, as pairs of name and value. Each combination is a time series of its own, so values must be of
    /// low cardinality. Default: none.
    pub labels: &'a [(&'a str, &'a str)],
}

/// Kind of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MetricKind {
    /// A counter: values are increments.
    Counter,
    /// A histogram of durations, in seconds.
    Histogram,
    /// A gauge: the last value is the current one.
    Gauge,
}

impl<'a> Metric<'a> {
    /// An increment of a counter.
    #[must_use]
    pub fn counter(name: &'a str, times: u32) -> Self {
        Self::new(name, MetricKind::Counter, f64::from(times))
    }

    /// A duration, for a histogram in seconds.
    #[must_use]
    pub const fn duration(name: &'a str, took: Duration) -> Self {
        Self::new(name, MetricKind::Histogram, took.as_secs_f64())
    }

    /// The current value of a gauge.
    #[must_use]
    pub const fn gauge(name: &'a str, level: f64) -> Self {
        Self::new(name, MetricKind::Gauge, level)
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

/// Records the metric with the `metrics` facade.
#[cfg(feature = "metrics")]
pub(crate) fn facade(metric: &Metric<'_>) {
    let labels: Vec<metrics::Label> = metric
        .labels
        .iter()
        .map(|(name, value)| metrics::Label::new((*name).to_owned(), (*value).to_owned()))
        .collect();
    let name = metric.name.to_owned();
    match metric.kind {
        MetricKind::Counter => {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "the facade counts in whole numbers, and so does the service where reads are \
                          consistent"
            )]
            let times = metric.value.round() as u64;
            metrics::counter!(name, labels).increment(times);
        }
        MetricKind::Histogram => metrics::histogram!(name, labels).record(metric.value),
        MetricKind::Gauge => metrics::gauge!(name, labels).set(metric.value),
    }
}
