//! Response cache, de-duplication (single flight) and rate limiter in one DynamoDB table, shared by the
//! processes of several hosts.
//!
//! Use it when several hosts share one API budget; on a single host `store-sqlite` does the same without a
//! service. All stores implement the contracts of `store-core`.
//!
//! | for | use |
//! |---|---|
//! | opening a table | [`DynamoDbTable`], [`TableOptions`] |
//! | creating it, IAM policies, `CloudFormation`, Terraform | [`setup`] |
//! | all three stores, for a client or a pipeline | [`stores`], [`stores_with`], [`StoreOptions`] |
//! | caching responses | [`DynamoDbCacheStore`], [`CacheOptions`] |
//! | one fetch for many concurrent callers | [`DynamoDbDedupeStore`], [`DedupeOptions`] |
//! | limiting requests across hosts | [`DynamoDbRateLimitStore`], [`RateLimitOptions`] |
//! | health checks | [`DynamoDbTable::health`], [`HealthOptions`], [`Health`], [`Problem`] |
//! | tracing, metrics, consumed capacity | [`Monitor`], [`MetricsSink`], [`ConsumedCapacity`] |
//! | CloudWatch (feature `cloudwatch`) | `CloudWatchMetricsPublisher`, `dashboard` |
//! | failing fast while the table is down | [`CircuitBreakerOptions`], [`CircuitStatus`] |
//! | requests of your own | [`BatchWriter`], [`execute_in_parallel`], [`AdaptiveDelayCalculator`] |
//!
//! # Example
//!
//! The table must exist before a store is used. An operator creates it with `comicvine table setup`; here the
//! program does. `examples/dynamodb.rs` adds jobs that hosts share.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # async fn fetch() -> Result<&'static str, std::io::Error> { Ok("{}") }
//! use store_core::{Acquire, CacheStore, CacheStoreExt, Decision, HOUR, Key, Limit, NewEntry};
//! use store_core::{RateLimitStore, Resource};
//! use store_dynamodb::setup::{SetupOptions, TableSpec, create_or_verify};
//! use store_dynamodb::{DynamoDbCacheStore, DynamoDbRateLimitStore, DynamoDbTable, TableOptions};
//!
//! let options = TableOptions::default().with_table("comics");
//! # let options = options.with_endpoint_url(dynamodb_local::endpoint()?);
//! let table = DynamoDbTable::from_env(options.clone()).await;
//! create_or_verify(table.client(), &TableSpec::of(&options), &SetupOptions::default()).await?;
//!
//! let cache = DynamoDbCacheStore::new(&table);
//! let limits = DynamoDbRateLimitStore::new(&table, Limit::new(200, HOUR));
//! let (key, api) = (Key::new("issues:1")?, Resource::named("issues")?);
//! if cache.value(&key).await?.is_none() {
//!     match limits.acquire(Acquire::one(&api).user()).await? {
//!         Decision::Granted(permit) => {
//!             permit.commit();
//!             cache.set(NewEntry::new(key, fetch().await?)).await?;
//!         }
//!         Decision::Denied { retry_at, reason } => println!("{reason} until {retry_at}"),
//!     }
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
pub use health::{ClockSkew, Health, HealthOptions, Problem};
pub use metrics::{Metric, MetricKind, MetricsSink};
pub use monitor::{Correlation, Monitor, Outcome};
pub use options::{CacheOptions, DedupeOptions, RateLimitOptions, StoreOptions};
pub use parallel::execute_in_parallel;
pub use rate_limit::{DynamoDbAdaptiveRateLimitStore, DynamoDbRateLimitStore};
pub use store::{stores, stores_with};
pub use table::{ConsumedCapacity, DynamoDbTable, SchemaNames, TableOptions};

#[cfg(all(doctest, feature = "aws-config"))]
#[doc = include_str!("../../../docs/dynamodb.md")]
mod operations {}
