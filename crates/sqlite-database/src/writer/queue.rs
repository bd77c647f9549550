//! Operations that wait for the writer thread.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::operation::Operation;

/// An unbounded queue: a task waits for its own operation, so its length is bounded by the tasks.
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
    /// Appends, or hands the operation back when closed.
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

    /// Whether nothing waits and new operations are welcome.
    pub(super) fn is_idle(&self) -> bool {
        let state = self.state();
        state.operations.is_empty() && !state.is_closed
    }

    /// Blocks until something waits (`true`), or nothing does and nothing will (`false`).
    pub(super) fn wait(&self) -> bool {
        let state = self
            .filled
            .wait_while(self.state(), |state| {
                state.operations.is_empty() && !state.is_closed
            })
            .unwrap_or_else(PoisonError::into_inner);
        !state.operations.is_empty()
    }

    pub(super) fn take(&self, most: usize) -> Vec<Box<dyn Operation>> {
        let mut state = self.state();
        let count = state.operations.len().min(most);
        state.operations.drain(..count).collect()
    }

    /// Puts operations that have not run back in front, in order.
    pub(super) fn give_back(&self, operations: Vec<Box<dyn Operation>>) {
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
            .field("waiting", &state.operations.len())
            .field("is_closed", &state.is_closed)
            .finish()
    }
}
