//! Response cache, de-duplication and rate limiting in one DynamoDB table that hosts share.

pub mod setup;

mod batch_size;
mod batch_writer;
mod breaker;
mod cache;
#[cfg(feature = "cloudwatch")]
mod cloudwatch;
mod dedupe;
mod delay;
mod health;
mod metrics;
mod monitor;
mod options;
mod parallel;
mod rate_limit;
mod store;
mod table;

mod error;
mod item;
mod shards;

pub use batch_size::calculate_optimal_batch_size;
pub use batch_writer::BatchWriter;
pub use breaker::{CircuitBreakerOptions, CircuitState, CircuitStatus};
pub use cache::DynamoDbCacheStore;
#[cfg(feature = "cloudwatch")]
pub use cloudwatch::{CloudWatchMetricsPublisher, DashboardError, dashboard};
pub use dedupe::DynamoDbDedupeStore;
pub use delay::AdaptiveDelayCalculator;
pub use health::{ClockDifference, Health, HealthOptions, Problem};
pub use metrics::{Metric, MetricKind, MetricsSink};
pub use monitor::{Correlation, Monitor, Outcome};
pub use options::{CacheOptions, DedupeOptions, RateLimitOptions, StoreOptions};
pub use parallel::execute_in_parallel;
pub use rate_limit::{DynamoDbAdaptiveRateLimitStore, DynamoDbRateLimitStore};
pub use store::{stores, stores_with};
pub use table::{Consumed, DynamoDbTable, TableNames, TableOptions};
