//! Uses of values, collected so that not every lookup writes: eviction spares what was used.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use store_core::{Key, Timestamp};

use super::read::Found;
use crate::store::Hit;

/// So many uses are written.
const FLUSH_USES: usize = 500;
/// More are not counted: the file is too slow for them.
const MAX_PENDING: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Uses(Mutex<Vec<Hit>>);

impl Uses {
    /// Adds a lookup of `key`, which found a value or did not.
    pub(super) fn add(&self, key: &Key, found: Option<&Found>, now: Timestamp) {
        let mut pending = self.pending();
        if pending.len() >= MAX_PENDING {
            return;
        }
        pending.push(Hit {
            response: found.map(|found| found.response),
            host: key.scope().unwrap_or_default().to_owned(),
            // Keys are mostly hashes, of which a day has more than are counted each for itself.
            path: "/".to_owned(),
            at: now,
            duration: Duration::ZERO,
            bytes: found.map_or(0, |found| found.entry.value.len() as u64),
        });
    }

    /// Whether there are enough to be written.
    pub(super) fn is_due(&self) -> bool {
        let pending = self.pending().len();
        pending > 0 && pending.is_multiple_of(FLUSH_USES)
    }

    pub(super) fn take(&self) -> Vec<Hit> {
        std::mem::take(&mut *self.pending())
    }

    fn pending(&self) -> MutexGuard<'_, Vec<Hit>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
