//! Response cache, de-duplication and rate limiting in one SQLite file that processes share.
//!
//! [`stores`] makes all three over one open [`SqliteDatabase`]; each also stands alone, in a file of
//! its own. Whoever opened the database closes it. Files that the npm package
//! `@comic-vine/sqlite-store` wrote are copied to [a file beside them](BACKUP_SUFFIX) and taken over in
//! place on first use.
//!
//! The limiter alone, for any API:
//!
//! ```
//! use store_core::{Acquire, Decision, HOUR, Limit, RateLimitStore, Resource};
//! use store_sqlite::{SqliteDatabase, SqliteRateLimitStore};
//!
//! # async fn send() {}
//! # fn report(_: store_core::Timestamp, reason: store_core::Reason) { panic!("{reason}") }
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! # let db = SqliteDatabase::in_memory().await?;
//! # let resource = Resource::named("issues")?;
//! let limits = SqliteRateLimitStore::new(&db, Limit::new(200, HOUR));
//! match limits.acquire(Acquire::one(&resource).user()).await? {
//!     Decision::Granted(permit) => {
//!         permit.commit(); // dropped uncommitted, it is given back
//!         send().await;
//!     }
//!     Decision::Denied { retry_at, reason } => report(retry_at, reason),
//! }
//! # assert_eq!(store_sqlite::admissions(&db).await?.len(), 1);
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
pub use migrate::{BACKUP_SUFFIX, COMPONENTS, migrate, migrate_component};
pub use options::{CacheOptions, DedupeOptions, RateLimitOptions, StoreOptions};
pub use rate_limit::{SqliteAdaptiveRateLimitStore, SqliteRateLimitStore};
pub use sqlite_database::{
    AccessMode, BrokenReference, CheckReport, Component, CreateMode, DatabaseOptions, DatabaseSize,
    Execution, MigrationState, MigrationStatus, NetworkFilesystems, SqliteDatabase, Synchronous,
    VacuumReport, sqlite_version,
};
pub use store::{stores, stores_with};

#[cfg(doctest)]
#[doc = include_str!("../../../docs/operations.md")]
mod operations {}
