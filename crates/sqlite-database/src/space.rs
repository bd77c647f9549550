//! The free space of the disk, and when the file may no longer grow.
//!
//! On a full disk even a deletion fails: it is written to the WAL first, and what is in the WAL cannot be
//! moved into a file that cannot grow, so that the WAL is never reset. A little space is therefore left
//! over. From there on the database grows no more: what needs new pages is refused as on a full disk, while
//! deletions, changes and rows that fit into free pages go on, in a WAL that is reset whenever possible.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};

use crate::checkpoint::Progress;
use crate::location::Location;
use crate::options::DatabaseOptions;

/// What is left over by default: the length that a WAL of the default page size has when it is reset.
const DEFAULT_LEFT_OVER: u64 = 32 * 1024 * 1024;
/// The part of a small file system that is left over.
const SMALL_SHARE: u64 = 8;
/// How many pages the WAL grows by until the disk is looked at again; a look takes a microsecond.
const LOOK_EVERY_PAGES: i64 = 32;

/// How much free space there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Level {
    /// Enough, or unknown.
    Ample,
    /// The WAL is to be kept short.
    Tight,
    /// The database must not grow.
    Low,
}

/// The free space on the disk of a database.
#[derive(Debug)]
pub(crate) struct Space {
    /// `None` in memory.
    directory: Option<PathBuf>,
    left_over: Option<u64>,
    page_bytes: i64,
    /// What the WAL holds that the file may have to grow by.
    backlog_pages: AtomicI64,
    looked_at_pages: AtomicI64,
    level: AtomicU8,
}

/// The space of a file system, in bytes.
#[derive(Clone, Copy, Debug)]
struct Disk {
    free: u64,
    total: u64,
}

impl Space {
    pub(crate) fn new(location: &Location, options: &DatabaseOptions, page_bytes: i64) -> Self {
        let space = Self {
            directory: location.path().and_then(Path::parent).map(Path::to_owned),
            left_over: options.min_free_bytes,
            page_bytes,
            backlog_pages: AtomicI64::new(0),
            looked_at_pages: AtomicI64::new(0),
            level: AtomicU8::new(Level::Ample as u8),
        };
        space.check();
        space
    }

    pub(crate) fn level(&self) -> Level {
        match self.level.load(Ordering::Relaxed) {
            level if level == Level::Ample as u8 => Level::Ample,
            level if level == Level::Tight as u8 => Level::Tight,
            _ => Level::Low,
        }
    }

    /// The level after a commit, which left the WAL like this.
    pub(crate) fn level_after(&self, progress: &Progress) -> Level {
        let pages = progress.wal_pages();
        let backlog = progress.backlog_pages().max(0);
        self.backlog_pages.store(backlog, Ordering::Relaxed);
        let grown = pages - self.looked_at_pages.load(Ordering::Relaxed);
        // Also after it was reset.
        if grown.abs() >= LOOK_EVERY_PAGES || self.level() != Level::Ample {
            self.looked_at_pages.store(pages, Ordering::Relaxed);
            return self.check();
        }
        self.level()
    }

    /// Looks at the disk.
    pub(crate) fn check(&self) -> Level {
        let Some(disk) = self.directory.as_deref().and_then(disk) else {
            return Level::Ample;
        };
        let backlog = self.backlog_pages.load(Ordering::Relaxed) * self.page_bytes;
        let level = level(disk, self.left_over, backlog.unsigned_abs());
        let before = self.level.swap(level as u8, Ordering::Relaxed);
        if level == Level::Low && before != Level::Low as u8 {
            tracing::error!(
                free_bytes = disk.free,
                "the disk is almost full; the database grows no more"
            );
        }
        level
    }
}

fn level(disk: Disk, left_over: Option<u64>, backlog: u64) -> Level {
    let left_over = left_over.unwrap_or(DEFAULT_LEFT_OVER.min(disk.total / SMALL_SHARE));
    // The file has to grow by the backlog before the WAL can be reset.
    let needed = left_over.saturating_add(backlog);
    if left_over == 0 || disk.free >= needed.saturating_mul(2) {
        Level::Ample
    } else if disk.free >= needed {
        Level::Tight
    } else {
        Level::Low
    }
}

#[cfg(unix)]
fn disk(directory: &Path) -> Option<Disk> {
    let numbers = rustix::fs::statvfs(directory).ok()?;
    Some(Disk {
        free: numbers.f_bavail.saturating_mul(numbers.f_frsize),
        total: numbers.f_blocks.saturating_mul(numbers.f_frsize),
    })
}

/// The standard library does not tell.
#[cfg(not(unix))]
fn disk(_directory: &Path) -> Option<Disk> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1024 * 1024;

    #[test]
    fn the_backlog_of_the_wal_counts_as_used() {
        let large = |free| Disk {
            free: free * MIB,
            total: 1024 * MIB,
        };
        let small = |free| Disk {
            free: free * MIB,
            total: 16 * MIB,
        };
        for (disk, left_over, backlog, expected) in [
            (large(64), None, 0, Level::Ample),
            (large(63), None, 0, Level::Tight),
            (large(31), None, 0, Level::Low),
            (large(64), None, 8, Level::Tight),
            (large(36), None, 8, Level::Low),
            (small(4), None, 0, Level::Ample),
            (small(2), None, 0, Level::Tight),
            (small(1), None, 0, Level::Low),
            (large(0), Some(0), 8, Level::Ample),
            (large(100), Some(u64::MAX), 8, Level::Low),
        ] {
            let found = level(disk, left_over, backlog * MIB);
            assert_eq!(found, expected, "{disk:?} {left_over:?} {backlog}");
        }
    }

    #[test]
    fn the_disk_of_a_directory_is_known() {
        let disk = disk(&std::env::temp_dir()).filter(|_| cfg!(unix));
        assert!(disk.is_none_or(|disk| disk.free <= disk.total && disk.total > 0));
    }
}
