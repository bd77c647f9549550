//! The checkpoint thread: moves the WAL into the database file, and checks the file's path.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::{Connection, MAIN_DB};

use crate::busy;
use crate::connection::open_existing;
use crate::error::{Error, ErrorKind, Result};
use crate::location::Location;
use crate::opened_file::OpenedFile;
use crate::options::DatabaseOptions;

/// The number of WAL pages not yet in the database from which a checkpoint is due; SQLite's default.
const DUE_PAGES: i64 = 1000;
/// The length of the WAL, in pages, from which a checkpoint blocks writers briefly to reset it:
/// overlapping readers, or a writer without pauses, would let it grow indefinitely.
const RESTART_PAGES: i64 = 4 * DUE_PAGES;
/// How often the thread checks that the path still leads to the file.
const FILE_CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// The busy timeout of a checkpoint that resets the WAL.
const RESTART_BUSY_TIMEOUT: Duration = Duration::from_millis(100);

/// A thread that checkpoints on request.
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

/// The result row of `PRAGMA wal_checkpoint`.
struct Progress {
    is_busy: bool,
    wal_pages: i64,
    moved_pages: i64,
}

impl Checkpointer {
    /// Starts the thread; in-memory databases have none, and those of read-only handles only check the
    /// path.
    pub(crate) fn start(
        location: &Location,
        options: &Arc<DatabaseOptions>,
        file: &Arc<OpenedFile>,
    ) -> Result<Self> {
        let shared = Arc::new(Shared::default());
        let thread = match location {
            Location::Memory(_) => None,
            Location::File(_) => {
                let connection = if location.is_read_only(options) {
                    None
                } else {
                    Some(open_existing(location, options)?)
                };
                let (worker, file) = (Arc::clone(&shared), Arc::clone(file));
                let thread = thread::Builder::new()
                    .name("sqlite-checkpoint".to_owned())
                    .spawn(move || worker.run(connection.as_ref(), &file))
                    .map_err(|error| {
                        Error::from_kind(ErrorKind::Unavailable, "open").with_source(error)
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
    fn run(&self, connection: Option<&Connection>, file: &OpenedFile) {
        loop {
            let waited =
                self.changed
                    .wait_timeout_while(self.state(), FILE_CHECK_INTERVAL, |state| {
                        !state.is_requested && !state.is_stopped
                    });
            let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            if state.is_stopped {
                return;
            }
            let is_requested = std::mem::take(&mut state.is_requested);
            drop(state);
            file.check_path();
            if is_requested
                && let Some(connection) = connection
                && let Err(error) = checkpoint(connection)
            {
                tracing::warn!(%error, "checkpoint failed; the WAL keeps growing until one succeeds");
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a checkpoint is due; takes under a microsecond on the connection that has committed.
pub(crate) fn is_due(connection: &Connection) -> bool {
    match wal_checkpoint(connection, "PRAGMA wal_checkpoint(NOOP)") {
        Ok(progress) => progress.wal_pages - progress.moved_pages >= DUE_PAGES,
        Err(error) => {
            tracing::debug!(%error, "the length of the WAL is unknown");
            false
        }
    }
}

/// Checkpoints and truncates the WAL, unless other connections still read from it.
pub(crate) fn truncate(connection: &Connection) {
    if matches!(connection.is_readonly(MAIN_DB), Ok(true)) {
        return;
    }
    match wal_checkpoint(connection, "PRAGMA wal_checkpoint(TRUNCATE)") {
        Ok(progress) if progress.is_busy => {
            tracing::debug!("other connections use the WAL; the last of them truncates it");
        }
        Ok(_) => {}
        Err(error) => tracing::warn!(%error, "the WAL was not truncated"),
    }
}

fn checkpoint(connection: &Connection) -> Result<()> {
    let progress = wal_checkpoint(connection, "PRAGMA wal_checkpoint(PASSIVE)")?;
    if progress.wal_pages >= RESTART_PAGES {
        busy::with_busy_timeout(RESTART_BUSY_TIMEOUT, || {
            wal_checkpoint(connection, "PRAGMA wal_checkpoint(RESTART)")
        })?;
    }
    Ok(())
}

fn wal_checkpoint(connection: &Connection, sql: &str) -> Result<Progress> {
    let mut statement = connection.prepare_cached(sql)?;
    Ok(statement.query_row([], |row| {
        Ok(Progress {
            is_busy: row.get::<_, i64>(0)? != 0,
            wal_pages: row.get(1)?,
            moved_pages: row.get(2)?,
        })
    })?)
}
