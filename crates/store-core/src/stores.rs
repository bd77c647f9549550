//! The three stores of an application, from one backend or several.

use std::sync::Arc;

use crate::cache::CacheStore;
use crate::dedupe::DedupeStore;
use crate::rate_limit::RateLimitStore;

/// The stores of an application; each may be missing, or come from another backend.
///
/// ```
/// use store_core::{Limit, MINUTE};
/// use store_memory::MemoryRateLimitStore;
///
/// // A cache of this process, beside a limiter from another backend.
/// let limits = MemoryRateLimitStore::new(Limit::new(60, MINUTE));
/// let stores = store_memory::stores().with_rate_limit(limits);
/// assert!(stores.cache.is_some());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Stores {
    /// The cache. Default: none, every request is sent.
    pub cache: Option<Arc<dyn CacheStore>>,
    /// The de-duplication. Default: none, equal requests are sent side by side.
    pub dedupe: Option<Arc<dyn DedupeStore>>,
    /// The rate limits. Default: none; requests that count against a limit fail.
    pub rate_limit: Option<Arc<dyn RateLimitStore>>,
}

impl Stores {
    /// No stores at all.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// Sets the cache.
    #[must_use]
    pub fn with_cache(mut self, store: impl CacheStore) -> Self {
        self.cache = Some(Arc::new(store));
        self
    }

    /// Sets the de-duplication.
    #[must_use]
    pub fn with_dedupe(mut self, store: impl DedupeStore) -> Self {
        self.dedupe = Some(Arc::new(store));
        self
    }

    /// Sets the rate limiter.
    #[must_use]
    pub fn with_rate_limit(mut self, store: impl RateLimitStore) -> Self {
        self.rate_limit = Some(Arc::new(store));
        self
    }
}
