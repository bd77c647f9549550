//! The suite of caches, over values in the file of an HTTP cache.

use std::sync::Arc;

use http_cache_db::{SqliteStore, SqliteStoreOptions};
use store_conformance::{Harness, Setup, async_trait};
use store_core::{CacheStore, DedupeStore, Error, ErrorKind, RateLimitStore, Result};

/// A file that each handle opens for itself, as another process would.
struct File {
    folder: tempfile::TempDir,
}

impl File {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { folder }
    }
}

fn no_store<S>(operation: &'static str) -> Result<S> {
    Err(Error::new(
        ErrorKind::Unavailable,
        "http-cache-db",
        operation,
    ))
}

#[async_trait]
impl Harness for File {
    async fn cache(&self, setup: &Setup) -> Result<Arc<dyn CacheStore>> {
        let options = SqliteStoreOptions::default().with_clock(Arc::new(setup.clock.clone()));
        let store = SqliteStore::open(self.folder.path().join("cache.db"), options).await?;
        Ok(Arc::new(store.values(setup.cache_options())))
    }

    async fn dedupe(&self, _: &Setup) -> Result<Arc<dyn DedupeStore>> {
        no_store("dedupe")
    }

    async fn rate_limit(&self, _: &Setup) -> Result<Arc<dyn RateLimitStore>> {
        no_store("rate_limit")
    }
}

mod file {
    use super::File;

    store_conformance::cache_conformance!(File::new());
}

#[test]
fn values_match_their_model() {
    store_conformance::models::cache(File::new);
}
