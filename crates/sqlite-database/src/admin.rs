//! The admin lane: an `sqlx` pool, opened here on first use or handed in by an application.

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};
use tokio::sync::OnceCell;

use crate::error::Result;
use crate::location::Location;
use crate::options::{DatabaseOptions, Synchronous};

/// Connections of a pool opened here, at most.
const CONNECTIONS: u32 = 4;

/// Who owns the pool.
#[derive(Debug)]
pub(crate) enum Admin {
    /// Opened here on first use, and closed here.
    Own(OnceCell<SqlitePool>),
    /// An application's; it closes it.
    Borrowed(SqlitePool),
}

impl Admin {
    pub(crate) fn own() -> Self {
        Self::Own(OnceCell::new())
    }

    pub(crate) async fn pool(
        &self,
        location: &Location,
        options: &DatabaseOptions,
        max_pages: i64,
    ) -> Result<SqlitePool> {
        match self {
            Self::Borrowed(pool) => Ok(pool.clone()),
            Self::Own(cell) => cell
                .get_or_try_init(|| open(location, options, max_pages))
                .await
                .cloned(),
        }
    }

    /// How a single connection beside the pool is opened.
    pub(crate) fn connect_options(
        &self,
        location: &Location,
        options: &DatabaseOptions,
        max_pages: i64,
    ) -> SqliteConnectOptions {
        match self {
            Self::Borrowed(pool) => (*pool.connect_options()).clone(),
            Self::Own(_) => connect_options(location, options, max_pages),
        }
    }

    pub(crate) async fn close(&self) {
        if let Self::Own(cell) = self
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
        .max_connections(CONNECTIONS)
        // A checkout must outlast the longest statement that waits for a lock.
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
        // Of each connection, not of the file.
        .pragma("max_page_count", max_pages.to_string())
}
