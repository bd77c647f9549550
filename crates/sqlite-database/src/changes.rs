//! Notices commits by any connection of any process.
//!
//! SQLite sends no notifications; what it has is `PRAGMA data_version`, a few microseconds on an
//! open connection. One thread per database asks, and only while somebody waits.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::watch;

use crate::busy;
use crate::connection::open_reader;
use crate::error::Result;
use crate::location::Location;
use crate::options::DatabaseOptions;

const SHORTEST_INTERVAL: Duration = Duration::from_millis(1);

/// Waits for commits; polling goes on while at least one of these exists.
#[derive(Debug)]
pub struct ChangeWatch {
    receiver: watch::Receiver<Epoch>,
    changes: Arc<Changes>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Epoch {
    changes: u64,
    is_closed: bool,
}

impl ChangeWatch {
    /// Waits until something was committed since this watch was made, or since the last call
    /// returned.
    ///
    /// Several commits may count as one, and now and then it returns without any: read again
    /// and decide. Returns at once when the database is closed.
    ///
    /// # Cancel safety
    ///
    /// A change is not lost when the future is dropped: the next call returns at once.
    pub async fn changed(&mut self) {
        if self.receiver.borrow().is_closed {
            return;
        }
        // The sender lives in `changes`, which this holds: it cannot be gone.
        let _changed = self.receiver.changed().await;
    }
}

impl Drop for ChangeWatch {
    fn drop(&mut self) {
        self.changes.state().watchers -= 1;
    }
}

/// The poller of one database.
#[derive(Debug)]
pub(crate) struct Changes {
    location: Location,
    options: Arc<DatabaseOptions>,
    state: Mutex<State>,
    /// Signals a first watcher, or the end.
    wake: Condvar,
    epoch: watch::Sender<Epoch>,
}

#[derive(Debug, Default)]
struct State {
    watchers: usize,
    is_stopped: bool,
    has_thread: bool,
    connection: Option<Connection>,
    /// `None` when unknown, which counts as changed.
    version: Option<i64>,
}

impl Changes {
    pub(crate) fn new(location: Location, options: Arc<DatabaseOptions>) -> Arc<Self> {
        Arc::new(Self {
            location,
            options,
            state: Mutex::new(State::default()),
            wake: Condvar::new(),
            epoch: watch::Sender::new(Epoch::default()),
        })
    }

    pub(crate) fn watch(self: &Arc<Self>) -> ChangeWatch {
        let mut state = self.state();
        if state.watchers == 0 && !state.is_stopped {
            // What happened while nobody watched is no news.
            state.version = self.version(&mut state).ok();
            self.start_thread(&mut state);
        }
        state.watchers += 1;
        self.wake.notify_one();
        ChangeWatch {
            receiver: self.epoch.subscribe(),
            changes: Arc::clone(self),
        }
    }

    /// Ends the thread and lets every watch return.
    pub(crate) fn stop(&self) {
        let connection = {
            let mut state = self.state();
            state.is_stopped = true;
            state.connection.take()
        };
        drop(connection);
        self.wake.notify_one();
        self.epoch.send_modify(|epoch| epoch.is_closed = true);
    }

    fn start_thread(self: &Arc<Self>, state: &mut State) {
        if state.has_thread {
            return;
        }
        let worker = Arc::clone(self);
        let spawned = thread::Builder::new()
            .name("sqlite-changes".to_owned())
            .spawn(move || worker.work(worker.options.poll_interval.max(SHORTEST_INTERVAL)));
        match spawned {
            Ok(_) => state.has_thread = true,
            Err(error) => tracing::error!(%error, "changes go unnoticed: no thread to poll on"),
        }
    }

    fn work(&self, interval: Duration) {
        let mut state = self.state();
        while !state.is_stopped {
            if state.watchers == 0 {
                state = self
                    .wake
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let waited = self.wake.wait_timeout(state, interval);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            if state.watchers > 0 && !state.is_stopped && self.has_changed(&mut state) {
                self.epoch.send_modify(|epoch| epoch.changes += 1);
            }
        }
    }

    fn has_changed(&self, state: &mut State) -> bool {
        match self.version(state) {
            Ok(version) => state.version.replace(version) != Some(version),
            // Locked for a moment: the next poll tells.
            Err(error) if error.is_retryable() => false,
            // Waiters look for themselves and meet the fault where they can report it.
            Err(_) => true,
        }
    }

    fn version(&self, state: &mut State) -> Result<i64> {
        let connection = match &state.connection {
            Some(connection) => connection,
            None => state
                .connection
                .insert(open_reader(&self.location, &self.options)?),
        };
        let mut statement = connection.prepare_cached("PRAGMA data_version")?;
        Ok(busy::wait_at_most(Duration::ZERO, || {
            statement.query_row([], |row| row.get(0))
        })?)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_ignores_what_was_committed_before_it() {
        let directory = tempfile::TempDir::new().expect("a directory");
        let location = Location::file(&directory.path().join("a.db")).expect("a path");
        // So long that only this test polls, and the thread once when it is woken.
        let options = DatabaseOptions::default().with_poll_interval(Duration::from_hours(1));
        let writer = crate::connection::open_writer(&location, &options).expect("a database");
        let changes = Changes::new(location, Arc::new(options));
        drop(changes.watch());
        writer
            .execute_batch("CREATE TABLE book (title TEXT) STRICT")
            .expect("a commit");
        let watch = changes.watch();
        assert!(
            !changes.has_changed(&mut changes.state()),
            "an old commit counts as new"
        );
        assert_eq!(
            watch.receiver.borrow().changes,
            0,
            "an old commit woke the watch"
        );
        drop(watch);
        changes.stop();
    }

    #[test]
    fn nobody_polls_while_nobody_watches() {
        let options = Arc::new(DatabaseOptions::default());
        let changes = Changes::new(Location::memory(), options);
        assert!(!changes.state().has_thread);
        let (one, two) = (changes.watch(), changes.watch());
        assert_eq!(changes.state().watchers, 2);
        drop((one, two));
        assert_eq!(changes.state().watchers, 0);
        changes.stop();
    }
}
