//! Schema migrations, versioned per component.
//!
//! Several crates may keep tables in one file. Each is a [`Component`] with its own list of
//! migrations and its own bookkeeping table, `_migrations_<component>`. A run is one transaction
//! that takes the write lock first: two processes cannot collide, and a crash leaves the old
//! schema or the new one.

use std::time::Duration;

use sqlx::migrate::{Migrate as _, MigrationType, Migrator};
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, SqlSafeStr as _};

use crate::database::SqliteDatabase;
use crate::error::{Error, ErrorKind, Result};

/// How long a start waits for another process that is migrating: rewriting a large table takes
/// longer than any statement of daily work.
const PATIENCE: Duration = Duration::from_mins(1);

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

/// Where one migration stands in a database.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MigrationStatus {
    /// The version.
    pub version: i64,
    /// What it does.
    pub name: String,
    /// Where it stands.
    pub state: MigrationState,
}

/// Whether a migration is part of a database's schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MigrationState {
    /// Applied as this program carries it.
    Applied,
    /// Not applied yet.
    Pending,
    /// Applied with other contents than this program carries.
    Changed,
    /// Applied, and not known to this program.
    Unknown,
}

/// A row of the bookkeeping table.
struct Applied {
    version: i64,
    name: String,
    checksum: Vec<u8>,
}

impl SqliteDatabase {
    /// Brings the tables of `component` up to date; a read suffices when they are.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::SchemaNewer`] if a newer program has been here;
    /// [`ErrorKind::SchemaChanged`] if an applied migration differs; [`ErrorKind::Busy`] if
    /// another process holds the lock for over a minute; [`ErrorKind::InvalidInput`] if the
    /// component breaks its rules; the kind of the failing statement otherwise.
    pub async fn migrate(&self, component: &Component) -> Result<()> {
        self.migrate_to(component, component.latest()).await
    }

    /// Takes the tables of `component` up or down to `version`; 0 removes them.
    ///
    /// # Errors
    ///
    /// As [`migrate`](Self::migrate); [`ErrorKind::InvalidInput`] if there is no such version.
    pub async fn migrate_to(&self, component: &Component, version: i64) -> Result<()> {
        self.run(component, version)
            .await
            .map_err(|error| self.at(error, "migrate"))
    }

    /// Lists the migrations of `component`, known or applied, in ascending order of version.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if the component breaks its rules; otherwise as
    /// [`read`](Self::read).
    pub async fn migration_status(&self, component: &Component) -> Result<Vec<MigrationStatus>> {
        let migrator = component
            .migrator()
            .map_err(|error| self.at(error, "migrate"))?;
        Ok(status(
            component,
            &migrator,
            &self.applied(component).await?,
        ))
    }

    async fn run(&self, component: &Component, target: i64) -> Result<()> {
        let migrator = component.migrator()?;
        component.ensure_known(target)?;
        let applied = self.applied(component).await?;
        ensure_compatible(component, &migrator, &applied)?;
        if is_at(component, target, &applied) {
            return Ok(());
        }
        // A connection of its own: nobody else sees it without foreign keys, and a dropped
        // future closes it, which rolls back.
        let options = self
            .connect_options()?
            .foreign_keys(false)
            .busy_timeout(PATIENCE);
        let mut connection = options.connect().await?;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        migrate_locked(component, &migrator, target, &mut transaction).await?;
        transaction.commit().await?;
        connection.close().await?;
        Ok(())
    }

    async fn applied(&self, component: &Component) -> Result<Vec<Applied>> {
        let table = component.table();
        self.fetch(move |db| {
            // `table_exists` would answer from the schema that this connection remembers.
            let exists = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1";
            if db.query_row(exists, [&table], |row| row.get::<_, i64>(0))? == 0 {
                return Ok(Vec::new());
            }
            let rows =
                format!("SELECT version, description, checksum FROM {table} ORDER BY version");
            let mut statement = db.prepare(&rows)?;
            let rows = statement.query_map([], |row| {
                Ok(Applied {
                    version: row.get(0)?,
                    name: row.get(1)?,
                    checksum: row.get(2)?,
                })
            })?;
            Ok(rows.collect::<rusqlite::Result<_>>()?)
        })
        .await
    }
}

impl Component {
    fn table(&self) -> String {
        format!("_migrations_{}", self.name)
    }

    fn latest(&self) -> i64 {
        self.migrations
            .last()
            .map_or(0, |migration| migration.version)
    }

    fn ensure_known(&self, version: i64) -> Result<()> {
        if version == 0 || self.migrations.iter().any(|known| known.version == version) {
            return Ok(());
        }
        Err(invalid(format!(
            "{} has no schema version {version}",
            self.name
        )))
    }

    fn migrator(&self) -> Result<Migrator> {
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

async fn migrate_locked(
    component: &Component,
    migrator: &Migrator,
    target: i64,
    connection: &mut SqliteConnection,
) -> Result<()> {
    let table = component.table();
    connection.ensure_migrations_table(&table).await?;
    // Another process may have migrated between the look without the lock and here.
    let applied: Vec<Applied> = connection
        .list_applied_migrations(&table)
        .await?
        .into_iter()
        .map(|row| Applied {
            version: row.version,
            name: String::new(),
            checksum: row.checksum.into_owned(),
        })
        .collect();
    ensure_compatible(component, migrator, &applied)?;
    migrator.run_direct(Some(target), connection, false).await?;
    let is_above = |version| version > target && applied.iter().any(|row| row.version == version);
    let downs: Vec<_> = migrator
        .iter()
        .filter(|step| step.migration_type.is_down_migration() && is_above(step.version))
        .collect();
    for step in downs.into_iter().rev() {
        connection.revert(&table, step).await?;
    }
    if target == 0 {
        sqlx::query(AssertSqlSafe(format!("DROP TABLE {table}")))
            .execute(&mut *connection)
            .await?;
    }
    ensure_references(component, connection).await
}

async fn ensure_references(component: &Component, connection: &mut SqliteConnection) -> Result<()> {
    let broken = sqlx::query("PRAGMA foreign_key_check")
        .fetch_optional(connection)
        .await?;
    if broken.is_none() {
        return Ok(());
    }
    let detail = format!(
        "the migrations of {} leave broken foreign keys",
        component.name
    );
    Err(Error::new(ErrorKind::Constraint, "migrate", detail))
}

/// Whether exactly the migrations up to `target` are applied.
fn is_at(component: &Component, target: i64, applied: &[Applied]) -> bool {
    let wanted = component
        .migrations
        .iter()
        .map(|migration| migration.version);
    wanted
        .take_while(|version| *version <= target)
        .eq(applied.iter().map(|row| row.version))
}

fn ensure_compatible(
    component: &Component,
    migrator: &Migrator,
    applied: &[Applied],
) -> Result<()> {
    let (name, known) = (component.name, component.latest());
    if let Some(newest) = applied.iter().map(|row| row.version).max()
        && newest > known
    {
        let detail = format!(
            "was written by a newer version (schema {newest} of {name}, this program knows \
             {known}); upgrade this program"
        );
        return Err(Error::new(ErrorKind::SchemaNewer, "migrate", detail));
    }
    for MigrationStatus { version, state, .. } in status(component, migrator, applied) {
        let what = match state {
            MigrationState::Applied | MigrationState::Pending => continue,
            MigrationState::Changed => "was applied with other contents than this program carries",
            MigrationState::Unknown => "was applied and is not known to this program",
        };
        let detail = format!(
            "migration {version} of {name} {what}; use the program that wrote the file, or a \
             new file"
        );
        return Err(Error::new(ErrorKind::SchemaChanged, "migrate", detail));
    }
    Ok(())
}

fn status(component: &Component, migrator: &Migrator, applied: &[Applied]) -> Vec<MigrationStatus> {
    let checksum = |version| {
        migrator
            .iter()
            .find(|step| step.version == version && step.migration_type.is_up_migration())
            .map(|step| &*step.checksum)
    };
    let known = component.migrations.iter().map(|migration| {
        let state = match applied.iter().find(|row| row.version == migration.version) {
            None => MigrationState::Pending,
            Some(row) if Some(&*row.checksum) == checksum(row.version) => MigrationState::Applied,
            Some(_) => MigrationState::Changed,
        };
        MigrationStatus {
            version: migration.version,
            name: migration.name.to_owned(),
            state,
        }
    });
    let unknown = applied
        .iter()
        .filter(|row| checksum(row.version).is_none())
        .map(|row| {
            let state = MigrationState::Unknown;
            MigrationStatus {
                version: row.version,
                name: row.name.clone(),
                state,
            }
        });
    let mut all: Vec<_> = known.chain(unknown).collect();
    all.sort_by_key(|migration| migration.version);
    all
}
