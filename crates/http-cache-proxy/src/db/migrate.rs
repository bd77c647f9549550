//! `migrate`: the schema of the file, forward and back.

use clap::Args;
use http_cache_db::sqlite::{HTTP_CACHE, has_foreign_tables};
use http_cache_db::sqlite_database::{
    CreateMode, DatabaseOptions, Error as DatabaseError, ErrorKind, MigrationState,
    MigrationStatus, SqliteDatabase,
};
use serde_json::{Value, json};

use crate::error::Error;
use crate::output::grid;

use super::file::File;

#[derive(Args, Debug)]
pub(super) struct Options {
    /// The version to migrate to; 0 removes all tables of the cache [default: the latest]
    #[arg(long, value_name = "VERSION")]
    to: Option<i64>,
    /// Go back, although that deletes what is stored
    #[arg(long)]
    yes: bool,
}

pub(super) async fn run(file: &File, options: &Options) -> Result<(), Error> {
    let failed = |source: DatabaseError| Error::Database {
        path: file.path().to_owned(),
        source,
    };
    let database = DatabaseOptions::default().with_create(CreateMode::Never);
    let database = SqliteDatabase::open_with(file.path(), database).await;
    let database = database.map_err(failed)?;
    if has_foreign_tables(&database).await.map_err(failed)? {
        let text =
            "the file has tables of another program, and is left as it is; name another file";
        return Err(Error::Usage(text.to_owned()));
    }
    let before = database.migration_status(&HTTP_CACHE).await;
    let before = before.map_err(failed)?;
    let applied = before.iter().filter(|migration| is_applied(migration));
    let current = applied.map(|migration| migration.version).max();
    let latest = HTTP_CACHE
        .migrations
        .iter()
        .map(|migration| migration.version);
    let target = options.to.or_else(|| latest.max()).unwrap_or_default();
    if current.is_some_and(|current| target < current) && !options.yes {
        let text = "going back deletes all that is stored; add --yes to do it";
        return Err(Error::Usage(text.to_owned()));
    }
    let migrated = database.migrate_to(&HTTP_CACHE, target).await;
    let is_unknown = |error: &DatabaseError| error.kind() == ErrorKind::InvalidInput;
    if migrated.as_ref().is_err_and(is_unknown) {
        // Of another failure the states would show the cause.
        return migrated.map_err(failed);
    }
    let after = database.migration_status(&HTTP_CACHE).await;
    let after = after.map_err(failed)?;
    let rows = || {
        after
            .iter()
            .map(|migration| (migration, state(migration, &before)))
    };
    file.print(|| text(rows()), || json(rows()))?;
    migrated.map_err(failed)?;
    database.close().await.map_err(failed)
}

fn is_applied(migration: &MigrationStatus) -> bool {
    migration.state != MigrationState::Pending
}

fn state(migration: &MigrationStatus, before: &[MigrationStatus]) -> &'static str {
    let mut before = before.iter();
    let was_applied = before.any(|other| other.version == migration.version && is_applied(other));
    match (migration.state, was_applied) {
        (MigrationState::Applied, true) => "applied",
        (MigrationState::Applied, false) => "applied now",
        (MigrationState::Pending, true) => "reverted now",
        (MigrationState::Pending, false) => "pending",
        (MigrationState::Changed, _) => "CHANGED",
        (MigrationState::Unknown | _, _) => "UNKNOWN",
    }
}

fn text<'a>(rows: impl Iterator<Item = (&'a MigrationStatus, &'static str)>) -> String {
    let rows = rows.map(|(migration, state)| {
        vec![
            migration.version.to_string(),
            migration.name.clone(),
            state.to_owned(),
        ]
    });
    grid(&["version", "name", "state"], rows, &[0])
}

fn json<'a>(rows: impl Iterator<Item = (&'a MigrationStatus, &'static str)>) -> Value {
    let rows = rows.map(|(migration, state)| {
        json!({"version": migration.version, "name": migration.name, "state": state})
    });
    rows.collect()
}
