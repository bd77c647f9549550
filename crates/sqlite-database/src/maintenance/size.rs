//! How much room a database takes, and giving back what it does not need.

use std::ffi::OsString;
use std::path::Path;

use rusqlite::Connection;

use crate::checkpoint;
use crate::error::Result;

/// The room that a database takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DatabaseSize {
    /// Bytes per page.
    pub page_bytes: u64,
    /// Pages, used and free.
    pub pages: u64,
    /// Pages without content; later writes use them before the file grows.
    pub free_pages: u64,
    /// Length of the write-ahead log beside the file, in bytes; 0 in memory.
    pub wal_bytes: u64,
}

impl DatabaseSize {
    /// The database without its write-ahead log, in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.pages * self.page_bytes
    }

    /// What [`vacuum`](crate::SqliteDatabase::vacuum) gives back at least, in bytes.
    #[must_use]
    pub fn free_bytes(&self) -> u64 {
        self.free_pages * self.page_bytes
    }
}

/// What a vacuum has achieved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Vacuumed {
    /// Size before, in bytes.
    pub bytes_before: u64,
    /// Size after, in bytes.
    pub bytes_after: u64,
}

pub(super) fn measure(db: &Connection, path: Option<&Path>) -> Result<DatabaseSize> {
    // One statement is one moment: the numbers belong together.
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

/// No log, no bytes.
fn wal_bytes(path: &Path) -> u64 {
    let mut log = OsString::from(path);
    log.push("-wal");
    std::fs::metadata(log).map_or(0, |file| file.len())
}

pub(super) fn vacuum(db: &Connection) -> Result<Vacuumed> {
    let bytes_before = measure(db, None)?.bytes();
    db.execute_batch("VACUUM")?;
    // The rebuilt pages are in the log until now.
    checkpoint::truncate(db);
    Ok(Vacuumed {
        bytes_before,
        bytes_after: measure(db, None)?.bytes(),
    })
}
