//! The failed loads of this process, and until when each is not tried again.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::key::Key;
use crate::typed::LoadError;

/// Failed loads by key; those that may be tried again are removed as others come.
#[derive(Debug, Default)]
pub(super) struct Failures {
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    failures: HashMap<Key, Failure>,
    /// The number of failures at which those that are over are removed.
    purge_at: usize,
}

#[derive(Debug)]
struct Failure {
    /// On the monotonic clock.
    until: Duration,
    error: LoadError,
}

const FIRST_PURGE: usize = 64;

impl Failures {
    /// Adds a failure that is over at `until` on the monotonic clock.
    pub(super) fn add(&self, key: Key, error: LoadError, now: Duration, until: Duration) {
        let mut table = self.lock();
        if table.failures.len() >= table.purge_at {
            table.failures.retain(|_, failure| failure.until > now);
            // Twice as many as are left: a purge costs each of those who add a constant.
            table.purge_at = (table.failures.len() * 2).max(FIRST_PURGE);
        }
        table.failures.insert(key, Failure { until, error });
    }

    pub(super) fn remove(&self, key: &Key) {
        self.lock().failures.remove(key);
    }

    /// The failure because of which `key` is not loaded now.
    pub(super) fn find(&self, key: &Key, now: Duration) -> Option<LoadError> {
        let table = self.lock();
        let failure = table.failures.get(key)?;
        (failure.until > now).then(|| failure.error.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SECOND;

    #[test]
    fn failures_that_are_over_do_not_accumulate() {
        let failures = Failures::default();
        for number in 0..10_000 {
            let now = SECOND * number;
            let key = Key::new(format!("comics:{number}")).unwrap();
            failures.add(key.clone(), LoadError::new("down"), now, now + SECOND * 5);
            assert!(failures.find(&key, now + SECOND * 4).is_some());
            assert!(failures.find(&key, now + SECOND * 5).is_none());
        }
        assert!(failures.lock().failures.len() <= FIRST_PURGE);
    }
}
