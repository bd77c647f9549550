//! All three stores over one database.

use sqlite_database::SqliteDatabase;
use store_core::{Limit, StoreOptions, Stores};

use crate::cache::SqliteCacheStore;
use crate::dedupe::SqliteDedupeStore;
use crate::rate_limit::SqliteRateLimitStore;

/// All three stores over `database`, with default options: the limiter is adaptive, 200 per hour.
///
/// ```
/// use store_sqlite::{SqliteDatabase, stores};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let database = SqliteDatabase::in_memory().await?;
/// let stores = stores(&database);
/// assert!(stores.cache.is_some() && stores.dedupe.is_some() && stores.rate_limit.is_some());
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn stores(database: &SqliteDatabase) -> Stores {
    stores_with(database, StoreOptions::default())
}

/// All three stores over `database`, with options.
#[must_use]
pub fn stores_with(database: &SqliteDatabase, options: StoreOptions) -> Stores {
    let rate_limit = options.rate_limit.or_adaptive(Limit::TWO_HUNDRED_PER_HOUR);
    Stores::none()
        .with_cache(SqliteCacheStore::with_options(database, options.cache))
        .with_dedupe(SqliteDedupeStore::with_options(database, options.dedupe))
        .with_rate_limit(SqliteRateLimitStore::with_options(database, rate_limit))
}
