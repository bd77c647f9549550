//! Pushes and receipts that the cases share.

use std::num::NonZeroUsize;
use std::sync::Arc;

use store_core::{
    Delivery, ErrorKind, Key, ManualClock, Received, Result, SECOND, WriteQueue, WriteQueueOptions,
    WriteSequence,
};

use crate::WriteQueueHarness;

/// Two handles of one queue, with the clock of both.
pub(super) struct Queues {
    pub(super) one: Arc<dyn WriteQueue>,
    pub(super) other: Arc<dyn WriteQueue>,
    pub(super) clock: ManualClock,
}

pub(super) async fn open(harness: &dyn WriteQueueHarness) -> Result<Queues> {
    open_with(harness, WriteQueueOptions::default()).await
}

/// Leases of 10 seconds.
pub(super) async fn open_with(
    harness: &dyn WriteQueueHarness,
    options: WriteQueueOptions,
) -> Result<Queues> {
    let clock = ManualClock::default();
    let options = options.with_lease(SECOND * 10).with_clock(clock.clone());
    Ok(Queues {
        one: harness.write_queue(options.clone()).await?,
        other: harness.write_queue(options).await?,
        clock,
    })
}

pub(super) fn key(name: &str) -> Result<Key> {
    Key::new(format!("books:{name}"))
}

pub(super) async fn push(
    queue: &Arc<dyn WriteQueue>,
    name: &str,
    value: &'static str,
) -> Result<WriteSequence> {
    queue.push(&key(name)?, value.into()).await
}

pub(super) async fn receive(queue: &Arc<dyn WriteQueue>, limit: usize) -> Result<Received> {
    let limit = NonZeroUsize::new(limit).unwrap_or(NonZeroUsize::MIN);
    queue.receive(limit).await
}

/// The only write that can be received.
pub(super) async fn receive_one(queue: &Arc<dyn WriteQueue>) -> Result<Delivery> {
    let mut deliveries = receive(queue, 10).await?.deliveries;
    assert_eq!(deliveries.len(), 1, "{deliveries:?}");
    Ok(deliveries.remove(0))
}

pub(super) async fn assert_nothing_is_received(queue: &Arc<dyn WriteQueue>) -> Result<()> {
    let received = receive(queue, 10).await?;
    assert_eq!(received.deliveries, []);
    Ok(())
}

/// The kind of the error of a refused write.
pub(super) fn refusal(pushed: Result<WriteSequence>) -> Option<ErrorKind> {
    pushed.err().map(|error| error.kind())
}
