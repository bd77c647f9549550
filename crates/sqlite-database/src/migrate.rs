//! Schema migrations, versioned per component.
//!
//! Several crates may keep tables in one file. Each is a [`Component`] with its own list of
//! migrations and its own bookkeeping table, `_migrations_<component>`. A run is one transaction
//! that takes the write lock first: two processes cannot collide, and a crash leaves the old
//! schema or the new one.

mod backup;
mod component;
mod status;

use std::path::Path;
use std::time::Duration;

use sqlx::migrate::{Migrate as _, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

pub use self::component::{Component, Migration};
use self::status::{Applied, ensure_compatible, is_at, status};
pub use self::status::{MigrationState, MigrationStatus};
use crate::connection::FIRST_READ;
use crate::database::{PATIENCE, SqliteDatabase};
use crate::error::{Error, ErrorKind, Result};

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
        self.run(&[(component, version)], None)
            .await
            .map_err(|error| self.at(error, "migrate"))
    }

    /// Brings the tables of all `components` up to date in one transaction, and copies the
    /// database to `backup` first.
    ///
    /// The copy is made under the lock that guards the migration: of several processes that start
    /// at once, one makes both. A file that is there already is taken for the backup and kept.
    /// Nothing is copied if nothing is to be done, and a database in memory never is. A crash
    /// leaves the old schema or the new one, and no file at `backup` or a complete one.
    ///
    /// # Errors
    ///
    /// As [`migrate`](Self::migrate), and as [`backup`](Self::backup); without a backup nothing is
    /// migrated.
    pub async fn migrate_after_backup(
        &self,
        components: &[&Component],
        backup: impl AsRef<Path>,
    ) -> Result<()> {
        let targets: Vec<_> = components
            .iter()
            .map(|component| (*component, component.latest()))
            .collect();
        let backup = self.path().map(|_| backup.as_ref());
        self.run(&targets, backup)
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

    async fn run(&self, targets: &[(&Component, i64)], backup: Option<&Path>) -> Result<()> {
        if self.are_at(targets).await? {
            return Ok(());
        }
        // A connection of its own: nobody else sees it without foreign keys, and a dropped
        // future closes it, which rolls back.
        let options = self
            .connect_options()?
            .foreign_keys(false)
            .busy_timeout(PATIENCE);
        let mut connection = connected(&options).await?;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        if let Some(backup) = backup {
            // Another process may have done it all between the look without the lock and here.
            if self.are_at(targets).await? {
                return Ok(());
            }
            self.back_up_once(backup).await?;
        }
        for (component, target) in targets {
            let migrator = component.migrator()?;
            migrate_locked(component, &migrator, *target, &mut transaction).await?;
        }
        transaction.commit().await?;
        connection.close().await?;
        Ok(())
    }

    async fn are_at(&self, targets: &[(&Component, i64)]) -> Result<bool> {
        let mut are_at = true;
        for (component, target) in targets {
            let migrator = component.migrator()?;
            component.ensure_known(*target)?;
            let applied = self.applied(component).await?;
            ensure_compatible(component, &migrator, &applied)?;
            are_at &= is_at(component, *target, &applied);
        }
        Ok(are_at)
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

/// A connection that has read the file once, however long another process takes to recover its
/// log: SQLite does not always ask the busy handler then.
#[expect(
    clippy::disallowed_methods,
    reason = "it spaces tries; nothing is measured by it"
)]
async fn connected(options: &SqliteConnectOptions) -> Result<SqliteConnection> {
    let pause = Duration::from_millis(1);
    let mut waited = Duration::ZERO;
    loop {
        let connected = async {
            let mut connection = options.connect().await?;
            sqlx::query(FIRST_READ).execute(&mut connection).await?;
            Ok(connection)
        };
        match connected
            .await
            .map_err(|error: sqlx::Error| Error::from(error))
        {
            Err(error) if error.kind() == ErrorKind::Busy && waited < PATIENCE => {
                tokio::time::sleep(pause).await;
                waited += pause;
            }
            done => return done,
        }
    }
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
