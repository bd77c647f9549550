//! The suite that every backend passes.

use std::sync::Arc;
use std::time::Duration;

use store_conformance::{Boxed, Harness, Setup, async_trait};
use store_core::{CacheStore, DedupeStore, RateLimitStore, Result};
use store_dynamodb::{
    DynamoDbCacheStore, DynamoDbDedupeStore, DynamoDbRateLimitStore, DynamoDbTable, Tuning,
};
use store_memory::MemoryCacheStore;
use tokio::sync::OnceCell;

use crate::support;

/// Handles of one table, as processes of several hosts would have them.
#[derive(Default)]
struct Table {
    table: OnceCell<DynamoDbTable>,
}

impl Table {
    async fn open(&self) -> &DynamoDbTable {
        self.table.get_or_init(support::table).await
    }
}

/// All handles share one clock, and the cases tell to the millisecond when a lease lapses; tests of their own
/// are about clocks that differ.
fn no_skew() -> Tuning {
    Tuning::default().with_max_clock_skew(Duration::ZERO)
}

#[async_trait]
impl Harness for Table {
    async fn cache(&self, setup: &Setup) -> Result<Arc<dyn CacheStore>> {
        let options = setup.cache_options();
        let table = self.open().await;
        Ok(Arc::new(DynamoDbCacheStore::with_options(table, options)))
    }

    async fn dedupe(&self, setup: &Setup) -> Result<Arc<dyn DedupeStore>> {
        let options = setup.dedupe_options();
        let table = self.open().await;
        Ok(Arc::new(DynamoDbDedupeStore::with_tuning(
            table,
            options,
            no_skew(),
        )))
    }

    async fn rate_limit(&self, setup: &Setup) -> Result<Arc<dyn RateLimitStore>> {
        let options = setup.rate_limit_options();
        let table = self.open().await;
        Ok(Arc::new(DynamoDbRateLimitStore::with_tuning(
            table,
            options,
            no_skew(),
        )))
    }
}

mod direct {
    use super::Table;
    store_conformance::conformance!(Table::default());
    store_conformance::models!(Table::default());
}

mod boxed {
    use super::{Boxed, Table};
    store_conformance::conformance!(Boxed(Table::default()));
}

fn copies(setup: &Setup) -> Arc<dyn CacheStore> {
    Arc::new(MemoryCacheStore::with_options(setup.cache_options()))
}

store_conformance::compositions!(Table::default(), copies);
