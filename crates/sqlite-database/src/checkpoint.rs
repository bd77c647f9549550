//! Moves the WAL into the database file, off the callers' threads, and sees whether it is there.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::{Connection, MAIN_DB};

use crate::busy;
use crate::connection::open_beside;
use crate::error::{Error, ErrorKind, Result};
use crate::location::Location;
use crate::options::DatabaseOptions;
use crate::presence::Presence;

/// Pages of the WAL not yet in the database that make a checkpoint due; SQLite's own default.
const DUE_PAGES: i64 = 1000;
/// Length of the WAL, in pages, from which a checkpoint makes writers wait briefly, so that the
/// WAL starts over: overlapping readers, or a writer that never rests, let it grow for ever.
const OVERLONG_PAGES: i64 = 4 * DUE_PAGES;
/// How often the thread looks whether the file is still there.
const LOOK_INTERVAL: Duration = Duration::from_secs(1);
/// How long such a checkpoint waits for them.
const RESTART_PATIENCE: Duration = Duration::from_millis(100);

/// A thread that checkpoints when asked to.
#[derive(Debug)]
pub(crate) struct Checkpointer {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_requested: bool,
    is_stopped: bool,
}

/// The answer of `PRAGMA wal_checkpoint`.
struct Progress {
    is_busy: bool,
    wal_pages: i64,
    moved_pages: i64,
}

impl Checkpointer {
    /// Starts the thread; a database in memory has no WAL, and who only looks writes none.
    pub(crate) fn start(
        location: &Location,
        options: &Arc<DatabaseOptions>,
        presence: &Arc<Presence>,
    ) -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let thread = match location {
            Location::Memory(_) => None,
            Location::File(_) if location.is_read_only(options) => None,
            Location::File(_) => {
                let connection = open_beside(location, options)?;
                let (worker, presence) = (Arc::clone(&shared), Arc::clone(presence));
                let thread = thread::Builder::new()
                    .name("sqlite-checkpoint".to_owned())
                    .spawn(move || worker.work(&connection, &presence))
                    .map_err(|error| {
                        Error::of_kind(ErrorKind::Unavailable, "open").with_source(error)
                    })?;
                Some(thread)
            }
        };
        Ok(Self {
            shared,
            thread: Mutex::new(thread),
        })
    }

    pub(crate) fn request(&self) {
        self.shared.state().is_requested = true;
        self.shared.changed.notify_one();
    }

    /// Stops the thread and waits for it.
    pub(crate) fn stop(&self) {
        self.shared.state().is_stopped = true;
        self.shared.changed.notify_one();
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the checkpoint thread panicked");
        }
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        self.shared.state().is_stopped = true;
        self.shared.changed.notify_one();
    }
}

impl Shared {
    fn work(&self, connection: &Connection, presence: &Presence) {
        loop {
            let waited = self
                .changed
                .wait_timeout_while(self.state(), LOOK_INTERVAL, |state| {
                    !state.is_requested && !state.is_stopped
                });
            let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            if state.is_stopped {
                return;
            }
            let is_requested = std::mem::take(&mut state.is_requested);
            drop(state);
            presence.look();
            if !is_requested {
                continue;
            }
            if let Err(error) = checkpoint(connection) {
                tracing::warn!(%error, "checkpoint failed; the WAL keeps growing until one succeeds");
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the WAL has grown enough; under a microsecond on the connection that has committed.
pub(crate) fn is_due(connection: &Connection) -> bool {
    match run(connection, "PRAGMA wal_checkpoint(NOOP)") {
        Ok(progress) => progress.wal_pages - progress.moved_pages >= DUE_PAGES,
        Err(error) => {
            tracing::debug!(%error, "the length of the WAL is unknown");
            false
        }
    }
}

/// Empties the WAL, unless other connections still read from it.
pub(crate) fn truncate(connection: &Connection) {
    if matches!(connection.is_readonly(MAIN_DB), Ok(true)) {
        return;
    }
    match run(connection, "PRAGMA wal_checkpoint(TRUNCATE)") {
        Ok(progress) if progress.is_busy => {
            tracing::debug!("others use the WAL; the last of them will empty it");
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "the WAL was not emptied"),
    }
}

fn checkpoint(connection: &Connection) -> Result<()> {
    let progress = run(connection, "PRAGMA wal_checkpoint(PASSIVE)")?;
    if progress.wal_pages >= OVERLONG_PAGES {
        busy::wait_at_most(RESTART_PATIENCE, || {
            run(connection, "PRAGMA wal_checkpoint(RESTART)")
        })?;
    }
    Ok(())
}

fn run(connection: &Connection, sql: &str) -> Result<Progress> {
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row([], |row| {
        Ok(Progress {
            is_busy: row.get::<_, i64>(0)? != 0,
            wal_pages: row.get(1)?,
            moved_pages: row.get(2)?,
        })
    })?)
}
