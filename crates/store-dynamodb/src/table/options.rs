//! Options of the table: its schema, where it is, timeouts and retries.

use std::sync::Arc;
use std::time::Duration;

use crate::ops::breaker::CircuitBreakerOptions;
use crate::ops::metrics::MetricsSink;
use store_core::{Clock, Random, SECOND, SystemClock, SystemRandom};

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
    /// Default: `comic-vine-store`.
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
    /// Timeout of one attempt. Default: 1.5 s.
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
    /// Sets [`table`](Self::table).
    #[must_use]
    pub fn with_table(mut self, name: impl Into<String>) -> Self {
        self.table = name.into();
        self
    }

    /// Sets [`names`](Self::names).
    #[must_use]
    pub fn with_names(mut self, names: SchemaNames) -> Self {
        self.names = names;
        self
    }

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

    /// Sets [`max_retries`](Self::max_retries).
    #[must_use]
    pub const fn with_max_retries(mut self, retries: u32) -> Self {
        self.max_retries = retries;
        self
    }

    /// Sets [`retry_delay`](Self::retry_delay).
    #[must_use]
    pub const fn with_retry_delay(mut self, delay: Duration) -> Self {
        self.retry_delay = delay;
        self
    }

    /// Sets [`attempt_timeout`](Self::attempt_timeout).
    #[must_use]
    pub const fn with_attempt_timeout(mut self, timeout: Duration) -> Self {
        self.attempt_timeout = timeout;
        self
    }

    /// Sets [`operation_timeout`](Self::operation_timeout).
    #[must_use]
    pub const fn with_operation_timeout(mut self, timeout: Duration) -> Self {
        self.operation_timeout = timeout;
        self
    }

    /// Sets [`circuit_breaker`](Self::circuit_breaker).
    #[must_use]
    pub const fn with_circuit_breaker(mut self, options: CircuitBreakerOptions) -> Self {
        self.circuit_breaker = options;
        self
    }

    /// Adds a sink to [`metrics`](Self::metrics).
    #[must_use]
    pub fn with_metrics(mut self, sink: Arc<dyn MetricsSink>) -> Self {
        self.metrics.push(sink);
        self
    }

    /// Sets [`clock`](Self::clock).
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets [`random`](Self::random).
    #[must_use]
    pub fn with_random(mut self, random: impl Random) -> Self {
        self.random = Arc::new(random);
        self
    }
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
    /// Sets [`partition_key`](Self::partition_key).
    #[must_use]
    pub fn with_partition_key(mut self, name: impl Into<String>) -> Self {
        self.partition_key = name.into();
        self
    }

    /// Sets [`sort_key`](Self::sort_key).
    #[must_use]
    pub fn with_sort_key(mut self, name: impl Into<String>) -> Self {
        self.sort_key = name.into();
        self
    }

    /// Sets [`time_to_live`](Self::time_to_live).
    #[must_use]
    pub fn with_time_to_live(mut self, name: impl Into<String>) -> Self {
        self.time_to_live = name.into();
        self
    }

    /// Sets [`index`](Self::index).
    #[must_use]
    pub fn with_index(mut self, name: impl Into<String>) -> Self {
        self.index = name.into();
        self
    }
}
