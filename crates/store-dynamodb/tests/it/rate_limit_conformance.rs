//! The suite that every backend's rate limiter passes.

use std::sync::Arc;
use std::time::Duration;

use store_conformance::{Boxed, Harness, Setup, async_trait};
use store_core::{CacheStore, DedupeStore, Error, ErrorKind, RateLimitStore, Result};
use store_dynamodb::{DynamoDbRateLimitStore, DynamoDbTable, RateLimitOptions};
use tokio::sync::OnceCell;

use crate::support;

/// Handles of one table, as processes of several hosts would have them.
#[derive(Default)]
struct Table {
    table: OnceCell<DynamoDbTable>,
}

fn another_suite() -> Error {
    Error::new(ErrorKind::InvalidInput, "dynamodb", "open").with_detail("this is about limits")
}

#[async_trait]
impl Harness for Table {
    async fn cache(&self, _setup: &Setup) -> Result<Arc<dyn CacheStore>> {
        Err(another_suite())
    }

    async fn dedupe(&self, _setup: &Setup) -> Result<Arc<dyn DedupeStore>> {
        Err(another_suite())
    }

    async fn rate_limit(&self, setup: &Setup) -> Result<Arc<dyn RateLimitStore>> {
        let options = RateLimitOptions::default()
            .with_default_config(setup.config.clone())
            // All handles share one clock; tests of their own are about clocks that differ.
            .with_max_clock_skew(Duration::ZERO)
            .with_cleanup_batch(setup.cleanup_batch)
            .with_clock(setup.clock.clone());
        let table = self.table.get_or_init(support::table).await;
        Ok(Arc::new(DynamoDbRateLimitStore::with_options(
            table, options,
        )))
    }
}

mod direct {
    use super::Table;
    store_conformance::rate_limit_conformance!(Table::default());
}

mod boxed {
    use super::{Boxed, Table};
    store_conformance::rate_limit_conformance!(Boxed(Table::default()));
}
