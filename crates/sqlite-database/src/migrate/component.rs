//! The declaration of a schema: a component and its migrations, as plain values.

use sha2_const::Sha384;
use sqlx::SqlSafeStr as _;
use sqlx::migrate::{MigrationType, Migrator};

use crate::error::{Error, ErrorKind, Result};

/// A named list of migrations: the schema of one crate in a shared file.
///
/// ```
/// use sqlite_database::{Component, Migration};
///
/// // In practice `up` and `down` are `include_str!` of files beside the crate's sources.
/// static LIBRARY: Component = Component {
///     name: "library",
///     migrations: &[Migration::new(
///         1,
///         "books",
///         "CREATE TABLE book (title TEXT NOT NULL) STRICT",
///         "DROP TABLE book",
///     )],
/// };
///
/// # #[tokio::main]
/// # async fn main() -> sqlite_database::Result<()> {
/// let database = sqlite_database::SqliteDatabase::in_memory().await?;
/// database.migrate(&LIBRARY).await?;
/// let status = database.migration_status(&LIBRARY).await?;
/// assert_eq!(status[0].state, sqlite_database::MigrationState::Applied);
/// # database.close().await
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Component {
    /// Lower-case letters, digits and underscores; part of the name of the migrations table.
    pub name: &'static str,
    /// The migrations, in ascending order of version.
    pub migrations: &'static [Migration],
}

/// A reversible schema migration.
///
/// Foreign keys are not enforced while it runs, so that tables can be rebuilt; they are checked
/// before the commit.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Greater than 0 and than the previous migration's version.
    pub version: i64,
    /// A short description.
    pub name: &'static str,
    /// SQL that applies the migration; must not change once released.
    pub up: &'static str,
    /// SQL that reverts the migration exactly.
    pub down: &'static str,
    /// SHA-384 of `up`.
    pub(super) checksum: [u8; 48],
}

impl Migration {
    /// A migration to `version`, with a short description, the SQL that applies it and the SQL that reverts it.
    ///
    /// Call it in a constant or a static: it hashes `up`, which a program would do at each start otherwise.
    #[must_use]
    pub const fn new(
        version: i64,
        name: &'static str,
        up: &'static str,
        down: &'static str,
    ) -> Self {
        Self {
            version,
            name,
            up,
            down,
            checksum: Sha384::new().update(up.as_bytes()).finalize(),
        }
    }
}

impl Component {
    pub(super) fn table_name(&self) -> String {
        format!("_migrations_{}", self.name)
    }

    pub(super) fn latest_version(&self) -> i64 {
        self.migrations
            .last()
            .map_or(0, |migration| migration.version)
    }

    pub(super) fn ensure_version_exists(&self, version: i64) -> Result<()> {
        if version == 0 || self.migrations.iter().any(|known| known.version == version) {
            return Ok(());
        }
        Err(invalid(format!(
            "{} has no schema version {version}",
            self.name
        )))
    }

    /// Fails if the declaration breaks a rule.
    pub(super) fn ensure_valid(&self) -> Result<()> {
        let name = self.name;
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if name.is_empty() || !name.chars().all(is_plain) {
            return Err(invalid(format!(
                "component name `{name}` is not [a-z0-9_]+"
            )));
        }
        let mut previous = 0;
        for Migration { version, .. } in self.migrations {
            if *version <= previous {
                return Err(invalid(format!(
                    "{name}: version {version} follows {previous}"
                )));
            }
            previous = *version;
        }
        Ok(())
    }

    pub(super) fn migrator(&self) -> Migrator {
        let step = |migration: &Migration, migration_type, sql: &'static str| {
            sqlx::migrate::Migration {
                version: migration.version,
                description: migration.name.into(),
                migration_type,
                sql: sql.into_sql_str(),
                // Of a step down too, which is found by its version alone.
                checksum: migration.checksum.to_vec().into(),
                no_tx: false,
            }
        };
        let steps = self.migrations.iter().flat_map(|migration| {
            [
                step(migration, MigrationType::ReversibleUp, migration.up),
                step(migration, MigrationType::ReversibleDown, migration.down),
            ]
        });
        let mut migrator = Migrator::with_migrations(steps.collect());
        // One table per component; its name is part of the file format and must not change.
        migrator.dangerous_set_table_name(self.table_name());
        migrator
    }
}

fn invalid(detail: String) -> Error {
    Error::new(ErrorKind::InvalidInput, "migrate", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_sqlx() {
        for sql in [
            "",
            "CREATE TABLE book (title TEXT NOT NULL) STRICT",
            &"-".repeat(1_000),
        ] {
            let sql: &'static str = sql.to_owned().leak();
            let theirs = sqlx::migrate::Migration::new(
                1,
                "books".into(),
                MigrationType::ReversibleUp,
                sql.into_sql_str(),
                false,
            );
            assert_eq!(
                Migration::new(1, "books", sql, "").checksum[..],
                *theirs.checksum
            );
        }
    }
}
