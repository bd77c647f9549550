//! Checkpoints as SQLite makes them, none of which waits.
//!
//! A checkpoint that is to reset the WAL takes the lock of the writer and then waits, with the connection's
//! busy handler, for all who read from the WAL. A read transaction of a shell, which nobody ends, would
//! keep every writer of every process waiting with it. So the busy handler never waits here: a reset that
//! is blocked gives the lock back at once, and is tried again without it.

use std::thread;
use std::time::Duration;

use rusqlite::{Connection, MAIN_DB};

use super::{DUE_PAGES, RESTART_PAGES, SHORT_RESTART_PAGES};
use crate::busy;
use crate::error::Result;
use crate::space::Level;

/// The most pages that a reset may still have to move, and how often more of them are moved before it.
const FEW_PAGES: i64 = 32;
const MOVES_BEFORE_RESET: u32 = 4;

/// The tries of [`truncate`], with pauses of 1 ms, 2 ms and so on between them: an eighth of a second.
const TRUNCATE_TRIES: u32 = 8;

/// The state of the WAL: the result row of `PRAGMA wal_checkpoint`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Progress {
    is_busy: bool,
    /// Negative if another connection is making a checkpoint.
    wal_pages: i64,
    moved_pages: i64,
}

impl Progress {
    /// The present state, without a checkpoint.
    pub(crate) fn of(connection: &Connection) -> Result<Self> {
        run(connection, "PRAGMA wal_checkpoint(NOOP)")
    }

    /// The pages that are not in the database file yet.
    pub(crate) fn backlog_pages(&self) -> i64 {
        self.wal_pages - self.moved_pages
    }

    pub(crate) fn wal_pages(&self) -> i64 {
        self.wal_pages
    }

    /// Whether a checkpoint is due.
    pub(super) fn is_due(&self, level: Level) -> bool {
        let is_long = self.wal_pages >= restart_pages(level);
        self.backlog_pages() >= DUE_PAGES || is_long
    }
}

/// The length of the WAL from which it is reset.
fn restart_pages(level: Level) -> i64 {
    match level {
        Level::Ample => RESTART_PAGES,
        // What it can reuse, it must not take from the disk.
        Level::Tight | Level::Low => SHORT_RESTART_PAGES,
    }
}

/// How a checkpoint went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Done,
    /// Another connection was reading or making a checkpoint, as they do for a moment.
    Contended,
    /// All is moved, but the WAL is long and was not reset: another connection was writing or reading.
    NotReset,
    /// Somebody reads an old snapshot.
    Pinned,
}

/// Moves what can be moved, and resets the WAL if it is long.
pub(super) fn checkpoint(connection: &Connection, level: Level) -> Result<Outcome> {
    let mut moved = run(connection, "PRAGMA wal_checkpoint(PASSIVE)")?;
    if !moved.is_busy && moved.wal_pages >= restart_pages(level) {
        // The reset moves and syncs, with the lock of the writer, what was committed during the sync above,
        // which takes long after many pages; each further one has fewer.
        for _ in 0..MOVES_BEFORE_RESET {
            if moved.backlog_pages() > 0 || Progress::of(connection)?.backlog_pages() <= FEW_PAGES {
                break;
            }
            moved = run(connection, "PRAGMA wal_checkpoint(PASSIVE)")?;
        }
    }
    Ok(if moved.is_busy {
        Outcome::Contended
    } else if moved.backlog_pages() >= DUE_PAGES {
        Outcome::Pinned
    } else if moved.wal_pages < restart_pages(level) {
        Outcome::Done
    } else if moved.backlog_pages() > 0 {
        // Whoever reads an older snapshot would only have the reset refused.
        Outcome::Contended
    } else if reset(connection)? {
        Outcome::Done
    } else {
        Outcome::NotReset
    })
}

/// Resets the WAL, which moves what is left of it first; `false` if another connection uses it.
pub(super) fn reset(connection: &Connection) -> Result<bool> {
    Ok(!run(connection, "PRAGMA wal_checkpoint(RESTART)")?.is_busy)
}

/// Checkpoints and truncates the WAL, unless other connections still read from it.
pub(crate) fn truncate(connection: &Connection) {
    if matches!(connection.is_readonly(MAIN_DB), Ok(true)) {
        return;
    }
    for attempt in 0..TRUNCATE_TRIES {
        match run(connection, "PRAGMA wal_checkpoint(TRUNCATE)") {
            Ok(progress) if !progress.is_busy => return,
            // A reader of an old snapshot, who may be there for long.
            Ok(progress) if progress.backlog_pages() > 0 => break,
            Ok(_) => thread::sleep(Duration::from_millis(1 << attempt)),
            Err(error) => {
                tracing::warn!(%error, "the WAL was not truncated");
                return;
            }
        }
    }
    tracing::debug!("other connections use the WAL; the last of them truncates it");
}

fn run(connection: &Connection, sql: &str) -> Result<Progress> {
    busy::without_waiting(|| {
        let mut statement = connection.prepare_cached(sql)?;
        Ok(statement.query_row([], |row| {
            Ok(Progress {
                is_busy: row.get::<_, i64>(0)? != 0,
                wal_pages: row.get(1)?,
                moved_pages: row.get(2)?,
            })
        })?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(wal_pages: i64, moved_pages: i64) -> Progress {
        Progress {
            is_busy: false,
            wal_pages,
            moved_pages,
        }
    }

    #[test]
    fn a_checkpoint_is_due_for_a_backlog_and_for_a_long_wal() {
        for (wal, moved, level, is_due) in [
            (999, 0, Level::Ample, false),
            (1000, 0, Level::Ample, true),
            (3999, 3000, Level::Ample, false),
            // All is in the file, but readers or other writers have kept the WAL from being reset.
            (4000, 4000, Level::Ample, true),
            (64, 0, Level::Tight, true),
            (0, 0, Level::Low, false),
        ] {
            assert_eq!(progress(wal, moved).is_due(level), is_due, "{wal} {moved}");
        }
    }
}
