//! A pool of read-only connections.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::Connection;

use crate::busy::{self, Deadline};
use crate::connection::open_reader;
use crate::error::{Error, ErrorKind, Result};
use crate::location::Location;
use crate::options::DatabaseOptions;
use crate::read_timeout;

/// The read-only connections of one database.
#[derive(Debug)]
pub(crate) struct ReaderPool {
    location: Location,
    options: Arc<DatabaseOptions>,
    state: Mutex<State>,
    freed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// The one that was used last is at the end.
    idle: Vec<Idle>,
    /// The connections that are in use.
    in_use: usize,
    is_closed: bool,
}

#[derive(Debug)]
struct Idle {
    connection: Connection,
    until: Deadline,
}

/// A connection in use; given back when dropped.
struct Lent<'a> {
    pool: &'a ReaderPool,
    /// `None` until it is opened, and after a panic.
    connection: Option<Connection>,
}

impl ReaderPool {
    pub(crate) fn new(location: Location, options: Arc<DatabaseOptions>) -> Self {
        Self {
            location,
            options,
            state: Mutex::default(),
            freed: Condvar::new(),
        }
    }

    /// Runs `f` with exclusive use of a connection, whose statements end after `limit`.
    pub(crate) fn with_connection<T>(
        &self,
        limit: Option<Duration>,
        f: impl FnOnce(&Connection) -> Result<T>,
    ) -> Result<T> {
        busy::with_busy_timeout(self.options.busy_timeout, || {
            let mut lent = self.acquire()?;
            let connection = match lent.connection.take() {
                Some(connection) => connection,
                None => open_reader(&self.location, &self.options)?,
            };
            // If `f` panics, unwinding drops the connection.
            let outcome = read_timeout::within(limit, || f(&connection));
            // An open transaction would pin its snapshot, and with it the WAL.
            lent.connection = Some(connection).filter(Connection::is_autocommit);
            outcome
        })
    }

    pub(crate) fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        // A binding, so that the connections close after the mutex is unlocked.
        let closed = std::mem::take(&mut state.idle);
        drop(state);
        self.freed.notify_all();
        drop(closed);
    }

    /// The connection that was used last, or leave to open one.
    fn acquire(&self) -> Result<Lent<'_>> {
        let deadline = Deadline::after(self.options.busy_timeout);
        let mut state = self.state();
        loop {
            if state.is_closed {
                return Err(Error::closed("read"));
            }
            let most = self.options.max_readers;
            if most.is_none_or(|most| state.in_use < most.get()) {
                state.in_use += 1;
                let connection = state.idle.pop().map(|idle| idle.connection);
                return Ok(Lent {
                    pool: self,
                    connection,
                });
            }
            let left = deadline.remaining();
            if left.is_zero() {
                let detail = "as many reads as `max_readers` allows were in progress for longer \
                              than the busy timeout; retry, or increase either";
                return Err(Error::new(ErrorKind::Busy, "read", detail));
            }
            let waited = self.freed.wait_timeout(state, left);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn release(&self, connection: Option<Connection>) {
        let until = Deadline::after(self.options.reader_idle_timeout);
        let mut state = self.state();
        state.in_use -= 1;
        let mut surplus = Vec::new();
        if let Some(connection) = connection.filter(|_| !state.is_closed) {
            state.idle.push(Idle { connection, until });
            let most = self.options.readers.get();
            let used_last = state.idle.len() - 1;
            let lapsed = state.idle[..used_last].partition_point(|idle| idle.until.has_passed());
            let count = lapsed.max(state.idle.len().saturating_sub(most));
            surplus.extend(state.idle.drain(..count));
        }
        drop(state);
        self.freed.notify_one();
        // Closed without the lock.
        drop(surplus);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.pool.release(self.connection.take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many connections are idle after three reads at once, and then one more.
    fn idle_after_reads(options: DatabaseOptions) -> [usize; 2] {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("test.db");
        let table = "CREATE TABLE book (title TEXT) STRICT";
        Connection::open(&path)
            .unwrap()
            .execute_batch(table)
            .unwrap();
        let pool = ReaderPool::new(Location::file(&path).unwrap(), Arc::new(options));
        let read = |f: &dyn Fn() -> Result<()>| pool.with_connection(None, |_| f());
        read(&|| read(&|| read(&|| Ok(())))).unwrap();
        let first = pool.state().idle.len();
        read(&|| Ok(())).unwrap();
        let state = pool.state();
        assert_eq!(state.in_use, 0);
        [first, state.idle.len()]
    }

    #[test]
    fn idle_connections_are_kept_up_to_a_number_and_for_a_while() {
        let options = DatabaseOptions::default();
        assert_eq!(idle_after_reads(options.clone()), [3, 3]);
        let two = std::num::NonZeroUsize::MIN.saturating_add(1);
        assert_eq!(idle_after_reads(options.clone().with_readers(two)), [2, 2]);
        // The one that was used last stays, however long that is ago.
        let at_once = options.with_reader_idle_timeout(Duration::ZERO);
        assert_eq!(idle_after_reads(at_once), [1, 1]);
    }
}
