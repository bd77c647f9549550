//! A SQLite database shared by many tasks, threads and processes: open, migrate, write, read, back up.
//!
//! For crates that keep tables in a local file which other processes have open at the same time. It
//! adds to SQLite what sharing takes: WAL mode and the pragmas for it, a busy handler for several
//! processes, group commit in a single writer per process, notifications of other processes'
//! commits, and migrations of several crates in one file.
//!
//! | to … | use |
//! |---|---|
//! | open a file, an in-memory database or the file of an `sqlx` pool | [`SqliteDatabase::open`], [`in_memory`](SqliteDatabase::in_memory), [`from_pool`](SqliteDatabase::from_pool), with [`DatabaseOptions`] |
//! | run a write transaction | [`SqliteDatabase::write`]; from a destructor [`write_detached`](SqliteDatabase::write_detached) |
//! | run a transaction in a mode of SQLite's, which rolls back if its caller is dropped | [`SqliteDatabase::transaction`], [`TransactionMode`] |
//! | read | [`SqliteDatabase::read`], without `async` [`blocking_read`](SqliteDatabase::blocking_read), for seconds [`long_read`](SqliteDatabase::long_read) |
//! | wait for a commit of any process | [`SqliteDatabase::watch_changes`], a [`ChangeWatch`] |
//! | ask whether rows kept in memory are current | [`SqliteDatabase::data_version`] |
//! | declare and migrate a schema | [`Component`] and [`Migration`]; [`SqliteDatabase::migrate`], [`MigrationStatus`] |
//! | check that the database can be read | [`SqliteDatabase::ping`] |
//! | back up, check, vacuum, measure | [`SqliteDatabase::backup`], [`check`](SqliteDatabase::check), [`vacuum`](SqliteDatabase::vacuum), [`size`](SqliteDatabase::size) |
//! | return free pages to the file system, a few at a time | [`SqliteDatabase::release_free_pages`] |
//! | move a damaged file aside, once among all that find it damaged | [`SqliteDatabase::set_aside`], with a [`DamageCheck`] |
//! | query with `sqlx` | [`SqliteDatabase::pool`] |
//! | handle errors | [`Error`] and its [`ErrorKind`] |
//!
//! ```
//! use sqlite_database::{Component, Migration, Result, SqliteDatabase};
//!
//! static LIBRARY: Component = Component {
//!     name: "library",
//!     migrations: &[Migration::new(
//!         1,
//!         "books",
//!         "CREATE TABLE book (title TEXT PRIMARY KEY) STRICT",
//!         "DROP TABLE book",
//!     )],
//! };
//!
//! #[tokio::main]
//! async fn main() -> Result<()> {
//!     let database = SqliteDatabase::in_memory().await?; // or `open("library.db")`
//!     database.migrate(&LIBRARY).await?;
//!     database
//!         .write(|tx| Ok(tx.execute("INSERT INTO book VALUES (?1)", ["Saga"])?))
//!         .await?;
//!     let titles: i64 = database
//!         .read(|db| Ok(db.query_row("SELECT count(*) FROM book", [], |row| row.get(0))?))
//!         .await?;
//!     assert_eq!(titles, 1);
//!     database.close().await
//! }
//! ```
//!
//! # Two client libraries
//!
//! Reads and writes use `rusqlite`, which runs a statement on the caller's thread.
//! Migrations and the [`pool`](SqliteDatabase::pool) use `sqlx`. Both link the same SQLite library,
//! see [`sqlite_version`], and are re-exported: use [`rusqlite`] and [`sqlx`] from here to get the
//! matching versions.

mod database;
mod options;

mod changes;
mod maintenance;
mod migrate;
mod pool;
mod reader;
mod set_aside;
mod transaction;
mod writer;

mod blocking;
mod busy;
mod checkpoint;
mod connection;
mod copy;
mod descriptors;
mod error;
mod file_lock;
mod filesystem;
mod leftovers;
mod location;
mod opened_file;
mod read_timeout;
mod space;

pub use changes::ChangeWatch;
pub use connection::sqlite_version;
pub use database::SqliteDatabase;
pub use error::{Error, ErrorKind, Result};
pub use maintenance::{BrokenReference, CheckReport, DatabaseSize, VacuumReport};
pub use migrate::{Component, Migration, MigrationState, MigrationStatus};
pub use options::{
    AccessMode, CreateMode, DatabaseOptions, Execution, NetworkFilesystems, Synchronous,
};
pub use rusqlite;
pub use set_aside::DamageCheck;
pub use sqlx;
pub use transaction::TransactionMode;
