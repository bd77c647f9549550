//! Observability of a table: tracing spans, correlation ids, metrics.
//!
//! Spans and events go to `tracing`, whose subscriber filters and samples them; metrics go to the sinks of
//! the table's options and to the `metrics` facade.

use std::fmt;
use std::time::Duration;

use store_core::ErrorKind;
use tracing::{Instrument as _, Span, debug, debug_span, field, info, info_span};

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

/// A running operation of the application, with its correlation id.
#[derive(Debug)]
#[must_use = "pass it to `Monitor::end_correlation` when the operation ends"]
pub struct Correlation {
    id: String,
    operation: String,
    span: Span,
    began: Duration,
}

impl Correlation {
    /// The correlation id of its log lines: 16 hexadecimal digits.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The span that carries the id; instrument the operation's work with it.
    #[must_use]
    pub const fn span(&self) -> &Span {
        &self.span
    }
}

/// Outcome of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationOutcome {
    /// It succeeded.
    Ok,
    /// It failed.
    Failed,
}

impl OperationOutcome {
    /// The outcome of an operation with this result.
    #[must_use]
    pub const fn of<T, E>(result: &Result<T, E>) -> Self {
        match result {
            Ok(_) => Self::Ok,
            Err(_) => Self::Failed,
        }
    }
}

impl fmt::Display for OperationOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::Failed => "failed",
        })
    }
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

    /// Starts an operation of the application under a new correlation id. `operation` becomes a metric label, so
    /// it must be of low cardinality.
    pub fn start_correlation(&self, operation: &str) -> Correlation {
        let id = format!("{:016x}", self.options.random.next_u64());
        let span = info_span!("operation", operation, correlation_id = id);
        Correlation {
            span,
            operation: operation.to_owned(),
            began: self.options.clock.monotonic(),
            id,
        }
    }

    /// Ends an operation: emits an event and the metrics `dynamodb_operations_total` and
    /// `dynamodb_operation_duration_seconds`.
    pub fn end_correlation(&self, correlation: Correlation, outcome: OperationOutcome) {
        let Correlation {
            operation,
            span,
            began,
            ..
        } = correlation;
        let took = self.since(began);
        span.in_scope(|| info!(%outcome, ?took, "operation ended"));
        let outcome = outcome.to_string();
        let labels = [
            ("table", &*self.options.table),
            ("operation", &*operation),
            ("outcome", &*outcome),
        ];
        self.record_metric(&Metric::counter(OPERATIONS, 1).with_labels(&labels));
        self.record_metric(&Metric::duration(OPERATION_SECONDS, took).with_labels(&labels[..2]));
    }

    /// Runs `work` as one operation, in a span with a new correlation id.
    ///
    /// # Errors
    /// The error of `work`, unchanged.
    pub async fn monitor_operation<T, E>(
        &self,
        operation: &str,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let correlation = self.start_correlation(operation);
        let result = work.instrument(correlation.span.clone()).await;
        self.end_correlation(correlation, OperationOutcome::of(&result));
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
        let took = self.since(began);
        let outcome = outcome(&result);
        span.record("outcome", outcome);
        span.in_scope(|| debug!(?took, "request ended"));
        let labels = [
            ("table", table),
            ("operation", operation),
            ("outcome", outcome),
        ];
        self.record_metric(&Metric::counter(REQUESTS, 1).with_labels(&labels));
        self.record_metric(&Metric::duration(REQUEST_SECONDS, took).with_labels(&labels[..2]));
        if outcome == THROTTLED_OUTCOME {
            self.throttled(operation);
        }
        result
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

    fn since(self, began: Duration) -> Duration {
        self.options.clock.monotonic().saturating_sub(began)
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
