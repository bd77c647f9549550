//! Fills and invalidations of several hosts, one after the other.

use bytes::Bytes;
use store_core::{
    CacheStore, Clock, HOUR, ManualClock, PageRequest, Removal, SECOND, Scope, Selection,
    SetOutcome, Ttl,
};

use super::watch::Watch;
use super::{cache, cache_at, entry, items, key, tag, token, value};
use crate::support;

// covers("F48")
#[tokio::test]
async fn late_fill_of_another_host_stays_invisible() {
    let table = support::table().await;
    let (one, other) = (cache(&table), cache(&table));
    let late = token(&one).await;
    other
        .invalidate_tags(&[tag("issue:1")])
        .await
        .expect("it is invalidated");
    let set = one.set(entry("comics:1", "late", &["issue:1"]).with_token(late));
    assert_eq!(set.await.expect("an outcome"), SetOutcome::Outdated);
    assert_eq!(value(&one, "comics:1").await, None);
    assert_eq!(value(&other, "comics:1").await, None);
    let page = other.list(&PageRequest::default()).await.expect("a page");
    assert_eq!(page.items, []);
    assert_eq!(other.stats().await.expect("counts").total_items, 0);
}

// covers("F48")
#[tokio::test]
async fn fill_that_is_dropped_leaves_what_is_visible() {
    let table = support::table().await;
    let cache = cache(&table);
    for former in [&[][..], &["volume:1"]] {
        cache
            .set(entry("comics:1", "good", former))
            .await
            .expect("it is stored");
        let late = token(&cache).await;
        cache
            .invalidate_tags(&[tag("issue:1")])
            .await
            .expect("it is invalidated");
        let set = cache.set(entry("comics:1", "late", &["issue:1"]).with_token(late));
        assert_eq!(set.await.expect("an outcome"), SetOutcome::Outdated);
        assert_eq!(value(&cache, "comics:1").await, Some(Bytes::from("good")));
    }
}

// covers("F50")
#[tokio::test]
async fn value_with_other_tags_takes_the_place_of_a_visible_one() {
    let table = support::table().await;
    let cache = cache(&table);
    for (value_of_round, tags) in [
        ("a", &["x"][..]),
        ("b", &["y", "z"]),
        ("c", &[]),
        ("d", &["x"]),
    ] {
        let token = token(&cache).await;
        let set = cache.set(entry("comics:1", value_of_round, tags).with_token(token));
        assert_eq!(set.await.expect("an outcome"), SetOutcome::Stored);
        let found = value(&cache, "comics:1").await;
        assert_eq!(found, Some(Bytes::from(value_of_round)));
        cache
            .invalidate_tags(&[tag("w")])
            .await
            .expect("it is invalidated");
    }
}

#[tokio::test]
async fn later_fill_wins_whatever_the_clocks_say() {
    let table = support::table().await;
    let clock = ManualClock::default();
    let ahead = ManualClock::default();
    ahead.set_wall(clock.now() + SECOND * 2);
    let (one, other) = (cache_at(&table, &ahead), cache_at(&table, &clock));
    one.set(entry("comics:1", "former", &["t"]))
        .await
        .expect("it is stored");
    other
        .invalidate_tags(&[tag("t")])
        .await
        .expect("it is invalidated");
    let later = token(&other).await;
    let set = other.set(entry("comics:1", "later", &["t"]).with_token(later));
    assert_eq!(set.await.expect("an outcome"), SetOutcome::Stored);
    assert_eq!(value(&one, "comics:1").await, Some(Bytes::from("later")));
}

#[tokio::test]
async fn expired_value_keeps_refusing_fills_from_before_a_removal() {
    let table = support::table().await;
    let clock = ManualClock::default();
    let cache = cache_at(&table, &clock);
    let late = token(&cache).await;
    cache.delete(&key("comics:1")).await.expect("it is deleted");
    // In place of the tombstone.
    let short = entry("comics:1", "short", &[]).with_ttl(Ttl::After(SECOND));
    cache.set(short).await.expect("it is stored");
    clock.advance(SECOND);
    for _ in 0..2 {
        let set = cache.set(entry("comics:1", "late", &[]).with_token(late));
        assert_eq!(set.await.expect("an outcome"), SetOutcome::Outdated);
        assert_eq!(value(&cache, "comics:1").await, None);
        assert!(cache.cleanup().await.expect("a count") <= 1);
    }
}

#[tokio::test]
async fn hidden_value_keeps_refusing_fills_after_it_was_swept() {
    let table = support::table().await;
    let cache = cache(&table);
    cache
        .set(entry("comics:1", "old", &["volume:1"]))
        .await
        .expect("it is stored");
    let late = token(&cache).await;
    cache
        .invalidate_tags(&[tag("volume:1")])
        .await
        .expect("it is invalidated");
    let between = token(&cache).await;
    cache
        .invalidate_tags(&[tag("others")])
        .await
        .expect("it is invalidated");
    assert_eq!(cache.cleanup().await.expect("a count"), 1);
    // What was fetched before no longer carries the tag.
    let set = cache.set(entry("comics:1", "late", &[]).with_token(late));
    assert_eq!(set.await.expect("an outcome"), SetOutcome::Outdated);
    let set = cache.set(entry("comics:1", "new", &[]).with_token(between));
    assert_eq!(set.await.expect("an outcome"), SetOutcome::Stored);
}

// covers("F48", "F51")
#[tokio::test]
async fn clear_that_is_cut_off_hides_all_the_same() {
    let table = support::table().await;
    let cache = cache(&table);
    let late = token(&cache).await;
    for name in ["comics:1", "comics:2", "others:1"] {
        cache
            .set(entry(name, "a", &[]))
            .await
            .expect("it is stored");
    }
    let watch = Watch::default();
    watch.die_at("Query", "VALUE#");
    let dying = super::cache(&watch.table(&table));
    let scope = Selection::Scope(Scope::new("comics").expect("a scope"));
    dying.clear(&scope).await.expect_err("the process is gone");
    assert_eq!(value(&cache, "comics:1").await, None);
    assert_eq!(value(&cache, "others:1").await, Some(Bytes::from("a")));
    let set = cache.set(entry("comics:3", "late", &[]).with_token(late));
    assert_eq!(set.await.expect("an outcome"), SetOutcome::Outdated);
    assert_eq!(cache.stats().await.expect("counts").total_items, 1);
    // Whoever clears next does not count what was gone.
    let removed = cache.clear(&Selection::All).await.expect("a count");
    assert_eq!(removed, Removal::exactly(1));
}

#[tokio::test]
async fn removals_are_counted() {
    let table = support::table().await;
    let clock = ManualClock::default();
    let cache = cache_at(&table, &clock);
    for (name, ttl) in [("a:1", SECOND), ("a:2", HOUR), ("a:3", HOUR), ("a:4", HOUR)] {
        cache
            .set(entry(name, "a", &[name]).with_ttl(Ttl::After(ttl)))
            .await
            .expect("it is stored");
    }
    clock.advance(SECOND);
    cache
        .invalidate_tags(&[tag("a:2")])
        .await
        .expect("it is invalidated");
    let delete = async |name| cache.delete(&key(name)).await.expect("a count");
    for (name, count) in [("a:1", 0), ("a:2", 0), ("a:3", 1), ("a:3", 0), ("a:9", 0)] {
        assert_eq!(delete(name).await, Removal::exactly(count), "{name}");
    }
    let scope = Selection::Scope(Scope::new("a").expect("a scope"));
    let removed = cache.clear(&scope).await.expect("a count");
    assert_eq!(removed, Removal::exactly(1));
}

#[tokio::test]
async fn tombstones_go_when_no_fill_can_be_that_old() {
    let table = support::table().await;
    let clock = ManualClock::default();
    let cache = cache_at(&table, &clock);
    for n in 0..5 {
        let name = format!("comics:{n}");
        cache.delete(&key(&name)).await.expect("it is deleted");
    }
    assert_eq!(cache.cleanup().await.expect("a count"), 0);
    assert_eq!(items(&table, "VALUE#").await.len(), 5);
    clock.advance(HOUR * 2 + SECOND);
    assert_eq!(cache.cleanup().await.expect("a count"), 0);
    assert_eq!(items(&table, "VALUE#").await.len(), 0);
}
