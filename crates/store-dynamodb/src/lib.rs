//! Response cache, de-duplication and rate limiting in one DynamoDB table that hosts share.

mod options;
mod store;
mod table;

mod error;
mod item;

pub use options::{CacheOptions, DedupeOptions, RateLimitOptions, StoreOptions};
pub use table::{DynamoDbTable, TableNames, TableOptions};
