//! Response cache, de-duplication and rate limiting in one DynamoDB table that hosts share.
//!
//! [`stores`] makes all three over one [`DynamoDbTable`]; each also stands alone. The table is never
//! created on the way: `cargo xtask setup-dynamo` does it, or [`setup`] in a program.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use store_core::{Acquire, Decision, Resource};
//! use store_dynamodb::{DynamoDbTable, TableOptions, stores};
//!
//! let table = DynamoDbTable::from_env(TableOptions::default().with_table("comics")).await;
//! let stores = stores(&table);
//! let limits = stores.rate_limit.ok_or("no limiter")?;
//! let issues = Resource::named("issues")?;
//! if let Decision::Granted(permit) = limits.acquire(Acquire::one(&issues).user()).await? {
//!     permit.commit(); // dropped uncommitted, it is given back
//! }
//! # Ok(())
//! # }
//! ```

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

#[cfg(all(doctest, feature = "aws-config"))]
#[doc = include_str!("../../../docs/dynamodb.md")]
mod operations {}
