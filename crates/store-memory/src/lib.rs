//! Response cache, de-duplication and rate limiting in one process' memory.
//!
//! The reference backend: read this one first. Every store is cheap to clone, and its clones share
//! what it holds; each operation takes one lock and does no I/O. Nothing survives the process.
//!
//! ```
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! use store_core::{Acquire, Decision, Limit, MINUTE, RateLimitStore, Resource};
//! use store_memory::MemoryRateLimitStore;
//!
//! let limits = MemoryRateLimitStore::new(Limit::new(1, MINUTE));
//! let issues = Resource::named("issues")?;
//! match limits.acquire(Acquire::one(&issues).user()).await? {
//!     Decision::Granted(permit) => permit.commit(),
//!     Decision::Denied { retry_at, reason } => println!("{reason} until {retry_at}"),
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cache;
mod dedupe;
mod options;
mod rate_limit;
mod store;

pub use cache::MemoryCacheStore;
pub use dedupe::MemoryDedupeStore;
pub use options::{CacheOptions, DedupeOptions, RateLimitOptions, StoreOptions};
pub use rate_limit::{MemoryAdaptiveRateLimitStore, MemoryRateLimitStore};
pub use store::{stores, stores_with};
