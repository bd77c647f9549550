//! Leases of deliveries, and pauses after them.

use std::sync::Arc;

use store_core::{Clock, DeliveryOutcome, HOUR, Result, SECOND};

use super::fixture::{assert_nothing_is_received, open, push, receive, receive_one};
use crate::WriteQueueHarness;
use crate::run::run_concurrently;

pub async fn write_under_delivery_is_received_by_nobody_else(
    harness: &dyn WriteQueueHarness,
) -> Result<()> {
    let queues = open(harness).await?;
    push(&queues.one, "1", "a").await?;
    let _delivery = receive_one(&queues.one).await?;
    push(&queues.one, "1", "b").await?;
    queues.clock.advance(SECOND * 9);
    for queue in [&queues.one, &queues.other] {
        let received = receive(queue, 10).await?;
        assert_eq!(
            (received.deliveries, received.next_in),
            (vec![], Some(SECOND))
        );
    }
    Ok(())
}

pub async fn one_of_many_receivers_gets_a_write(harness: &dyn WriteQueueHarness) -> Result<()> {
    let queues = open(harness).await?;
    for name in ["1", "2", "3"] {
        push(&queues.one, name, "a").await?;
    }
    let handles = [&queues.one, &queues.other].into_iter().cycle().take(16);
    let tasks = handles.map(|queue| {
        let queue = Arc::clone(queue);
        async move { receive(&queue, 2).await }
    });
    let received = run_concurrently(tasks.collect::<Vec<_>>()).await?;
    let deliveries = received.into_iter().flat_map(|it| it.deliveries);
    let mut keys: Vec<_> = deliveries.map(|it| it.write.key.to_string()).collect();
    keys.sort();
    assert_eq!(keys, ["books:1", "books:2", "books:3"]);
    Ok(())
}

pub async fn lapsed_delivery_is_received_again_and_fenced(
    harness: &dyn WriteQueueHarness,
) -> Result<()> {
    let queues = open(harness).await?;
    push(&queues.one, "1", "a").await?;
    push(&queues.one, "1", "b").await?;
    let lapsed = receive_one(&queues.one).await?;
    queues.clock.advance(SECOND * 10);
    let current = receive_one(&queues.other).await?;
    assert_eq!(current.write, lapsed.write);

    let fenced = DeliveryOutcome::Fenced;
    assert_eq!(queues.one.renew(&lapsed).await?, fenced);
    assert_eq!(queues.one.postpone(&lapsed, HOUR).await?, fenced);
    assert_eq!(queues.one.acknowledge(&lapsed).await?, fenced);
    assert_nothing_is_received(&queues.one).await?;

    assert_eq!(
        queues.other.acknowledge(&current).await?,
        DeliveryOutcome::Done
    );
    assert_eq!(queues.other.acknowledge(&current).await?, fenced);
    assert_eq!(receive_one(&queues.one).await?.write.value, "b");
    // The next write of the key is another delivery.
    assert_eq!(queues.other.acknowledge(&current).await?, fenced);
    assert_eq!(queues.one.stats().await?.writes, 1);
    Ok(())
}

pub async fn lapsed_delivery_that_nobody_received_can_be_acknowledged(
    harness: &dyn WriteQueueHarness,
) -> Result<()> {
    let queues = open(harness).await?;
    push(&queues.one, "1", "a").await?;
    let lapsed = receive_one(&queues.one).await?;
    queues.clock.advance(SECOND * 30);
    assert_eq!(
        queues.one.acknowledge(&lapsed).await?,
        DeliveryOutcome::Done
    );
    assert_nothing_is_received(&queues.other).await
}

pub async fn renewal_keeps_the_lease(harness: &dyn WriteQueueHarness) -> Result<()> {
    let queues = open(harness).await?;
    push(&queues.one, "1", "a").await?;
    let delivery = receive_one(&queues.one).await?;
    for _ in 0..3 {
        queues.clock.advance(SECOND * 9);
        assert_nothing_is_received(&queues.other).await?;
        assert_eq!(queues.one.renew(&delivery).await?, DeliveryOutcome::Done);
    }
    queues.clock.advance(SECOND * 10);
    receive_one(&queues.other).await?;
    Ok(())
}

pub async fn postponed_write_returns_after_its_pause_and_before_later_ones(
    harness: &dyn WriteQueueHarness,
) -> Result<()> {
    let queues = open(harness).await?;
    push(&queues.one, "1", "a").await?;
    push(&queues.one, "1", "b").await?;
    let delivery = receive_one(&queues.one).await?;
    let postponed = queues.one.postpone(&delivery, SECOND * 30).await?;
    assert_eq!(postponed, DeliveryOutcome::Done);
    assert_eq!(
        queues.one.acknowledge(&delivery).await?,
        DeliveryOutcome::Fenced
    );
    queues.clock.advance(SECOND * 29);
    let received = receive(&queues.other, 10).await?;
    assert_eq!(
        (received.deliveries, received.next_in),
        (vec![], Some(SECOND))
    );
    queues.clock.advance(SECOND);
    assert_eq!(receive_one(&queues.other).await?.write.value, "a");
    Ok(())
}

pub async fn attempts_are_counted_for_each_write(harness: &dyn WriteQueueHarness) -> Result<()> {
    let queues = open(harness).await?;
    push(&queues.one, "1", "a").await?;
    push(&queues.one, "1", "b").await?;
    let mut attempts = Vec::new();
    // Given back, lapsed, acknowledged.
    let first = receive_one(&queues.one).await?;
    queues.one.postpone(&first, SECOND).await?;
    queues.clock.advance(SECOND);
    let second = receive_one(&queues.other).await?;
    queues.clock.advance(SECOND * 10);
    let third = receive_one(&queues.one).await?;
    queues.one.acknowledge(&third).await?;
    let next = receive_one(&queues.one).await?;
    attempts.extend([first, second, third, next].map(|it| it.attempt));
    assert_eq!(attempts, [1, 2, 3, 1]);
    Ok(())
}

pub async fn clock_set_back_holds_up_no_key(harness: &dyn WriteQueueHarness) -> Result<()> {
    let queues = open(harness).await?;
    push(&queues.one, "leased", "a").await?;
    receive_one(&queues.one).await?;
    push(&queues.one, "postponed", "b").await?;
    let delivery = receive_one(&queues.one).await?;
    queues.one.postpone(&delivery, SECOND * 5).await?;
    push(&queues.one, "due", "c").await?;

    queues.clock.set_wall(queues.clock.now() - HOUR);
    // Calls that change nothing.
    for _ in 0..2 {
        let late = queues.one.acknowledge(&delivery).await?;
        assert_eq!(late, DeliveryOutcome::Fenced);
    }
    assert_eq!(receive_one(&queues.other).await?.write.value, "c");
    queues.clock.advance(SECOND * 5);
    assert_eq!(receive_one(&queues.other).await?.write.value, "b");
    queues.clock.advance(SECOND * 5);
    let received = receive(&queues.one, 10).await?;
    let values: Vec<_> = received
        .deliveries
        .iter()
        .map(|it| &it.write.value[..])
        .collect();
    assert!(values.contains(&&b"a"[..]), "{values:?}");
    Ok(())
}
