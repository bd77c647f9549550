//! Response cache, de-duplication and rate limiting in one SQLite file that processes share.
//!
//! [`stores`] makes all three over one open [`SqliteDatabase`]; each also stands alone, in a file of
//! its own. Whoever opened the database closes it. Files that the npm package
//! `@comic-vine/sqlite-store` wrote are taken over in place on first use.
//!
//! ```
//! use store_core::{CacheStoreExt, HOUR, Key, Ttl};
//! use store_sqlite::SqliteDatabase;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let db = SqliteDatabase::in_memory().await?;
//! let stores = store_sqlite::stores(&db);
//! let cache = stores.cache.ok_or("stores have a cache")?;
//! let key = Key::new("comics:issue/1")?;
//! cache.put(&key, "bytes".into(), Ttl::After(HOUR)).await?;
//! assert_eq!(cache.value(&key).await?.as_deref(), Some(&b"bytes"[..]));
//! # db.close().await?;
//! # Ok(())
//! # }
//! # tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(example()).unwrap();
//! ```

mod options;
mod store;

mod cache;
mod dedupe;
mod rate_limit;

mod admissions;
mod error;
mod migrate;
mod sweeper;

pub use admissions::{Admission, admissions};
pub use cache::SqliteCacheStore;
pub use dedupe::SqliteDedupeStore;
pub use migrate::{COMPONENTS, migrate};
pub use options::{CacheOptions, DedupeOptions, RateLimitOptions, StoreOptions};
pub use rate_limit::{SqliteAdaptiveRateLimitStore, SqliteRateLimitStore};
pub use sqlite_database::{
    Component, CreateMode, DatabaseOptions, Execution, MigrationState, MigrationStatus,
    NetworkFilesystems, SqliteDatabase, Synchronous, sqlite_version,
};
pub use store::{stores, stores_with};
