//! A persistent cache, single flight and a cross-process rate limiter, in one SQLite file.
//!
//! For programs on one host whose processes share a cache and a budget of requests: all that open the
//! file get the same values, wait for each other's requests and stay within one limit. All state
//! survives restarts. The stores implement the traits of `store_core`, which say how to use them; this
//! crate opens the file and creates them.
//!
//! | to … | use |
//! |---|---|
//! | open or create the file | [`SqliteDatabase`], with [`DatabaseOptions`] |
//! | get all three stores, for a pipeline or a client | [`stores`]; [`stores_with`] and [`StoreOptions`] |
//! | cache values, with expiry and tags | [`SqliteCacheStore`], with [`CacheOptions`]; typed: `store_core::TypedCache` |
//! | let one caller work while the others wait for its result | [`SqliteDedupeStore`], with [`DedupeOptions`] |
//! | limit requests | [`SqliteRateLimitStore`], with [`RateLimitOptions`] |
//! | migrate the schema before the first use | [`migrate()`]; from a shell `comicvine db up --db FILE` |
//! | see what was admitted | [`admissions()`] |
//! | use a file of the npm package `@comic-vine/sqlite-store` | just open it; a backup is made first, see [`BACKUP_SUFFIX`] |
//!
//! Each store also works alone, in its own file. Closing a store does not close the database: call
//! [`SqliteDatabase::close`] at the end.
//!
//! ```
//! use std::sync::Arc;
//!
//! use store_core::{
//!     Acquire, Decision, HOUR, Json, Key, Limit, RateLimitStore, Resource, Ttl, TypedCache,
//! };
//! use store_sqlite::{SqliteCacheStore, SqliteDatabase, SqliteRateLimitStore};
//!
//! # async fn send() {}
//! # fn report(_: store_core::Timestamp, reason: store_core::Reason) { panic!("{reason}") }
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let db = SqliteDatabase::in_memory().await?; // or `open("stores.db")`, in every process
//!
//!     let resource = Resource::named("issues")?;
//!     let limits = SqliteRateLimitStore::new(&db, Limit::new(200, HOUR));
//!     match limits.acquire(Acquire::one(&resource).user()).await? {
//!         Decision::Granted(permit) => {
//!             permit.commit(); // dropped uncommitted, it is given back
//!             send().await;
//!         }
//!         Decision::Denied { retry_at, reason } => report(retry_at, reason),
//!     }
//!
//!     let titles = TypedCache::new(Arc::new(SqliteCacheStore::new(&db)), Json);
//!     let key = Key::new("issues:4000-1")?;
//!     titles.set(&key, &"Saga".to_owned(), Ttl::After(HOUR)).await?;
//!     assert_eq!(titles.get(&key).await?, Some("Saga".to_owned()));
//! #   assert_eq!(store_sqlite::admissions(&db).await?.len(), 1);
//!
//!     db.close().await?;
//!     Ok(())
//! }
//! ```
//!
//! # Versions of `sqlx` and `rusqlite` in the same build
//!
//! SQLite is linked once per build: `libsqlite3-sys` declares `links = "sqlite3"`, so Cargo accepts
//! only one version of it. This crate uses `rusqlite` 0.39 and `sqlx` 0.9, which agree on
//! `libsqlite3-sys` 0.37. A program that uses either library itself needs the same: `sqlx` 0.9 (its
//! pool can be shared with [`SqliteDatabase::from_pool`]), `rusqlite` 0.39. With another `rusqlite`, or
//! with the `sqlite` feature of `sqlx` 0.8, Cargo reports that two packages link to `sqlite3`.
//! `sqlite_database` re-exports both in the matching versions.

mod options;
mod store;

mod cache;
mod dedupe;
mod rate_limit;

mod admissions;
mod cleanup;
mod error;
mod handle;
mod key_range;
mod migrate;

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
