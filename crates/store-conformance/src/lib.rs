//! What every backend and every layer of the store contracts must do, as a suite of named tests.
//!
//! A backend implements [`Harness`], which opens its stores on storage of their own, and expands
//! one macro in its integration tests: [`conformance!`], or one of [`cache_conformance!`],
//! [`dedupe_conformance!`], [`rate_limit_conformance!`] and [`pipeline_conformance!`]. Each case
//! becomes a test of its own, runs on a fresh harness and drives a manual clock. [`models!`] adds
//! random sequences of calls that a plain model answers as well. Tests that take several processes
//! start them with [`children`].
//!
//! ```
//! use std::sync::Arc;
//! use store_conformance::{Harness, Setup, async_trait};
//! use store_core::{CacheStore, DedupeStore, RateLimitStore, Result};
//!
//! /// Opens the stores of one folder, say, with what the setup asks for.
//! struct Folder<C, D, R> {
//!     open_cache: C,
//!     open_dedupe: D,
//!     open_rate_limit: R,
//! }
//!
//! #[async_trait]
//! impl<C, D, R> Harness for Folder<C, D, R>
//! where
//!     C: Fn(&Setup) -> Result<Arc<dyn CacheStore>> + Send + Sync,
//!     D: Fn(&Setup) -> Result<Arc<dyn DedupeStore>> + Send + Sync,
//!     R: Fn(&Setup) -> Result<Arc<dyn RateLimitStore>> + Send + Sync,
//! {
//!     async fn cache(&self, setup: &Setup) -> Result<Arc<dyn CacheStore>> {
//!         (self.open_cache)(setup)
//!     }
//!
//!     async fn dedupe(&self, setup: &Setup) -> Result<Arc<dyn DedupeStore>> {
//!         (self.open_dedupe)(setup)
//!     }
//!
//!     async fn rate_limit(&self, setup: &Setup) -> Result<Arc<dyn RateLimitStore>> {
//!         (self.open_rate_limit)(setup)
//!     }
//! }
//! ```

#[macro_use]
mod macros;

#[doc(hidden)]
pub mod cases;
pub mod children;
mod harness;
#[doc(hidden)]
pub mod models;
mod run;

pub use async_trait::async_trait;
pub use harness::{Boxed, Harness, Setup};
#[doc(hidden)]
pub use run::run;
#[doc(hidden)]
pub use store_core::Result as CaseResult;
