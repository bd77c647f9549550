//! The harness: opens the stores of a backend for the suite.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use store_core::{
    CacheOptions, CacheStore, DedupeOptions, DedupeStore, Limit, MINUTE, ManualClock,
    RateLimitOptions, RateLimitStore, Resource, ResourceConfig, Result, SECOND, WriteQueue,
    WriteQueueOptions,
};

/// A backend with its own empty storage.
///
/// Each case gets a fresh harness. The first call of a method opens the store; a further call opens
/// another handle on the same storage, as another process would.
#[async_trait]
pub trait Harness: Send + Sync {
    /// Opens a handle on the cache.
    ///
    /// # Errors
    /// Any kind with which the backend fails to open, such as `Unavailable`; the case fails with it.
    async fn cache(&self, setup: &Setup) -> Result<Arc<dyn CacheStore>>;

    /// Opens a handle on the de-duplication store.
    ///
    /// # Errors
    /// Any kind with which the backend fails to open, such as `Unavailable`; the case fails with it.
    async fn dedupe(&self, setup: &Setup) -> Result<Arc<dyn DedupeStore>>;

    /// Opens a handle on the rate limiter.
    ///
    /// # Errors
    /// Any kind with which the backend fails to open, such as `Unavailable`; the case fails with it.
    async fn rate_limit(&self, setup: &Setup) -> Result<Arc<dyn RateLimitStore>>;

    /// By how many bytes the size that a listing of the cache shows exceeds that of the value. Default: 0.
    fn stored_overhead_bytes(&self) -> u64 {
        0
    }
}

/// A backend of the queue of writes with its own empty storage, as a [`Harness`] is one of the stores.
#[async_trait]
pub trait WriteQueueHarness: Send + Sync {
    /// Opens a handle on the queue; the first call of a case says which options all of them have.
    ///
    /// # Errors
    /// Any kind with which the backend fails to open, such as `Unavailable`; the case fails with it.
    async fn write_queue(&self, options: WriteQueueOptions) -> Result<Arc<dyn WriteQueue>>;
}

/// The options that a case opens its stores with.
///
/// All other options are the backend's defaults, except that background work, such as periodic
/// cleanup, must be off.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Setup {
    /// The clock of the stores. Default: a manual clock at a fixed time in 2023.
    pub clock: ManualClock,
    /// Cache: the longest value, in bytes. Default: 64 KiB.
    pub max_entry_bytes: usize,
    /// De-duplication: how long a job stays owned without a heartbeat. Default: 10 seconds.
    pub lease: Duration,
    /// De-duplication: how long results are kept for joiners. Default: 5 seconds.
    pub retention: Duration,
    /// De-duplication: the longest result that is shared with joiners, in bytes. Default: 4 KiB.
    pub max_result_bytes: usize,
    /// Rate limit: the config of a resource that has no other. Default: 10 per minute.
    pub config: ResourceConfig,
    /// Rate limit: the configs of single resources. Default: none.
    pub resource_configs: Vec<(Resource, ResourceConfig)>,
    /// Any store: the most items that one cleanup frees. Default: 1000.
    pub cleanup_batch: u32,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            clock: ManualClock::default(),
            max_entry_bytes: 64 * 1024,
            lease: SECOND * 10,
            retention: SECOND * 5,
            max_result_bytes: 4 * 1024,
            config: Limit::new(10, MINUTE).into(),
            resource_configs: Vec::new(),
            cleanup_batch: 1_000,
        }
    }
}

impl Setup {
    /// Sets the longest value of a cache, in bytes.
    #[must_use]
    pub const fn with_max_entry_bytes(mut self, bytes: usize) -> Self {
        self.max_entry_bytes = bytes;
        self
    }

    /// Sets the longest result that is shared with joiners, in bytes.
    #[must_use]
    pub const fn with_max_result_bytes(mut self, bytes: usize) -> Self {
        self.max_result_bytes = bytes;
        self
    }

    /// Sets the config of a resource that has no other.
    #[must_use]
    pub fn with_config(mut self, config: impl Into<ResourceConfig>) -> Self {
        self.config = config.into();
        self
    }

    /// Adds the config of a single resource.
    #[must_use]
    pub fn with_resource(mut self, resource: Resource, config: impl Into<ResourceConfig>) -> Self {
        self.resource_configs.push((resource, config.into()));
        self
    }

    /// Sets the most items that one cleanup frees.
    #[must_use]
    pub const fn with_cleanup_batch(mut self, items: u32) -> Self {
        self.cleanup_batch = items;
        self
    }

    /// The options of the cache.
    #[must_use]
    pub fn cache_options(&self) -> CacheOptions {
        CacheOptions::default()
            .with_max_entry_bytes(self.max_entry_bytes)
            .with_cleanup_interval(None)
            .with_cleanup_batch(self.cleanup_batch)
            .with_clock(self.clock.clone())
    }

    /// The options of the de-duplication store.
    #[must_use]
    pub fn dedupe_options(&self) -> DedupeOptions {
        DedupeOptions::default()
            .with_lease(self.lease)
            .with_result_retention(self.retention)
            .with_inline_limit_bytes(self.max_result_bytes)
            .with_cleanup_interval(None)
            .with_cleanup_batch(self.cleanup_batch)
            .with_clock(self.clock.clone())
    }

    /// The options of the rate limiter.
    #[must_use]
    pub fn rate_limit_options(&self) -> RateLimitOptions {
        let options = RateLimitOptions::default()
            .with_default_config(self.config.clone())
            .with_cleanup_interval(None)
            .with_cleanup_batch(self.cleanup_batch)
            .with_clock(self.clock.clone());
        self.resource_configs
            .iter()
            .cloned()
            .fold(options, |options, (resource, config)| {
                options.with_resource(resource, config)
            })
    }
}

/// A harness whose stores are wrapped in `Arc<Box<dyn …>>`, so that the forwarding implementations of
/// the traits pass the suite as well.
#[derive(Clone, Copy, Debug, Default)]
pub struct Boxed<H>(pub H);

#[async_trait]
impl<H: Harness> Harness for Boxed<H> {
    async fn cache(&self, setup: &Setup) -> Result<Arc<dyn CacheStore>> {
        Ok(Arc::new(Box::new(self.0.cache(setup).await?)))
    }

    async fn dedupe(&self, setup: &Setup) -> Result<Arc<dyn DedupeStore>> {
        Ok(Arc::new(Box::new(self.0.dedupe(setup).await?)))
    }

    async fn rate_limit(&self, setup: &Setup) -> Result<Arc<dyn RateLimitStore>> {
        Ok(Arc::new(Box::new(self.0.rate_limit(setup).await?)))
    }

    fn stored_overhead_bytes(&self) -> u64 {
        self.0.stored_overhead_bytes()
    }
}

#[async_trait]
impl<H: WriteQueueHarness> WriteQueueHarness for Boxed<H> {
    async fn write_queue(&self, options: WriteQueueOptions) -> Result<Arc<dyn WriteQueue>> {
        Ok(Arc::new(Box::new(self.0.write_queue(options).await?)))
    }
}
