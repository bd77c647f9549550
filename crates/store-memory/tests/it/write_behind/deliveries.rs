//! Deliveries: in order per key, again after a failure, by one instance at a time.

use std::num::NonZeroUsize;
use std::time::Duration;

use store_memory::{CacheStoreExt, ErrorKind, HOUR, MINUTE, Result, SECOND, WriteQueue};

use super::source::Fault;
use super::{Fixture, key};

// covers("D8", "F64")
#[tokio::test]
async fn writes_of_a_key_arrive_in_their_order_although_deliveries_fail() -> Result<()> {
    let fixture = Fixture::new();
    fixture.source.fail([Fault::Error; 5]);
    let store = fixture.start();
    for value in ["1", "2", "3", "4"] {
        store.write(&key("1"), value).await?;
    }
    fixture.until_delivered().await;
    assert_eq!(fixture.source.taken_values(), ["1", "2", "3", "4"]);
    let attempts: u32 = fixture.source.taken().iter().map(|it| it.attempt).sum();
    assert_eq!(attempts, 4 + 5);
    let counted = store.write_stats().await?;
    assert_eq!(
        (counted.accepted, counted.delivered, counted.failed),
        (4, 4, 5)
    );
    Ok(())
}

#[tokio::test]
async fn a_key_that_fails_holds_up_no_other() -> Result<()> {
    let fixture = Fixture::new();
    let store = fixture.start_with(fixture.options().with_concurrency(NonZeroUsize::MIN));
    fixture.source.fail([Fault::Error]);
    store.write(&key("1"), "stuck").await?;
    fixture.until(async || fixture.source.begun() == 1).await;
    for name in ["2", "3", "4"] {
        store.write(&key(name), "other").await?;
    }
    // Time stands still, so that the pause of the first goes on.
    while fixture.source.taken().len() < 3 {
        tokio::task::yield_now().await;
    }
    let stats = store.write_stats().await?;
    assert_eq!((stats.queue.writes, stats.queue.failing_keys), (1, 1));
    fixture.until_delivered().await;
    Ok(())
}

#[tokio::test]
async fn pauses_grow_while_a_target_is_down_and_nothing_is_given_up() -> Result<()> {
    let fixture = Fixture::new();
    fixture.source.fail([Fault::Error; 30]);
    let store = fixture.start();
    store.write(&key("1"), "kept").await?;
    let mut begun = 0;
    for _ in 0..200 {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
        begun = fixture.source.begun();
        if begun == 31 {
            break;
        }
        fixture.clock.advance(SECOND * 10);
    }
    assert_eq!(begun, 31);
    fixture.until_delivered().await;
    assert_eq!(fixture.source.taken()[0].attempt, 31);
    // Ten short pauses, and twenty of half a minute at least.
    let waited = store_core::Clock::monotonic(&fixture.clock);
    assert!(waited > MINUTE * 10 && waited < HOUR, "{waited:?}");
    Ok(())
}

#[tokio::test]
async fn a_target_that_panics_or_hangs_gets_the_write_again() -> Result<()> {
    let fixture = Fixture::new();
    fixture.source.fail([Fault::Panic, Fault::Hang]);
    let options = fixture.options().with_delivery_timeout(SECOND * 5);
    let store = fixture.start_with(options);
    store.write(&key("1"), "kept").await?;
    fixture.until_delivered().await;
    assert_eq!(fixture.source.taken()[0].attempt, 3);
    Ok(())
}

// covers("D8")
#[tokio::test]
async fn a_delivery_that_takes_longer_than_its_lease_is_made_by_one_instance() -> Result<()> {
    let fixture = Fixture::new();
    fixture.source.hold(true);
    let (one, other) = (fixture.start(), fixture.start());
    one.write(&key("1"), "new").await?;
    fixture.until(async || fixture.source.begun() == 1).await;
    for _ in 0..50 {
        fixture.clock.advance(SECOND);
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(fixture.source.begun(), 1);
    fixture.source.hold(false);
    fixture.until_delivered().await;
    assert_eq!(fixture.source.taken_values(), ["new"]);
    drop(other);
    Ok(())
}

#[tokio::test]
async fn instances_that_share_a_queue_deliver_each_write_once() -> Result<()> {
    let fixture = Fixture::new();
    let instances = [fixture.start(), fixture.start(), fixture.start()];
    for round in 0..30 {
        let (store, name) = (&instances[round % 3], (round % 7).to_string());
        store.write(&key(&name), round.to_string()).await?;
    }
    fixture.until_delivered().await;
    let taken = fixture.source.taken();
    assert_eq!(taken.len(), 30);
    for name in 0..7 {
        let key = key(&name.to_string());
        let of_key = taken.iter().filter(|it| it.write.key == key);
        let rounds = of_key.map(|it| String::from_utf8_lossy(&it.write.value).parse::<usize>());
        let rounds: Vec<_> = rounds.map(|round| round.unwrap()).collect();
        assert!(rounds.is_sorted(), "{rounds:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_write_stays_queued_until_the_cache_has_dropped_the_older_value() -> Result<()> {
    let fixture = Fixture::new();
    let store = fixture.start();
    fixture.cache_value("1", "old").await;
    fixture.cache.fail_with(ErrorKind::Unavailable);
    let write = tokio::spawn({
        let store = store.clone();
        async move { store.write(&key("1"), "new").await }
    });
    fixture.until(async || write.is_finished()).await;
    let error = write.await.unwrap().unwrap_err();
    assert!(error.to_string().contains("is queued"), "{error}");
    fixture.until(async || fixture.source.begun() > 1).await;
    assert_eq!(store.value(&key("1")).await?.unwrap(), "new");

    fixture.cache.recover();
    fixture.until_delivered().await;
    assert_eq!(fixture.cached("1").await, None);
    assert_eq!(fixture.source.value(&key("1")).unwrap(), "new");
    Ok(())
}

#[tokio::test]
async fn writes_of_another_process_that_delivers_nothing_are_delivered() -> Result<()> {
    let fixture = Fixture::new();
    let options = fixture
        .options()
        .with_poll_interval(Duration::from_millis(20));
    let _store = fixture.start_with(options);
    fixture.queue.push(&key("1"), "new".into()).await?;
    fixture.until_delivered().await;
    assert_eq!(fixture.source.taken_values(), ["new"]);
    Ok(())
}
