//! The rate limit store: one item per resource, which every admission changes by one conditional write.
//!
//! Admissions are counted in buckets of time. A bucket leaves a window as a whole, when its youngest
//! admission would: so no window is ever over, and an admission may count for one bucket longer than
//! it has to. What was admitted before the current bucket does not change while it lasts, so whoever
//! has seen it once can tell in the condition of a write how far the bucket may fill.
//!
//! | file | what it holds |
//! |---|---|
//! | `record` | the stored state of one resource, and its item |
//! | `transition` | what a command makes of a state: a conditional write and an outcome; no I/O |
//! | `commit` | the one loop that reads, applies a command and writes |
//! | `store` | the contract's methods, requests, permits taken in advance, reports |

mod commit;
mod record;
mod store;
#[cfg(test)]
mod tests;
mod transition;

use std::sync::Arc;

use store_core::{Limit, RateLimitOptions, ResourceConfig};

use self::commit::Inner;
use crate::options::{Settings, Tuning};
use crate::table::DynamoDbTable;

/// A sliding-window rate limiter in a DynamoDB table, shared by all processes of all hosts that use the table.
///
/// A granted permit costs one write unit, a denial at most one. Denials are cached in the process: an attempt
/// before the retry time costs nothing except one read per second. A retry time may be late by
/// [`resolution`](store_core::RateLimitStore::resolution), never early.
///
/// A request with several claims takes them one after the other and gives back the earlier ones if a later one
/// is denied; meanwhile another request that would fit may be denied.
///
/// Cloning is cheap; clones share one store. DynamoDB removes idle resources itself, within days: no cleanup
/// runs unless `cleanup` is called, which removes at most 500 admissions, and
/// [`RateLimitOptions::cleanup_interval`] has no effect.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/doctest_table.rs.inc"));
/// # fn main() -> Result<(), Box<dyn std::error::Error>> { on_emulator(async |table| {
/// use store_dynamodb::{DynamoDbRateLimitStore, HOUR, Limit, RateLimitStoreExt, Resource};
///
/// let limiter = DynamoDbRateLimitStore::new(&table, Limit::new(200, HOUR)).limiter();
/// let issues = Resource::new("issues")?;
/// let permit = limiter.acquire(&issues).await?; // waits until one is free
/// permit.give_back(); // nothing was sent
/// # Ok(())
/// # }) }
/// ```
#[derive(Clone, Debug)]
pub struct DynamoDbRateLimitStore {
    inner: Arc<Inner>,
}

/// The TypeScript package's name of the adaptive limiter, which divides a limit between user and background
/// requests by activity; made by [`DynamoDbRateLimitStore::adaptive`] or any adaptive configuration. It is the
/// same type: `new` with a plain limit is not adaptive.
pub type DynamoDbAdaptiveRateLimitStore = DynamoDbRateLimitStore;

impl DynamoDbRateLimitStore {
    /// A limiter in `table`; `default` is the configuration of resources without one of their own.
    #[must_use]
    pub fn new(table: &DynamoDbTable, default: impl Into<ResourceConfig>) -> Self {
        let options = RateLimitOptions::default().with_default_config(default);
        Self::with_options(table, options)
    }

    /// An adaptive limiter in `table` with the TypeScript package's default: 200 per hour, divided between user
    /// and background requests by activity.
    #[must_use]
    pub fn adaptive(table: &DynamoDbTable) -> Self {
        let options = RateLimitOptions::adaptive(Limit::TWO_HUNDRED_PER_HOUR);
        Self::with_options(table, options)
    }

    /// A limiter in `table`: 200 per minute, unless the options have another configuration.
    #[must_use]
    pub fn with_options(table: &DynamoDbTable, options: RateLimitOptions) -> Self {
        Self::with_tuning(table, options, Tuning::default())
    }

    /// A limiter in `table`, with options and [`Tuning`].
    #[must_use]
    pub fn with_tuning(table: &DynamoDbTable, options: RateLimitOptions, tuning: Tuning) -> Self {
        let settings = Settings::new(options, tuning);
        Self {
            inner: Arc::new(Inner::new(table, settings)),
        }
    }
}
