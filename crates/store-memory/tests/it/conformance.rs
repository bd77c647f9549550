//! The suite that every backend passes, directly and through the forwarders.

use std::sync::{Arc, OnceLock};

use store_conformance::{Boxed, Harness, Setup, async_trait};
use store_memory::{
    CacheStore, Capacity, DedupeStore, MemoryCacheStore, MemoryDedupeStore, MemoryRateLimitStore,
    RateLimitStore, Result,
};

/// Stores of one process: a further handle is a clone.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    cache: OnceLock<MemoryCacheStore>,
    dedupe: OnceLock<MemoryDedupeStore>,
    rate_limit: OnceLock<MemoryRateLimitStore>,
}

#[async_trait]
impl Harness for Memory {
    async fn cache(&self, setup: &Setup) -> Result<Arc<dyn CacheStore>> {
        let open = || {
            let capacity = Capacity::default().with_max_items(10_000);
            MemoryCacheStore::with_capacity(setup.cache_options(), capacity)
        };
        Ok(Arc::new(self.cache.get_or_init(open).clone()))
    }

    async fn dedupe(&self, setup: &Setup) -> Result<Arc<dyn DedupeStore>> {
        let open = || MemoryDedupeStore::with_options(setup.dedupe_options());
        Ok(Arc::new(self.dedupe.get_or_init(open).clone()))
    }

    async fn rate_limit(&self, setup: &Setup) -> Result<Arc<dyn RateLimitStore>> {
        let open = || MemoryRateLimitStore::with_options(setup.rate_limit_options());
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
