//! Size and vacuum.

use std::path::Path;

use rusqlite::Connection;

use crate::checkpoint;
use crate::error::Result;
use crate::location::beside;

/// The size of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DatabaseSize {
    /// The page size, in bytes.
    pub page_bytes: u64,
    /// The number of pages, used and free.
    pub pages: u64,
    /// The number of free pages; later writes use them before the file grows.
    pub free_pages: u64,
    /// The size of the write-ahead log, in bytes; 0 in memory.
    pub wal_bytes: u64,
}

impl DatabaseSize {
    /// The size without the write-ahead log, in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.pages * self.page_bytes
    }

    /// The size of the pages in use, in bytes.
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        self.pages.saturating_sub(self.free_pages) * self.page_bytes
    }

    /// The size of the free pages, in bytes: what a [`vacuum`](crate::SqliteDatabase::vacuum) frees
    /// at least.
    #[must_use]
    pub fn free_bytes(&self) -> u64 {
        self.free_pages * self.page_bytes
    }
}

/// The result of a [`vacuum`](crate::SqliteDatabase::vacuum).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VacuumReport {
    /// The size before, in bytes.
    pub bytes_before: u64,
    /// The size after, in bytes.
    pub bytes_after: u64,
}

pub(super) fn measure(db: &Connection, path: Option<&Path>) -> Result<DatabaseSize> {
    // One statement, so that the numbers are of one snapshot.
    let (page_bytes, pages, free_pages) = db.query_row(
        "SELECT page_size, page_count, freelist_count
         FROM pragma_page_size, pragma_page_count, pragma_freelist_count",
        [],
        |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
    )?;
    Ok(DatabaseSize {
        page_bytes: i64::unsigned_abs(page_bytes),
        pages: i64::unsigned_abs(pages),
        free_pages: i64::unsigned_abs(free_pages),
        wal_bytes: path.map_or(0, wal_bytes),
    })
}

/// The size of the WAL file; 0 if there is none.
fn wal_bytes(path: &Path) -> u64 {
    std::fs::metadata(beside(path, "-wal")).map_or(0, |file| file.len())
}

pub(super) fn vacuum(db: &Connection) -> Result<VacuumReport> {
    let bytes_before = measure(db, None)?.bytes();
    db.execute_batch("VACUUM")?;
    // Until now the rebuilt pages are in the WAL.
    checkpoint::truncate(db);
    Ok(VacuumReport {
        bytes_before,
        bytes_after: measure(db, None)?.bytes(),
    })
}

/// Releases up to `pages` free pages; returns how many.
pub(super) fn release_free_pages(db: &Connection, pages: u32) -> Result<u64> {
    // SQLite takes 0 for "all".
    if pages == 0 {
        return Ok(0);
    }
    let mut statement = db.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
    // Each step frees one page and yields a row without columns; `execute` takes only one step.
    let mut rows = statement.query([])?;
    let mut released = 0;
    while rows.next()?.is_some() {
        released += 1;
    }
    Ok(released)
}
