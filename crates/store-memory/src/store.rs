//! The three stores together.

use store_core::{Limit, StoreOptions, Stores};

use crate::cache::MemoryCacheStore;
use crate::dedupe::MemoryDedupeStore;
use crate::rate_limit::MemoryRateLimitStore;

/// A new cache, de-duplication and rate limiter with default options: the limiter shares 60 per minute
/// between users and background.
///
/// ```
/// let stores = store_memory::stores();
/// assert!(stores.cache.is_some() && stores.dedupe.is_some() && stores.rate_limit.is_some());
/// ```
#[must_use]
pub fn stores() -> Stores {
    stores_with(StoreOptions::default())
}

/// A new cache, de-duplication and rate limiter.
///
/// ```
/// use store_memory::{HOUR, Limit, RateLimitOptions, StoreOptions};
///
/// let limit = RateLimitOptions::default().with_default_config(Limit::new(200, HOUR));
/// let stores = store_memory::stores_with(StoreOptions::default().with_rate_limit(limit));
/// assert!(stores.rate_limit.is_some());
/// ```
#[must_use]
pub fn stores_with(options: StoreOptions) -> Stores {
    let rate_limit = options.rate_limit.or_adaptive(Limit::SIXTY_PER_MINUTE);
    Stores::none()
        .with_cache(MemoryCacheStore::with_options(options.cache))
        .with_dedupe(MemoryDedupeStore::with_options(options.dedupe))
        .with_rate_limit(MemoryRateLimitStore::with_options(rate_limit))
}
