//! A conformance test suite for store backends: named cases and model-based tests for every
//! implementation of the traits of `store-core`.
//!
//! | To | use |
//! |---|---|
//! | open the stores of a backend for the suite | [`Harness`], with the options of a [`Setup`] |
//! | run every case, and those of the pipeline | [`conformance!`] |
//! | run the cases of one role | [`cache_conformance!`], [`dedupe_conformance!`], [`rate_limit_conformance!`], [`pipeline_conformance!`] |
//! | run the cases of a queue of writes | [`WriteQueueHarness`], [`write_queue_conformance!`] |
//! | run random sequences of calls against a plain model | [`models!`] |
//! | run the suite through `Arc<Box<dyn …>>` as well | [`Boxed`] |
//! | run the suite of the cache through layers | [`Layered`], [`CacheOnly`], [`compositions!`] |
//! | start child processes in a test | [`child_process`] |
//! | test what stands before a cache that fails | [`FaultyCache`] |
//!
//! Each case becomes a test of its own, with a fresh harness and a manual clock: nothing sleeps. A
//! case that a backend cannot pass is listed with a reason and becomes an ignored test.
//!
//! # Example
//!
//! An integration test of a backend (here `store-memory`) that runs the whole suite:
//!
//! ```
//! use std::sync::{Arc, OnceLock};
//!
//! use store_conformance::{Harness, Setup, async_trait};
//! use store_core::{CacheStore, DedupeStore, RateLimitStore, Result};
//! use store_memory::{MemoryCacheStore, MemoryDedupeStore, MemoryRateLimitStore};
//!
//! /// The stores of one case. The first call opens a store; further calls return a handle on it.
//! #[derive(Default)]
//! struct Memory {
//!     cache: OnceLock<MemoryCacheStore>,
//!     dedupe: OnceLock<MemoryDedupeStore>,
//!     rate_limit: OnceLock<MemoryRateLimitStore>,
//! }
//!
//! #[async_trait]
//! impl Harness for Memory {
//!     async fn cache(&self, setup: &Setup) -> Result<Arc<dyn CacheStore>> {
//!         let options = setup.cache_options();
//!         let open = || MemoryCacheStore::with_options(options);
//!         Ok(Arc::new(self.cache.get_or_init(open).clone()))
//!     }
//!
//!     async fn dedupe(&self, setup: &Setup) -> Result<Arc<dyn DedupeStore>> {
//!         let options = setup.dedupe_options();
//!         let open = || MemoryDedupeStore::with_options(options);
//!         Ok(Arc::new(self.dedupe.get_or_init(open).clone()))
//!     }
//!
//!     async fn rate_limit(&self, setup: &Setup) -> Result<Arc<dyn RateLimitStore>> {
//!         let options = setup.rate_limit_options();
//!         let open = || MemoryRateLimitStore::with_options(options);
//!         Ok(Arc::new(self.rate_limit.get_or_init(open).clone()))
//!     }
//! }
//!
//! mod memory {
//!     use super::Memory;
//!
//!     store_conformance::conformance!(Memory::default());
//!     store_conformance::models!(Memory::default());
//! }
//! # // A test binary runs the tests that the macros make; a doctest runs only `main`.
//! # fn main() {
//! #     store_conformance::models::cache(Memory::default);
//! # }
//! ```

#[macro_use]
mod macros;

#[doc(hidden)]
pub mod cases;
pub mod child_process;
#[doc(hidden)]
pub mod compositions;
mod faulty;
mod harness;
mod layered;
#[doc(hidden)]
pub mod models;
mod noise;
mod run;

pub use async_trait::async_trait;
pub use faulty::FaultyCache;
pub use harness::{Boxed, Harness, Setup, WriteQueueHarness};
pub use layered::{CacheOnly, Layered};
pub use noise::noise;
#[doc(hidden)]
pub use run::run;
#[doc(hidden)]
pub use store_core::Result as CaseResult;
