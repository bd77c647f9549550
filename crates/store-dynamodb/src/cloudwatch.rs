//! Measurements for CloudWatch, as lines of a log.
//!
//! CloudWatch makes metrics of log events in its embedded metric format, which come to it from
//! containers and functions that log to CloudWatch Logs, or through its agent; docs/adr/0013 says why
//! this and not the API.

mod dashboard;

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Write};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::{Map, Value, json};
use store_core::Timestamp;
use tracing::warn;

pub use self::dashboard::{DashboardError, dashboard};
use crate::metrics::{Metric, MetricKind, MetricsSink};

/// The namespace of the original package's metrics.
pub(crate) const NAMESPACE: &str = "DynamoDBStore";
/// The most values of one metric in one event.
const MOST_VALUES: usize = 100;

/// Gathers measurements and writes them as events in CloudWatch's embedded metric format, one line each.
///
/// Counts are added up and levels kept until [`publish`](Self::publish); durations are written as soon as
/// there are a hundred of them, so that memory stays bounded. Publish once a minute, which is how fine
/// CloudWatch keeps them, and once at the end.
///
/// ```
/// use std::sync::Arc;
/// use store_dynamodb::{CloudWatchMetricsPublisher, TableOptions};
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
    series: BTreeMap<Series, Gathered>,
    writer: W,
}

/// A name with its labels, in their order.
type Series = (String, Vec<(String, String)>);

struct Gathered {
    kind: MetricKind,
    values: Vec<f64>,
    at: Timestamp,
}

impl<W: Write> CloudWatchMetricsPublisher<W> {
    /// Writes to a log that reaches CloudWatch, in the namespace `DynamoDBStore`.
    pub fn new(writer: W) -> Self {
        Self {
            namespace: NAMESPACE.to_owned(),
            inner: Mutex::new(Inner {
                series: BTreeMap::new(),
                writer,
            }),
        }
    }

    /// Sets the namespace. Default: `DynamoDBStore`.
    #[must_use]
    pub fn with_namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = namespace.into();
        self
    }

    /// Writes what was gathered. Levels stay, for as long as nothing else is told of them.
    ///
    /// # Errors
    /// If the log cannot be written to; what was not written is kept.
    pub fn publish(&self) -> io::Result<()> {
        let Inner { series, writer } = &mut *self.lock();
        for (name, gathered) in series.iter_mut() {
            if !gathered.values.is_empty() {
                self.write(writer, name, gathered)?;
            }
        }
        writer.flush()
    }

    fn write(&self, writer: &mut W, series: &Series, gathered: &mut Gathered) -> io::Result<()> {
        let mut line = self.event(series, gathered).to_string();
        line.push('\n');
        writer.write_all(line.as_bytes())?;
        if gathered.kind != MetricKind::Level {
            gathered.values.clear();
        }
        Ok(())
    }

    /// One event: where its metrics are in it, and they.
    fn event(&self, (name, labels): &Series, gathered: &Gathered) -> Value {
        let unit = match gathered.kind {
            MetricKind::Count => "Count",
            MetricKind::Seconds => "Seconds",
            MetricKind::Level => "None",
        };
        let dimensions: Vec<&str> = labels.iter().map(|(label, _)| &**label).collect();
        // By table alone too, so that an alarm needs not know operations and outcomes.
        let table = dimensions.iter().copied().filter(|it| *it == "table");
        let mut sets = vec![table.collect(), dimensions.clone()];
        sets.dedup();
        let value = match (gathered.kind, &*gathered.values) {
            (MetricKind::Seconds, values) => json!(values),
            (MetricKind::Count, values) => json!(values.iter().sum::<f64>()),
            (MetricKind::Level, values) => json!(values.last()),
        };
        let mut event = Map::from_iter([(
            "_aws".to_owned(),
            json!({
                "Timestamp": gathered.at.as_millis(),
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
        let gathered = all.entry(series.clone()).or_insert_with(|| Gathered {
            kind: metric.kind,
            values: Vec::new(),
            at,
        });
        gathered.at = at;
        match (metric.kind, gathered.values.last_mut()) {
            (MetricKind::Count, Some(sum)) => *sum += metric.value,
            (MetricKind::Level, Some(level)) => *level = metric.value,
            (_, None) | (MetricKind::Seconds, _) => gathered.values.push(metric.value),
        }
        if gathered.values.len() >= MOST_VALUES
            && let Err(error) = self.write(writer, &series, gathered)
        {
            gathered.values.clear();
            warn!(%error, "measurements are lost: their log cannot be written to");
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
