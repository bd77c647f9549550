//! Response cache, de-duplication and rate limiting in one DynamoDB table that hosts share.

pub mod setup;

mod cache;
mod dedupe;
mod options;
mod rate_limit;
mod store;
mod table;

mod error;
mod item;
mod shards;

pub use cache::DynamoDbCacheStore;
pub use dedupe::DynamoDbDedupeStore;
pub use options::{CacheOptions, DedupeOptions, RateLimitOptions, StoreOptions};
pub use rate_limit::{DynamoDbAdaptiveRateLimitStore, DynamoDbRateLimitStore};
pub use table::{Consumed, DynamoDbTable, TableNames, TableOptions};
