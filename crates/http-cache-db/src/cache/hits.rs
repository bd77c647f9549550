//! Uses of stored responses, collected so that not every hit writes.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use store_core::SECOND;

use crate::store::Hit;

/// So many pending hits are written.
const FLUSH_HITS: usize = 500;
/// Hits are written at the next one after this time.
const FLUSH_INTERVAL: Duration = SECOND.saturating_mul(5);
/// More pending hits are not counted: the store is too slow for them.
const MAX_PENDING: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Hits {
    pending: Mutex<Pending>,
    /// Held while hits are written.
    pub(super) flushing: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Pending {
    hits: Vec<Hit>,
    flushed_at: Duration,
}

impl Hits {
    /// Adds a hit; `now` is monotonic. Whether it is time to write.
    pub(super) fn add(&self, hit: Hit, now: Duration) -> bool {
        let mut pending = self.pending();
        if pending.hits.len() < MAX_PENDING {
            pending.hits.push(hit);
        }
        let waited = now.saturating_sub(pending.flushed_at);
        pending.hits.len() >= FLUSH_HITS || waited >= FLUSH_INTERVAL
    }

    pub(super) fn take(&self, now: Duration) -> Vec<Hit> {
        let mut pending = self.pending();
        pending.flushed_at = now;
        std::mem::take(&mut pending.hits)
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
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
    fn hits_are_due_by_number_or_time() {
        let hits = Hits::default();
        for _ in 1..FLUSH_HITS {
            assert!(!hits.add(hit(), SECOND));
        }
        assert!(hits.add(hit(), SECOND));
        assert_eq!(hits.take(SECOND).len(), FLUSH_HITS);
        assert!(!hits.add(hit(), SECOND * 5));
        assert!(hits.add(hit(), SECOND * 6));
    }

    #[test]
    fn pending_hits_are_bounded() {
        let hits = Hits::default();
        for _ in 0..=MAX_PENDING {
            hits.add(hit(), SECOND);
        }
        assert_eq!(hits.take(SECOND).len(), MAX_PENDING);
    }
}
