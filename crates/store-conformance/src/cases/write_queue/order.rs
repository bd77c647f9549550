//! What is received, and in which order.

use store_core::{Clock, DeliveryOutcome, HOUR, Result, SECOND};

use super::fixture::{assert_nothing_is_received, key, open, push, receive, receive_one};
use crate::WriteQueueHarness;

pub async fn write_stays_until_it_is_acknowledged(harness: &dyn WriteQueueHarness) -> Result<()> {
    let queues = open(harness).await?;
    let sequence = push(&queues.one, "1", "Saga").await?;
    let delivery = receive_one(&queues.other).await?;
    assert_eq!(delivery.write.key, key("1")?);
    assert_eq!(delivery.write.sequence, sequence);
    assert_eq!(delivery.write.value, "Saga");
    assert_eq!(queues.one.stats().await?.writes, 1);

    let outcome = queues.other.acknowledge(&delivery).await?;
    assert_eq!(outcome, DeliveryOutcome::Done);
    assert_eq!(queues.one.stats().await?.writes, 0);
    queues.clock.advance(SECOND * 60);
    let received = receive(&queues.one, 10).await?;
    assert_eq!((received.deliveries, received.next_in), (vec![], None));
    Ok(())
}

pub async fn writes_of_a_key_are_received_in_their_order(
    harness: &dyn WriteQueueHarness,
) -> Result<()> {
    let queues = open(harness).await?;
    for (handle, value) in [
        (&queues.one, "1"),
        (&queues.other, "2"),
        (&queues.one, "3"),
        (&queues.one, "3"),
    ] {
        push(handle, "1", value).await?;
    }
    let (mut values, mut sequences) = (Vec::new(), Vec::new());
    for _ in 0..4 {
        let delivery = receive_one(&queues.other).await?;
        queues.other.acknowledge(&delivery).await?;
        sequences.push(delivery.write.sequence);
        values.push(delivery.write.value);
    }
    assert_eq!(values, ["1", "2", "3", "3"]);
    assert!(
        sequences.is_sorted_by(|one, next| one < next),
        "{sequences:?}"
    );
    assert_nothing_is_received(&queues.one).await
}

pub async fn keys_do_not_wait_for_each_other(harness: &dyn WriteQueueHarness) -> Result<()> {
    let queues = open(harness).await?;
    push(&queues.one, "1", "a").await?;
    let stuck = receive_one(&queues.one).await?;
    for value in ["b", "c"] {
        push(&queues.one, "2", value).await?;
        let delivery = receive_one(&queues.one).await?;
        assert_eq!(delivery.write.value, value);
        queues.one.acknowledge(&delivery).await?;
    }
    queues.one.acknowledge(&stuck).await?;
    assert_eq!(queues.one.stats().await?.writes, 0);
    Ok(())
}

pub async fn those_that_have_waited_longest_are_received_first(
    harness: &dyn WriteQueueHarness,
) -> Result<()> {
    let queues = open(harness).await?;
    for name in ["3", "1", "2"] {
        push(&queues.one, name, "a").await?;
        queues.clock.advance(SECOND);
    }
    let mut names = Vec::new();
    for _ in 0..3 {
        let received = receive(&queues.one, 1).await?;
        names.extend(received.deliveries.into_iter().map(|it| it.write.key));
    }
    assert_eq!(names, [key("3")?, key("1")?, key("2")?]);
    Ok(())
}

pub async fn numbers_rise_after_the_queue_was_empty(harness: &dyn WriteQueueHarness) -> Result<()> {
    let queues = open(harness).await?;
    let first = push(&queues.one, "1", "a").await?;
    let delivery = receive_one(&queues.one).await?;
    queues.one.acknowledge(&delivery).await?;
    queues.clock.set_wall(queues.clock.now() - HOUR);
    let second = push(&queues.other, "1", "b").await?;
    assert!(second > first, "{second} after {first}");
    Ok(())
}

pub async fn newest_write_of_a_key_is_found(harness: &dyn WriteQueueHarness) -> Result<()> {
    let queues = open(harness).await?;
    push(&queues.one, "1", "a").await?;
    let sequence = push(&queues.one, "1", "b").await?;
    push(&queues.one, "2", "c").await?;
    let keys = [key("2")?, key("3")?, key("1")?];
    let newest = async || {
        let found = queues.other.newest(&keys).await?;
        let values = found.into_iter().map(|write| Some(write?.value));
        Ok::<_, store_core::Error>(values.collect::<Vec<_>>())
    };
    let value = |text: &'static str| Some(text.into());
    assert_eq!(newest().await?, [value("c"), None, value("b")]);
    let found = queues.one.newest(&[key("1")?]).await?.remove(0);
    assert_eq!(found.map(|write| write.sequence), Some(sequence));

    // Under delivery it is still queued.
    for _ in 0..2 {
        for delivery in receive(&queues.one, 10).await?.deliveries {
            assert!(newest().await?[2].is_some());
            queues.one.acknowledge(&delivery).await?;
        }
    }
    assert_eq!(newest().await?, [None, None, None]);
    Ok(())
}

pub async fn empty_value_is_queued(harness: &dyn WriteQueueHarness) -> Result<()> {
    let queues = open(harness).await?;
    push(&queues.one, "1", "").await?;
    assert_eq!(receive_one(&queues.one).await?.write.value, "");
    Ok(())
}
