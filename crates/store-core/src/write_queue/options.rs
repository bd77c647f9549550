//! Options of a queue of writes.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, SystemClock};
use crate::random::{Random, SystemRandom};
use crate::time::SECOND;

/// Options of a [`WriteQueue`](super::WriteQueue).
///
/// ```
/// use store_core::WriteQueueOptions;
///
/// let options = WriteQueueOptions::default().with_max_writes(1_000);
/// assert_eq!(options.lease.as_secs(), 10);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WriteQueueOptions {
    /// The most writes that are queued. Default: 10,000.
    pub max_writes: u64,
    /// The most bytes of keys and values that are queued. Default: 64 MiB.
    pub max_bytes: u64,
    /// How long a received write stays leased without a renewal: so long the writes of a process that was killed wait
    /// before another one delivers them. Default: 10 seconds.
    pub lease: Duration,
    /// The clock. Default: the system's.
    pub clock: Arc<dyn Clock>,
    /// The source of receipts. Default: the system's randomness.
    pub random: Arc<dyn Random>,
}

impl Default for WriteQueueOptions {
    fn default() -> Self {
        Self {
            max_writes: 10_000,
            max_bytes: 64 * 1024 * 1024,
            lease: SECOND * 10,
            clock: Arc::new(SystemClock::new()),
            random: Arc::new(SystemRandom),
        }
    }
}

impl WriteQueueOptions {
    /// Sets [`max_writes`](Self::max_writes).
    #[must_use]
    pub fn with_max_writes(mut self, writes: u64) -> Self {
        self.max_writes = writes;
        self
    }

    /// Sets [`max_bytes`](Self::max_bytes).
    #[must_use]
    pub fn with_max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets [`lease`](Self::lease).
    #[must_use]
    pub fn with_lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Sets [`clock`](Self::clock).
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets [`random`](Self::random).
    #[must_use]
    pub fn with_random(mut self, random: impl Random) -> Self {
        self.random = Arc::new(random);
        self
    }
}
