//! The rate-limit contract: exact windows, decided and counted in one atomic step.

mod acquire;
mod limit;
mod status;
mod stored;
pub mod sums;
pub mod window;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

pub use acquire::{Acquire, Claim, Decision, Demand, Permit, Reason};
pub use limit::{Limit, Policy, ResourceConfig};
pub use status::{AdaptiveMetrics, AdaptiveStatus, RateLimitStats, ResourceInfo, Status};

use crate::error::Result;
use crate::page::{Page, PageRequest};
use crate::priority::Priority;
use crate::resource::Resource;
use crate::time::Timestamp;

/// A rate limiter, shared by everyone who opens the same store.
///
/// There is no "may I" without "I did": [`acquire`](Self::acquire) decides and counts at once.
#[async_trait]
pub trait RateLimitStore: fmt::Debug + Send + Sync + 'static {
    /// Admits the request on all its claims, or on none.
    ///
    /// # Behavior
    /// - no window of any limit ever holds more admissions than its count, whatever the priority,
    ///   over all threads and processes;
    /// - a user is admitted if every limit allows; the background if, besides, its share does;
    /// - under [`Partition::Strict`](crate::Partition) so must the users' share, which is at least
    ///   one however long they were away;
    /// - a cooldown of any claimed resource refuses both;
    /// - the demand is counted once, admitted or refused;
    /// - a caller that goes away before it hears of its permit gives it back.
    ///
    /// # Errors
    /// `InvalidInput` if a claim can never be admitted, and those of the backend. An error is never
    /// leave to send.
    async fn acquire(&self, request: Acquire) -> Result<Decision>;

    /// Counts a request that was sent without asking, so that later decisions know of it.
    ///
    /// # Errors
    /// Those of the backend.
    async fn record(&self, request: Acquire) -> Result<()>;

    /// How `claim`'s resource stands for callers of this class. Counts nothing.
    ///
    /// # Errors
    /// Those of the backend.
    async fn status(&self, claim: &Claim, priority: Priority) -> Result<Status>;

    /// Forgets the admissions of a resource; configuration, activity and cooldown stay.
    ///
    /// # Errors
    /// Those of the backend.
    async fn reset(&self, resource: &Resource) -> Result<()>;

    /// Forgets admissions, activity and cooldowns of every resource; configuration stays.
    ///
    /// # Errors
    /// Those of the backend.
    async fn clear(&self) -> Result<()>;

    /// Asks for silence until `until`. A cooldown only ever grows; the one in force is returned.
    ///
    /// # Errors
    /// Those of the backend.
    async fn set_cooldown(&self, resource: &Resource, until: Timestamp) -> Result<Timestamp>;

    /// The end of the cooldown in force, if there is one.
    ///
    /// # Errors
    /// Those of the backend.
    async fn cooldown(&self, resource: &Resource) -> Result<Option<Timestamp>>;

    /// Ends the cooldown that ends at `seen`; one that was extended meanwhile stays.
    ///
    /// # Errors
    /// Those of the backend.
    async fn clear_cooldown(&self, resource: &Resource, seen: Timestamp) -> Result<()>;

    /// States what holds for a resource, for every process that shares the store, from now on.
    /// Admissions so far keep counting.
    ///
    /// # Errors
    /// `InvalidInput` if the configuration admits nothing, and those of the backend.
    async fn set_resource_config(&self, resource: &Resource, config: ResourceConfig) -> Result<()>;

    /// What was stated for a resource, if anything was.
    ///
    /// # Errors
    /// Those of the backend.
    async fn resource_config(&self, resource: &Resource) -> Result<Option<ResourceConfig>>;

    /// Lists resources by name.
    ///
    /// # Errors
    /// Those of the backend.
    async fn list(&self, page: &PageRequest) -> Result<Page<ResourceInfo>>;

    /// Counts over all resources.
    ///
    /// # Errors
    /// Those of the backend.
    async fn stats(&self) -> Result<RateLimitStats>;

    /// Frees the room of admissions that no window holds any more, a bounded number per run;
    /// returns how many.
    ///
    /// # Errors
    /// Those of the backend.
    async fn cleanup(&self) -> Result<u64>;

    /// Stops the store's own work. The store refuses calls from then on.
    ///
    /// # Errors
    /// Those of the backend.
    async fn close(&self) -> Result<()>;

    /// How much longer than `window` an admission may count in a window of this length, and so by how
    /// much `retry_at` and the times of a status may be late; never early. Zero where every admission
    /// is kept with its moment; a store that keeps counts per bucket of time tells a bucket's length.
    fn resolution(&self, window: Duration) -> Duration;
}

/// Conveniences over any [`RateLimitStore`].
#[async_trait]
pub trait RateLimitStoreExt: RateLimitStore {
    /// Whether a request of this class would be admitted now. Only [`RateLimitStore::acquire`]
    /// admits it; use this to show something, never to decide.
    ///
    /// # Errors
    /// Those of the backend.
    async fn can_proceed(&self, resource: &Resource, priority: Priority) -> Result<bool> {
        Ok(self.wait_time(resource, priority).await?.is_zero())
    }

    /// How long a request of this class would have to wait if nobody else asked.
    ///
    /// # Errors
    /// Those of the backend.
    async fn wait_time(&self, resource: &Resource, priority: Priority) -> Result<Duration> {
        let claim = Claim::new(resource.clone());
        Ok(self.status(&claim, priority).await?.wait_time())
    }
}

impl<S: RateLimitStore + ?Sized> RateLimitStoreExt for S {}
