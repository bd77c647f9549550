//! Stores in memory, for what a client was given no store for.

use std::sync::Arc;

use store_core::{
    CacheOptions, Clock, DedupeOptions, Random, RateLimitOptions, RateLimitStore, Stores,
};
use store_memory::{Capacity, MemoryCacheStore, MemoryDedupeStore, MemoryRateLimitStore};

/// The default of [`max_body_bytes`](crate::ComicVineBuilder::max_body_bytes): 16 MiB.
pub(crate) const DEFAULT_MAX_BODY_BYTES: usize = 16 * 1_024 * 1_024;

/// What is stored beside the body of a response.
const RECORD_BYTES: usize = 1_024;

/// The longest cache entry of a client with the default
/// [`max_body_bytes`](crate::ComicVineBuilder::max_body_bytes), in bytes: 16 MiB and 1 KiB. A cache with
/// this `max_entry_bytes` takes every response.
pub const MAX_ENTRY_BYTES: usize = DEFAULT_MAX_BODY_BYTES + RECORD_BYTES;

/// The three stores of one client. They take every response that it accepts.
pub(crate) fn stores(
    max_body_bytes: usize,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> Stores {
    let max_bytes = max_body_bytes.saturating_add(RECORD_BYTES);
    let cache = CacheOptions::default()
        .with_max_entry_bytes(max_bytes)
        .with_clock(Arc::clone(clock))
        .with_random(Arc::clone(random));
    let capacity = Capacity::default();
    // The keys and tags of an entry count towards the capacity.
    let capacity_bytes = capacity.max_bytes.max(max_bytes.saturating_mul(2));
    let dedupe = DedupeOptions::default()
        .with_clock(Arc::clone(clock))
        .with_random(Arc::clone(random));
    let mut stores = Stores::none()
        .with_cache(MemoryCacheStore::with_capacity(
            cache,
            capacity.with_max_bytes(capacity_bytes),
        ))
        .with_dedupe(MemoryDedupeStore::with_options(dedupe));
    stores.rate_limit = Some(rate_limit(clock, random));
    stores
}

/// A rate limiter of one client. Its limits are those that the client claims.
pub(crate) fn rate_limit(
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> Arc<dyn RateLimitStore> {
    let options = RateLimitOptions::default()
        .with_clock(Arc::clone(clock))
        .with_random(Arc::clone(random));
    Arc::new(MemoryRateLimitStore::with_options(options))
}

#[cfg(test)]
mod tests {
    use store_core::{CacheStore as _, Key, ManualClock, NewEntry, SetOutcome, SystemRandom};

    use super::*;

    #[tokio::test]
    async fn cache_holds_a_response_larger_than_its_default_capacity() {
        let max_body_bytes = Capacity::default().max_bytes + 1;
        let clock: Arc<dyn Clock> = Arc::new(ManualClock::default());
        let random: Arc<dyn Random> = Arc::new(SystemRandom);
        let cache = stores(max_body_bytes, &clock, &random).cache.unwrap();
        let entry = NewEntry::unconditional(Key::new("comics:1").unwrap(), vec![0; max_body_bytes]);
        assert_eq!(cache.set(entry).await.unwrap(), SetOutcome::Stored);
    }
}
