//! Detects that the database file was deleted, moved or replaced while it is open.
//!
//! On Unix an unlinked file stays usable for those who have it open, while the next process creates
//! a new one: two caches, and two rate limits where there must be one.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, ErrorKind, Result};
use crate::location::{Location, beside};

/// The identity of the file that was opened, and whether its path still leads to it.
#[derive(Debug)]
pub(crate) struct OpenedFile {
    /// `None` in memory and where the platform has no identities.
    opened: Option<Opened>,
    is_lost: AtomicBool,
}

/// The path, and what it led to at opening.
#[derive(Debug)]
struct Opened {
    path: PathBuf,
    file: Identity,
    /// The index of the log, `NAME-shm`.
    index: Option<Identity>,
}

impl OpenedFile {
    /// Records the identity of the file that has just been opened.
    pub(crate) fn new(location: &Location) -> Self {
        let opened = location.path().and_then(|path| {
            Some(Opened {
                file: identity(path).ok()??,
                index: index_of(path),
                path: path.to_owned(),
            })
        });
        Self {
            opened,
            is_lost: AtomicBool::new(false),
        }
    }

    /// Compares the path's present identity with that at opening.
    pub(crate) fn check_path(&self) {
        let Some(Opened { path, file, .. }) = &self.opened else {
            return;
        };
        let is_lost = match identity(path) {
            Ok(found) => found.is_some_and(|found| found != *file),
            // Other failures are temporary, or reads report them.
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if is_lost && !self.is_lost.swap(true, Ordering::Release) {
            tracing::error!(
                database = %path.display(),
                "deleted, moved or replaced while open; no longer read or written"
            );
        }
    }

    /// Fails once the file was found gone. That is final: later commits would be lost with it.
    pub(crate) fn ensure_in_place(&self, operation: &'static str) -> Result<()> {
        if !self.is_lost.load(Ordering::Acquire) {
            return Ok(());
        }
        let detail = "the file was deleted, moved or replaced while open; open it again";
        Err(Error::new(ErrorKind::Unavailable, operation, detail))
    }

    /// Whether the index of the opened file's log lies at the path of another file.
    pub(crate) fn has_left_its_log(&self) -> bool {
        let is_lost = self.is_lost.load(Ordering::Acquire);
        self.opened.as_ref().is_some_and(|opened| {
            is_lost && opened.index.is_some() && index_of(&opened.path) == opened.index
        })
    }
}

fn index_of(path: &Path) -> Option<Identity> {
    identity(&beside(path, "-shm")).ok().flatten()
}

/// The device and inode number of a file.
pub(crate) type Identity = (u64, u64);

/// The identity of the file to which `path` leads.
#[cfg(unix)]
pub(crate) fn identity(path: &Path) -> io::Result<Option<Identity>> {
    use std::os::unix::fs::MetadataExt as _;

    // Not by opening it: closing a file releases all POSIX locks that the process has on it.
    let metadata = std::fs::metadata(path)?;
    Ok(Some((metadata.dev(), metadata.ino())))
}

/// The number of names that the file has: more than one with hard links.
#[cfg(unix)]
pub(crate) fn name_count(path: &Path) -> io::Result<u64> {
    use std::os::unix::fs::MetadataExt as _;

    Ok(std::fs::metadata(path)?.nlink())
}

/// The standard library does not tell.
#[cfg(not(unix))]
pub(crate) fn name_count(_path: &Path) -> io::Result<u64> {
    Ok(1)
}

/// Other platforms do not let an open file be deleted or replaced.
#[cfg(not(unix))]
pub(crate) fn identity(_path: &Path) -> io::Result<Option<Identity>> {
    Ok(None)
}
