//! The schema, as migrations per store; `schema.sql` is their sum.
//!
//! The first migration of each store creates the tables of the npm package, unless the file has them
//! already; the later ones rebuild them in their present form. So a new file and one of the npm
//! package end up with the same schema.

mod components;
mod legacy;

use sqlite_database::{Component, SqliteDatabase};
use store_core::Result;

pub use self::components::COMPONENTS;
pub(crate) use self::components::{CACHE, DEDUPE, RATE_LIMIT, WRITE_QUEUE};
pub use self::legacy::BACKUP_SUFFIX;
use crate::error::store_error;

/// Migrates the tables of all stores; only reads if no migration is pending.
///
/// Stores migrate their own tables on first use. Call this to get errors earlier. A file of the npm
/// package is backed up first, see [`BACKUP_SUFFIX`]. From a shell, `comicvine db status --db FILE`
/// lists the migrations, `comicvine db plan --db FILE` shows the pending ones and
/// `comicvine db up --db FILE` applies them.
///
/// ```
/// use store_sqlite::{COMPONENTS, MigrationState, SqliteDatabase};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let database = SqliteDatabase::in_memory().await?;
/// store_sqlite::migrate(&database).await?;
/// for migration in database.migration_status(COMPONENTS[0]).await? {
///     assert_eq!(migration.state, MigrationState::Applied);
/// }
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// `SchemaNewer` if a newer program has migrated the file, `Corrupt` if an applied migration differs
/// from this program's or the file is damaged, `Busy` if another process holds the write lock for
/// over a minute, `StorageFull` or `ReadOnly` if the file or its backup cannot be written,
/// `Unavailable` if the file cannot be read, `Closed` if the database is closed.
pub async fn migrate(database: &SqliteDatabase) -> Result<()> {
    migrate_components(database, &COMPONENTS).await
}

/// Migrates the tables of one of [`COMPONENTS`]; only reads if no migration is pending.
///
/// All tables in a file of the npm package are migrated together, whichever component is given, so
/// that the file never has both old and new ones.
///
/// ```
/// use store_sqlite::{COMPONENTS, SqliteDatabase, migrate_component};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let database = SqliteDatabase::in_memory().await?;
/// let [cache, ..] = COMPONENTS;
/// migrate_component(&database, cache).await?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// As [`migrate()`].
pub async fn migrate_component(
    database: &SqliteDatabase,
    component: &'static Component,
) -> Result<()> {
    migrate_components(database, &[component]).await
}

async fn migrate_components(
    database: &SqliteDatabase,
    components: &[&'static Component],
) -> Result<()> {
    let migrated = async {
        legacy::upgrade(database, components).await?;
        for component in components {
            database.migrate(component).await?;
        }
        Ok(())
    };
    migrated
        .await
        .map_err(|error| store_error(error, "migrate"))
}
