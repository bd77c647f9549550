//! Uses of stored responses, collected so that not every hit writes.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use store_core::SECOND;

use crate::store::Hit;

/// So many pending hits are written.
const FLUSH_HITS: usize = 500;
/// Hits are written this time after the first of them.
pub(super) const FLUSH_INTERVAL: Duration = SECOND.saturating_mul(5);
/// More pending hits are not counted: the store is too slow for them.
const MAX_PENDING: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Hits {
    pending: Mutex<Vec<Hit>>,
    /// Held while hits are written.
    pub(super) flushing: tokio::sync::Mutex<()>,
}

/// When pending hits are to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Due {
    Now,
    /// After [`FLUSH_INTERVAL`].
    Later,
    /// With the first of those that are pending.
    WithFirst,
}

impl Hits {
    /// Adds a hit. When it is to be written.
    pub(super) fn add(&self, hit: Hit) -> Due {
        let mut pending = self.pending();
        if pending.len() < MAX_PENDING {
            pending.push(hit);
        }
        match pending.len() {
            1 => Due::Later,
            FLUSH_HITS.. => Due::Now,
            _ => Due::WithFirst,
        }
    }

    pub(super) fn take(&self) -> Vec<Hit> {
        std::mem::take(&mut *self.pending())
    }

    fn pending(&self) -> MutexGuard<'_, Vec<Hit>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use store_core::Timestamp;

    use super::*;

    fn hit() -> Hit {
        Hit {
            response: None,
            host: "example.org".to_owned(),
            path: "/".to_owned(),
            at: Timestamp::default(),
            duration: Duration::ZERO,
            bytes: 0,
        }
    }

    #[test]
    fn hits_are_due_by_number_or_some_time_after_the_first() {
        let hits = Hits::default();
        assert_eq!(hits.add(hit()), Due::Later);
        for _ in 2..FLUSH_HITS {
            assert_eq!(hits.add(hit()), Due::WithFirst);
        }
        assert_eq!(hits.add(hit()), Due::Now);
        assert_eq!(hits.take().len(), FLUSH_HITS);
        assert_eq!(hits.add(hit()), Due::Later);
    }

    #[test]
    fn pending_hits_are_bounded() {
        let hits = Hits::default();
        for _ in 0..=MAX_PENDING {
            hits.add(hit());
        }
        assert_eq!(hits.take().len(), MAX_PENDING);
    }
}
