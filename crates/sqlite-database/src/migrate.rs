//! Schema migrations, versioned per component.
//!
//! Several crates may keep tables in one file. Each is a [`Component`] with its own list of
//! migrations and its own table of applied ones, `_migrations_<component>`. A run is one immediate
//! transaction: processes cannot migrate concurrently, and a crash leaves the old schema or the new
//! one.

mod backup;
mod component;
mod status;
mod turn;

use std::path::{Path, PathBuf};
use std::time::Duration;

use sqlx::migrate::Migrate as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _};

pub use self::component::{Component, Migration};
use self::status::{AppliedMigration, ensure_compatible, is_at, status};
pub use self::status::{MigrationState, MigrationStatus};
pub(crate) use self::turn::Turns;
use crate::blocking::lost_task;
use crate::connection::PROBE;
use crate::copy;
use crate::database::{LONG_BUSY_TIMEOUT, SqliteDatabase};
use crate::error::{Error, ErrorKind, Result};

impl SqliteDatabase {
    /// Applies the pending migrations of `component`; only reads if there are none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::SchemaNewer`] if a newer program has migrated the file;
    /// [`ErrorKind::SchemaChanged`] if an applied migration differs; [`ErrorKind::Busy`] if
    /// another process holds the write lock for over a minute; [`ErrorKind::InvalidInput`] if the
    /// component is invalid; [`ErrorKind::Constraint`] if foreign keys are broken afterwards;
    /// [`ErrorKind::Closed`] after [`close`](Self::close); otherwise the kind of the failed
    /// statement, such as [`ErrorKind::StorageFull`].
    ///
    /// # Cancel safety
    ///
    /// A migration runs to its end in a task of its own, also if the future is dropped; a later call waits for
    /// it. It is rolled back if the tokio runtime ends.
    pub async fn migrate(&self, component: &Component) -> Result<()> {
        self.migrate_to(component, component.latest_version()).await
    }

    /// Migrates `component` up or down to `version`; 0 reverts all migrations.
    ///
    /// # Errors
    ///
    /// As [`migrate`](Self::migrate); [`ErrorKind::InvalidInput`] if there is no such version.
    ///
    /// # Cancel safety
    ///
    /// As [`migrate`](Self::migrate).
    pub async fn migrate_to(&self, component: &Component, version: i64) -> Result<()> {
        self.run_migrations(vec![(*component, version)], None)
            .await
            .map_err(|error| self.add_context(error, "migrate"))
    }

    /// Copies the database to `backup`, then applies the pending migrations of all `components` in
    /// one transaction.
    ///
    /// Both happen under the write lock: of several processes that start at once, one does both. An
    /// existing file at `backup` is taken for the backup and kept. Nothing is copied if no migration
    /// is pending, or if the database is in memory. A crash leaves the old schema or the new one, and
    /// no file at `backup` or a complete one.
    ///
    /// # Errors
    ///
    /// As [`migrate`](Self::migrate) and [`backup`](Self::backup); if the backup fails, nothing is
    /// migrated.
    ///
    /// # Cancel safety
    ///
    /// As [`migrate`](Self::migrate).
    pub async fn migrate_after_backup(
        &self,
        components: &[&Component],
        backup: impl AsRef<Path>,
    ) -> Result<()> {
        let targets: Vec<_> = components
            .iter()
            .map(|component| (**component, component.latest_version()))
            .collect();
        let backup = std::path::absolute(&backup)
            .map_err(|error| copy::io_error(error, backup.as_ref()))
            .map_err(|error| self.add_context(error, "migrate"))?;
        let backup = self.path().map(|_| backup);
        self.run_migrations(targets, backup)
            .await
            .map_err(|error| self.add_context(error, "migrate"))
    }

    /// The migrations of `component`, declared or applied, in ascending order of version.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`] if the component is invalid; otherwise as
    /// [`blocking_read`](Self::blocking_read).
    pub async fn migration_status(&self, component: &Component) -> Result<Vec<MigrationStatus>> {
        component
            .ensure_valid()
            .map_err(|error| self.add_context(error, "migrate"))?;
        Ok(status(
            component,
            &self.applied_migrations(component).await?,
        ))
    }

    async fn run_migrations(
        &self,
        targets: Vec<(Component, i64)>,
        backup: Option<PathBuf>,
    ) -> Result<()> {
        if self.are_at_targets(&targets).await? {
            return Ok(());
        }
        self.ensure_runtime("migrate")?;
        let turn = self.turns().wait().await?;
        let database = self.clone();
        // Not in the caller's future: a caller with a timeout would roll back a large migration each time.
        let task = tokio::spawn(async move {
            let outcome = database.migrate_now(&targets, backup.as_deref()).await;
            turn.end(outcome)
        });
        task.await.unwrap_or_else(|lost| Err(lost_task(lost)))
    }

    async fn migrate_now(&self, targets: &[(Component, i64)], backup: Option<&Path>) -> Result<()> {
        // The task before this one may have migrated.
        if self.are_at_targets(targets).await? {
            return Ok(());
        }
        // A separate connection: foreign keys are off on it alone, and dropping the future closes it,
        // which rolls back.
        let options = self
            .connect_options()?
            .foreign_keys(false)
            .busy_timeout(LONG_BUSY_TIMEOUT);
        let mut connection = connect_with_retry(&options).await?;
        let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
        if let Some(backup) = backup {
            // Another process may have migrated between the check without the lock and here.
            if self.are_at_targets(targets).await? {
                return Ok(());
            }
            self.back_up_once(backup).await?;
        }
        for (component, target) in targets {
            migrate_locked(component, *target, &mut transaction).await?;
        }
        transaction.commit().await?;
        connection.close().await?;
        Ok(())
    }

    async fn are_at_targets(&self, targets: &[(Component, i64)]) -> Result<bool> {
        let mut at_targets = true;
        for (component, target) in targets {
            component.ensure_valid()?;
            component.ensure_version_exists(*target)?;
            let applied = self.applied_migrations(component).await?;
            ensure_compatible(component, &applied)?;
            at_targets &= is_at(component, *target, &applied);
        }
        Ok(at_targets)
    }

    async fn applied_migrations(&self, component: &Component) -> Result<Vec<AppliedMigration>> {
        let table = component.table_name();
        self.read(move |db| {
            // `table_exists` would answer from the schema that this connection has cached.
            let exists = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?1";
            if db.query_row(exists, [&table], |row| row.get::<_, i64>(0))? == 0 {
                return Ok(Vec::new());
            }
            let rows =
                format!("SELECT version, description, checksum FROM {table} ORDER BY version");
            let mut statement = db.prepare(&rows)?;
            let rows = statement.query_map([], |row| {
                Ok(AppliedMigration {
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

/// Connects and reads the file once, with retries: while another process recovers the write-ahead
/// log, SQLite does not always call the busy handler.
#[expect(
    clippy::disallowed_methods,
    reason = "spaces retries; nothing is measured by it"
)]
async fn connect_with_retry(options: &SqliteConnectOptions) -> Result<SqliteConnection> {
    let pause = Duration::from_millis(1);
    let mut waited = Duration::ZERO;
    loop {
        let connected = async {
            let mut connection = options.connect().await?;
            sqlx::query(PROBE).execute(&mut connection).await?;
            Ok(connection)
        };
        match connected
            .await
            .map_err(|error: sqlx::Error| Error::from(error))
        {
            Err(error) if error.kind() == ErrorKind::Busy && waited < LONG_BUSY_TIMEOUT => {
                tokio::time::sleep(pause).await;
                waited += pause;
            }
            result => return result,
        }
    }
}

async fn migrate_locked(
    component: &Component,
    target: i64,
    connection: &mut SqliteConnection,
) -> Result<()> {
    let table = component.table_name();
    connection.ensure_migrations_table(&table).await?;
    // Another process may have migrated between the check without the lock and here.
    let applied: Vec<AppliedMigration> = connection
        .list_applied_migrations(&table)
        .await?
        .into_iter()
        .map(|row| AppliedMigration {
            version: row.version,
            name: String::new(),
            checksum: row.checksum.into_owned(),
        })
        .collect();
    ensure_compatible(component, &applied)?;
    let migrator = component.migrator();
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
    let detail = format!("the migrations of {} violate foreign keys", component.name);
    Err(Error::new(ErrorKind::Constraint, "migrate", detail))
}
