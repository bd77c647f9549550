//! What the three stores have in common: a database, a schema that is brought up on first use, and
//! an end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::{Connection, Transaction};
use sqlite_database::{Component, SqliteDatabase};
use store_core::{Clock, Error, ErrorKind, Result, Scope, Stores, Timestamp};
use tokio::sync::OnceCell;

use crate::error::{BACKEND, Failure, store_error};
use crate::migrate::up_to_date;
use crate::options::StoreOptions;
use crate::{SqliteCacheStore, SqliteDedupeStore, SqliteRateLimitStore};

/// All three stores in `database`, with default options: the limiter is adaptive, 200 per hour.
#[must_use]
pub fn stores(database: &SqliteDatabase) -> Stores {
    stores_with(database, StoreOptions::default())
}

/// All three stores in `database`.
#[must_use]
pub fn stores_with(database: &SqliteDatabase, options: StoreOptions) -> Stores {
    Stores::none()
        .with_cache(SqliteCacheStore::with_options(database, options.cache))
        .with_dedupe(SqliteDedupeStore::with_options(database, options.dedupe))
        .with_rate_limit(SqliteRateLimitStore::with_options(
            database,
            options.rate_limit,
        ))
}

/// The keys of a scope are those from the first up to, not including, the second: `;` follows `:`.
pub(crate) fn scope_bounds(scope: &Scope) -> [String; 2] {
    [format!("{scope}:"), format!("{scope};")]
}

/// One store's way to the database.
#[derive(Debug)]
pub(crate) struct Handle {
    database: SqliteDatabase,
    component: &'static Component,
    clock: Arc<dyn Clock>,
    is_migrated: OnceCell<()>,
    is_closed: AtomicBool,
}

impl Handle {
    pub(crate) fn new(
        database: &SqliteDatabase,
        component: &'static Component,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            database: database.clone(),
            component,
            clock,
            is_migrated: OnceCell::new(),
            is_closed: AtomicBool::new(false),
        }
    }

    pub(crate) fn database(&self) -> &SqliteDatabase {
        &self.database
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn ensure_open(&self, operation: &'static str) -> Result<()> {
        if self.is_closed.load(Ordering::Acquire) {
            let error = Error::new(ErrorKind::Closed, BACKEND, operation);
            return Err(error.with_detail("the store was closed; make another"));
        }
        Ok(())
    }

    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
    }

    /// Runs `f` on a read-only connection.
    pub(crate) async fn read<T, F>(&self, operation: &'static str, f: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Failure> + Send + 'static,
    {
        self.ready(operation).await?;
        self.database
            .read(|db| Ok(f(db)?))
            .await
            .map_err(|error| store_error(error, operation))
    }

    /// Runs `f` in a write transaction; a failure undoes it.
    ///
    /// Whoever needs the time takes it inside: the wait for the lock would make it stale.
    pub(crate) async fn write<T, F>(&self, operation: &'static str, f: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>) -> Result<T, Failure> + Send + 'static,
    {
        self.ready(operation).await?;
        self.database
            .write(|tx| Ok(f(tx)?))
            .await
            .map_err(|error| store_error(error, operation))
    }

    async fn ready(&self, operation: &'static str) -> Result<()> {
        self.ensure_open(operation)?;
        self.is_migrated
            .get_or_try_init(|| up_to_date(&self.database, self.component))
            .await?;
        Ok(())
    }
}
