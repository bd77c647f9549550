//! How long a change of another process may go unseen.

use std::time::Duration;

use store_core::layer::{Tiered, TieredOptions};
use store_memory::{CacheStore, CacheStoreExt, Clock, HOUR, Lookup, ManualClock, SECOND};

use super::{during_a_promotion, entry, following, key, memory, promoted, tag, tiered, value};

// covers("D2")
#[tokio::test]
async fn without_a_feed_a_copy_is_served_for_two_seconds() {
    let clock = ManualClock::default();
    let (cache, outer) = tiered(&clock);
    promoted(&cache, &outer, "old").await;
    outer.set(entry("new")).await.expect("stored");
    clock.advance(Duration::from_millis(1_999));
    assert_eq!(value(&cache).await.as_deref(), Some(&b"old"[..]));
    clock.advance(Duration::from_millis(1));
    assert_eq!(value(&cache).await.as_deref(), Some(&b"new"[..]));
}

#[tokio::test]
async fn the_two_seconds_begin_with_the_lookup_that_read_the_value() {
    let clock = ManualClock::default();
    let (cache, outer) = tiered(&clock);
    outer.set(entry("old")).await.expect("stored");
    during_a_promotion(&cache, &outer, async || {
        outer.set(entry("new")).await.expect("stored");
        clock.advance(SECOND);
    })
    .await;
    clock.advance(SECOND);
    assert_eq!(value(&cache).await.as_deref(), Some(&b"new"[..]));
}

#[tokio::test]
async fn a_clock_that_is_set_back_prolongs_no_staleness() {
    let clock = ManualClock::default();
    let (cache, outer) = tiered(&clock);
    promoted(&cache, &outer, "old").await;
    outer.set(entry("new")).await.expect("stored");
    clock.set_wall(clock.now() - HOUR);
    clock.advance(SECOND * 2);
    assert_eq!(value(&cache).await.as_deref(), Some(&b"new"[..]));
}

// covers("D2")
#[tokio::test]
async fn with_a_feed_a_change_is_seen_when_the_feed_is_50_ms_old() {
    let clock = ManualClock::default();
    let (cache, outer) = following(&clock);
    promoted(&cache, &outer, "old").await;
    outer.set(entry("new")).await.expect("stored");
    clock.advance(Duration::from_millis(49));
    assert_eq!(value(&cache).await.as_deref(), Some(&b"old"[..]));
    clock.advance(Duration::from_millis(1));
    assert_eq!(value(&cache).await.as_deref(), Some(&b"new"[..]));
}

#[tokio::test]
async fn a_process_that_was_stopped_reads_the_feed_before_it_serves_a_copy() {
    let clock = ManualClock::default();
    let (cache, outer) = following(&clock);
    let options = TieredOptions::default().with_max_inner_ttl(HOUR * 2);
    let options = options.with_clock(clock.clone()).with_feed(outer.clone());
    let patient = Tiered::with_options(memory(&clock), outer.clone(), options);
    for cache in [cache, patient] {
        promoted(&cache, &outer, "old").await;
        outer.set(entry("new")).await.expect("stored");
        clock.advance(HOUR);
        assert_eq!(value(&cache).await.as_deref(), Some(&b"new"[..]));
        outer.set(entry("newer")).await.expect("stored");
        clock.advance(HOUR);
        let many = cache.get_many(&[key()]).await.expect("answers");
        let newer = many.into_iter().next().and_then(Lookup::hit);
        assert_eq!(newer.expect("a value").value, "newer");
    }
}

#[tokio::test]
async fn one_reading_of_the_feed_serves_all_who_wait_for_it() {
    let clock = ManualClock::default();
    let (cache, outer) = following(&clock);
    promoted(&cache, &outer, "a").await;
    clock.advance(SECOND);
    let (readings, gets) = (outer.feed_readings(), outer.gets());
    outer.script.before_feed.close();
    let readers: Vec<_> = (0..20)
        .map(|_| {
            let cache = cache.clone();
            tokio::spawn(async move { value(&cache).await })
        })
        .collect();
    outer.script.before_feed.until_waiting(1).await;
    outer.script.before_feed.open();
    for reader in readers {
        assert!(reader.await.expect("no panic").is_some());
    }
    assert_eq!(outer.feed_readings(), readings + 1);
    assert_eq!(outer.gets(), gets);
}

#[tokio::test]
async fn the_age_of_the_feed_counts_from_when_its_reading_began() {
    let clock = ManualClock::default();
    let (cache, outer) = following(&clock);
    promoted(&cache, &outer, "old").await;
    clock.advance(SECOND);
    outer.script.after_feed.close();
    let reader = cache.clone();
    let reader = tokio::spawn(async move { value(&reader).await });
    outer.script.after_feed.until_waiting(1).await;
    outer.set(entry("new")).await.expect("stored");
    clock.advance(Duration::from_millis(50));
    outer.script.after_feed.open();
    // It began before the change.
    assert_eq!(
        reader.await.expect("no panic").as_deref(),
        Some(&b"old"[..])
    );
    assert_eq!(value(&cache).await.as_deref(), Some(&b"new"[..]));
}

#[tokio::test]
async fn an_own_invalidation_by_tag_waits_for_a_reading_that_begins_after_it() {
    let clock = ManualClock::default();
    let (cache, outer) = following(&clock);
    promoted(&cache, &outer, "old").await;
    clock.advance(SECOND);
    outer.script.after_feed.close();
    let reader = cache.clone();
    let reader = tokio::spawn(async move { value(&reader).await });
    outer.script.after_feed.until_waiting(1).await;
    let writer = cache.clone();
    let writer = tokio::spawn(async move { writer.invalidate_tags(&[tag()]).await });
    while outer.value(&key()).await.expect("an answer").is_some() {
        tokio::task::yield_now().await;
    }
    outer.script.after_feed.open();
    reader.await.expect("no panic");
    writer.await.expect("no panic").expect("an answer");
    assert_eq!(value(&cache).await, None);
}
