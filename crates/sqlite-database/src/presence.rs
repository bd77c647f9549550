//! Notices that the file is no longer the one that was opened.
//!
//! A file without a name lives on for those who have it open, and the next process makes a new one:
//! two caches, and two budgets where there must be one. Who looks at the name only finds out.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Error, ErrorKind, Result};
use crate::location::Location;

/// Whether the name still leads to the file that was opened under it.
#[derive(Debug)]
pub(crate) struct Presence {
    /// The name, and what it led to; `None` where that cannot be told.
    opened: Option<(PathBuf, Identity)>,
    is_lost: AtomicBool,
}

impl Presence {
    /// Remembers the file that has just been opened.
    pub(crate) fn of(location: &Location) -> Self {
        let opened = location.path().and_then(|path| {
            let identity = identity(path).ok()??;
            Some((path.to_owned(), identity))
        });
        Self {
            opened,
            is_lost: AtomicBool::new(false),
        }
    }

    /// Looks at the name.
    pub(crate) fn look(&self) {
        let Some((path, opened)) = &self.opened else {
            return;
        };
        let is_lost = match identity(path) {
            Ok(found) => found.is_some_and(|found| found != *opened),
            // Other failures pass, or show where the file is read.
            Err(error) => error.kind() == io::ErrorKind::NotFound,
        };
        if is_lost && !self.is_lost.swap(true, Ordering::Release) {
            tracing::error!(
                database = %path.display(),
                "deleted, moved or replaced while open; nothing is read or written any more"
            );
        }
    }

    /// Fails once a look has found the file gone; there is no way back, for what was written
    /// meanwhile is gone as well.
    pub(crate) fn ensure(&self, operation: &'static str) -> Result<()> {
        if !self.is_lost.load(Ordering::Acquire) {
            return Ok(());
        }
        let detail = "the file was deleted, moved or replaced while open; open it again";
        Err(Error::new(ErrorKind::Unavailable, operation, detail))
    }
}

/// Device and number of the file: what a name leads to, whatever it is called.
type Identity = (u64, u64);

#[cfg(unix)]
fn identity(path: &Path) -> io::Result<Option<Identity>> {
    use std::os::unix::fs::MetadataExt as _;

    // Never by opening it: closing a file gives up all locks that the process has on it.
    let metadata = std::fs::metadata(path)?;
    Ok(Some((metadata.dev(), metadata.ino())))
}

/// Elsewhere an open file keeps its name.
#[cfg(not(unix))]
fn identity(_path: &Path) -> io::Result<Option<Identity>> {
    Ok(None)
}
