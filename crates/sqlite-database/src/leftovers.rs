//! What SQLite keeps beside a database file, and what is left of it when the file is gone.
//!
//! A process that still has the old file open shares the index of its log with whoever opens the same name, and a
//! log says nothing of the file that it belongs to: whoever opened another file beside them would read, and write, a
//! mixture of both.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use crate::blocking::run_blocking;
use crate::copy;
use crate::database::{LONG_BUSY_TIMEOUT, SqliteDatabase};
use crate::error::Result;
use crate::file_lock::FileLock;
use crate::location::beside;

impl SqliteDatabase {
    /// Removes the write-ahead log from the path if it leads to another file than the opened one, or to none, so that it
    /// does not mix with what is opened next. Yields whether the path does.
    ///
    /// Call it before the path is opened again after [`ErrorKind::Unavailable`](crate::ErrorKind::Unavailable) or
    /// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt). Always `false` in memory, and on platforms that do not let an
    /// open file be moved. A log that another process has begun there stays.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = tempfile::tempdir()?;
    /// let path = directory.path().join("cache.db");
    /// let database = sqlite_database::SqliteDatabase::open(&path).await?;
    /// assert!(!database.release_path().await?);
    /// # if cfg!(unix) {
    /// std::fs::remove_file(&path)?;
    /// assert!(database.release_path().await?);
    /// # }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `Busy` if other processes keep the files locked for over a minute; `ReadOnly` or `Unavailable` if the log cannot
    /// be removed.
    pub async fn release_path(&self) -> Result<bool> {
        let Some(path) = self.path().map(Path::to_owned) else {
            return Ok(false);
        };
        let file = Arc::clone(self.opened_file());
        let is_replaced = run_blocking(move || {
            file.check_path();
            remove_if(&path, || file.has_left_its_log())?;
            Ok(file.ensure_in_place("open").is_err())
        });
        is_replaced
            .await
            .map_err(|error| self.add_context(error, "open"))
    }
}

/// The log and its index.
const LOG: [&str; 2] = ["-wal", "-shm"];

fn has_log(path: &Path) -> bool {
    LOG.iter().any(|suffix| beside(path, suffix).exists())
}

/// Whether the file is empty beside a log: a database has its first page before it has a log.
pub(crate) fn is_cut_off(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.len() == 0) && has_log(path)
}

/// Removes the log of a file that is gone, so that a new one can be created.
pub(crate) fn remove_if_missing(path: &Path) -> Result<()> {
    let is_missing =
        || fs::symlink_metadata(path).is_err_and(|e| e.kind() == io::ErrorKind::NotFound);
    remove_if(path, || is_missing() && has_log(path))
}

/// Removes the log if it `is_left`, which is asked once more while nobody opens the database.
pub(crate) fn remove_if(path: &Path, is_left: impl Fn() -> bool) -> Result<()> {
    if !is_left() {
        return Ok(());
    }
    let _lock = FileLock::exclusive(path, LONG_BUSY_TIMEOUT)?;
    if !is_left() {
        return Ok(());
    }
    for suffix in LOG {
        match fs::remove_file(beside(path, suffix)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(copy::io_error(error, path));
            }
            Ok(()) | Err(_) => {}
        }
    }
    tracing::warn!(database = %path.display(), "removed the log of a file that is gone");
    Ok(())
}
