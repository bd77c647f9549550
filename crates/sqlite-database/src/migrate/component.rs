//! The declaration of a schema: a component and its migrations, as plain values.

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
///     migrations: &[Migration {
///         version: 1,
///         name: "books",
///         up: "CREATE TABLE book (title TEXT NOT NULL) STRICT",
///         down: "DROP TABLE book",
///     }],
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

    pub(super) fn migrator(&self) -> Result<Migrator> {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
        if self.name.is_empty() || !self.name.chars().all(is_plain) {
            let name = self.name;
            return Err(invalid(format!(
                "component name `{name}` is not [a-z0-9_]+"
            )));
        }
        let mut previous = 0;
        let mut steps = Vec::with_capacity(self.migrations.len() * 2);
        for Migration {
            version,
            name,
            up,
            down,
        } in self.migrations
        {
            if *version <= previous {
                let detail = format!("{}: version {version} follows {previous}", self.name);
                return Err(invalid(detail));
            }
            previous = *version;
            for (direction, sql) in [
                (MigrationType::ReversibleUp, up),
                (MigrationType::ReversibleDown, down),
            ] {
                let sql = sql.into_sql_str();
                steps.push(sqlx::migrate::Migration::new(
                    *version,
                    (*name).into(),
                    direction,
                    sql,
                    false,
                ));
            }
        }
        let mut migrator = Migrator::with_migrations(steps);
        // One table per component; its name is part of the file format and must not change.
        migrator.dangerous_set_table_name(self.table_name());
        Ok(migrator)
    }
}

fn invalid(detail: String) -> Error {
    Error::new(ErrorKind::InvalidInput, "migrate", detail)
}
