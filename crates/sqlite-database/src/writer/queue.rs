//! The queue of the writer thread.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::operation::Operation;

/// An unbounded queue of operations; each task awaits its own, so the tasks bound its length.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    filled: Condvar,
}

#[derive(Default)]
struct State {
    operations: VecDeque<Box<dyn Operation>>,
    is_closed: bool,
}

impl Queue {
    /// Appends the operation, or returns it if the queue is closed.
    pub(super) fn push(&self, operation: Box<dyn Operation>) -> Result<(), Box<dyn Operation>> {
        let mut state = self.state();
        if state.is_closed {
            return Err(operation);
        }
        state.operations.push_back(operation);
        drop(state);
        self.filled.notify_one();
        Ok(())
    }

    /// Whether the queue is empty and open.
    pub(super) fn is_idle(&self) -> bool {
        let state = self.state();
        state.operations.is_empty() && !state.is_closed
    }

    /// Blocks until the queue is filled (`true`), or empty and closed (`false`).
    pub(super) fn wait(&self) -> bool {
        let state = self
            .filled
            .wait_while(self.state(), |state| {
                state.operations.is_empty() && !state.is_closed
            })
            .unwrap_or_else(PoisonError::into_inner);
        !state.operations.is_empty()
    }

    /// Removes from the front at most `limit` operations that share a transaction, or one that needs its own.
    pub(super) fn take_group(&self, limit: usize) -> Vec<Box<dyn Operation>> {
        let mut state = self.state();
        let waiting = state.operations.iter().take(limit);
        let sharing = waiting.take_while(|operation| operation.alone_in().is_none());
        let count = sharing.count().max(1).min(state.operations.len());
        state.operations.drain(..count).collect()
    }

    /// Returns operations that have not run to the front, in order.
    pub(super) fn put_back(&self, operations: Vec<Box<dyn Operation>>) {
        if operations.is_empty() {
            return;
        }
        let mut state = self.state();
        for operation in operations.into_iter().rev() {
            state.operations.push_front(operation);
        }
    }

    pub(super) fn close(&self) {
        self.state().is_closed = true;
        self.filled.notify_one();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("Queue")
            .field("operations", &state.operations.len())
            .field("is_closed", &state.is_closed)
            .finish()
    }
}
