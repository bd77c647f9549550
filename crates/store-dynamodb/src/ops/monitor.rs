//! Observability of a table: tracing spans, correlation ids, metrics.
//!
//! Spans and events go to `tracing`, whose subscriber filters and samples them; metrics go to the sinks of
//! the table's options and to the `metrics` facade.

use std::time::Duration;

use store_core::ErrorKind;
use tracing::{Instrument as _, debug, debug_span, field, info, info_span};

use crate::error::Failure;
use crate::ops::metrics::{Metric, MetricKind};
use crate::table::{DynamoDbTable, TableOptions};

/// Names of the metrics of requests.
pub(crate) const REQUESTS: &str = "dynamodb_requests_total";
pub(crate) const REQUEST_SECONDS: &str = "dynamodb_request_duration_seconds";
pub(crate) const THROTTLED: &str = "dynamodb_throttled_total";
pub(crate) const READ_UNITS: &str = "dynamodb_read_units_total";
pub(crate) const WRITE_UNITS: &str = "dynamodb_write_units_total";
pub(crate) const CIRCUIT_OPEN: &str = "dynamodb_circuit_open";
/// Names of the metrics of [`Monitor::monitor_operation`].
const OPERATIONS: &str = "dynamodb_operations_total";
const OPERATION_SECONDS: &str = "dynamodb_operation_duration_seconds";

/// Tracing and metrics of a table; made by [`DynamoDbTable::monitor`].
///
/// Every request to the table is a span `request` with an event at its end, at level debug, and is counted in
/// these metrics:
///
/// | metric | labels besides `table` |
/// |---|---|
/// | `dynamodb_requests_total` | `operation`, `outcome` |
/// | `dynamodb_request_duration_seconds` | `operation` |
/// | `dynamodb_throttled_total`: throttled requests and partly processed batches | `operation` |
/// | `dynamodb_read_units_total`, `dynamodb_write_units_total` | `operation` |
/// | `dynamodb_circuit_open`: 1 while the circuit breaker is open, else 0 | |
///
/// An operation is a method of a store, such as `get` or `try_acquire`. An outcome is `ok`, `refused` if a
/// condition did not hold, `conflict`, `cancelled`, or a kind of failure, such as `throttled`. What the
/// client sends again by itself is one request; one that its caller gives up is not measured.
#[derive(Clone, Copy, Debug)]
pub struct Monitor<'a> {
    options: &'a TableOptions,
}

impl DynamoDbTable {
    /// Tracing and metrics of this table.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), store_core::Error> {
    /// # use store_dynamodb::{DynamoDbTable, TableOptions};
    /// # let options = TableOptions::default().with_endpoint_url("http://127.0.0.1:8000");
    /// # let table = DynamoDbTable::from_env(options).await;
    /// # async fn import() -> Result<u32, store_core::Error> { Ok(12) }
    /// // Every request that `import` sends is logged with one correlation id.
    /// let imported = table.monitor().monitor_operation("import", import()).await?;
    /// assert_eq!(imported, 12);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn monitor(&self) -> Monitor<'_> {
        Monitor {
            options: self.options(),
        }
    }
}

impl Monitor<'_> {
    /// Records a metric of the application, observed now.
    pub fn record_metric(&self, metric: &Metric<'_>) {
        let TableOptions { clock, metrics, .. } = self.options;
        #[cfg(feature = "metrics")]
        crate::ops::metrics::facade(metric);
        if metrics.is_empty() {
            return;
        }
        let now = clock.now();
        for sink in metrics {
            sink.record(metric, now);
        }
    }

    /// Runs `work` as one operation, in a span with a new correlation id of 16 hexadecimal digits. Its end is an event
    /// and is counted in `dynamodb_operations_total` and `dynamodb_operation_duration_seconds`, whose label `operation`
    /// has to be of low cardinality; the outcome is `ok` or `failed`.
    ///
    /// # Errors
    /// The error of `work`, unchanged.
    pub async fn monitor_operation<T, E>(
        &self,
        operation: &str,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let id = format!("{:016x}", self.options.random.next_u64());
        let span = info_span!("operation", operation, correlation_id = id);
        let began = self.options.clock.monotonic();
        let result = work.instrument(span.clone()).await;
        let outcome = if result.is_ok() { "ok" } else { "failed" };
        let took = self.ended((OPERATIONS, OPERATION_SECONDS), operation, outcome, began);
        span.in_scope(|| info!(outcome, ?took, "operation ended"));
        result
    }

    /// Runs one request with its span and metrics.
    pub(crate) async fn request<T>(
        &self,
        operation: &'static str,
        request: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        let table = &*self.options.table;
        let span = debug_span!("request", operation, table, outcome = field::Empty);
        let began = self.options.clock.monotonic();
        let result = request.instrument(span.clone()).await;
        let outcome = outcome(&result);
        span.record("outcome", outcome);
        let took = self.ended((REQUESTS, REQUEST_SECONDS), operation, outcome, began);
        span.in_scope(|| debug!(?took, "request ended"));
        if outcome == THROTTLED_OUTCOME {
            self.throttled(operation);
        }
        result
    }

    /// Counts and times what has ended now; how long it took.
    fn ended(
        self,
        (count, duration): (&'static str, &'static str),
        operation: &str,
        outcome: &str,
        began: Duration,
    ) -> Duration {
        let took = self.options.clock.monotonic().saturating_sub(began);
        let labels = [
            ("table", &*self.options.table),
            ("operation", operation),
            ("outcome", outcome),
        ];
        self.record_metric(&Metric::counter(count, 1).with_labels(&labels));
        self.record_metric(&Metric::duration(duration, took).with_labels(&labels[..2]));
        took
    }

    /// Counts a throttled request.
    pub(crate) fn throttled(self, operation: &'static str) {
        let labels = [("table", &*self.options.table), ("operation", operation)];
        self.record_metric(&Metric::counter(THROTTLED, 1).with_labels(&labels));
    }

    /// Counts the capacity that a request has consumed.
    pub(crate) fn consumed(self, name: &'static str, operation: &'static str, units: f64) {
        let labels = [("table", &*self.options.table), ("operation", operation)];
        let metric = Metric::new(name, MetricKind::Counter, units);
        self.record_metric(&metric.with_labels(&labels));
    }

    /// Records whether the circuit is open.
    pub(crate) fn circuit(self, is_open: bool) {
        let labels = [("table", &*self.options.table)];
        let level = if is_open { 1.0 } else { 0.0 };
        self.record_metric(&Metric::gauge(CIRCUIT_OPEN, level).with_labels(&labels));
    }
}

const THROTTLED_OUTCOME: &str = "throttled";

/// The label of a request's outcome.
fn outcome<T>(result: &Result<T, Failure>) -> &'static str {
    let Err(failure) = result else {
        return "ok";
    };
    match failure {
        Failure::Refused(_) => "refused",
        Failure::Conflict => "conflict",
        throttled if throttled.is_throttled() => THROTTLED_OUTCOME,
        Failure::Cancelled(_) => "cancelled",
        Failure::Error(error) => match error.kind() {
            ErrorKind::Timeout => "timeout",
            ErrorKind::Unavailable => "unavailable",
            ErrorKind::CircuitOpen => "circuit_open",
            ErrorKind::InvalidInput => "invalid_input",
            ErrorKind::SchemaMissing => "schema_missing",
            ErrorKind::StorageFull => "storage_full",
            ErrorKind::Busy => "busy",
            ErrorKind::TooLarge
            | ErrorKind::Corrupt
            | ErrorKind::SchemaNewer
            | ErrorKind::ReadOnly
            | ErrorKind::Codec
            | ErrorKind::Closed
            | _ => "failed",
        },
    }
}
