//! Response cache, de-duplication (single flight) and rate limiter in one DynamoDB table, shared by the
//! processes of several hosts.
//!
//! Use it when several hosts share one API budget; on a single host `store-sqlite` does the same without a
//! service. All stores implement the contracts of [`store_core`], of which this crate re-exports what
//! applications need.
//!
//! | to | use |
//! |---|---|
//! | open a table | [`DynamoDbTable`], [`TableOptions`] |
//! | create it, or print IAM policies, `CloudFormation`, Terraform | [`setup`] |
//! | make all three stores for a [`Pipeline`] | [`stores`], [`stores_with`], [`stores_with_tuning`] |
//! | cache values of a type | [`TypedCache`] over [`DynamoDbCacheStore`] |
//! | do work once over all hosts | [`DynamoDbDedupeStore`], [`DedupeStoreExt::run_once`] |
//! | wait for permits of a limit that hosts share | [`DynamoDbRateLimitStore`], [`RateLimitStoreExt::limiter`] |
//! | set what only DynamoDB has: chunks, polling, clock skew, permit batches | [`Tuning`] |
//! | check its health, observe it, publish to CloudWatch, tune the circuit breaker | [`ops`] |
//!
//! # Example
//!
//! The table must exist before a store is used. An operator creates it with `comicvine table setup`; here the
//! program does. `examples/dynamodb.rs` adds jobs that hosts share.
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use store_dynamodb::setup::{SetupOptions, TableSpec, create_or_verify};
//! use store_dynamodb::{DynamoDbCacheStore, DynamoDbRateLimitStore, DynamoDbTable, TableOptions};
//! use store_dynamodb::{BoxError, HOUR, Key, Limit, RateLimitStoreExt, Resource, TypedCache};
//!
//! let options = TableOptions::default().with_table("comics");
//! # let options = options.with_endpoint_url(dynamodb_local::endpoint()?);
//! let table = DynamoDbTable::from_env(options.clone()).await;
//! create_or_verify(table.client(), &TableSpec::of(&options), &SetupOptions::default()).await?;
//!
//! let names: TypedCache<String> = TypedCache::new(DynamoDbCacheStore::new(&table));
//! let limiter = DynamoDbRateLimitStore::new(&table, Limit::new(200, HOUR)).limiter();
//! let issues = Resource::new("issues")?;
//! let name = names
//!     .get_or_try_insert_with(&Key::new("issues:4000-1")?, HOUR, async || {
//!         let _permit = limiter.acquire(&issues).await?; // waits if the limit is reached
//!         Ok::<_, BoxError>("Cry for the Moon".to_owned()) // send the request here
//!     })
//!     .await?;
//! assert_eq!(name, "Cry for the Moon");
//! # Ok(())
//! # }
//! ```

pub mod ops;
pub mod setup;

mod cache;
mod dedupe;
mod handle;
mod options;
mod rate_limit;
mod store;
mod table;

mod error;
mod item;
mod setters;
mod shards;

pub(crate) use ops::parallel;

pub use cache::DynamoDbCacheStore;
pub use dedupe::DynamoDbDedupeStore;
pub use options::Tuning;
pub use rate_limit::{DynamoDbAdaptiveRateLimitStore, DynamoDbRateLimitStore};
pub use store::{stores, stores_with, stores_with_tuning};
pub use table::{ConsumedCapacity, DynamoDbTable, SchemaNames, TableOptions};

#[doc(no_inline)]
pub use store_core::{self, prelude::*};

#[cfg(all(doctest, feature = "aws-config", feature = "cloudwatch"))]
#[doc = include_str!("../../../docs/dynamodb.md")]
mod operations {}
