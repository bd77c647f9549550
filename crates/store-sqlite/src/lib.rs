//! A persistent cache, single flight and a cross-process rate limiter, in one SQLite file.
//!
//! For programs on one host whose processes share a cache and a budget of requests: all that open the
//! file get the same values, wait for each other's requests and stay within one limit. All state
//! survives restarts. The stores implement the traits of `store_core`, which say how to use them; this
//! crate opens the file and creates them.
//!
//! | to | use |
//! |---|---|
//! | open or create the file | [`open()`]; with [`DatabaseOptions`] [`open_with`]; over a pool of yours [`SqliteDatabase::from_pool`] |
//! | cache values of a type, each computed once per process | [`TypedCache`] over a [`SqliteCacheStore`] |
//! | keep copies of values in memory, none of them stale for over 50 ms | [`Tiered`](store_core::layer::Tiered) before a [`SqliteCacheStore`] |
//! | do work once over all processes | [`SqliteDedupeStore`], [`DedupeStoreExt::run_once`] |
//! | wait for permits of a rate limit | [`SqliteRateLimitStore`], [`RateLimitStoreExt::limiter`] |
//! | send equal requests once over all processes, with all three | [`Pipeline`] over [`stores`]; with [`StoreOptions`] [`stores_with`] |
//! | accept writes that their source gets later, also after a crash | [`WriteBehind`](store_core::layer::WriteBehind) with a [`SqliteWriteQueue`] |
//! | migrate the schema before the first use | [`migrate()`]; from a shell `comicvine db up --db FILE` |
//! | see what was admitted | [`admissions()`] |
//! | look for damage in the file and in what it stores | [`check()`] |
//! | use a file of the npm package `@comic-vine/sqlite-store` | just open it; a backup is made first, see [`BACKUP_SUFFIX`] |
//!
//! An application needs no other crate of these: [`store_core`] is re-exported, and what most need of it
//! is at this crate's root. The folder `examples` has programs of several processes. Each store also
//! works alone, in its own file. Closing a store does not close the database: call
//! [`SqliteDatabase::close`] at the end. Use it within a Tokio runtime whose timer is enabled.
//!
//! ```
//! use store_sqlite::{
//!     BoxError, HOUR, Key, Limit, RateLimitStoreExt, Resource, ResourceConfig, SECOND,
//!     SqliteCacheStore, SqliteRateLimitStore, TypedCache,
//! };
//!
//! #[tokio::main]
//! async fn main() -> Result<(), BoxError> {
//! #   let folder = tempfile::tempdir()?;
//! #   std::env::set_current_dir(folder.path())?;
//!     let database = store_sqlite::open("stores.db").await?; // in every process
//!
//!     // For each resource 200 an hour and one a second, over all processes that pass these limits.
//!     // A request waits up to a minute for its permit, and fails if none comes.
//!     let limits = ResourceConfig::from(Limit::new(200, HOUR)).with_limit(Limit::new(1, SECOND));
//!     let limiter = SqliteRateLimitStore::new(&database, limits).limiter();
//!     let issues = Resource::new("issues")?;
//!
//!     // Single flight: of the tasks of this process that ask for this key one runs `fetch`, the others get its value.
//!     let names = TypedCache::<String>::new(SqliteCacheStore::new(&database));
//!     let key = Key::new("issues:4000-1")?;
//!     let send = async || Ok::<_, BoxError>("Saga".to_owned()); // your request
//!     let fetch = async || limiter.run(&issues, send).await?;
//!     let name = names.get_or_try_insert_with(&key, HOUR, fetch).await?;
//!     assert_eq!(name, "Saga");
//! #   assert_eq!(store_sqlite::admissions(&database).await?.len(), 1);
//!
//!     database.close().await?;
//!     Ok(())
//! }
//! ```
//!
//! # Errors
//!
//! The stores, [`open()`] and [`migrate()`] fail with the [`Error`] of all backends. Operations of a
//! [`SqliteDatabase`] fail with a [`DatabaseError`]. `?` turns either into a [`BoxError`].
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
mod write_queue;

mod admissions;
mod check;
mod checksum;
mod cleanup;
mod error;
mod handle;
mod key_range;
mod migrate;
mod open;
mod room;

pub use admissions::{Admission, admissions};
pub use cache::SqliteCacheStore;
pub use check::{StoreCheckReport, check};
pub use dedupe::SqliteDedupeStore;
pub use migrate::{BACKUP_SUFFIX, COMPONENTS, migrate, migrate_component};
pub use open::{open, open_with};
pub use options::{DEFAULT_CLEANUP_BATCH, DEFAULT_INLINE_LIMIT_BYTES, DEFAULT_MAX_ENTRY_BYTES};
pub use rate_limit::{SqliteAdaptiveRateLimitStore, SqliteRateLimitStore};
pub use sqlite_database::{
    self, AccessMode, BrokenReference, CheckReport, Component, CreateMode, DatabaseOptions,
    DatabaseSize, Error as DatabaseError, Execution, MigrationState, MigrationStatus,
    NetworkFilesystems, SqliteDatabase, Synchronous, VacuumReport, sqlite_version,
};
pub use store::{stores, stores_with};
pub use write_queue::SqliteWriteQueue;

#[doc(no_inline)]
pub use store_core::{self, prelude::*};

#[cfg(doctest)]
#[doc = include_str!("../../../docs/operations.md")]
mod operations {}
