//! The failed loads of this process, and until when each is not tried again.
//!
//! A failure belongs to the value that was to be replaced: if somebody stores another one, that is loaded again when
//! its time comes.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::key::Key;
use crate::time::Timestamp;
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
pub(super) struct Failure {
    /// When the load of the value began that was to be replaced.
    pub(super) replaces: Timestamp,
    /// On the monotonic clock.
    pub(super) until: Duration,
    pub(super) error: LoadError,
}

const FIRST_PURGE: usize = 64;

impl Failures {
    /// Adds a failure; `now` is on the monotonic clock.
    pub(super) fn add(&self, key: Key, failure: Failure, now: Duration) {
        let mut table = self.lock();
        if table.failures.len() >= table.purge_at {
            table.failures.retain(|_, failure| failure.until > now);
            // Twice as many as are left: a purge costs each of those who add a constant.
            table.purge_at = (table.failures.len() * 2).max(FIRST_PURGE);
        }
        table.failures.insert(key, failure);
    }

    /// The failure because of which the value of `key` that was loaded then is not loaded again now.
    pub(super) fn find(&self, key: &Key, loaded_at: Timestamp, now: Duration) -> Option<LoadError> {
        let table = self.lock();
        let failure = table.failures.get(key)?;
        let holds = failure.until > now && failure.replaces == loaded_at;
        holds.then(|| failure.error.clone())
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
            let replaces = Timestamp::from_millis(i64::from(number));
            let failure = Failure {
                replaces,
                until: now + SECOND * 5,
                error: LoadError::new("down"),
            };
            failures.add(key.clone(), failure, now);
            assert!(failures.find(&key, replaces, now + SECOND * 4).is_some());
            assert!(failures.find(&key, replaces, now + SECOND * 5).is_none());
        }
        assert!(failures.lock().failures.len() <= FIRST_PURGE);
    }
}
