//! Cache, single flight and rate limiting in the memory of one process.
//!
//! Every store is cheap to clone, and its clones share one state; each operation takes one lock and does
//! no I/O. Nothing survives the process, and no other process shares it: use `store-sqlite` for several
//! processes on a machine, `store-dynamodb` for several machines.
//!
//! | to | use |
//! |---|---|
//! | cache bytes, bounded in entries and bytes | [`MemoryCacheStore`], [`Capacity`] |
//! | cache values of a type | [`TypedCache`] over it |
//! | do work once | [`MemoryDedupeStore`], [`DedupeStoreExt::run_once`] |
//! | wait for permits of a rate limit | [`MemoryRateLimitStore`], [`RateLimitStoreExt::limiter`] |
//! | all three for a [`Pipeline`] | [`stores`], [`stores_with`] |
//! | keep writes until their source has them | [`MemoryWriteQueue`] |
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use store_memory::{Limit, MemoryRateLimitStore, RateLimitStoreExt, Resource, SECOND};
//!
//! let limiter = MemoryRateLimitStore::new(Limit::new(2, SECOND)).limiter();
//! let issues = Resource::new("issues")?;
//! let sent = limiter.run(&issues, async || "sent").await?;
//! assert_eq!(sent, "sent");
//! # Ok(())
//! # }
//! ```

mod cache;
mod dedupe;
mod moment;
mod options;
mod rate_limit;
mod shared;
mod store;
mod write_queue;

pub use cache::MemoryCacheStore;
pub use dedupe::MemoryDedupeStore;
pub use options::Capacity;
pub use rate_limit::{MemoryAdaptiveRateLimitStore, MemoryRateLimitStore};
pub use store::{stores, stores_with};
pub use write_queue::MemoryWriteQueue;

#[doc(no_inline)]
pub use store_core::{self, prelude::*};
