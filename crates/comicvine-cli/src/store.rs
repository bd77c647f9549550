//! The stores behind the commands. This is the only module that names a backend; the commands use the
//! store traits, and [`Maintenance`] for what depends on the backend.

mod address;
mod backend;
#[cfg(feature = "dynamodb")]
mod dynamodb;
#[cfg(not(feature = "dynamodb"))]
#[path = "store/without_dynamodb.rs"]
mod dynamodb;
mod http_cache;
mod maintenance;
mod memory;
mod sqlite;

use std::path::PathBuf;

use crate::error::Error;
use crate::options::GlobalOptions;
use crate::output;

#[cfg(feature = "dynamodb")]
pub(crate) use address::TableAddress;
use address::{Address, StoreAddress};
pub(crate) use backend::{Backend, Purpose};
pub(crate) use maintenance::Maintenance;

/// Opens the stores that `global` or the environment names, and fails if they cannot be used.
pub(crate) async fn open(global: &GlobalOptions, purpose: Purpose) -> Result<Backend, Error> {
    match http_cache::path(global) {
        // Limits are in the store.
        Some(path) if purpose != Purpose::Limits => {
            let is_tiered = StoreAddress::from_options(global)?.is_tiered;
            let backend = open_without_http_cache(global, purpose).await?;
            if global.offline {
                http_cache::ensure_exists(&path)?;
            }
            http_cache::over(backend, &path, purpose, is_tiered).await
        }
        Some(_) | None => open_without_http_cache(global, purpose).await,
    }
}

/// Whether `global` or the environment names the file of an HTTP cache.
pub(crate) fn has_http_cache(global: &GlobalOptions) -> bool {
    http_cache::path(global).is_some()
}

/// As [`open`](open()), with the answers that the store itself has.
pub(crate) async fn open_without_http_cache(
    global: &GlobalOptions,
    purpose: Purpose,
) -> Result<Backend, Error> {
    let StoreAddress { backend, is_tiered } = StoreAddress::from_options(global)?;
    match backend {
        Address::Default => sqlite::open(&sqlite::default_path(purpose)?, purpose, false).await,
        Address::Sqlite(path) => {
            // The name of what is only to be looked at may be misspelt.
            if global.offline {
                sqlite::ensure_exists(&path)?;
            } else if purpose == Purpose::Limits && !path.exists() {
                let shown = path.display();
                output::print_notice(&format!(
                    "the database {shown} is new: nothing was sent with it"
                ));
            }
            sqlite::open(&path, purpose, is_tiered).await
        }
        Address::Memory => Ok(memory::open()),
        Address::DynamoDb(address) => dynamodb::open(address, is_tiered).await,
    }
}

/// The database file that `global` or the environment names, for commands that work on files only.
pub(crate) fn database_path(global: &GlobalOptions) -> Result<PathBuf, Error> {
    match StoreAddress::from_options(global)?.backend {
        Address::Default => sqlite::default_path(Purpose::Requests),
        Address::Sqlite(path) => Ok(path),
        Address::Memory => Err(Error::usage(
            "memory:// has no schema to migrate; name a file with --db",
        )),
        Address::DynamoDb(_) => Err(Error::usage(
            "a DynamoDB table has no schema to migrate; `comicvine table` creates and verifies tables",
        )),
    }
}

/// The table that `global` or the environment names, for commands that work on tables only; `None` if
/// they name none.
#[cfg(feature = "dynamodb")]
pub(crate) fn table_address(global: &GlobalOptions) -> Result<Option<TableAddress>, Error> {
    let is_given = global.store.is_some() || global.db.is_some();
    match StoreAddress::from_options(global)?.backend {
        Address::DynamoDb(address) => Ok(Some(address)),
        Address::Default | Address::Sqlite(_) | Address::Memory if is_given => Err(Error::usage(
            "`comicvine table` works on a DynamoDB table, which --table or --store dynamodb://TABLE \
             names; `comicvine db` works on a database file",
        )),
        Address::Default | Address::Sqlite(_) | Address::Memory => Ok(None),
    }
}
