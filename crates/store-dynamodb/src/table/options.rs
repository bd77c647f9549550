//! Which table, and how patiently it is asked.

use std::sync::Arc;
use std::time::Duration;

use crate::breaker::CircuitBreakerOptions;
use crate::metrics::MetricsSink;
use store_core::{Clock, Random, SECOND, SystemClock, SystemRandom};

/// Options of a [`DynamoDbTable`](crate::DynamoDbTable); the defaults are those of the original
/// package where it has them.
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
    /// The table. It must exist: `cargo xtask setup-dynamo` creates it. Default: `comic-vine-store`.
    pub table: String,
    /// What the table calls its keys. Default: `PK`, `SK`, `TTL`, `GSI1`.
    pub names: TableNames,
    /// The region. Default: what the client's configuration says.
    pub region: Option<String>,
    /// Where the service listens, such as `http://127.0.0.1:8000`. Default: AWS.
    pub endpoint_url: Option<String>,
    /// How often a request is sent again after it failed for a reason that may pass. Default: 3.
    pub max_retries: u32,
    /// The first wait before a request is sent again; each further one may be twice as long, up to
    /// half a second. Default: 25 ms: the SDK's own second is longer than a caller of a limiter waits.
    pub retry_delay: Duration,
    /// The longest that one try may take. Default: 1.5 s.
    pub attempt_timeout: Duration,
    /// The longest that a request may take with all its tries. Default: 5 s.
    pub operation_timeout: Duration,
    /// When to stop sending for a while. Default: after 5 failures in a row, for 60 s.
    pub circuit_breaker: CircuitBreakerOptions,
    /// Where measurements go besides the `metrics` facade. Default: nowhere.
    pub metrics: Vec<Arc<dyn MetricsSink>>,
    /// What pauses between requests, and the circuit breaker's, are measured by. Default: the system's
    /// clock.
    pub clock: Arc<dyn Clock>,
    /// What spreads pauses, so that processes do not ask again in step. Default: the system's
    /// randomness.
    pub random: Arc<dyn Random>,
}

impl Default for TableOptions {
    fn default() -> Self {
        Self {
            table: "comic-vine-store".to_owned(),
            names: TableNames::default(),
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
    pub fn with_names(mut self, names: TableNames) -> Self {
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

    /// Adds one to [`metrics`](Self::metrics).
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

/// What a table calls its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableNames {
    /// The partition key, a text. Default: `PK`.
    pub partition_key: String,
    /// The sort key, a text. Default: `SK`.
    pub sort_key: String,
    /// When DynamoDB may remove an item, in Unix seconds. Default: `TTL`.
    pub time_to_live: String,
    /// The global secondary index of the original package's tables. Default: `GSI1`, with the keys
    /// `GSI1PK` and `GSI1SK`.
    pub index: String,
}

impl Default for TableNames {
    fn default() -> Self {
        Self {
            partition_key: "PK".to_owned(),
            sort_key: "SK".to_owned(),
            time_to_live: "TTL".to_owned(),
            index: "GSI1".to_owned(),
        }
    }
}

impl TableNames {
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
