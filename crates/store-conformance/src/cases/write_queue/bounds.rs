//! Bounds of the queue, listings and counts.

use store_core::{Clock, ErrorKind, PageRequest, Result, SECOND, WriteQueueOptions};

use super::fixture::{key, open, open_with, push, receive_one, refusal};
use crate::WriteQueueHarness;

/// Two writes, and 20 bytes of keys and values.
fn small() -> WriteQueueOptions {
    WriteQueueOptions::default()
        .with_max_writes(2)
        .with_max_bytes(20)
}

pub async fn full_queue_refuses_a_write_and_changes_nothing(
    harness: &dyn WriteQueueHarness,
) -> Result<()> {
    let queues = open_with(harness, small()).await?;
    push(&queues.one, "1", "123").await?;
    // 10 bytes and 11 are more than 20.
    let refused = push(&queues.one, "2", "1234").await;
    assert_eq!(refusal(refused), Some(ErrorKind::Throttled));
    push(&queues.one, "2", "").await?;
    let refused = push(&queues.other, "1", "").await;
    assert_eq!(refusal(refused), Some(ErrorKind::Throttled));

    let stats = queues.one.stats().await?;
    assert_eq!((stats.writes, stats.bytes), (2, 17));
    let newest = queues.one.newest(&[key("1")?]).await?.remove(0);
    assert_eq!(newest.map(|write| write.value), Some("123".into()));
    Ok(())
}

pub async fn full_queue_has_room_after_an_acknowledgement(
    harness: &dyn WriteQueueHarness,
) -> Result<()> {
    let queues = open_with(harness, small()).await?;
    push(&queues.one, "1", "a").await?;
    push(&queues.one, "1", "b").await?;
    assert!(push(&queues.one, "1", "c").await.is_err());
    let delivery = receive_one(&queues.one).await?;
    assert!(push(&queues.one, "1", "c").await.is_err());
    queues.one.acknowledge(&delivery).await?;
    push(&queues.one, "1", "c").await?;
    Ok(())
}

pub async fn write_larger_than_the_queue_is_refused(harness: &dyn WriteQueueHarness) -> Result<()> {
    let queues = open_with(harness, small()).await?;
    let refused = push(&queues.one, "1", "more than twenty bytes").await;
    assert_eq!(refusal(refused), Some(ErrorKind::InvalidInput));
    assert_eq!(queues.one.stats().await?.writes, 0);
    Ok(())
}

pub async fn keys_of_queued_writes_are_listed_page_by_page(
    harness: &dyn WriteQueueHarness,
) -> Result<()> {
    let queues = open(harness).await?;
    push(&queues.one, "1", "a").await?;
    receive_one(&queues.one).await?;
    let oldest_at = queues.clock.now();
    queues.clock.advance(SECOND);
    push(&queues.one, "1", "b").await?;
    push(&queues.one, "3", "c").await?;
    push(&queues.one, "2", "d").await?;

    let first = queues
        .other
        .list(&PageRequest::default().with_limit(2))
        .await?;
    let described = |it: &store_core::QueuedKey| (it.key.to_string(), it.writes, it.attempts);
    let found: Vec<_> = first.items.iter().map(described).collect();
    assert_eq!(found, [("books:1".into(), 2, 1), ("books:2".into(), 1, 0)]);
    assert_eq!(first.items[0].oldest_at, oldest_at);
    let after = first.next.unwrap_or_default();
    let rest = queues
        .other
        .list(&PageRequest::default().with_after(after))
        .await?;
    let found: Vec<_> = rest.items.iter().map(described).collect();
    assert_eq!(found, [("books:3".into(), 1, 0)]);
    assert_eq!(rest.next, None);
    Ok(())
}

pub async fn queued_writes_are_counted(harness: &dyn WriteQueueHarness) -> Result<()> {
    let queues = open(harness).await?;
    let none = queues.one.stats().await?;
    assert_eq!((none.writes, none.bytes, none.oldest_at), (0, 0, None));
    push(&queues.one, "1", "abc").await?;
    let oldest_at = queues.clock.now();
    queues.clock.advance(SECOND);
    push(&queues.one, "1", "").await?;
    let counted = queues.other.stats().await?;
    assert_eq!((counted.writes, counted.bytes), (2, 17));
    assert_eq!(
        (counted.oldest_at, counted.failing_keys),
        (Some(oldest_at), 0)
    );

    let delivery = receive_one(&queues.one).await?;
    assert_eq!(queues.one.stats().await?.failing_keys, 0);
    queues.one.postpone(&delivery, SECOND).await?;
    assert_eq!(queues.one.stats().await?.failing_keys, 1);
    queues.clock.advance(SECOND);
    let again = receive_one(&queues.one).await?;
    assert_eq!(queues.one.stats().await?.failing_keys, 1);
    queues.one.acknowledge(&again).await?;
    let counted = queues.one.stats().await?;
    assert_eq!(
        (counted.writes, counted.bytes, counted.failing_keys),
        (1, 7, 0)
    );
    assert_eq!(counted.oldest_at, Some(oldest_at + SECOND));
    Ok(())
}
