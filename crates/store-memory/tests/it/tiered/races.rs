//! Lookups and writes at the same time.

use store_memory::{CacheStore, CacheStoreExt, Key, ManualClock, NewEntry, SECOND};

use super::outer::set;
use super::{
    WRITES, during_a_promotion, entry, following, key, promoted, tagged, tiered, value, write_as,
};

// covers("D2")
#[tokio::test]
async fn a_promotion_in_flight_undoes_no_delete() {
    let clock = ManualClock::default();
    for (cache, outer) in [tiered(&clock), following(&clock)] {
        outer.set(entry("old")).await.expect("stored");
        during_a_promotion(&cache, &outer, async || {
            cache.delete(&key()).await.expect("deleted");
        })
        .await;
        assert_eq!(value(&cache).await, None);
    }
}

// covers("D2")
#[tokio::test]
async fn a_promotion_in_flight_undoes_no_other_write() {
    let clock = ManualClock::default();
    for write in WRITES {
        for (cache, outer) in [tiered(&clock), following(&clock)] {
            outer.set(tagged("old")).await.expect("stored");
            during_a_promotion(&cache, &outer, async || {
                write_as(write, &cache).await.expect("an answer");
            })
            .await;
            assert_ne!(value(&cache).await.as_deref(), Some(&b"old"[..]), "{write}");
        }
    }
}

#[tokio::test]
async fn a_promotion_in_flight_undoes_no_change_of_another_process() {
    let clock = ManualClock::default();
    let (cache, outer) = following(&clock);
    let other = Key::new("comics:2").expect("a key");
    let stored = NewEntry::unconditional(other.clone(), "b");
    outer.set(stored).await.expect("stored");
    outer.set(entry("old")).await.expect("stored");
    cache.get(&other).await.expect("an answer");
    during_a_promotion(&cache, &outer, async || {
        outer.set(entry("new")).await.expect("stored");
        clock.advance(SECOND);
        // Its copy is served after the feed was read, which has to drop what the lookup on its way will promote.
        let (readings, gets) = (outer.feed_readings(), outer.gets());
        cache.get(&other).await.expect("an answer");
        assert_eq!((outer.feed_readings(), outer.gets()), (readings + 1, gets));
    })
    .await;
    assert_eq!(value(&cache).await.as_deref(), Some(&b"new"[..]));
}

#[tokio::test]
async fn a_promotion_during_a_write_does_not_outlive_it() {
    let clock = ManualClock::default();
    for write in WRITES {
        for (cache, outer) in [tiered(&clock), following(&clock)] {
            outer.set(tagged("old")).await.expect("stored");
            outer.script.before_write.close();
            let writer = cache.clone();
            let writer = tokio::spawn(async move { write_as(write, &writer).await });
            outer.script.before_write.until_waiting(1).await;
            // The write has not reached the outer store, so this is a copy of the older value.
            assert_eq!(value(&cache).await.as_deref(), Some(&b"old"[..]));
            outer.script.before_write.open();
            writer.await.expect("no panic").expect("an answer");
            assert_ne!(value(&cache).await.as_deref(), Some(&b"old"[..]), "{write}");
        }
    }
}

#[tokio::test]
async fn of_two_own_sets_no_copy_of_the_older_is_left() {
    let clock = ManualClock::default();
    let (cache, outer) = following(&clock);
    promoted(&cache, &outer, "old").await;
    outer.script.after_write.close();
    let writers = ["one", "two"].map(|value| {
        let cache = cache.clone();
        tokio::spawn(async move { cache.set(entry(value)).await })
    });
    outer.script.after_write.until_waiting(2).await;
    // Both are stored and neither has returned: a lookup may have the last one, and promote it.
    value(&cache).await;
    outer.script.after_write.open();
    for writer in writers {
        writer.await.expect("no panic").expect("stored");
    }
    let last = outer.store.value(&key()).await.expect("an answer");
    assert_eq!(value(&cache).await, last);
}

#[tokio::test]
async fn a_write_that_fails_leaves_no_copy() {
    let clock = ManualClock::default();
    for (cache, outer) in [tiered(&clock), following(&clock)] {
        promoted(&cache, &outer, "old").await;
        set(&outer.script.writes_fail, true);
        assert!(cache.set(entry("new")).await.is_err());
        assert_eq!(value(&cache).await.as_deref(), Some(&b"new"[..]));
        assert!(cache.delete(&key()).await.is_err());
        assert_eq!(value(&cache).await, None);
    }
}

#[tokio::test]
async fn a_write_whose_call_is_dropped_leaves_no_copy() {
    let clock = ManualClock::default();
    for write in WRITES {
        for (cache, outer) in [tiered(&clock), following(&clock)] {
            promoted(&cache, &outer, "old").await;
            outer.script.after_write.close();
            let writer = cache.clone();
            let writer = tokio::spawn(async move { write_as(write, &writer).await });
            outer.script.after_write.until_waiting(1).await;
            writer.abort();
            assert!(writer.await.is_err());
            assert_ne!(value(&cache).await.as_deref(), Some(&b"old"[..]), "{write}");
            outer.script.after_write.open();
        }
    }
}
