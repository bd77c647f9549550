//! The suite that every backend passes, directly and through the forwarders.

use std::sync::{Arc, OnceLock};

use store_conformance::{Boxed, Harness, Setup, async_trait};
use store_memory::{
    CacheOptions, CacheStore, Capacity, DedupeOptions, DedupeStore, MemoryCacheStore,
    MemoryDedupeStore, MemoryRateLimitStore, RateLimitOptions, RateLimitStore, Result,
};

/// Stores of one process: a further handle is a clone.
#[derive(Debug, Default)]
struct Memory {
    cache: OnceLock<MemoryCacheStore>,
    dedupe: OnceLock<MemoryDedupeStore>,
    rate_limit: OnceLock<MemoryRateLimitStore>,
}

#[async_trait]
impl Harness for Memory {
    async fn cache(&self, setup: &Setup) -> Result<Arc<dyn CacheStore>> {
        let open = || {
            let options = CacheOptions::default()
                .with_max_entry_bytes(setup.max_entry_bytes)
                .with_cleanup_batch(setup.cleanup_batch)
                .with_clock(setup.clock.clone());
            MemoryCacheStore::with_capacity(options, Capacity::default().with_max_items(10_000))
        };
        Ok(Arc::new(self.cache.get_or_init(open).clone()))
    }

    async fn dedupe(&self, setup: &Setup) -> Result<Arc<dyn DedupeStore>> {
        let open = || {
            let options = DedupeOptions::default()
                .with_lease(setup.lease)
                .with_result_retention(setup.retention)
                .with_inline_limit_bytes(setup.max_result_bytes)
                .with_cleanup_batch(setup.cleanup_batch)
                .with_clock(setup.clock.clone());
            MemoryDedupeStore::with_options(options)
        };
        Ok(Arc::new(self.dedupe.get_or_init(open).clone()))
    }

    async fn rate_limit(&self, setup: &Setup) -> Result<Arc<dyn RateLimitStore>> {
        let open = || {
            let options = RateLimitOptions::default()
                .with_default_config(setup.config.clone())
                .with_cleanup_batch(setup.cleanup_batch)
                .with_clock(setup.clock.clone());
            MemoryRateLimitStore::with_options(options)
        };
        Ok(Arc::new(self.rate_limit.get_or_init(open).clone()))
    }
}

mod direct {
    use super::Memory;

    store_conformance::conformance!(Memory::default());
    store_conformance::models!(Memory::default());
}

mod boxed {
    use super::{Boxed, Memory};

    store_conformance::conformance!(Boxed(Memory::default()));
}
