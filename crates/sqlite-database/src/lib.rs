//! One SQLite file that many tasks, threads and processes share: open it, migrate it, write it, read it.
//!
//! Two lanes lead to the same file and the same SQLite library. The *direct lane* (`rusqlite`)
//! serves hot paths: [`SqliteDatabase::read`] runs on the caller's thread,
//! [`SqliteDatabase::write`] commits on the caller's thread while the writer is idle and in
//! groups while it is not. The *admin lane* (`sqlx`) serves schema migrations, reporting and
//! pools that an application already has.
//!
//! ```
//! use sqlite_database::{Result, SqliteDatabase};
//!
//! # async fn example() -> Result<()> {
//! let database = SqliteDatabase::in_memory().await?;
//! database
//!     .write(|tx| Ok(tx.execute_batch("CREATE TABLE shelf (title TEXT NOT NULL) STRICT")?))
//!     .await?;
//! database
//!     .write(|tx| Ok(tx.execute("INSERT INTO shelf VALUES (?1)", ["Saga"])?))
//!     .await?;
//! let titles: i64 =
//!     database.read(|db| Ok(db.query_row("SELECT count(*) FROM shelf", [], |row| row.get(0))?))?;
//! assert_eq!(titles, 1);
//! database.close().await
//! # }
//! # tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(example()).unwrap();
//! ```

mod database;
mod options;

mod admin;
mod changes;
mod maintenance;
mod migrate;
mod reader;
mod writer;

mod busy;
mod checkpoint;
mod connection;
mod copy;
mod error;
mod filesystem;
mod location;
mod presence;

pub use changes::ChangeWatch;
pub use database::{SqliteDatabase, sqlite_version};
pub use error::{Error, ErrorKind, Result};
pub use maintenance::{BrokenReference, CheckReport, DatabaseSize, Vacuumed};
pub use migrate::{Component, Migration, MigrationState, MigrationStatus};
pub use options::{
    AccessMode, CreateMode, DatabaseOptions, Execution, NetworkFilesystems, Synchronous,
};
pub use rusqlite;
pub use sqlx;
