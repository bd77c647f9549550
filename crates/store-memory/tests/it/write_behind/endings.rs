//! A full queue, a flush, a close, and an instance that is dropped.

use store_core::layer::WriteBehind;
use store_memory::{
    CacheStore, CacheStoreExt, ErrorKind, MemoryCacheStore, MemoryWriteQueue, NewEntry, Result,
    SECOND, WriteQueue, WriteQueueOptions,
};

use super::source::Fault;
use super::{Fixture, key};

// covers("D8", "F64")
#[tokio::test]
async fn a_full_queue_refuses_a_write_with_a_remedy_and_nothing_has_changed() -> Result<()> {
    let fixture = Fixture::with_queue(WriteQueueOptions::default().with_max_writes(1));
    fixture.source.hold(true);
    fixture.cache_value("2", "cached").await;
    let store = fixture.start();
    store.write(&key("1"), "new").await?;
    let error = store.write(&key("2"), "refused").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Throttled);
    assert!(error.is_retryable());
    assert!(error.to_string().contains("raise max_writes"), "{error}");
    assert_eq!(store.value(&key("2")).await?.unwrap(), "cached");

    fixture.source.hold(false);
    fixture.until_delivered().await;
    store.write(&key("2"), "accepted").await?;
    fixture.until_delivered().await;
    assert_eq!(fixture.source.taken_values(), ["new", "accepted"]);
    Ok(())
}

#[tokio::test]
async fn a_flush_ends_when_everything_is_delivered_or_its_time_is_over() -> Result<()> {
    let fixture = Fixture::new();
    fixture.source.hold(true);
    let store = fixture.start();
    store.write(&key("1"), "a").await?;
    store.write(&key("1"), "b").await?;
    let flush = || {
        let store = store.clone();
        tokio::spawn(async move { store.flush(SECOND).await })
    };
    let early = flush();
    fixture.until(async || early.is_finished()).await;
    assert_eq!(early.await.unwrap()?, 2);
    fixture.source.hold(false);
    let flushed = flush();
    fixture.until(async || flushed.is_finished()).await;
    assert_eq!(flushed.await.unwrap()?, 0);
    assert_eq!(fixture.source.taken_values(), ["a", "b"]);
    Ok(())
}

// covers("D8", "F64")
#[tokio::test]
async fn a_close_delivers_what_is_queued_and_refuses_later_writes() -> Result<()> {
    let fixture = Fixture::new();
    fixture.source.fail([Fault::Error; 2]);
    let store = fixture.start();
    for name in ["1", "2", "3"] {
        store.write(&key(name), "new").await?;
    }
    let closing = tokio::spawn({
        let store = store.clone();
        async move { store.close().await }
    });
    fixture.until(async || closing.is_finished()).await;
    closing.await.unwrap()?;
    assert_eq!(fixture.source.taken().len(), 3);
    let error = store.write(&key("1"), "late").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert_eq!(fixture.queued("1").await, None);
    store.close().await
}

// covers("D8", "F64")
#[tokio::test]
async fn what_a_close_leaves_is_delivered_by_the_next_start() -> Result<()> {
    let fixture = Fixture::new();
    fixture.source.hold(true);
    let store = fixture.start();
    store.write(&key("1"), "kept").await?;
    let closed = store.clone();
    let closing = tokio::spawn(async move { store.close().await });
    fixture.until(async || closing.is_finished()).await;
    closing.await.unwrap()?;
    assert!(fixture.queued("1").await.is_some());
    let kinds = [
        closed.get(&key("1")).await.err(),
        closed.get_many(&[key("1")]).await.err(),
        closed
            .set(NewEntry::unconditional(key("1"), "late"))
            .await
            .err(),
    ];
    let kinds = kinds.map(|error| error.map(|error| error.kind()));
    assert_eq!(kinds, [Some(ErrorKind::Closed); 3]);

    fixture.source.hold(false);
    let cache = MemoryCacheStore::new();
    let source = fixture.source.clone();
    let target = move |delivery| source.clone().take(delivery);
    let options = fixture.options();
    let _next = WriteBehind::start_with(cache, fixture.queue.clone(), options, target)?;
    fixture.until_delivered().await;
    assert_eq!(fixture.source.taken_values(), ["kept"]);
    Ok(())
}

#[tokio::test]
async fn deliveries_end_with_the_last_clone() -> Result<()> {
    let fixture = Fixture::new();
    fixture.source.hold(true);
    let store = fixture.start();
    let clone = store.clone();
    store.write(&key("1"), "kept").await?;
    fixture.until(async || fixture.source.begun() == 1).await;
    drop(store);
    drop(clone);
    fixture.source.hold(false);
    for _ in 0..50 {
        tokio::task::yield_now().await;
        fixture.clock.advance(SECOND);
    }
    assert_eq!(fixture.source.taken_values(), [""; 0]);
    assert_eq!(fixture.queue.stats().await?.writes, 1);
    Ok(())
}

#[test]
fn without_a_runtime_nothing_is_started() {
    let target = async |_| Ok(());
    let started = WriteBehind::start(MemoryCacheStore::new(), MemoryWriteQueue::new(), target);
    let error = started.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
}
