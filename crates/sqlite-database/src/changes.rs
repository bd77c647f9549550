//! Change detection: reports commits of any connection of any process.
//!
//! SQLite sends no notifications between processes, so one thread per database polls
//! `PRAGMA data_version`, which takes microseconds, while a [`ChangeWatch`] exists.

mod version;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use tokio::sync::watch;

pub(crate) use self::version::VersionReader;
use crate::busy;
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
    options: Arc<DatabaseOptions>,
    state: Mutex<State>,
    /// Signals the first watcher, or the stop.
    wake: Condvar,
    observed: watch::Sender<Observed>,
}

#[derive(Debug)]
struct State {
    watchers: usize,
    has_thread: bool,
    /// `None` once stopped.
    reader: Option<VersionReader>,
    /// `data_version` at the last poll; `None` if unknown, which counts as changed.
    version: Option<i64>,
}

impl ChangePoller {
    pub(crate) fn new(location: Location, options: Arc<DatabaseOptions>) -> Arc<Self> {
        let state = State {
            watchers: 0,
            has_thread: false,
            reader: Some(VersionReader::new(location, Arc::clone(&options))),
            version: None,
        };
        Arc::new(Self {
            options,
            state: Mutex::new(state),
            wake: Condvar::new(),
            observed: watch::Sender::new(Observed::default()),
        })
    }

    pub(crate) fn watch(self: &Arc<Self>) -> ChangeWatch {
        let mut state = self.state();
        if state.watchers == 0
            && let Some(reader) = &mut state.reader
        {
            // Commits from before the first watch are not reported.
            state.version = busy::without_waiting(|| reader.version()).ok();
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
        // A binding, so that the connection closes after the mutex is unlocked.
        let reader = self.state().reader.take();
        drop(reader);
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
        while state.reader.is_some() {
            if state.watchers == 0 {
                state = self
                    .wake
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let waited = self.wake.wait_timeout(state, interval);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
            if state.watchers > 0 && state.has_changed() {
                self.observed.send_modify(|observed| observed.changes += 1);
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn has_changed(&mut self) -> bool {
        let Some(reader) = &mut self.reader else {
            return false;
        };
        match busy::without_waiting(|| reader.version()) {
            Ok(version) => self.version.replace(version) != Some(version),
            // Temporarily locked: the next poll decides.
            Err(error) if error.is_retryable() => false,
            // Watchers read for themselves and get the error where they can report it.
            Err(_) => true,
        }
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
            !changes.state().has_changed(),
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
