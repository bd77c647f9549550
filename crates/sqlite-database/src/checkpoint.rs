//! The checkpoint thread: moves the WAL into the database file, and checks the file's path and the free
//! space.
//!
//! No checkpoint waits while it holds the lock of the writer. What blocks one, above all a read
//! transaction that stays open, blocks the next one as well: after a blocked checkpoint the thread pauses,
//! for longer each time, and commits go on into a WAL that grows meanwhile.
//!
//! A reset of the WAL needs the lock of the writer, which a writer without pauses gives up for moments
//! that the thread seldom meets. So after a refused reset the next commit makes it: its lock is free then.

mod wal;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;

use self::wal::Outcome;
pub(crate) use self::wal::{Progress, truncate};
use crate::connection::open_existing;
use crate::error::{Error, ErrorKind, Result};
use crate::location::Location;
use crate::opened_file::OpenedFile;
use crate::options::DatabaseOptions;
use crate::space::{Level, Space};

/// The number of WAL pages not yet in the database from which a checkpoint is due; SQLite's default.
const DUE_PAGES: i64 = 1000;
/// The length of the WAL, in pages, from which it is written from its beginning again: overlapping
/// readers, or a writer without pauses, would let it grow indefinitely.
const RESTART_PAGES: i64 = 4 * DUE_PAGES;
/// The same while there is little free space.
const SHORT_RESTART_PAGES: i64 = 64;
/// How often the thread checks that the path still leads to the file.
const FILE_CHECK_INTERVAL: Duration = Duration::from_secs(1);
/// The pause after a checkpoint that did not get through; each further one doubles it, up to one of these.
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE_CONTENDED: Duration = Duration::from_millis(8);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// A thread that checkpoints on request.
#[derive(Debug)]
pub(crate) struct Checkpointer {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
    file: Arc<OpenedFile>,
    space: Arc<Space>,
}

#[derive(Debug, Default)]
struct State {
    is_requested: bool,
    /// The thread could not reset the WAL, and waits for the next commit to do so.
    is_reset_due: bool,
    is_stopped: bool,
}

impl Checkpointer {
    /// Starts the thread; in-memory databases have none, and those of read-only handles only check the
    /// path.
    pub(crate) fn start(
        location: &Location,
        options: &Arc<DatabaseOptions>,
        file: &Arc<OpenedFile>,
        space: &Arc<Space>,
    ) -> Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            changed: Condvar::new(),
            file: Arc::clone(file),
            space: Arc::clone(space),
        });
        let thread = match location {
            Location::Memory(_) => None,
            Location::File(_) => {
                let connection = if location.is_read_only(options) {
                    None
                } else {
                    Some(open_existing(location, options)?)
                };
                let worker = Arc::clone(&shared);
                let thread = thread::Builder::new()
                    .name("sqlite-checkpoint".to_owned())
                    .spawn(move || worker.run(connection.as_ref()))
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

    /// Requests a checkpoint if one is due after a commit of `connection`; takes about a microsecond.
    pub(crate) fn request_if_due(&self, connection: &Connection) {
        let progress = match Progress::of(connection) {
            Ok(progress) => progress,
            Err(error) => {
                tracing::debug!(%error, "the length of the WAL is unknown");
                return;
            }
        };
        let level = self.shared.space.level_after(&progress);
        if !progress.is_due(level) {
            return;
        }
        let checkpointed = match level {
            Level::Ample if self.take_reset() => {
                let reset = wal::reset(connection);
                self.shared.changed.notify_one();
                reset.map(drop)
            }
            Level::Ample => {
                self.request();
                Ok(())
            }
            // At once: what is written until the thread gets to it may have no space.
            Level::Tight | Level::Low => wal::checkpoint(connection, level).map(drop),
        };
        if let Err(error) = checkpointed {
            tracing::debug!(%error, "the checkpoint after a commit failed");
        }
    }

    fn request(&self) {
        // While the thread pauses, every commit requests a checkpoint: the first wakes it.
        if !std::mem::replace(&mut self.shared.state().is_requested, true) {
            self.shared.changed.notify_one();
        }
    }

    /// Whether the thread has left the reset of the WAL to this commit.
    fn take_reset(&self) -> bool {
        std::mem::take(&mut self.shared.state().is_reset_due)
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
    fn run(&self, connection: Option<&Connection>) {
        let mut pause = Duration::ZERO;
        loop {
            let state = self.wait(FILE_CHECK_INTERVAL, |state| state.is_requested);
            let Some(mut state) = state else { return };
            let is_requested = std::mem::take(&mut state.is_requested);
            drop(state);
            self.file.check_path();
            let level = self.space.check();
            // Others may fill the disk: what is moved in time needs no space then.
            let is_due = is_requested || level != Level::Ample;
            let Some(connection) = connection.filter(|_| is_due) else {
                continue;
            };
            let longest = match wal::checkpoint(connection, level) {
                Ok(Outcome::Done) => {
                    pause = Duration::ZERO;
                    continue;
                }
                Ok(Outcome::Contended) => LONGEST_PAUSE_CONTENDED,
                Ok(Outcome::NotReset) => {
                    self.state().is_reset_due = true;
                    // Two checkpoints at once would refuse each other.
                    if self
                        .wait(LONGEST_PAUSE, |state| !state.is_reset_due)
                        .is_none()
                    {
                        return;
                    }
                    LONGEST_PAUSE_CONTENDED
                }
                Ok(Outcome::Pinned) => LONGEST_PAUSE,
                Err(error) => {
                    tracing::warn!(%error, "checkpoint failed; the WAL grows until one succeeds");
                    LONGEST_PAUSE
                }
            };
            let before = pause;
            pause = (before * 2).clamp(FIRST_PAUSE, longest);
            if pause == LONGEST_PAUSE && before < pause {
                tracing::info!("a read transaction that stays open keeps the WAL growing");
            }
            if self.wait(pause, |_| false).is_none() {
                return;
            }
        }
    }

    /// Waits until `is_over`, but no longer than `timeout`; `None` once stopped.
    fn wait(
        &self,
        timeout: Duration,
        is_over: impl Fn(&State) -> bool,
    ) -> Option<MutexGuard<'_, State>> {
        let waited = self
            .changed
            .wait_timeout_while(self.state(), timeout, |state| {
                !state.is_stopped && !is_over(state)
            });
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        (!state.is_stopped).then_some(state)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
