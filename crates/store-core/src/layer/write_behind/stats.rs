//! Counts of writes and their deliveries.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::time::Timestamp;
use crate::write_queue::WriteQueueStats;

/// Counts of what waits in a queue, and of what one instance has delivered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WriteBehindStats {
    /// What the queue holds, whoever has accepted it.
    pub queue: WriteQueueStats,
    /// How long the oldest write of the queue has waited; zero if it is empty.
    pub oldest_age: Duration,
    /// Writes that this instance has accepted.
    pub accepted: u64,
    /// Writes that this instance has delivered and acknowledged.
    pub delivered: u64,
    /// Deliveries by this instance that have failed, each attempt counted.
    pub failed: u64,
    /// Deliveries by this instance whose lease was lost to another process.
    pub fenced: u64,
}

/// The counters of an instance.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) accepted: Counter,
    pub(super) delivered: Counter,
    pub(super) failed: Counter,
    pub(super) fenced: Counter,
}

#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Counters {
    pub(super) fn with_queue(&self, queue: WriteQueueStats, now: Timestamp) -> WriteBehindStats {
        WriteBehindStats {
            queue,
            oldest_age: queue.oldest_at.map_or(Duration::ZERO, |at| now.since(at)),
            accepted: self.accepted.get(),
            delivered: self.delivered.get(),
            failed: self.failed.get(),
            fenced: self.fenced.get(),
        }
    }
}
