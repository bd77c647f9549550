//! One migration of a database at a time in this process; the callers that come meanwhile wait for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::error::{Error, ErrorKind, Result};

/// Whose turn it is to migrate.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turns {
    lock: Arc<Mutex<()>>,
    /// How many have not got the write lock.
    refusals: Arc<AtomicU64>,
}

/// A turn, which ends when it is dropped.
#[derive(Debug)]
pub(super) struct Turn {
    _guard: OwnedMutexGuard<()>,
    refusals: Arc<AtomicU64>,
}

impl Turns {
    /// Waits for the end of the migration that runs.
    ///
    /// If that one waits for the write lock in vain, so did this call.
    pub(super) async fn wait(&self) -> Result<Turn> {
        let before = self.refusals.load(Ordering::Acquire);
        let turn = Turn {
            _guard: Arc::clone(&self.lock).lock_owned().await,
            refusals: Arc::clone(&self.refusals),
        };
        if self.refusals.load(Ordering::Acquire) != before {
            return Err(Error::from_kind(ErrorKind::Busy, "migrate"));
        }
        Ok(turn)
    }
}

impl Turn {
    pub(super) fn end(self, outcome: Result<()>) -> Result<()> {
        if matches!(&outcome, Err(error) if error.kind() == ErrorKind::Busy) {
            self.refusals.fetch_add(1, Ordering::Release);
        }
        outcome
    }
}
