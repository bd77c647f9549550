//! The time limit of a read: the connection is asked now and then whether it is over.

use std::cell::Cell;
use std::time::Duration;

use rusqlite::Connection;

use crate::busy::Deadline;
use crate::error::Result;

/// The instructions of SQLite's virtual machine between two looks at the clock: less than a millisecond.
const INSTRUCTIONS: i32 = 10_000;

thread_local! {
    // A connection outlives its reads, and each read has a deadline of its own. SQLite calls the handler
    // on the reading thread.
    static DEADLINE: Cell<Option<Deadline>> = const { Cell::new(None) };
}

/// Lets the connection interrupt statements that run beyond the limit of [`within`].
pub(crate) fn install(connection: &Connection) -> Result<()> {
    let is_over = || DEADLINE.get().is_some_and(Deadline::has_passed);
    Ok(connection.progress_handler(INSTRUCTIONS, Some(is_over))?)
}

/// Runs `work`, whose statements end after `limit`, or at the end of a read that it is part of.
pub(crate) fn within<T>(limit: Option<Duration>, work: impl FnOnce() -> T) -> T {
    struct Restore(Option<Deadline>);
    impl Drop for Restore {
        fn drop(&mut self) {
            DEADLINE.set(self.0);
        }
    }
    let outer = DEADLINE.get();
    let own = limit.map(Deadline::after);
    let _restore = Restore(outer);
    DEADLINE.set(match (own, outer) {
        (Some(own), Some(outer)) => Some(own.min(outer)),
        (own, outer) => own.or(outer),
    });
    work()
}
