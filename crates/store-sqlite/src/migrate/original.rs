//! Files that the original package wrote: backed up beside themselves, then taken over as a whole.

use std::ffi::OsString;
use std::path::PathBuf;

use sqlite_database::{Component, MigrationState, Result, SqliteDatabase};

use super::{CACHE, DEDUPE, RATE_LIMIT};

/// What the backup of a file that `@comic-vine/sqlite-store` wrote adds to the file's name.
///
/// Before the first change of its schema, `comics.db` is copied to `comics.db.npm-backup`, once and
/// by one process; a file of that name is kept. The copy opens with the original package.
pub const BACKUP_SUFFIX: &str = ".npm-backup";

/// The table by which each component knows that the original package was there.
static TABLES: [(&Component, &str); 3] = [
    (&CACHE, "cache"),
    (&DEDUPE, "dedupe_jobs"),
    (&RATE_LIMIT, "rate_limits"),
];

/// Migrates what the original package left, together with `wanted`, if `wanted` is part of it.
///
/// One transaction for all: a crash leaves the old file or the new one. The look without the lock
/// suffices, because tables and bookkeeping of a new file appear together.
pub(super) async fn take_over(
    database: &SqliteDatabase,
    wanted: &[&'static Component],
) -> Result<()> {
    let Some(file) = database.path() else {
        return Ok(());
    };
    let mut is_asked_for = false;
    for component in wanted {
        is_asked_for |= !is_migrated(database, component).await?;
    }
    if !is_asked_for {
        return Ok(());
    }
    let mut components = left_behind(database).await?;
    if components.is_empty() {
        return Ok(());
    }
    for component in wanted {
        if !components.iter().any(|known| known.name == component.name) {
            components.push(component);
        }
    }
    let mut backup = OsString::from(file);
    backup.push(BACKUP_SUFFIX);
    database
        .migrate_after_backup(&components, PathBuf::from(backup))
        .await
}

/// The components whose tables are there and whose bookkeeping is not.
async fn left_behind(database: &SqliteDatabase) -> Result<Vec<&'static Component>> {
    let mut found = Vec::new();
    for (component, table) in TABLES {
        if has_table(database, table).await? && !is_migrated(database, component).await? {
            found.push(component);
        }
    }
    Ok(found)
}

async fn is_migrated(database: &SqliteDatabase, component: &Component) -> Result<bool> {
    let migrations = database.migration_status(component).await?;
    Ok(migrations
        .iter()
        .any(|migration| migration.state != MigrationState::Pending))
}

async fn has_table(database: &SqliteDatabase, table: &'static str) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1)";
    database
        .read(move |db| Ok(db.query_row(sql, [table], |row| row.get(0))?))
        .await
}
