//! What the queue of a file promises beyond the suite: names, damage, and a file of bounded size.

use std::num::NonZeroUsize;

use store_core::backend::SeededRandom;
use store_core::{
    DeliveryOutcome, ErrorKind, MINUTE, ManualClock, Random, WriteQueue, WriteQueueOptions,
};
use store_sqlite::{DatabaseOptions, SqliteDatabase, SqliteWriteQueue, check};

use crate::support::{Folder, key};

fn queue(database: &SqliteDatabase, clock: &ManualClock) -> SqliteWriteQueue {
    let options = WriteQueueOptions::default().with_clock(clock.clone());
    SqliteWriteQueue::with_options(database, "books", options)
}

async fn push(queue: &impl WriteQueue, name: &str, value: &[u8]) {
    let pushed = queue.push(&key(name), value.to_vec().into()).await;
    pushed.expect("queued");
}

/// The values of what can be received.
async fn receive(queue: &impl WriteQueue) -> Vec<Vec<u8>> {
    let limit = NonZeroUsize::MIN.saturating_add(9);
    let received = queue.receive(limit).await.expect("an answer");
    let writes = received.deliveries.into_iter().map(|it| it.write);
    writes.map(|write| write.value.to_vec()).collect()
}

#[tokio::test]
async fn queues_of_other_names_are_apart() {
    let folder = Folder::new();
    let database = folder.open().await;
    let (books, films) = (
        SqliteWriteQueue::new(&database, "books"),
        SqliteWriteQueue::new(&database, "films"),
    );
    push(&books, "1", b"a book").await;
    assert_eq!(films.stats().await.expect("counts").writes, 0);
    push(&films, "1", b"a film").await;
    assert_eq!(receive(&films).await, [b"a film"]);
    assert_eq!(receive(&books).await, [b"a book"]);
}

// covers("F64")
#[tokio::test]
async fn a_damaged_write_is_not_delivered_and_not_lost() {
    for damage in [
        "UPDATE queued_writes SET value = x'00' WHERE hash = '1' AND value = CAST('a' AS BLOB)",
        "UPDATE queued_writes SET sequence = sequence - 1 WHERE hash = '1' AND value = CAST('a' AS BLOB)",
        "UPDATE queued_writes SET checksum = 0 WHERE hash = '1'",
    ] {
        let folder = Folder::new();
        let database = folder.open().await;
        let clock = ManualClock::default();
        let queue = queue(&database, &clock);
        push(&queue, "1", b"a").await;
        push(&queue, "1", b"b").await;
        push(&queue, "2", b"c").await;
        assert!(check(&database).await.expect("a report").is_ok());
        let change = database.write(move |tx| Ok(tx.execute_batch(damage)?));
        change.await.expect("a change");

        let mut delivered = Vec::new();
        for _ in 0..2 {
            delivered.extend(receive(&queue).await);
            clock.advance(MINUTE);
        }
        let are_of_the_other = delivered.iter().all(|value| value == b"c");
        assert!(!delivered.is_empty() && are_of_the_other, "{delivered:?}");
        assert_eq!(queue.damaged_writes(), 2);
        assert_eq!(queue.stats().await.expect("counts").writes, 3);
        let report = check(&database).await.expect("a report");
        assert!(report.damaged_writes.iter().all(|key| key == "1"));
        assert!(
            !report.is_ok() && !report.damaged_writes.is_empty(),
            "{report:?}"
        );
    }
}

#[tokio::test]
async fn a_discarded_write_makes_way_and_fences_its_delivery() {
    let folder = Folder::new();
    let queue = queue(&folder.open().await, &ManualClock::default());
    push(&queue, "1", b"never taken").await;
    push(&queue, "1", b"b").await;
    let received = queue.receive(NonZeroUsize::MIN).await.expect("an answer");
    assert!(queue.discard_oldest(&key("1")).await.expect("an answer"));
    let late = queue.acknowledge(&received.deliveries[0]).await;
    assert_eq!(late.expect("an answer"), DeliveryOutcome::Fenced);
    assert_eq!(receive(&queue).await, [b"b"]);
    let stats = queue.stats().await.expect("counts");
    assert_eq!((stats.writes, stats.bytes), (1, 2));
}

#[tokio::test]
async fn a_queue_leaves_space_in_a_file_of_bounded_size() {
    let folder = Folder::new();
    let options = DatabaseOptions::default().with_max_bytes(4 * 1024 * 1024);
    let database = store_sqlite::open_with(folder.file(), options);
    let database = database.await.expect("a database");
    let queue = queue(&database, &ManualClock::default());
    let mut pushed = 0;
    let error = loop {
        match queue.push(&key("1"), vec![7; 50_000].into()).await {
            Ok(_) => pushed += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    assert!(pushed > 20, "{pushed}");
    let limit = NonZeroUsize::MIN;
    for _ in 0..pushed {
        let received = queue.receive(limit).await.expect("an answer");
        let acknowledged = queue.acknowledge(&received.deliveries[0]).await;
        acknowledged.expect("space");
    }
    push(&queue, "1", &vec![7; 50_000]).await;
}

/// A copy of a file from before is put back: later writes still have greater numbers.
#[tokio::test]
async fn numbers_rise_although_an_older_file_was_put_back() {
    let clock = ManualClock::default();
    let mut last = None;
    for _ in 0..3 {
        let folder = Folder::new();
        let database = folder.open().await;
        let queue = queue(&database, &clock);
        for _ in 0..SeededRandom::new(1).next_u64() % 50 {
            push(&queue, "1", b"a").await;
        }
        let sequence = queue.push(&key("1"), "a".into()).await.expect("queued");
        assert!(last < Some(sequence), "{last:?}, then {sequence}");
        last = Some(sequence);
        clock.advance(MINUTE);
    }
}
