//! Caches behind layers.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use store_core::{CacheStore, DedupeStore, Error, ErrorKind, RateLimitStore, Result};
use tokio::sync::OnceCell;

use crate::{Harness, Setup};

type Layers = Box<dyn Fn(Arc<dyn CacheStore>, &Setup) -> Result<Arc<dyn CacheStore>> + Send + Sync>;

/// The stores of another harness, with layers over its cache: for the suite of the cache. Further handles are the same
/// cache, as clones are.
pub struct Layered<H> {
    harness: H,
    layers: Layers,
    overhead_bytes: usize,
    cache: OnceCell<Arc<dyn CacheStore>>,
}

impl<H: Harness> Layered<H> {
    /// `harness` with these layers over its cache.
    pub fn new(
        harness: H,
        layers: impl Fn(Arc<dyn CacheStore>, &Setup) -> Result<Arc<dyn CacheStore>>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self {
            harness,
            layers: Box::new(layers),
            overhead_bytes: 0,
            cache: OnceCell::new(),
        }
    }

    /// Sets by how many bytes the layers make a value longer. Default: 0.
    #[must_use]
    pub fn with_overhead_bytes(mut self, bytes: usize) -> Self {
        self.overhead_bytes = bytes;
        self
    }
}

impl<H> fmt::Debug for Layered<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layered").finish_non_exhaustive()
    }
}

#[async_trait]
impl<H: Harness> Harness for Layered<H> {
    async fn cache(&self, setup: &Setup) -> Result<Arc<dyn CacheStore>> {
        let open = async || {
            let longest = setup.max_entry_bytes + self.overhead_bytes;
            let stored = setup.clone().with_max_entry_bytes(longest);
            (self.layers)(self.harness.cache(&stored).await?, setup)
        };
        self.cache.get_or_try_init(open).await.cloned()
    }

    async fn dedupe(&self, setup: &Setup) -> Result<Arc<dyn DedupeStore>> {
        self.harness.dedupe(setup).await
    }

    async fn rate_limit(&self, setup: &Setup) -> Result<Arc<dyn RateLimitStore>> {
        self.harness.rate_limit(setup).await
    }

    fn stored_overhead_bytes(&self) -> u64 {
        self.overhead_bytes as u64
    }
}

/// A harness for the suite of the cache alone: makes a cache, and has no other store.
#[derive(Clone, Copy, Debug)]
pub struct CacheOnly<F>(pub F);

fn no_store<S>(operation: &'static str) -> Result<S> {
    let error = Error::new(ErrorKind::Unavailable, "conformance", operation);
    Err(error.with_detail("this harness has a cache only"))
}

#[async_trait]
impl<C, F> Harness for CacheOnly<F>
where
    C: CacheStore,
    F: Fn(&Setup) -> C + Send + Sync,
{
    async fn cache(&self, setup: &Setup) -> Result<Arc<dyn CacheStore>> {
        Ok(Arc::new((self.0)(setup)))
    }

    async fn dedupe(&self, _setup: &Setup) -> Result<Arc<dyn DedupeStore>> {
        no_store("dedupe")
    }

    async fn rate_limit(&self, _setup: &Setup) -> Result<Arc<dyn RateLimitStore>> {
        no_store("rate_limit")
    }
}
