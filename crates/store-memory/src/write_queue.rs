//! The queue of writes of one process: lanes of keys behind one lock.

mod lanes;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use store_core::{
    Delivery, DeliveryOutcome, Key, Page, PageRequest, QueuedKey, QueuedWrite, Receipt, Received,
    Result, WriteQueue, WriteQueueOptions, WriteQueueStats, WriteSequence,
};

use self::lanes::Lanes;
use crate::shared::Shared;

/// A queue of writes in the memory of one process, with which they are lost: for tests, and where that is no harm.
/// Clones share it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use store_memory::{Key, MemoryWriteQueue, WriteQueue};
///
/// let queue = MemoryWriteQueue::new();
/// queue.push(&Key::new("books:1")?, "Saga".into()).await?;
/// assert_eq!(queue.stats().await?.writes, 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct MemoryWriteQueue {
    shared: Arc<Shared<Lanes>>,
    options: Arc<WriteQueueOptions>,
}

impl MemoryWriteQueue {
    /// An empty queue with default options.
    #[must_use]
    pub fn new() -> Self {
        Self::with_options(WriteQueueOptions::default())
    }

    /// An empty queue.
    #[must_use]
    pub fn with_options(options: WriteQueueOptions) -> Self {
        Self {
            shared: Arc::default(),
            options: Arc::new(options),
        }
    }

    fn monotonic(&self) -> Duration {
        self.options.clock.monotonic()
    }
}

impl Default for MemoryWriteQueue {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl WriteQueue for MemoryWriteQueue {
    async fn push(&self, key: &Key, value: Bytes) -> Result<WriteSequence> {
        let (wall, now) = (self.options.clock.now(), self.monotonic());
        self.shared.write("push", |lanes| {
            lanes.push(&self.options, key, value, wall, now)
        })
    }

    async fn newest(&self, keys: &[Key]) -> Result<Vec<Option<QueuedWrite>>> {
        self.shared.read("newest", |lanes| {
            keys.iter().map(|key| lanes.newest(key)).collect()
        })
    }

    async fn receive(&self, limit: NonZeroUsize) -> Result<Received> {
        let options = &self.options;
        let now = self.monotonic();
        let receipt = || Receipt::new(options.random.next_u64());
        self.shared.write("receive", |lanes| {
            Ok(lanes.receive(limit, options.lease, receipt, now))
        })
    }

    async fn renew(&self, delivery: &Delivery) -> Result<DeliveryOutcome> {
        let until = self.monotonic().saturating_add(delivery.lease);
        self.shared
            .write("renew", |lanes| Ok(lanes.renew(delivery, until)))
    }

    async fn acknowledge(&self, delivery: &Delivery) -> Result<DeliveryOutcome> {
        let now = self.monotonic();
        self.shared
            .write("acknowledge", |lanes| Ok(lanes.acknowledge(delivery, now)))
    }

    async fn postpone(&self, delivery: &Delivery, pause: Duration) -> Result<DeliveryOutcome> {
        let due = self.monotonic().saturating_add(pause);
        self.shared
            .write("postpone", |lanes| Ok(lanes.postpone(delivery, due)))
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<QueuedKey>> {
        self.shared.read("list", |lanes| lanes.list(page))
    }

    async fn stats(&self) -> Result<WriteQueueStats> {
        self.shared.read("stats", Lanes::stats)
    }
}
