//! What an operator asks for: a backup, a check, room, and numbers.

mod check;
mod size;

use std::io;
use std::path::Path;

pub use self::check::{BrokenReference, CheckReport};
pub use self::size::{DatabaseSize, Vacuumed};
use crate::copy;
use crate::database::SqliteDatabase;
use crate::error::{Error, ErrorKind, Result};

impl SqliteDatabase {
    /// Copies the database to a new file at `path`, while everybody goes on reading and writing.
    ///
    /// The copy is the state of one moment, compact and without a write-ahead log: it can be moved,
    /// opened and put in the place of the original. It appears under its name only when it is
    /// complete and on the disk, with the original's permissions; a crash leaves at most a file
    /// that ends in `.partial`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExists`] if there is a file at `path`, which is kept;
    /// [`ErrorKind::InvalidInput`] if the path is not UTF-8; [`ErrorKind::StorageFull`];
    /// [`ErrorKind::ReadOnly`] or [`ErrorKind::Unavailable`] if the copy cannot be written;
    /// [`ErrorKind::Corrupt`] if the original is damaged.
    pub async fn backup(&self, path: impl AsRef<Path>) -> Result<()> {
        let location = self.location().clone();
        let target = path.as_ref().to_owned();
        let copied = self.read_at_length(move |db| {
            // Only a courtesy: the name is taken for good at the end.
            if target
                .try_exists()
                .map_err(|error| copy::io_error(error, &target))?
            {
                return Err(copy::io_error(io::ErrorKind::AlreadyExists.into(), &target));
            }
            let partial = copy::reserve(&target, location.path())
                .map_err(|error| copy::io_error(error, &target))?;
            let copied = copy::write(&location, db, &partial).and_then(|()| {
                copy::publish(&partial, &target).map_err(|error| copy::io_error(error, &target))
            });
            if copied.is_err() {
                // What is left of it is of no use; the first error is the one to tell.
                let _removed = std::fs::remove_file(&partial);
            }
            copied
        });
        copied.await.map_err(|error| self.at(error, "backup"))
    }

    /// Reads the whole database and reports what is damaged and which references point nowhere.
    ///
    /// Takes as long as reading the file; others go on meanwhile.
    ///
    /// # Errors
    ///
    /// Damage is a report, however bad. [`ErrorKind::Closed`] after [`close`](Self::close);
    /// [`ErrorKind::Unavailable`] if the file cannot be read.
    pub async fn check(&self) -> Result<CheckReport> {
        self.read_at_length(check::run)
            .await
            .map_err(|error| self.at(error, "check"))
    }

    /// Rebuilds the file without its free pages, and empties the write-ahead log into it.
    ///
    /// Needs as much free space again as the database has content. Writers wait until it is done,
    /// in this process and in others; with many megabytes that exceeds their busy timeout.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Busy`] if a writer keeps the lock for over a minute;
    /// [`ErrorKind::StorageFull`], [`ErrorKind::ReadOnly`] and [`ErrorKind::Corrupt`], after which
    /// the database is as it was.
    pub async fn vacuum(&self) -> Result<Vacuumed> {
        self.ensure_writable("vacuum")?;
        self.write_at_length(size::vacuum)
            .await
            .map_err(|error| self.at(error, "vacuum"))
    }

    /// How large the database is, and how much of that is free.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub async fn size(&self) -> Result<DatabaseSize> {
        let path = self.path().map(Path::to_owned);
        self.fetch(move |db| size::measure(db, path.as_deref()))
            .await
            .map_err(|error| self.at(error, "size"))
    }

    /// [`ErrorKind::ReadOnly`] where this handle may not write.
    pub(crate) fn ensure_writable(&self, operation: &'static str) -> Result<()> {
        if self.is_read_only() {
            return Err(self.at(Error::of_kind(ErrorKind::ReadOnly, operation), operation));
        }
        Ok(())
    }
}
