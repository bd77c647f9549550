//! Opening the file, with the error of the stores.

use std::path::Path;

use sqlite_database::{DatabaseOptions, SqliteDatabase};
use store_core::Result;

use crate::error::store_error;

/// The database at `path` with default options; creates the file if it is missing.
///
/// It is [`SqliteDatabase::open`] with the [`Error`](crate::Error) of the stores, for functions that
/// return it.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> store_sqlite::Result<()> {
/// # let folder = tempfile::tempdir().expect("a folder");
/// # let path = folder.path().join("stores.db");
/// let database = store_sqlite::open(&path).await?;
/// let stores = store_sqlite::stores(&database);
/// # assert!(stores.cache.is_some());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Those of [`open_with`].
pub async fn open(path: impl AsRef<Path>) -> Result<SqliteDatabase> {
    open_with(path, DatabaseOptions::default()).await
}

/// The database at `path` with options, which say whether a missing file is created.
///
/// # Errors
/// `Unavailable` if the directory is missing, the file cannot be accessed or is on a network file
/// system; `ReadOnly`; `Corrupt` if it is not a SQLite database; `Busy` if another process keeps it
/// locked; `InvalidInput` if the path or an option is invalid.
pub async fn open_with(path: impl AsRef<Path>, options: DatabaseOptions) -> Result<SqliteDatabase> {
    SqliteDatabase::open_with(path, options)
        .await
        .map_err(|error| store_error(error, "open"))
}
