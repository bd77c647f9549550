//! Change detection: reports commits of any connection of any process.
//!
//! SQLite sends no notifications between processes, so one thread per database polls
//! `PRAGMA data_version`, which takes microseconds, while a [`ChangeWatch`] exists.

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

/// A receiver of commit notifications; the database is polled while one exists.
#[derive(Debug)]
pub struct ChangeWatch {
    receiver: watch::Receiver<Observed>,
    poller: Arc<ChangePoller>,
}

/// The state that watches observe.
#[derive(Clone, Copy, Debug, Default)]
struct Observed {
    changes: u64,
    is_closed: bool,
}

impl ChangeWatch {
    /// Waits for a commit since this watch was created, or since the last call returned.
    ///
    /// Several commits may be reported as one, and spurious returns are possible: read again to see
    /// what has changed. Returns immediately once the database is closed.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: if the future is dropped, the next call reports the change.
    pub async fn changed(&mut self) {
        if self.receiver.borrow().is_closed {
            return;
        }
        // The sender lives in `poller`, so it cannot be dropped.
        let _changed = self.receiver.changed().await;
    }
}

impl Drop for ChangeWatch {
    fn drop(&mut self) {
        self.poller.state().watchers -= 1;
    }
}

/// The polling thread of one database and its state.
#[derive(Debug)]
pub(crate) struct ChangePoller {
    location: Location,
    options: Arc<DatabaseOptions>,
    state: Mutex<State>,
    /// Signals the first watcher, or the stop.
    wake: Condvar,
    observed: watch::Sender<Observed>,
}

#[derive(Debug, Default)]
struct State {
    watchers: usize,
    is_stopped: bool,
    has_thread: bool,
    connection: Option<Connection>,
    /// `data_version` at the last poll; `None` if unknown, which counts as changed.
    version: Option<i64>,
}

impl ChangePoller {
    pub(crate) fn new(location: Location, options: Arc<DatabaseOptions>) -> Arc<Self> {
        Arc::new(Self {
            location,
            options,
            state: Mutex::new(State::default()),
            wake: Condvar::new(),
            observed: watch::Sender::new(Observed::default()),
        })
    }

    pub(crate) fn watch(self: &Arc<Self>) -> ChangeWatch {
        let mut state = self.state();
        if state.watchers == 0 && !state.is_stopped {
            // Commits from before the first watch are not reported.
            state.version = self.version(&mut state).ok();
            self.start_thread(&mut state);
        }
        state.watchers += 1;
        self.wake.notify_one();
        ChangeWatch {
            receiver: self.observed.subscribe(),
            poller: Arc::clone(self),
        }
    }

    /// Stops the thread and wakes all watches.
    pub(crate) fn stop(&self) {
        let connection = {
            let mut state = self.state();
            state.is_stopped = true;
            state.connection.take()
        };
        drop(connection);
        self.wake.notify_one();
        self.observed
            .send_modify(|observed| observed.is_closed = true);
    }

    fn start_thread(self: &Arc<Self>, state: &mut State) {
        if state.has_thread {
            return;
        }
        let worker = Arc::clone(self);
        let spawned = thread::Builder::new()
            .name("sqlite-changes".to_owned())
            .spawn(move || worker.run(worker.options.poll_interval.max(SHORTEST_INTERVAL)));
        match spawned {
            Ok(_) => state.has_thread = true,
            Err(error) => {
                tracing::error!(%error, "cannot start the polling thread; changes are not reported");
            }
        }
    }

    fn run(&self, interval: Duration) {
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
                self.observed.send_modify(|observed| observed.changes += 1);
            }
        }
    }

    fn has_changed(&self, state: &mut State) -> bool {
        match self.version(state) {
            Ok(version) => state.version.replace(version) != Some(version),
            // Temporarily locked: the next poll decides.
            Err(error) if error.is_retryable() => false,
            // Watchers read for themselves and get the error where they can report it.
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
        Ok(busy::with_busy_timeout(Duration::ZERO, || {
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
        // So long that the thread polls only once, when it is woken.
        let options = DatabaseOptions::default().with_poll_interval(Duration::from_hours(1));
        let writer = crate::connection::open_writer(&location, &options).expect("a database");
        let changes = ChangePoller::new(location, Arc::new(options));
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
        let changes = ChangePoller::new(Location::memory(), options);
        assert!(!changes.state().has_thread);
        let (one, two) = (changes.watch(), changes.watch());
        assert_eq!(changes.state().watchers, 2);
        drop((one, two));
        assert_eq!(changes.state().watchers, 0);
        changes.stop();
    }
}
