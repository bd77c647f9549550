//! Options of the table: its schema, where it is, timeouts and retries.

use std::sync::Arc;
use std::time::Duration;

use crate::error::BACKEND;
use crate::ops::metrics::MetricsSink;
use crate::setters::setters;
use store_core::backend::breaker::CircuitBreakerOptions;
use store_core::{Clock, Error, ErrorKind, Random, SECOND, SystemClock, SystemRandom};

/// Options of a [`DynamoDbTable`](crate::DynamoDbTable); defaults are those of the TypeScript package where
/// it has the option.
///
/// ```
/// use store_dynamodb::TableOptions;
///
/// let options = TableOptions::default().with_table("comics");
/// assert_eq!(options.max_retries, 3);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TableOptions {
    /// Name of the table, which must exist: `comicvine table setup` or [`setup`](crate::setup) creates it.
    /// With a name that DynamoDB does not allow (3 to 255 letters, digits, `_`, `.`, `-`) every request fails with
    /// [`ErrorKind::InvalidInput`], and none is sent. Default: `comic-vine-store`.
    pub table: String,
    /// Names of the table's key attributes and index. Default: `PK`, `SK`, `TTL`, `GSI1`.
    pub names: SchemaNames,
    /// AWS region. Default: that of the client's configuration.
    pub region: Option<String>,
    /// Endpoint, such as `http://127.0.0.1:8000`. Default: AWS.
    pub endpoint_url: Option<String>,
    /// Maximum number of retries of a request after a transient failure. Default: 3.
    pub max_retries: u32,
    /// Backoff before the first retry; it doubles with each further one, up to 500 ms. Default: 25 ms (the SDK's
    /// default of one second is longer than a caller of a limiter waits).
    pub retry_delay: Duration,
    /// Timeout of one attempt, without the lookup of credentials. Default: 1.5 s.
    pub attempt_timeout: Duration,
    /// Timeout of a request with all its attempts. Default: 5 s.
    pub operation_timeout: Duration,
    /// Circuit breaker of the table. Default: opens after 5 consecutive failures, for 250 ms at first and
    /// at most 60 s.
    pub circuit_breaker: CircuitBreakerOptions,
    /// Receivers of metrics besides the `metrics` facade. Default: none.
    pub metrics: Vec<Arc<dyn MetricsSink>>,
    /// Clock of the backoff and the circuit breaker. Default: the system clock.
    pub clock: Arc<dyn Clock>,
    /// Random source of the jitter and of correlation ids. Default: the operating system.
    pub random: Arc<dyn Random>,
}

impl Default for TableOptions {
    fn default() -> Self {
        Self {
            table: "comic-vine-store".to_owned(),
            names: SchemaNames::default(),
            region: None,
            endpoint_url: None,
            max_retries: 3,
            retry_delay: Duration::from_millis(25),
            attempt_timeout: Duration::from_millis(1_500),
            operation_timeout: SECOND * 5,
            circuit_breaker: CircuitBreakerOptions::default(),
            metrics: Vec::new(),
            clock: Arc::new(SystemClock::new()),
            random: Arc::new(SystemRandom),
        }
    }
}

impl TableOptions {
    setters! { into: with_table table: String, with_names names: SchemaNames }
    setters! {
        constant:
        with_max_retries max_retries: u32,
        with_retry_delay retry_delay: Duration,
        with_attempt_timeout attempt_timeout: Duration,
        with_operation_timeout operation_timeout: Duration,
        with_circuit_breaker circuit_breaker: CircuitBreakerOptions,
    }
    setters! { shared: with_clock clock: Clock, with_random random: Random }

    /// Sets [`region`](Self::region).
    #[must_use]
    pub fn with_region(mut self, region: impl Into<String>) -> Self {
        self.region = Some(region.into());
        self
    }

    /// Sets [`endpoint_url`](Self::endpoint_url).
    #[must_use]
    pub fn with_endpoint_url(mut self, url: impl Into<String>) -> Self {
        self.endpoint_url = Some(url.into());
        self
    }

    /// Adds a sink to [`metrics`](Self::metrics).
    #[must_use]
    pub fn with_metrics(mut self, sink: Arc<dyn MetricsSink>) -> Self {
        self.metrics.push(sink);
        self
    }
}

/// Fails unless DynamoDB allows the name of a table or an index: 3 to 255 letters, digits, `_`, `.` and `-`.
pub(crate) fn check_name(of: &str, name: &str, operation: &'static str) -> Result<(), Error> {
    let is_allowed = |c: u8| c.is_ascii_alphanumeric() || b"_.-".contains(&c);
    if (3..=255).contains(&name.len()) && name.bytes().all(is_allowed) {
        return Ok(());
    }
    let error = Error::new(ErrorKind::InvalidInput, BACKEND, operation);
    Err(error.with_detail(format!(
        "{name:?} is no name of {of}: it has to have 3 to 255 letters (without accents), digits, underscores, \
         dots and dashes"
    )))
}

/// Names of the key attributes, the time-to-live attribute and the index of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SchemaNames {
    /// Partition key, a string attribute. Default: `PK`.
    pub partition_key: String,
    /// Sort key, a string attribute. Default: `SK`.
    pub sort_key: String,
    /// Time-to-live attribute, in Unix seconds. Default: `TTL`.
    pub time_to_live: String,
    /// Global secondary index of the TypeScript package's tables, unused by the stores. Default: `GSI1`, with
    /// the keys `GSI1PK` and `GSI1SK`.
    pub index: String,
}

impl Default for SchemaNames {
    fn default() -> Self {
        Self {
            partition_key: "PK".to_owned(),
            sort_key: "SK".to_owned(),
            time_to_live: "TTL".to_owned(),
            index: "GSI1".to_owned(),
        }
    }
}

impl SchemaNames {
    setters! {
        into:
        with_partition_key partition_key: String,
        with_sort_key sort_key: String,
        with_time_to_live time_to_live: String,
        with_index index: String,
    }
}
