//! Read connections: taken by the caller's thread, kept while idle.

use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use crate::busy;
use crate::connection::open_reader;
use crate::error::{Error, Result};
use crate::location::Location;
use crate::options::DatabaseOptions;

/// Idle read connections of one database.
#[derive(Debug)]
pub(crate) struct Readers {
    location: Location,
    options: Arc<DatabaseOptions>,
    /// `None` once closed.
    idle: Mutex<Option<Vec<Connection>>>,
}

impl Readers {
    pub(crate) fn new(location: Location, options: Arc<DatabaseOptions>) -> Self {
        Self {
            location,
            options,
            idle: Mutex::new(Some(Vec::new())),
        }
    }

    /// Runs `f` on a connection that nobody else uses meanwhile.
    pub(crate) fn read<T>(&self, f: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let connection = self.take()?;
        // If `f` panics the connection is dropped on the way out.
        let outcome = busy::wait_at_most(self.options.busy_timeout, || f(&connection));
        self.give_back(connection);
        outcome
    }

    pub(crate) fn close(&self) {
        // Bound to a name so that the connections close after the lock is released.
        let closed = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        drop(closed);
    }

    fn take(&self) -> Result<Connection> {
        let idle = match &mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(idle) => idle.pop(),
            None => return Err(Error::closed("read")),
        };
        match idle {
            Some(connection) => Ok(connection),
            None => open_reader(&self.location, &self.options),
        }
    }

    fn give_back(&self, connection: Connection) {
        // A transaction left open would pin its snapshot, and with it the WAL.
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
