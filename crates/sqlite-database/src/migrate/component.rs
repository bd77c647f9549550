//! What a crate declares: its name and the steps of its schema, as plain values.

use sqlx::SqlSafeStr as _;
use sqlx::migrate::{MigrationType, Migrator};

use crate::error::{Error, ErrorKind, Result};

/// The tables of one crate, as the steps that lead to them.
///
/// ```
/// use sqlite_database::{Component, Migration};
///
/// // In practice `up` and `down` are `include_str!` of files beside the crate's sources.
/// static SHELF: Component = Component {
///     name: "shelf",
///     migrations: &[Migration {
///         version: 1,
///         name: "books",
///         up: "CREATE TABLE book (title TEXT NOT NULL) STRICT",
///         down: "DROP TABLE book",
///     }],
/// };
///
/// # async fn example() -> sqlite_database::Result<()> {
/// let database = sqlite_database::SqliteDatabase::in_memory().await?;
/// database.migrate(&SHELF).await?;
/// # database.close().await
/// # }
/// # tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(example()).unwrap();
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Component {
    /// Lower-case letters, digits and underscores; names the bookkeeping table.
    pub name: &'static str,
    /// In ascending order of version.
    pub migrations: &'static [Migration],
}

/// One step of a schema, forth and back.
///
/// Foreign keys are not enforced while it runs, so that tables can be rebuilt; they are checked
/// before the commit.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Greater than 0 and than that of the step before.
    pub version: i64,
    /// What it does, in a word or two.
    pub name: &'static str,
    /// SQL that takes the step; never changes once released.
    pub up: &'static str,
    /// SQL that undoes the step exactly.
    pub down: &'static str,
}

impl Component {
    pub(super) fn table(&self) -> String {
        format!("_migrations_{}", self.name)
    }

    pub(super) fn latest(&self) -> i64 {
        self.migrations
            .last()
            .map_or(0, |migration| migration.version)
    }

    pub(super) fn ensure_known(&self, version: i64) -> Result<()> {
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
        let mut before = 0;
        let mut steps = Vec::with_capacity(self.migrations.len() * 2);
        for Migration {
            version,
            name,
            up,
            down,
        } in self.migrations
        {
            if *version <= before {
                let detail = format!("{}: version {version} follows {before}", self.name);
                return Err(invalid(detail));
            }
            before = *version;
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
        // A table for each component; the name is part of the file format and never changes.
        migrator.dangerous_set_table_name(self.table());
        Ok(migrator)
    }
}

fn invalid(detail: String) -> Error {
    Error::new(ErrorKind::InvalidInput, "migrate", detail)
}
