//! The suite of caches, over a cache that is compressed.

use std::sync::Arc;

use store_compression::{Compression, MAX_OVERHEAD_BYTES};
use store_conformance::{CacheOnly, Harness, Layered, Setup};
use store_core::layer::Transformed;
use store_memory::{Capacity, MemoryCacheStore};

fn memory(setup: &Setup) -> MemoryCacheStore {
    let capacity = Capacity::default().with_max_items(10_000);
    MemoryCacheStore::with_capacity(setup.cache_options(), capacity)
}

fn compressed() -> impl Harness {
    let layered = Layered::new(CacheOnly(memory), |store, _| {
        // The values of the cases are short.
        let compression = Compression::default().with_min_bytes(0);
        Ok(Arc::new(Transformed::new(store, compression)))
    });
    layered.with_overhead_bytes(MAX_OVERHEAD_BYTES)
}

store_conformance::cache_conformance!(compressed());

#[test]
fn matches_the_model() {
    store_conformance::models::cache(compressed);
}
