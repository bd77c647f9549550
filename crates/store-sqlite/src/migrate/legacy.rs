//! Files of the npm package `@comic-vine/sqlite-store`: backed up, then migrated as a whole.

use std::ffi::OsString;
use std::path::PathBuf;

use sqlite_database::{Component, MigrationState, Result, SqliteDatabase};

use super::components::{CACHE, DEDUPE, RATE_LIMIT};

/// The suffix of the backup of a file that the npm package `@comic-vine/sqlite-store` wrote.
///
/// Before its schema is migrated, `comics.db` is copied to `comics.db.npm-backup`, once and by one
/// process; an existing file of that name is kept. The npm package can open the copy.
pub const BACKUP_SUFFIX: &str = ".npm-backup";

/// The table of the npm package that belongs to each component.
static LEGACY_TABLES: [(&Component, &str); 3] = [
    (&CACHE, "cache"),
    (&DEDUPE, "dedupe_jobs"),
    (&RATE_LIMIT, "rate_limits"),
];

/// Backs up and migrates the npm package's tables together with `wanted`, if one of `wanted` has no
/// migration applied.
///
/// One transaction for all, so a crash leaves the old file or the new one. A check without the lock
/// suffices: a new file's tables and its list of applied migrations appear in one commit.
pub(super) async fn upgrade(
    database: &SqliteDatabase,
    wanted: &[&'static Component],
) -> Result<()> {
    let Some(file) = database.path() else {
        return Ok(());
    };
    let mut is_pending = false;
    for component in wanted {
        is_pending |= !is_migrated(database, component).await?;
    }
    if !is_pending {
        return Ok(());
    }
    let mut components = legacy_components(database).await?;
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

/// The components whose tables exist without an applied migration.
async fn legacy_components(database: &SqliteDatabase) -> Result<Vec<&'static Component>> {
    let mut found = Vec::new();
    for (component, table) in LEGACY_TABLES {
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
