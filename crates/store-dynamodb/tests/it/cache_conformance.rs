//! The suite that every backend's cache passes.

use std::sync::Arc;

use store_conformance::{Boxed, Harness, Setup, async_trait};
use store_core::{CacheStore, DedupeStore, Error, ErrorKind, RateLimitStore, Result};
use store_dynamodb::{CacheOptions, DynamoDbCacheStore, DynamoDbTable};
use tokio::sync::OnceCell;

use crate::support;

/// Handles of one table, as processes of several hosts would have them.
#[derive(Default)]
struct Table {
    table: OnceCell<DynamoDbTable>,
}

fn another_suite() -> Error {
    Error::new(ErrorKind::InvalidInput, "dynamodb", "open").with_detail("this is about the cache")
}

#[async_trait]
impl Harness for Table {
    async fn cache(&self, setup: &Setup) -> Result<Arc<dyn CacheStore>> {
        let options = CacheOptions::default()
            .with_max_entry_bytes(setup.max_entry_bytes)
            .with_cleanup_batch(setup.cleanup_batch)
            .with_clock(setup.clock.clone());
        let table = self.table.get_or_init(support::table).await;
        Ok(Arc::new(DynamoDbCacheStore::with_options(table, options)))
    }

    async fn dedupe(&self, _setup: &Setup) -> Result<Arc<dyn DedupeStore>> {
        Err(another_suite())
    }

    async fn rate_limit(&self, _setup: &Setup) -> Result<Arc<dyn RateLimitStore>> {
        Err(another_suite())
    }
}

mod direct {
    use super::Table;
    store_conformance::cache_conformance!(Table::default());
}

mod boxed {
    use super::{Boxed, Table};
    store_conformance::cache_conformance!(Boxed(Table::default()));
}
