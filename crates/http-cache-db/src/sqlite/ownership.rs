//! Whether a file is a cache: what is not one is neither migrated nor moved away.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sqlite_database::{Error, Result, SqliteDatabase};

/// The table of the migrations, whose name is in the file as text.
const MIGRATIONS: &str = "_migrations_http_cache";
/// A file of a cache has its schema in this many of its first bytes.
const SCHEMA_BYTES: u64 = 1 << 20;

/// Why a file is not used.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(super) enum NotACache {
    #[error("the file is no database, and is left as it is; name another file, or remove it")]
    File,
    #[error("the file has tables of another program, and is left as it is; name another file")]
    Tables,
}

/// Whether a file that cannot be opened was a cache.
pub(super) fn was_cache(path: &Path) -> io::Result<bool> {
    let mut beginning = Vec::new();
    File::open(path)?
        .take(SCHEMA_BYTES)
        .read_to_end(&mut beginning)?;
    let name = MIGRATIONS.as_bytes();
    Ok(beginning.windows(name.len()).any(|bytes| bytes == name))
}

/// Whether a database has tables, but none of an HTTP cache: those of another program, which
/// [`SqliteStore::open`](super::SqliteStore::open) does not add its own to.
///
/// # Errors
/// If the file cannot be read.
pub async fn has_foreign_tables(database: &SqliteDatabase) -> Result<bool> {
    let read = database.read(|db| {
        Ok(db.query_row(
            "SELECT count(*) > 0 AND total(name = ?1) = 0 FROM sqlite_schema WHERE name NOT LIKE 'sqlite\\_%' ESCAPE '\\'",
            [MIGRATIONS],
            |row| row.get(0),
        )?)
    });
    read.await
}

pub(super) async fn ensure_own(database: &SqliteDatabase) -> Result<()> {
    if has_foreign_tables(database).await? {
        return Err(Error::aborted(NotACache::Tables));
    }
    Ok(())
}
