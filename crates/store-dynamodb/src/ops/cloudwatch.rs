//! Metrics for CloudWatch, as log lines in its embedded metric format.
//!
//! CloudWatch extracts metrics from such lines in CloudWatch Logs, where containers and functions log to
//! directly and other hosts through the agent; docs/adr/0013 says why this and not the API.

mod dashboard;

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value, json};
use store_core::Timestamp;
use tracing::warn;

pub use self::dashboard::Dashboard;
use crate::ops::metrics::{Metric, MetricKind, MetricsSink};

/// The namespace of the TypeScript package's metrics.
const NAMESPACE: &str = "DynamoDBStore";
/// Maximum number of values of one metric in one event.
const MOST_VALUES: usize = 100;

/// A sink that aggregates metrics and writes them in CloudWatch's embedded metric format, one line each.
///
/// Counters are summed and gauges keep their last value until [`publish`](Self::publish); histograms are
/// written whenever they hold a hundred values, so that memory stays bounded. Publish once a minute, which is
/// CloudWatch's resolution, and once at the end.
///
/// ```
/// use std::sync::Arc;
/// use store_dynamodb::TableOptions;
/// use store_dynamodb::ops::CloudWatchMetricsPublisher;
///
/// let publisher = Arc::new(CloudWatchMetricsPublisher::new(std::io::stdout()));
/// let options = TableOptions::default().with_metrics(publisher.clone());
/// // … work …
/// publisher.publish()?;
/// # Ok::<(), std::io::Error>(())
/// ```
pub struct CloudWatchMetricsPublisher<W> {
    namespace: String,
    inner: Mutex<Inner<W>>,
}

struct Inner<W> {
    series: BTreeMap<Series, Aggregate>,
    writer: W,
}

/// A metric name with its labels, in their order.
type Series = (String, Vec<(String, String)>);

struct Aggregate {
    kind: MetricKind,
    values: Vec<f64>,
    at: Timestamp,
}

impl<W: Write> CloudWatchMetricsPublisher<W> {
    /// A publisher to a log that reaches CloudWatch, in the namespace `DynamoDBStore`.
    pub fn new(writer: W) -> Self {
        Self {
            namespace: NAMESPACE.to_owned(),
            inner: Mutex::new(Inner {
                series: BTreeMap::new(),
                writer,
            }),
        }
    }

    /// Sets the namespace; a [`Dashboard`] needs the same. Default: `DynamoDBStore`.
    #[must_use]
    pub fn with_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// Writes and resets what was aggregated; gauges keep their value and are written each time.
    ///
    /// # Errors
    /// The error of the writer. Values that were not written are kept for the next call.
    pub fn publish(&self) -> io::Result<()> {
        let Inner { series, writer } = &mut *self.lock();
        for (name, aggregate) in series.iter_mut() {
            if !aggregate.values.is_empty() {
                self.write(writer, name, aggregate)?;
            }
        }
        writer.flush()
    }

    fn write(&self, writer: &mut W, series: &Series, aggregate: &mut Aggregate) -> io::Result<()> {
        let mut line = self.event(series, aggregate).to_string();
        line.push('\n');
        writer.write_all(line.as_bytes())?;
        if aggregate.kind != MetricKind::Gauge {
            aggregate.values.clear();
        }
        Ok(())
    }

    /// One event: the description of its metrics, then their values.
    fn event(&self, (name, labels): &Series, aggregate: &Aggregate) -> Value {
        let unit = match aggregate.kind {
            MetricKind::Counter => "Count",
            MetricKind::Histogram => "Seconds",
            MetricKind::Gauge => "None",
        };
        let dimensions: Vec<&str> = labels.iter().map(|(label, _)| &**label).collect();
        // By table alone too, so that an alarm needs not know operations and outcomes.
        let table = dimensions.iter().copied().filter(|it| *it == "table");
        let mut sets = vec![table.collect(), dimensions.clone()];
        sets.dedup();
        let value = match (aggregate.kind, &*aggregate.values) {
            (MetricKind::Histogram, values) => json!(values),
            (MetricKind::Counter, values) => json!(values.iter().sum::<f64>()),
            (MetricKind::Gauge, values) => json!(values.last()),
        };
        let mut event = Map::from_iter([(
            "_aws".to_owned(),
            json!({
                "Timestamp": aggregate.at.as_millis(),
                "CloudWatchMetrics": [{
                    "Namespace": self.namespace,
                    "Dimensions": sets,
                    "Metrics": [{"Name": name, "Unit": unit}],
                }],
            }),
        )]);
        event.extend(labels.iter().map(|(label, value)| {
            let value = value.as_str();
            (label.clone(), json!(value))
        }));
        event.insert(name.clone(), value);
        Value::Object(event)
    }

    fn lock(&self) -> MutexGuard<'_, Inner<W>> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<W: Write + Send + 'static> MetricsSink for CloudWatchMetricsPublisher<W> {
    fn record(&self, metric: &Metric<'_>, at: Timestamp) {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let series = (
            metric.name.to_owned(),
            metric.labels.iter().map(owned).collect(),
        );
        let Inner {
            series: all,
            writer,
        } = &mut *self.lock();
        let aggregate = all.entry(series.clone()).or_insert_with(|| Aggregate {
            kind: metric.kind,
            values: Vec::new(),
            at,
        });
        aggregate.at = at;
        match (metric.kind, aggregate.values.last_mut()) {
            (MetricKind::Counter, Some(sum)) => *sum += metric.value,
            (MetricKind::Gauge, Some(level)) => *level = metric.value,
            (_, None) | (MetricKind::Histogram, _) => aggregate.values.push(metric.value),
        }
        if aggregate.values.len() >= MOST_VALUES
            && let Err(error) = self.write(writer, &series, aggregate)
        {
            aggregate.values.clear();
            warn!(%error, "metrics are lost: the log cannot be written to");
        }
    }
}

impl<W> fmt::Debug for CloudWatchMetricsPublisher<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CloudWatchMetricsPublisher")
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}
