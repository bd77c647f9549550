//! Constructors of all three stores.

use store_core::{Limit, StoreOptions, Stores};

use crate::cache::DynamoDbCacheStore;
use crate::dedupe::DynamoDbDedupeStore;
use crate::options::Tuning;
use crate::rate_limit::DynamoDbRateLimitStore;
use crate::table::DynamoDbTable;

/// All three stores in `table` with default options: the limiter is adaptive, 200 per hour.
///
/// Sends no request; the table must exist before the stores are used (see [`setup`](crate::setup)).
///
/// ```
/// use store_dynamodb::{DynamoDbTable, TableOptions, stores};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let options = TableOptions::default()
///     .with_table("comics")
///     .with_endpoint_url("http://127.0.0.1:8000");
/// let stores = stores(&DynamoDbTable::from_env(options).await);
/// assert!(stores.cache.is_some() && stores.dedupe.is_some() && stores.rate_limit.is_some());
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use]
pub fn stores(table: &DynamoDbTable) -> Stores {
    stores_with(table, StoreOptions::default())
}

/// All three stores in `table`; without a default configuration in the options the limiter is adaptive,
/// 200 per hour.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use store_dynamodb::{
///     DynamoDbTable, HOUR, Limit, RateLimitOptions, StoreOptions, TableOptions, stores_with,
/// };
///
/// let options = TableOptions::default().with_endpoint_url("http://127.0.0.1:8000");
/// let table = DynamoDbTable::from_env(options).await;
/// let limit = RateLimitOptions::default().with_default_config(Limit::new(200, HOUR));
/// let stores = stores_with(&table, StoreOptions::default().with_rate_limit(limit));
/// assert!(stores.rate_limit.is_some());
/// # }
/// ```
#[must_use]
pub fn stores_with(table: &DynamoDbTable, options: StoreOptions) -> Stores {
    stores_with_tuning(table, options, Tuning::default())
}

/// All three stores in `table`, with options and [`Tuning`].
#[must_use]
pub fn stores_with_tuning(table: &DynamoDbTable, options: StoreOptions, tuning: Tuning) -> Stores {
    let StoreOptions {
        cache,
        dedupe,
        rate_limit,
        ..
    } = options;
    let rate_limit = rate_limit.or_adaptive(Limit::TWO_HUNDRED_PER_HOUR);
    Stores::none()
        .with_cache(DynamoDbCacheStore::with_tuning(table, cache, tuning))
        .with_dedupe(DynamoDbDedupeStore::with_tuning(table, dedupe, tuning))
        .with_rate_limit(DynamoDbRateLimitStore::with_tuning(
            table, rate_limit, tuning,
        ))
}
