//! Several layers over one cache, as applications put them together.

use std::sync::Arc;

use bytes::Bytes;
use store_core::layer::{
    CacheBuilder, CircuitBreakerOptions, RoutedOptions, TieredOptions, ValueTransform,
};
use store_core::{CacheStore, Key, Result, Scope};

use crate::Setup;

type Cache = Arc<dyn CacheStore>;

/// Every bit of a value is the opposite in the store.
#[derive(Debug)]
struct Inverted;

impl ValueTransform for Inverted {
    fn encode(&self, _key: &Key, value: Bytes) -> Result<Bytes> {
        Ok(value.iter().map(|byte| !byte).collect())
    }

    fn decode(&self, key: &Key, stored: Bytes) -> Result<Bytes> {
        self.encode(key, stored)
    }
}

fn tiered(setup: &Setup) -> TieredOptions {
    TieredOptions::default().with_clock(setup.clock.clone())
}

/// Copies before a store that may be down.
pub fn copies_before_a_breaker(copies: Cache, store: Cache, setup: &Setup) -> Result<Cache> {
    let cache = CacheBuilder::new(store)
        .traced("store")
        .circuit_breaker(CircuitBreakerOptions::default())
        .tiered(copies, tiered(setup));
    Ok(Arc::new(cache.build()))
}

/// One tenant's part of a store whose values have another form.
pub fn a_scope_of_copies_of_a_form(copies: Cache, store: Cache, setup: &Setup) -> Result<Cache> {
    let cache = CacheBuilder::new(store)
        .transformed(Inverted)
        .tiered(copies, tiered(setup))
        .scoped(Scope::new("acme")?)
        .traced("all");
    Ok(Arc::new(cache.build()))
}

/// A primary with replicas that have everything at once, behind all other layers.
pub fn all_layers_over_replicas(copies: Cache, store: Cache, setup: &Setup) -> Result<Cache> {
    let replicas = vec![Arc::clone(&store), Arc::clone(&store)];
    let cache = CacheBuilder::new(store)
        .circuit_breaker(CircuitBreakerOptions::default())
        .routed(
            replicas,
            RoutedOptions::default().with_clock(setup.clock.clone()),
        )
        .transformed(Inverted)
        .tiered(copies, tiered(setup))
        .scoped(Scope::new("acme")?)
        .boxed();
    Ok(cache.build())
}
