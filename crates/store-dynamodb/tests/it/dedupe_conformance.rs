//! The suite that every backend's de-duplication passes.

use std::sync::Arc;
use std::time::Duration;

use store_conformance::{Boxed, Harness, Setup, async_trait};
use store_core::{CacheStore, DedupeStore, Error, ErrorKind, RateLimitStore, Result};
use store_dynamodb::{DedupeOptions, DynamoDbDedupeStore, DynamoDbTable};
use tokio::sync::OnceCell;

use crate::support;

/// Handles of one table, as processes of several hosts would have them.
#[derive(Default)]
struct Table {
    table: OnceCell<DynamoDbTable>,
}

fn another_suite() -> Error {
    Error::new(ErrorKind::InvalidInput, "dynamodb", "open").with_detail("this is about jobs")
}

#[async_trait]
impl Harness for Table {
    async fn cache(&self, _setup: &Setup) -> Result<Arc<dyn CacheStore>> {
        Err(another_suite())
    }

    async fn dedupe(&self, setup: &Setup) -> Result<Arc<dyn DedupeStore>> {
        let options = DedupeOptions::default()
            .with_lease(setup.lease)
            .with_result_retention(setup.retention)
            .with_inline_limit_bytes(setup.max_result_bytes)
            .with_cleanup_batch(setup.cleanup_batch)
            // The cases tell to the millisecond when a lease lapses.
            .with_max_clock_skew(Duration::ZERO)
            .with_clock(setup.clock.clone());
        let table = self.table.get_or_init(support::table).await;
        Ok(Arc::new(DynamoDbDedupeStore::with_options(table, options)))
    }

    async fn rate_limit(&self, _setup: &Setup) -> Result<Arc<dyn RateLimitStore>> {
        Err(another_suite())
    }
}

mod direct {
    use super::Table;
    store_conformance::dedupe_conformance!(Table::default());
}

mod boxed {
    use super::{Boxed, Table};
    store_conformance::dedupe_conformance!(Boxed(Table::default()));
}
