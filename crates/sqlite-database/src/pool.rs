//! The `sqlx` pool of a database: opened on first use, or provided by an application.

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};
use tokio::sync::OnceCell;

use crate::error::Result;
use crate::location::Location;
use crate::options::{DatabaseOptions, Synchronous};

/// The most connections of a pool opened here.
const MAX_CONNECTIONS: u32 = 4;

/// An `sqlx` pool, and who closes it.
#[derive(Debug)]
pub(crate) enum Pool {
    /// Opened on first use, and closed with the database.
    Lazy(OnceCell<SqlitePool>),
    /// Provided by an application, which closes it.
    External(SqlitePool),
}

impl Pool {
    pub(crate) fn lazy() -> Self {
        Self::Lazy(OnceCell::new())
    }

    pub(crate) async fn get(
        &self,
        location: &Location,
        options: &DatabaseOptions,
        max_pages: i64,
    ) -> Result<SqlitePool> {
        match self {
            Self::External(pool) => Ok(pool.clone()),
            Self::Lazy(cell) => cell
                .get_or_try_init(|| open(location, options, max_pages))
                .await
                .cloned(),
        }
    }

    /// The options of a single connection outside the pool.
    pub(crate) fn connect_options(
        &self,
        location: &Location,
        options: &DatabaseOptions,
        max_pages: i64,
    ) -> SqliteConnectOptions {
        match self {
            Self::External(pool) => (*pool.connect_options()).clone(),
            Self::Lazy(_) => connect_options(location, options, max_pages),
        }
    }

    pub(crate) async fn close(&self) {
        if let Self::Lazy(cell) = self
            && let Some(pool) = cell.get()
        {
            pool.close().await;
        }
    }
}

async fn open(
    location: &Location,
    options: &DatabaseOptions,
    max_pages: i64,
) -> Result<SqlitePool> {
    let pool = SqlitePoolOptions::new()
        .max_connections(MAX_CONNECTIONS)
        // Longer than the longest statement that waits for a lock.
        .acquire_timeout(options.busy_timeout * 2)
        // The file is local: a connection does not go stale.
        .test_before_acquire(false);
    Ok(pool
        .connect_with(connect_options(location, options, max_pages))
        .await?)
}

fn connect_options(
    location: &Location,
    options: &DatabaseOptions,
    max_pages: i64,
) -> SqliteConnectOptions {
    let synchronous = match options.synchronous {
        Synchronous::Normal => SqliteSynchronous::Normal,
        Synchronous::Full => SqliteSynchronous::Full,
    };
    location
        .connect_options()
        .busy_timeout(options.busy_timeout)
        .synchronous(synchronous)
        .read_only(location.is_read_only(options))
        .pragma("temp_store", "MEMORY")
        // A setting of each connection, not of the file.
        .pragma("max_page_count", max_pages.to_string())
}
