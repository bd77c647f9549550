//! An open file: the database, and what this process knows of it.

use std::path::Path;
use std::sync::Arc;

use sqlite_database::{CreateMode, MigrationState, Result, SqliteDatabase};
use store_core::{Error, ErrorKind};

use super::copies::Copies;
use super::dictionaries::CurrentDictionaries;
use super::error::{BACKEND, store_error};
use super::interned::Interned;
use super::options::SqliteStoreOptions;
use super::ownership;
use super::schema::HTTP_CACHE;
use crate::keys::Salt;

/// An open file.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) database: SqliteDatabase,
    pub(super) salt: Salt,
    pub(super) interned: Interned,
    pub(super) dictionaries: CurrentDictionaries,
    /// `None` if nothing is kept in memory.
    pub(super) copies: Option<Copies>,
}

impl Opened {
    /// Opens the file at `path`, or a database in memory, and brings its schema up to date.
    pub(super) async fn open(
        path: Option<&Path>,
        options: &SqliteStoreOptions,
    ) -> Result<Arc<Self>> {
        let database = options.database.clone();
        let database = match path {
            Some(path) => SqliteDatabase::open_with(path, database).await?,
            None => SqliteDatabase::in_memory_with(database).await?,
        };
        match Self::with_schema(database.clone(), options).await {
            Ok(opened) => Ok(opened),
            Err(error) => {
                // The first error is the one to report.
                let _closed = database.close().await;
                Err(error)
            }
        }
    }

    /// Opens the file at `path` as it is: with a schema that is this program's already.
    pub(super) async fn open_existing(
        path: &Path,
        options: &SqliteStoreOptions,
    ) -> store_core::Result<Arc<Self>> {
        let failed = |error| store_error(error, "open");
        let database = options.database.clone().with_create(CreateMode::Never);
        let database = SqliteDatabase::open_with(path, database).await;
        let database = database.map_err(failed)?;
        let opened = async {
            let migrations = database.migration_status(&HTTP_CACHE).await;
            let states: Vec<_> = migrations
                .map_err(failed)?
                .iter()
                .map(|migration| migration.state)
                .collect();
            if let Some((kind, detail)) = mismatch(&states) {
                return Err(Error::new(kind, BACKEND, "open").with_detail(detail));
            }
            let opened = Self::at_schema(database.clone(), options).await;
            opened.map_err(failed)
        };
        match opened.await {
            Ok(opened) => Ok(opened),
            Err(error) => {
                // The first error is the one to report.
                let _closed = database.close().await;
                Err(error)
            }
        }
    }

    async fn with_schema(
        database: SqliteDatabase,
        options: &SqliteStoreOptions,
    ) -> Result<Arc<Self>> {
        ownership::ensure_own(&database).await?;
        database.migrate(&HTTP_CACHE).await?;
        Self::at_schema(database, options).await
    }

    async fn at_schema(
        database: SqliteDatabase,
        options: &SqliteStoreOptions,
    ) -> Result<Arc<Self>> {
        let salt = database.read(|db| {
            let salt = "SELECT value FROM state WHERE name = 'salt'";
            Ok(db.query_row(salt, [], |row| row.get::<_, [u8; 16]>(0))?)
        });
        Ok(Arc::new(Self {
            salt: Salt::from_bytes(salt.await?),
            database,
            interned: Interned::default(),
            dictionaries: CurrentDictionaries::default(),
            copies: (options.memory_bytes > 0).then(|| Copies::new(options.memory_bytes)),
        }))
    }
}

/// Why a file in which the migrations have these states cannot be used as it is.
fn mismatch(states: &[MigrationState]) -> Option<(ErrorKind, &'static str)> {
    let is = |state| states.contains(&state);
    if is(MigrationState::Unknown) {
        let detail = "the schema is newer than this program; upgrade it, or name another file";
        return Some((ErrorKind::SchemaNewer, detail));
    }
    if is(MigrationState::Changed) {
        let detail = "the schema is of another program; use the one that wrote the file";
        return Some((ErrorKind::Corrupt, detail));
    }
    match (is(MigrationState::Applied), is(MigrationState::Pending)) {
        (true, false) => None,
        (true, true) => Some((
            ErrorKind::SchemaMissing,
            "the schema is older than this program; migrate the file",
        )),
        (false, _) => Some((
            ErrorKind::SchemaMissing,
            "the file has no tables of an HTTP cache; name another one, or migrate it",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_is_used_as_it_is_only_if_all_its_migrations_are_applied() {
        use MigrationState::{Applied, Changed, Pending, Unknown};
        let problem = |states: &[_]| mismatch(states).map(|(_, detail)| detail);
        assert_eq!(problem(&[Applied, Applied]), None);
        for (states, word) in [
            (&[Pending, Pending][..], "no tables"),
            (&[Applied, Pending], "older"),
            (&[Applied, Unknown], "newer"),
            (&[Changed], "another program"),
        ] {
            let problem = problem(states).unwrap();
            assert!(problem.contains(word), "{problem}");
        }
    }
}
