//! The contract of a queue of writes: kept until they were delivered, in order per key.

mod bounds;
mod options;

use std::fmt;
use std::num::NonZeroUsize;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

pub use bounds::{ensure_room, next_sequence};
pub use options::WriteQueueOptions;

use crate::error::Result;
use crate::key::Key;
use crate::page::{Page, PageRequest};
use crate::time::Timestamp;

/// Writes that have been accepted and not delivered yet, shared by everyone who opens the same queue.
///
/// Every method is atomic. A write stays until its delivery is acknowledged: it is delivered at least once. Of each key
/// one write at a time is under delivery, the oldest, and the next one follows after its acknowledgement.
///
/// Applications use it through [`layer::WriteBehind`](crate::layer::WriteBehind).
///
/// Every method can fail with the kinds of a backend that does not work: `Busy`, `Timeout`, `Unavailable`,
/// `CircuitOpen`, `Corrupt`, `SchemaNewer`, `SchemaMissing`, `ReadOnly`, `StorageFull`, `Closed`. `# Errors` names
/// further kinds.
#[async_trait]
pub trait WriteQueue: fmt::Debug + Send + Sync + 'static {
    /// Appends a write of `key`.
    ///
    /// # Behavior
    /// - its number is greater than that of every earlier write of the key, delivered ones included;
    /// - no room: `Throttled`, and nothing changes.
    ///
    /// # Errors
    /// `Throttled` if the queue holds as much as its options allow; `InvalidInput` if the write alone is more.
    async fn push(&self, key: &Key, value: Bytes) -> Result<WriteSequence>;

    /// The newest write of each of `keys`, in their order; `None` where nothing is queued.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn newest(&self, keys: &[Key]) -> Result<Vec<Option<QueuedWrite>>>;

    /// Leases the oldest writes of at most `limit` keys, to be delivered.
    ///
    /// # Behavior
    /// - a key whose oldest write is leased or postponed: left out until the lease or the pause is over;
    /// - a lease that has lapsed: the write is received again, and calls for the earlier delivery are fenced;
    /// - of concurrent callers exactly one receives a write;
    /// - more keys than `limit`: those that have waited longest.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn receive(&self, limit: NonZeroUsize) -> Result<Received>;

    /// Prolongs the lease of a delivery: it begins anew.
    ///
    /// # Behavior
    /// - received again by another, or acknowledged: [`DeliveryOutcome::Fenced`], nothing changes.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn renew(&self, delivery: &Delivery) -> Result<DeliveryOutcome>;

    /// Removes a write that was delivered; the next one of its key can be received at once.
    ///
    /// # Behavior
    /// - received again by another, or acknowledged: [`DeliveryOutcome::Fenced`], nothing changes.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn acknowledge(&self, delivery: &Delivery) -> Result<DeliveryOutcome>;

    /// Gives back a write that was not delivered: it is received again after `pause`.
    ///
    /// # Behavior
    /// - received again by another, or acknowledged: [`DeliveryOutcome::Fenced`], nothing changes.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn postpone(&self, delivery: &Delivery, pause: Duration) -> Result<DeliveryOutcome>;

    /// Lists the keys of queued writes.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn list(&self, page: &PageRequest) -> Result<Page<QueuedKey>>;

    /// Counts what is queued.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn stats(&self) -> Result<WriteQueueStats>;
}

/// The number of a write. It rises with every write of a key, also over restarts, with gaps: a target that keeps the
/// number of the last write that it took refuses what is not greater, and takes no write twice.
///
/// After the queue itself was lost, such as a queue in memory or a file that an older one replaced, numbers rise as far as the
/// clock has not been set back meanwhile: they begin with its microseconds.
///
/// ```
/// use store_core::WriteSequence;
/// assert!(WriteSequence::new(7) < WriteSequence::new(9));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriteSequence(u64);

impl WriteSequence {
    /// The number as a backend stored it.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number, below 2⁶³.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for WriteSequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A write that waits for its delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueuedWrite {
    /// The key that was written.
    pub key: Key,
    /// Its number.
    pub sequence: WriteSequence,
    /// The bytes that were written.
    pub value: Bytes,
    /// When it was accepted.
    pub queued_at: Timestamp,
}

impl QueuedWrite {
    /// A write that waits for its delivery.
    #[must_use]
    pub const fn new(
        key: Key,
        sequence: WriteSequence,
        value: Bytes,
        queued_at: Timestamp,
    ) -> Self {
        Self {
            key,
            sequence,
            value,
            queued_at,
        }
    }
}

/// A write that was received to be delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Delivery {
    /// What is delivered.
    pub write: QueuedWrite,
    /// How often this write was received, this time included: 1 at first.
    pub attempt: u32,
    /// How long nobody else receives it, without a renewal.
    pub lease: Duration,
    /// By which the queue knows this delivery from others of the same write.
    pub receipt: Receipt,
}

impl Delivery {
    /// A write that was received.
    #[must_use]
    pub const fn new(write: QueuedWrite, attempt: u32, lease: Duration, receipt: Receipt) -> Self {
        Self {
            write,
            attempt,
            lease,
            receipt,
        }
    }
}

/// The fence of a [`Delivery`], drawn at random.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Receipt(u64);

impl Receipt {
    /// The receipt with this content, for backends.
    #[must_use]
    pub const fn new(content: u64) -> Self {
        Self(content)
    }

    /// Its content, for backends.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// The answer of [`WriteQueue::receive`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received {
    /// The writes, each of another key.
    pub deliveries: Vec<Delivery>,
    /// How long it is until a lease or a pause is over, as far as is known; `None` if nothing else is queued.
    pub next_in: Option<Duration>,
}

impl Received {
    /// The writes, and how long it is until there may be more.
    #[must_use]
    pub const fn new(deliveries: Vec<Delivery>, next_in: Option<Duration>) -> Self {
        Self {
            deliveries,
            next_in,
        }
    }
}

/// The result of a call for a [`Delivery`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// The delivery had the write, and the call took effect.
    Done,
    /// Somebody else received the write, or it was acknowledged: nothing changed.
    Fenced,
}

/// A key with queued writes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueuedKey {
    /// The key.
    pub key: Key,
    /// How many writes of it are queued.
    pub writes: u64,
    /// When the oldest of them was accepted.
    pub oldest_at: Timestamp,
    /// How often the oldest was received: 2 or more if its delivery fails.
    pub attempts: u32,
}

impl QueuedKey {
    /// A key with queued writes.
    #[must_use]
    pub const fn new(key: Key, writes: u64, oldest_at: Timestamp, attempts: u32) -> Self {
        Self {
            key,
            writes,
            oldest_at,
            attempts,
        }
    }
}

/// Counts of what is queued.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct WriteQueueStats {
    /// Writes that are not acknowledged.
    pub writes: u64,
    /// Their bytes: keys and values.
    pub bytes: u64,
    /// Keys whose oldest write was received and given back, or received several times: its delivery fails.
    pub failing_keys: u64,
    /// When the oldest write was accepted, if there is one.
    pub oldest_at: Option<Timestamp>,
}

impl WriteQueueStats {
    /// Counts of writes and their bytes.
    #[must_use]
    pub const fn new(writes: u64, bytes: u64) -> Self {
        Self {
            writes,
            bytes,
            failing_keys: 0,
            oldest_at: None,
        }
    }

    /// Sets how many keys fail, and when the oldest write was accepted.
    #[must_use]
    pub const fn with_keys(mut self, failing_keys: u64, oldest_at: Option<Timestamp>) -> Self {
        self.failing_keys = failing_keys;
        self.oldest_at = oldest_at;
        self
    }
}
