//! The rate-limit contract: exact windows, decided and counted in one atomic step.

mod acquire;
mod limit;
mod permit;
mod status;
mod stored;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;

pub use acquire::{Acquire, Attempt, Claim, Decision, Reason};
pub use limit::{Limit, Policy, ResourceConfig};
pub use permit::Permit;
pub use status::{AdaptiveMetrics, AdaptiveStatus, RateLimitStats, ResourceInfo, Status};

use crate::error::Result;
use crate::page::{Page, PageRequest};
use crate::priority::Priority;
use crate::resource::Resource;
use crate::time::Timestamp;

/// The admissions of rate-limited resources, shared by everyone who opens the same store.
///
/// A decision and its count are one step: there is no way to ask without counting. Applications wait
/// for permits with a [`RateLimiter`](crate::RateLimiter), which
/// [`RateLimitStoreExt::limiter`](crate::RateLimitStoreExt::limiter) makes of a store.
///
/// Every method can fail with the kinds of a backend that does not work: `Busy`, `Throttled`,
/// `Timeout`, `Unavailable`, `CircuitOpen`, `Corrupt`, `SchemaNewer`, `SchemaMissing`, `ReadOnly`,
/// `StorageFull`, `Closed`. `# Errors` names further kinds.
#[async_trait]
pub trait RateLimitStore: fmt::Debug + Send + Sync + 'static {
    /// Admits the request on all its claims now, or on none.
    ///
    /// # Behavior
    /// - no window of any limit ever holds more admissions than its count, whatever the priority,
    ///   over all threads and processes;
    /// - a user is admitted if every limit allows; the background if, besides, its share does;
    /// - under [`Partition::Strict`](crate::Partition) so must the users' share, which is at least
    ///   one however long they were away;
    /// - a cooldown of any claimed resource denies both;
    /// - the activity is counted once, admitted or denied;
    /// - a grant is used, whether its permit is dropped or not;
    /// - a grant that never reaches its caller, who stopped polling the future, is refunded.
    ///
    /// # Errors
    /// `InvalidInput` if a claim can never be admitted. An error is never a permission to send.
    async fn try_acquire(&self, request: Acquire) -> Result<Decision>;

    /// Counts a request that was sent without permission, so that later decisions include it.
    ///
    /// # Errors
    /// `InvalidInput` if the claims are invalid.
    async fn record(&self, request: Acquire) -> Result<()>;

    /// Counts a request as activity without asking for admission: one that has to wait behind others
    /// of its process. Kept in memory, at the latest until the resource is next asked for.
    fn record_activity(&self, request: &Acquire);

    /// The status of `claim`'s resource for callers of this class. Counts nothing.
    ///
    /// # Errors
    /// `InvalidInput` if the claim is invalid.
    async fn status(&self, claim: &Claim, priority: Priority) -> Result<Status>;

    /// Removes the admissions of a resource; configuration, activity and cooldown stay.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn reset(&self, resource: &Resource) -> Result<()>;

    /// Removes admissions, activity and cooldowns of every resource; configuration stays.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn clear(&self) -> Result<()>;

    /// Denies every request to `resource` until `until`. A cooldown is only ever extended; the one in
    /// force is returned.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn set_cooldown(&self, resource: &Resource, until: Timestamp) -> Result<Timestamp>;

    /// The end of the cooldown in force, if there is one.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn cooldown(&self, resource: &Resource) -> Result<Option<Timestamp>>;

    /// Removes the cooldown that ends at `seen`; one that was extended in the meantime stays.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn clear_cooldown(&self, resource: &Resource, seen: Timestamp) -> Result<()>;

    /// Moves the end of the cooldown from `seen` to `until`, either way; returns whether it did. Of several
    /// callers that saw the same end one succeeds, over all processes. Works on a cooldown that is over,
    /// too, until it is cleared: see [`Permit::lapsed_cooldowns`].
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn move_cooldown(
        &self,
        resource: &Resource,
        seen: Timestamp,
        until: Timestamp,
    ) -> Result<bool>;

    /// Stores the configuration of a resource for every process that shares the store, from now on.
    /// Earlier admissions keep counting.
    ///
    /// # Errors
    /// `InvalidInput` if the configuration is invalid.
    async fn set_resource_config(&self, resource: &Resource, config: ResourceConfig) -> Result<()>;

    /// The stored configuration of a resource, if there is one.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn resource_config(&self, resource: &Resource) -> Result<Option<ResourceConfig>>;

    /// Lists resources by name.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn list(&self, page: &PageRequest) -> Result<Page<ResourceInfo>>;

    /// Counts over all resources.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn stats(&self) -> Result<RateLimitStats>;

    /// Removes admissions that no window holds any more, a bounded number per run; returns how many.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn cleanup(&self) -> Result<u64>;

    /// Stops the store's own tasks. Every later call fails with `Closed`.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn close(&self) -> Result<()>;

    /// How much longer than a span of this length an admission may count, and so how late `retry_at`
    /// and the times of a status may be; they are never early. Zero where every admission is kept with
    /// its moment; the length of a bucket where admissions are kept per bucket of time.
    fn resolution(&self, span: Duration) -> Duration;
}
