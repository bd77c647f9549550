//! The lock file beside a database file, which keeps openings and the renames of a damaged file apart.
//!
//! SQLite opens a database file and its companions one after another. A connection that opens the old
//! file before a rename and the companions of a new one after it mixes two databases, so connections are
//! opened under a shared lock and files renamed under an exclusive one.
//!
//! `NAME.lock` is created before the first rename and never removed: a process that still waits for the
//! lock of a removed file would hold it beside a process that has locked a new one. Files that were never
//! examined for damage have none, and opening them costs one failed look-up.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::busy;
use crate::error::{Error, ErrorKind, Result};
use crate::location::{Location, beside};

/// A lock, until it is dropped. It belongs to this value, so it also excludes other threads.
#[derive(Debug)]
pub(crate) struct FileLock(#[expect(dead_code, reason = "closing the file unlocks it")] File);

impl FileLock {
    /// Creates the lock file of the database file at `path` if it is missing.
    pub(crate) fn create(path: &Path) -> io::Result<()> {
        open(path).map(drop)
    }

    /// Keeps the files where they are while a connection is opened.
    ///
    /// `None` without a lock file: then nobody renames. A lock file that cannot be read or locked, as on
    /// a file system without locks, must not keep the database from being opened.
    pub(crate) fn shared(location: &Location, timeout: Duration) -> Result<Option<Self>> {
        let Some(file) = location
            .path()
            .and_then(|path| File::open(beside(path, ".lock")).ok())
        else {
            return Ok(None);
        };
        match wait(timeout, || file.try_lock_shared()) {
            Ok(()) => Ok(Some(Self(file))),
            Err(error) if error.is_retryable() => Err(error),
            Err(error) => {
                tracing::debug!(%error, "opening without the lock");
                Ok(None)
            }
        }
    }

    /// Waits until no connection is being opened, and keeps new ones from it.
    pub(crate) fn exclusive(path: &Path, timeout: Duration) -> Result<Self> {
        let file = open(path).map_err(unavailable)?;
        wait(timeout, || file.try_lock())?;
        Ok(Self(file))
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(beside(path, ".lock"))
}

fn wait(timeout: Duration, lock: impl Fn() -> Result<(), TryLockError>) -> Result<()> {
    busy::retry_while_busy(timeout, || {
        lock().map_err(|error| match error {
            TryLockError::WouldBlock => Error::from_kind(ErrorKind::Busy, "open"),
            TryLockError::Error(error) => unavailable(error),
        })
    })
}

fn unavailable(error: io::Error) -> Error {
    Error::from_kind(ErrorKind::Unavailable, "open").with_source(error)
}
