//! Memory before a file whose changes are followed: the suite of the cache, over handles that know nothing of each
//! other.

use std::sync::Arc;
use std::time::Duration;

use store_conformance::{Harness, Setup, async_trait};
use store_core::layer::{Tiered, TieredOptions};
use store_core::{CacheStore, DedupeStore, RateLimitStore, Result};
use store_memory::MemoryCacheStore;
use store_sqlite::SqliteCacheStore;
use tokio::sync::OnceCell;

use crate::conformance::File;

type Cache = Tiered<MemoryCacheStore, SqliteCacheStore>;

async fn tiered(file: &File, setup: &Setup, max_feed_age: Duration) -> Result<Cache> {
    let memory = MemoryCacheStore::with_options(setup.cache_options());
    let outer = SqliteCacheStore::with_options(&file.open().await?, setup.cache_options());
    let options = TieredOptions::default()
        .with_max_feed_age(max_feed_age)
        .with_clock(setup.clock.clone())
        .with_feed(outer.clone());
    Ok(Tiered::with_options(memory, outer, options))
}

/// Each handle is another process, with its own memory. The clock stands still, so every copy is served only after the
/// feed was read.
struct Processes(File);

/// Handles are clones, as within one process.
struct Clones {
    file: File,
    cache: OnceCell<Cache>,
}

impl Clones {
    fn new() -> Self {
        Self {
            file: File::new(),
            cache: OnceCell::new(),
        }
    }
}

#[async_trait]
impl Harness for Processes {
    async fn cache(&self, setup: &Setup) -> Result<Arc<dyn CacheStore>> {
        Ok(Arc::new(tiered(&self.0, setup, Duration::ZERO).await?))
    }

    async fn dedupe(&self, setup: &Setup) -> Result<Arc<dyn DedupeStore>> {
        self.0.dedupe(setup).await
    }

    async fn rate_limit(&self, setup: &Setup) -> Result<Arc<dyn RateLimitStore>> {
        self.0.rate_limit(setup).await
    }
}

#[async_trait]
impl Harness for Clones {
    async fn cache(&self, setup: &Setup) -> Result<Arc<dyn CacheStore>> {
        let open = async || tiered(&self.file, setup, Duration::from_millis(50)).await;
        let cache = self.cache.get_or_try_init(open).await?;
        Ok(Arc::new(cache.clone()))
    }

    async fn dedupe(&self, setup: &Setup) -> Result<Arc<dyn DedupeStore>> {
        self.file.dedupe(setup).await
    }

    async fn rate_limit(&self, setup: &Setup) -> Result<Arc<dyn RateLimitStore>> {
        self.file.rate_limit(setup).await
    }
}

mod processes {
    use super::{File, Processes};

    store_conformance::cache_conformance!(Processes(File::new()));

    // covers("D1", "D2")
    #[test]
    fn match_the_model() {
        store_conformance::models::cache(|| Processes(File::new()));
    }
}

mod clones {
    use super::Clones;

    store_conformance::cache_conformance!(Clones::new());

    // covers("D1", "D2")
    #[test]
    fn match_the_model() {
        store_conformance::models::cache(Clones::new);
    }
}

fn copies(setup: &Setup) -> Arc<dyn CacheStore> {
    Arc::new(MemoryCacheStore::with_options(setup.cache_options()))
}

store_conformance::compositions!(File::new(), copies);
