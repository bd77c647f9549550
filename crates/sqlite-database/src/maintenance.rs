//! Maintenance: backup, integrity check, vacuum and size.

mod check;
mod size;

use std::io;
use std::path::Path;

pub use self::check::{BrokenReference, CheckReport};
pub use self::size::{DatabaseSize, VacuumReport};
use crate::copy;
use crate::database::SqliteDatabase;
use crate::error::{Error, ErrorKind, Result};

impl SqliteDatabase {
    /// Copies the database to a new file at `path`, without blocking readers or writers.
    ///
    /// The copy is a consistent snapshot, vacuumed and without a write-ahead log: it can be moved,
    /// opened, or used in place of the original. It appears at `path` only once it is complete and
    /// synced, with the original's permissions; a crash leaves at most a file that ends in
    /// `.partial`.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = tempfile::tempdir()?;
    /// let database = sqlite_database::SqliteDatabase::open(directory.path().join("comics.db")).await?;
    /// database.backup(directory.path().join("backup.db")).await?;
    /// assert!(database.check().await?.is_ok());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`] if there is a file at `path`, which is not changed;
    /// [`ErrorKind::InvalidInput`] if the path is not UTF-8; [`ErrorKind::StorageFull`],
    /// [`ErrorKind::ReadOnly`] or [`ErrorKind::Unavailable`] if the copy cannot be written;
    /// [`ErrorKind::Corrupt`] if the original is damaged; [`ErrorKind::Closed`] after
    /// [`close`](Self::close).
    pub async fn backup(&self, path: impl AsRef<Path>) -> Result<()> {
        let location = self.location().clone();
        // SQLite takes a name that begins with `file:` for a URI; an absolute path never does.
        let target = std::path::absolute(&path)
            .map_err(|error| copy::io_error(error, path.as_ref()))
            .map_err(|error| self.add_context(error, "backup"))?;
        let copied = self.long_read_as("backup", move |db| {
            // Fails early; `publish` decides.
            if target
                .try_exists()
                .map_err(|error| copy::io_error(error, &target))?
            {
                return Err(copy::io_error(io::ErrorKind::AlreadyExists.into(), &target));
            }
            let partial = copy::create_partial(&target, location.path())
                .map_err(|error| copy::io_error(error, &target))?;
            let copied = copy::write(&location, db, &partial).and_then(|()| {
                copy::publish(&partial, &target).map_err(|error| copy::io_error(error, &target))
            });
            if copied.is_err() {
                // The first error is the one to report.
                let _removed = std::fs::remove_file(&partial);
            }
            copied
        });
        copied.await
    }

    /// A report of damage and foreign key violations, from reading the whole database.
    ///
    /// Takes as long as reading the file, without blocking other readers or writers.
    ///
    /// # Errors
    ///
    /// Damage is reported, not an error. [`ErrorKind::Closed`] after [`close`](Self::close);
    /// [`ErrorKind::Unavailable`] if the file cannot be read.
    pub async fn check(&self) -> Result<CheckReport> {
        self.long_read_as("check", check::run).await
    }

    /// Rebuilds the file without its free pages, and checkpoints the write-ahead log.
    ///
    /// One transaction, for which the writers of all processes wait: see
    /// [SQLite's documentation](https://sqlite.org/lang_vacuum.html). It builds the new content
    /// [in memory](https://sqlite.org/tempfiles.html) and writes it through the log.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Busy`] if another writer holds the lock for over a minute;
    /// [`ErrorKind::StorageFull`], [`ErrorKind::ReadOnly`] or [`ErrorKind::Corrupt`], which leave the
    /// database unchanged; [`ErrorKind::Closed`] after [`close`](Self::close).
    pub async fn vacuum(&self) -> Result<VacuumReport> {
        self.ensure_writable("vacuum")?;
        self.long_write(size::vacuum)
            .await
            .map_err(|error| self.add_context(error, "vacuum"))
    }

    /// Returns up to `pages` free pages to the file system, and yields how many.
    ///
    /// One write transaction, which moves pages from the end of the file into free ones: unlike a
    /// [`vacuum`](Self::vacuum) it blocks other writers only for as long as `pages` takes. The file
    /// itself becomes shorter with the next checkpoint. Fewer than `pages` means that no free page is
    /// left; a file that was created without `auto_vacuum`, by another program, keeps its free pages
    /// and yields 0.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let directory = tempfile::tempdir()?;
    /// let database = sqlite_database::SqliteDatabase::open(directory.path().join("comics.db")).await?;
    /// while database.release_free_pages(64).await? == 64 {}
    /// assert_eq!(database.size().await?.free_pages, 0);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`write`](Self::write).
    ///
    /// # Cancel safety
    ///
    /// As [`write`](Self::write).
    pub async fn release_free_pages(&self, pages: u32) -> Result<u64> {
        self.ensure_writable("write")?;
        self.write(move |tx| size::release_free_pages(tx, pages))
            .await
    }

    /// The largest number of pages that [`max_bytes`](crate::DatabaseOptions::max_bytes) allows; `None` if nothing bounds
    /// the file. That the disk is almost full does not count.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use sqlite_database::{DatabaseOptions, SqliteDatabase};
    ///
    /// assert_eq!(SqliteDatabase::in_memory().await?.max_pages(), None);
    /// # let folder = tempfile::tempdir()?;
    /// # let file = folder.path().join("bounded.db");
    /// let options = DatabaseOptions::default().with_max_bytes(8_192 * 1_000);
    /// assert_eq!(SqliteDatabase::open_with(file, options).await?.max_pages(), Some(1_000));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn max_pages(&self) -> Option<u64> {
        /// What SQLite reports where nothing bounds the file.
        const UNBOUNDED: i64 = 0xffff_fffe;
        let pages = self.max_page_count();
        (pages < UNBOUNDED).then_some(pages.unsigned_abs())
    }

    /// The size of the database, and its free pages.
    ///
    /// # Errors
    ///
    /// As [`blocking_read`](Self::blocking_read).
    pub async fn size(&self) -> Result<DatabaseSize> {
        let path = self.path().map(Path::to_owned);
        self.read(move |db| size::measure(db, path.as_deref()))
            .await
            .map_err(|error| self.add_context(error, "size"))
    }

    /// Fails with [`ErrorKind::ReadOnly`] if this handle is read-only.
    pub(crate) fn ensure_writable(&self, operation: &'static str) -> Result<()> {
        if self.is_read_only() {
            return Err(
                self.add_context(Error::from_kind(ErrorKind::ReadOnly, operation), operation)
            );
        }
        Ok(())
    }
}
