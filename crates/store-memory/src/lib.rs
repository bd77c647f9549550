//! Response cache, de-duplication and rate limiting in one process' memory.
//!
//! The reference backend: read this one first. Every store is cheap to clone, and its clones share
//! what it holds; each operation takes one lock and does no I/O. Nothing survives the process.

mod cache;
mod dedupe;
mod options;
mod store;

pub use cache::MemoryCacheStore;
pub use dedupe::MemoryDedupeStore;
pub use options::{CacheOptions, DedupeOptions, MemoryOptions, RateLimitOptions};
