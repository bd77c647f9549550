//! A store's access to the database: migrated on first use, cleaned up periodically, refused after
//! close.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusqlite::{Connection, Transaction};
use sqlite_database::{Component, SqliteDatabase};
use store_core::{Clock, Error, ErrorKind, Result, Timestamp};
use tokio::sync::OnceCell;

use crate::cleanup::{Cleanup, CleanupTask, StepTime};
use crate::error::{BACKEND, TransactionError, store_error};
use crate::migrate::migrate_component;

/// One store's access to the database.
#[derive(Debug)]
pub(crate) struct StoreHandle {
    database: SqliteDatabase,
    component: &'static Component,
    clock: Arc<dyn Clock>,
    cleanup: CleanupTask,
    is_migrated: OnceCell<()>,
    is_closed: AtomicBool,
}

impl StoreHandle {
    pub(crate) fn new(
        database: &SqliteDatabase,
        component: &'static Component,
        clock: Arc<dyn Clock>,
        cleanup_interval: Option<Duration>,
    ) -> Self {
        Self {
            database: database.clone(),
            component,
            clock,
            cleanup: CleanupTask::new(cleanup_interval),
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

    /// Starts the periodic cleanup of `store`, which owns this handle, on the first call.
    pub(crate) fn start_cleanup(&self, store: &Arc<impl Cleanup>) {
        self.cleanup.start(store, &self.clock);
    }

    pub(crate) fn ensure_open(&self, operation: &'static str) -> Result<()> {
        if self.is_closed.load(Ordering::Acquire) {
            let error = Error::new(ErrorKind::Closed, BACKEND, operation);
            return Err(error.with_detail("the store was closed; create another"));
        }
        Ok(())
    }

    /// Stops the cleanup; later operations fail.
    pub(crate) fn close(&self) {
        self.cleanup.stop();
        self.is_closed.store(true, Ordering::Release);
    }

    /// Runs `f` on a read-only connection, with the time at which it begins.
    pub(crate) async fn read<T, F>(&self, operation: &'static str, f: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, Timestamp) -> Result<T, TransactionError> + Send + 'static,
    {
        self.ensure_ready(operation).await?;
        let clock = Arc::clone(&self.clock);
        self.database
            .read(move |db| Ok(f(db, clock.now())?))
            .await
            .map_err(|error| store_error(error, operation))
    }

    /// As [`read`](Self::read), for what visits every row: on a thread of its own, without the bound on a read's time.
    pub(crate) async fn long_read<T, F>(&self, operation: &'static str, f: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection, Timestamp) -> Result<T, TransactionError> + Send + 'static,
    {
        self.ensure_ready(operation).await?;
        let clock = Arc::clone(&self.clock);
        self.database
            .long_read(move |db| Ok(f(db, clock.now())?))
            .await
            .map_err(|error| store_error(error, operation))
    }

    /// Runs `f` in a write transaction, with the time at which it begins; an error rolls it back.
    ///
    /// A time from before the wait for the lock would be stale.
    pub(crate) async fn write<T, F>(&self, operation: &'static str, f: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>, Timestamp) -> Result<T, TransactionError> + Send + 'static,
    {
        self.ensure_ready(operation).await?;
        let clock = Arc::clone(&self.clock);
        self.database
            .write(move |tx| Ok(f(tx, clock.now())?))
            .await
            .map_err(|error| store_error(error, operation))
    }

    /// Runs one step of a cleanup, as [`write`](Self::write) does.
    pub(crate) async fn write_step<T, F>(&self, f: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Transaction<'_>, Timestamp, &StepTime<'_>) -> Result<T, TransactionError>
            + Send
            + 'static,
    {
        let clock = Arc::clone(&self.clock);
        self.write("cleanup", move |tx, now| {
            f(tx, now, &StepTime::start(&*clock))
        })
        .await
    }

    async fn ensure_ready(&self, operation: &'static str) -> Result<()> {
        self.ensure_open(operation)?;
        self.is_migrated
            .get_or_try_init(|| migrate_component(&self.database, self.component))
            .await?;
        Ok(())
    }
}
