//! The schema, as migrations per role; `schema.sql` is what they add up to.
//!
//! The first migration of each role states the tables of the original packages, which their files
//! have already; the later ones rebuild them in their present form. So a new file and a file that was
//! taken over end up the same.

mod original;

use sqlite_database::{Component, Migration, SqliteDatabase};
use store_core::Result;

pub use self::original::BACKUP_SUFFIX;
use self::original::take_over;
use crate::error::store_error;

macro_rules! migration {
    ($version:literal, $component:literal, $name:literal) => {
        Migration {
            version: $version,
            name: $name,
            up: include_str!(concat!(
                "../migrations/",
                $component,
                "/000",
                $version,
                "_",
                $name,
                ".up.sql"
            )),
            down: include_str!(concat!(
                "../migrations/",
                $component,
                "/000",
                $version,
                "_",
                $name,
                ".down.sql"
            )),
        }
    };
}

pub(crate) static CACHE: Component = Component {
    name: "cache",
    migrations: &[
        migration!(1, "cache", "seed"),
        migration!(2, "cache", "fill_tokens"),
    ],
};

pub(crate) static DEDUPE: Component = Component {
    name: "dedupe",
    migrations: &[
        migration!(1, "dedupe", "seed"),
        migration!(2, "dedupe", "leases"),
    ],
};

pub(crate) static RATE_LIMIT: Component = Component {
    name: "rate_limit",
    migrations: &[
        migration!(1, "rate_limit", "seed"),
        migration!(2, "rate_limit", "shared_rules"),
        migration!(3, "rate_limit", "one_tree"),
    ],
};

/// The schema's parts, each of which a store brings up to date on its first use.
pub static COMPONENTS: [&Component; 3] = [&CACHE, &DEDUPE, &RATE_LIMIT];

/// Brings the tables of all stores up to date; a few reads if they are.
///
/// Stores do this themselves on first use. Call it to meet failures earlier. A file that the
/// original package wrote is copied to a file beside it first, as [`BACKUP_SUFFIX`] tells.
///
/// # Errors
/// `SchemaNewer` if a newer program wrote the file, `Busy` if another process keeps it locked for
/// over a minute, `StorageFull` if there is no room for the backup, and those of the backend.
pub async fn migrate(database: &SqliteDatabase) -> Result<()> {
    take_over(database, &COMPONENTS)
        .await
        .map_err(|error| store_error(error, "migrate"))?;
    for component in COMPONENTS {
        up_to_date(database, component).await?;
    }
    Ok(())
}

/// Brings the tables of one of [`COMPONENTS`] up to date; a few reads if they are.
///
/// A file that the original package wrote is taken over as a whole, whichever component is asked
/// for, so that it is in the old form or in the new one and never in both.
///
/// # Errors
/// As [`migrate`].
pub async fn migrate_component(
    database: &SqliteDatabase,
    component: &'static Component,
) -> Result<()> {
    up_to_date(database, component).await
}

pub(crate) async fn up_to_date(
    database: &SqliteDatabase,
    component: &'static Component,
) -> Result<()> {
    let migrated = match take_over(database, &[component]).await {
        Ok(()) => database.migrate(component).await,
        Err(error) => Err(error),
    };
    migrated.map_err(|error| store_error(error, "migrate"))
}
