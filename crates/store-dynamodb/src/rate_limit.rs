//! The rate limit store: one item per resource, which every admission changes by one conditional write.
//!
//! Admissions are counted in buckets of time. A bucket leaves a window as a whole, when its youngest
//! admission would: so no window is ever over, and an admission may count for one bucket longer than
//! it has to. What was admitted before the current bucket does not change while it lasts, so whoever
//! has seen it once can tell in the condition of a write how far the bucket may fill.

mod acquire;
mod admin;
mod change;
mod decide;
mod demand;
mod engine;
mod history;
mod item;
mod local;
mod refund;
mod reports;
mod state;
#[cfg(test)]
mod tests;
mod update;
mod varint;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use store_core::backend::Undelivered;
use store_core::backend::window::check_claims;
use store_core::{
    Acquire, Claim, Decision, Error, ErrorKind, Limit, Page, PageRequest, Priority,
    RateLimitOptions, RateLimitStats, RateLimitStore, Resource, ResourceConfig, ResourceInfo,
    Result, Status, Timestamp,
};

use self::engine::Inner;
use crate::error::BACKEND;
use crate::options::{RateLimitSettings, Tuning};
use crate::table::DynamoDbTable;

/// A sliding-window rate limiter in a DynamoDB table, shared by all processes of all hosts that use the table.
///
/// A granted permit costs one write unit, a denial at most one. Denials are cached in the process: an attempt
/// before the retry time costs nothing except one read per second. A retry time may be late by
/// [`resolution`](RateLimitStore::resolution), never early.
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
        let settings = RateLimitSettings::new(options, tuning);
        Self {
            inner: Arc::new(Inner::new(table, settings)),
        }
    }
}

#[async_trait]
impl RateLimitStore for DynamoDbRateLimitStore {
    async fn try_acquire(&self, request: Acquire) -> Result<Decision> {
        const OPERATION: &str = "try_acquire";
        check_claims(&request.claims)?;
        self.inner.handle.table(OPERATION)?;
        if let Some(denial) = self.inner.denials.denial_of(&request, self.inner.now()) {
            return Ok(denial.into());
        }
        // A caller that goes away must not leave a write behind that nobody hears of: the task goes on,
        // and a decision that nobody takes out of it gives its permit back.
        let inner = Arc::clone(&self.inner);
        let task = tokio::spawn(async move { acquire::acquire(&inner, &request).await });
        let decided = task.await.map_err(|source| {
            Error::new(ErrorKind::Unavailable, BACKEND, OPERATION).with_source(source)
        })?;
        decided.map(Undelivered::deliver)
    }

    fn record_activity(&self, request: &Acquire) {
        self.inner.denials.record_activity(request);
    }

    async fn record(&self, request: Acquire) -> Result<()> {
        check_claims(&request.claims)?;
        self.inner.record(&request).await
    }

    async fn status(&self, claim: &Claim, priority: Priority) -> Result<Status> {
        self.inner.status(claim, priority).await
    }

    async fn reset(&self, resource: &Resource) -> Result<()> {
        self.inner.handle.table("reset")?;
        self.inner.reset(resource).await
    }

    async fn clear(&self) -> Result<()> {
        self.inner.handle.table("clear")?;
        self.inner.clear().await
    }

    async fn set_cooldown(&self, resource: &Resource, until: Timestamp) -> Result<Timestamp> {
        self.inner.set_cooldown(resource, until).await
    }

    async fn cooldown(&self, resource: &Resource) -> Result<Option<Timestamp>> {
        self.inner.cooldown(resource).await
    }

    async fn clear_cooldown(&self, resource: &Resource, seen: Timestamp) -> Result<()> {
        self.inner.clear_cooldown(resource, seen).await
    }

    async fn move_cooldown(
        &self,
        resource: &Resource,
        seen: Timestamp,
        until: Timestamp,
    ) -> Result<bool> {
        self.inner.move_cooldown(resource, seen, until).await
    }

    async fn set_resource_config(&self, resource: &Resource, config: ResourceConfig) -> Result<()> {
        self.inner.set_config(resource, &config).await
    }

    async fn resource_config(&self, resource: &Resource) -> Result<Option<ResourceConfig>> {
        self.inner.handle.table("resource_config")?;
        let local = self.inner.locals.of(resource);
        let state = self.inner.read("resource_config", &local).await?;
        Ok(state.config.clone())
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<ResourceInfo>> {
        self.inner.list_page(page).await
    }

    async fn stats(&self) -> Result<RateLimitStats> {
        self.inner.stats().await
    }

    async fn cleanup(&self) -> Result<u64> {
        self.inner.cleanup().await
    }

    async fn close(&self) -> Result<()> {
        self.inner.handle.close();
        for local in self.inner.locals.all() {
            self.inner.return_batches(&local, None).await;
        }
        Ok(())
    }

    fn resolution(&self, span: Duration) -> Duration {
        let bucket = span.as_nanos() / 1_000_000;
        let bucket = bucket.div_ceil(u128::from(self.inner.options.buckets.get()));
        let bucket = Duration::from_millis(u64::try_from(bucket).unwrap_or(u64::MAX).max(1));
        bucket.saturating_add(self.inner.options.max_clock_skew)
    }
}
