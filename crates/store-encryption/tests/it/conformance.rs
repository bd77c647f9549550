//! The suite of caches, over a cache that is encrypted.

use std::sync::Arc;

use store_conformance::{CacheOnly, Harness, Layered, Setup};
use store_core::layer::Transformed;
use store_encryption::{Encryption, EncryptionKey, EncryptionKeys, OVERHEAD_BYTES};
use store_memory::{Capacity, MemoryCacheStore};

fn memory(setup: &Setup) -> MemoryCacheStore {
    let capacity = Capacity::default().with_max_items(10_000);
    MemoryCacheStore::with_capacity(setup.cache_options(), capacity)
}

fn encrypted() -> impl Harness {
    let layered = Layered::new(CacheOnly(memory), |store, _| {
        let keys = EncryptionKeys::new(1, EncryptionKey::from_bytes([7; 32]));
        Ok(Arc::new(Transformed::new(store, Encryption::new(keys))))
    });
    layered.with_overhead_bytes(OVERHEAD_BYTES)
}

store_conformance::cache_conformance!(encrypted());

#[test]
fn matches_the_model() {
    store_conformance::models::cache(encrypted);
}
