//! Inner stores, feeds and outer stores that fail.

use store_core::layer::{Tiered, TieredOptions};
use store_memory::{CacheStore, ErrorKind, Key, Lookup, ManualClock, NewEntry, SECOND, Selection};

use super::inner::Broken;
use super::outer::{Outer, set};
use super::{WRITES, entry, following, key, memory, promoted, value, write_as};

#[tokio::test]
async fn an_inner_store_that_fails_costs_a_lookup_of_the_outer_one() {
    let clock = ManualClock::default();
    let inner = Broken::new(memory(&clock));
    let outer = Outer::new(memory(&clock));
    let options = TieredOptions::default().with_clock(clock.clone());
    let cache = Tiered::with_options(inner.clone(), outer.clone(), options);
    set(&inner.all_fail, true);
    cache.set(entry("a")).await.expect("stored");
    assert!(value(&cache).await.is_some());
    let many = cache.get_many(&[key()]).await.expect("answers");
    assert!(matches!(many[..], [Lookup::Hit(_)]));
    cache.clear(&Selection::All).await.expect("cleared");
    assert_eq!(cache.cleanup().await.expect("a cleanup"), 0);
    assert_eq!(value(&cache).await, None);
    assert_eq!(outer.gets(), 3);
}

#[tokio::test]
async fn what_the_inner_store_did_not_drop_is_not_served() {
    let clock = ManualClock::default();
    let writes = WRITES.map(|write| [(write, true), (write, false)]);
    for (write, is_followed) in writes.into_iter().flatten().chain([("feed", true)]) {
        let inner = Broken::new(memory(&clock));
        let outer = Outer::new(memory(&clock));
        let options = TieredOptions::default().with_clock(clock.clone());
        let options = if is_followed {
            options.with_feed(outer.clone())
        } else {
            options
        };
        let cache = Tiered::with_options(inner.clone(), outer.clone(), options);
        promoted(&cache, &outer, "old").await;
        set(&inner.removals_fail, true);
        if write == "feed" {
            outer.set(entry("new")).await.expect("stored");
            clock.advance(SECOND);
        } else {
            write_as(write, &cache).await.expect("an answer");
        }
        assert_ne!(value(&cache).await.as_deref(), Some(&b"old"[..]), "{write}");
    }
}

#[tokio::test]
async fn copies_of_another_instance_are_not_served() {
    let clock = ManualClock::default();
    let inner = memory(&clock);
    let outer = Outer::new(memory(&clock));
    let options = || TieredOptions::default().with_clock(clock.clone());
    let before = Tiered::with_options(inner.clone(), outer.clone(), options());
    promoted(&before, &outer, "old").await;
    outer.set(entry("new")).await.expect("stored");
    let after = Tiered::with_options(inner, outer, options());
    assert_eq!(value(&after).await.as_deref(), Some(&b"new"[..]));
}

#[tokio::test]
async fn a_feed_that_fails_costs_lookups_of_the_outer_store_until_it_works_again() {
    let clock = ManualClock::default();
    let (cache, outer) = following(&clock);
    promoted(&cache, &outer, "old").await;
    set(&outer.script.feed_fails, true);
    outer.set(entry("new")).await.expect("stored");
    clock.advance(SECOND);
    let (readings, gets) = (outer.feed_readings(), outer.gets());
    for _ in 0..20 {
        assert_eq!(value(&cache).await.as_deref(), Some(&b"new"[..]));
    }
    assert_eq!(outer.gets(), gets + 20);
    assert_eq!(outer.feed_readings(), readings + 1, "it was not left alone");

    set(&outer.script.feed_fails, false);
    clock.advance(SECOND);
    value(&cache).await;
    value(&cache).await;
    let gets = outer.gets();
    assert_eq!(value(&cache).await.as_deref(), Some(&b"new"[..]));
    assert_eq!(outer.gets(), gets, "copies are served again");
}

#[tokio::test]
async fn a_feed_that_does_not_answer_costs_a_second() {
    let clock = ManualClock::default();
    let (cache, outer) = following(&clock);
    promoted(&cache, &outer, "old").await;
    outer.set(entry("new")).await.expect("stored");
    clock.advance(SECOND);
    outer.script.before_feed.close();
    let reader = cache.clone();
    let reader = tokio::spawn(async move { value(&reader).await });
    while clock.sleepers() == 0 {
        tokio::task::yield_now().await;
    }
    clock.advance(SECOND);
    assert_eq!(
        reader.await.expect("no panic").as_deref(),
        Some(&b"new"[..])
    );
}

#[tokio::test]
async fn a_reading_of_the_feed_that_was_dropped_is_repeated() {
    let clock = ManualClock::default();
    let (cache, outer) = following(&clock);
    promoted(&cache, &outer, "old").await;
    outer.set(entry("new")).await.expect("stored");
    clock.advance(SECOND);
    outer.script.before_feed.close();
    let reader = cache.clone();
    let reader = tokio::spawn(async move { value(&reader).await });
    outer.script.before_feed.until_waiting(1).await;
    reader.abort();
    assert!(reader.await.is_err());
    outer.script.before_feed.open();
    assert_eq!(value(&cache).await.as_deref(), Some(&b"new"[..]));
}

#[tokio::test]
async fn an_outer_store_that_is_down_is_told_of_and_recovers() {
    let clock = ManualClock::default();
    let (cache, outer) = following(&clock);
    promoted(&cache, &outer, "a").await;
    for flag in [&outer.script.is_down, &outer.script.feed_fails] {
        set(flag, true);
    }
    clock.advance(SECOND);
    let error = cache.get(&key()).await.expect_err("it is down");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    for flag in [&outer.script.is_down, &outer.script.feed_fails] {
        set(flag, false);
    }
    clock.advance(SECOND);
    assert!(value(&cache).await.is_some());
}

#[tokio::test]
async fn a_reading_of_the_feed_that_was_dropped_before_it_was_applied_is_repeated() {
    let clock = ManualClock::default();
    let inner = Broken::new(memory(&clock));
    let outer = Outer::new(memory(&clock));
    let options = TieredOptions::default().with_clock(clock.clone());
    let options = options.with_feed(outer.clone());
    let cache = Tiered::with_options(inner.clone(), outer.clone(), options);
    promoted(&cache, &outer, "old").await;
    // It is dropped at the first of the two changes.
    let other = NewEntry::unconditional(Key::new("comics:2").expect("a key"), "b");
    outer.set(other).await.expect("stored");
    outer.set(entry("new")).await.expect("stored");
    clock.advance(SECOND);
    inner.before_removal.close();
    let reader = cache.clone();
    let reader = tokio::spawn(async move { value(&reader).await });
    inner.before_removal.until_waiting(1).await;
    reader.abort();
    assert!(reader.await.is_err());
    inner.before_removal.open();
    assert_eq!(value(&cache).await.as_deref(), Some(&b"new"[..]));
}

#[tokio::test]
async fn after_a_caller_gave_up_on_a_feed_that_hangs_the_next_asks_the_outer_store() {
    let clock = ManualClock::default();
    let (cache, outer) = following(&clock);
    promoted(&cache, &outer, "old").await;
    outer.set(entry("new")).await.expect("stored");
    clock.advance(SECOND);
    outer.script.before_feed.close();
    let reader = cache.clone();
    let reader = tokio::spawn(async move { value(&reader).await });
    outer.script.before_feed.until_waiting(1).await;
    reader.abort();
    assert!(reader.await.is_err());
    assert_eq!(value(&cache).await.as_deref(), Some(&b"new"[..]));
}
