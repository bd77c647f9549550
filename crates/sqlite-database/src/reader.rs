//! A pool of read-only connections.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use crate::busy;
use crate::connection::open_reader;
use crate::error::{Error, Result};
use crate::location::Location;
use crate::options::DatabaseOptions;

/// The idle read-only connections of one database.
#[derive(Debug)]
pub(crate) struct ReaderPool {
    location: Location,
    options: Arc<DatabaseOptions>,
    /// `None` once closed.
    idle: Mutex<Option<Vec<Connection>>>,
}

impl ReaderPool {
    pub(crate) fn new(location: Location, options: Arc<DatabaseOptions>) -> Self {
        Self {
            location,
            options,
            idle: Mutex::new(Some(Vec::new())),
        }
    }

    /// Runs `f` with exclusive use of a connection.
    pub(crate) fn with_connection<T>(&self, f: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        busy::with_busy_timeout(self.options.busy_timeout, || {
            let connection = self.acquire()?;
            // If `f` panics, unwinding drops the connection.
            let outcome = f(&connection);
            self.release(connection);
            outcome
        })
    }

    pub(crate) fn close(&self) {
        // A binding, so that the connections close after the mutex is unlocked.
        let closed = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        drop(closed);
    }

    fn acquire(&self) -> Result<Connection> {
        let idle = match &mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(idle) => idle.pop(),
            None => return Err(Error::closed("read")),
        };
        match idle {
            Some(connection) => Ok(connection),
            None => open_reader(&self.location, &self.options),
        }
    }

    fn release(&self, connection: Connection) {
        // An open transaction would pin its snapshot, and with it the WAL.
        if !connection.is_autocommit() {
            return;
        }
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(idle) = &mut *idle
            && idle.len() < self.options.readers.get()
        {
            idle.push(connection);
        }
    }
}
