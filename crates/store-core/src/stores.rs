//! The three stores of one backend, as an application hands them on.

use std::sync::Arc;

use crate::cache::CacheStore;
use crate::dedupe::DedupeStore;
use crate::rate_limit::RateLimitStore;

/// Cache, de-duplication and rate limiting; each may be missing, or come from another backend.
///
/// ```
/// # fn example(memory: store_core::Stores, shared: store_core::Stores) {
/// use store_core::Stores;
///
/// // The cache of this process in front of a limiter that the whole fleet shares.
/// let stores = Stores { rate_limit: shared.rate_limit, ..memory };
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Stores {
    /// Answers that are kept. Default: none, every request is sent.
    pub cache: Option<Arc<dyn CacheStore>>,
    /// Requests in flight. Default: none, equal requests are sent side by side.
    pub dedupe: Option<Arc<dyn DedupeStore>>,
    /// What may be sent. Default: none, everything may.
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
