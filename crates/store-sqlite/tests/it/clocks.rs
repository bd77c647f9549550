//! A clock that is set back: what another process stored prolongs nothing.

use store_core::{
    Acquire, CacheOptions, CacheStore, Clock, DAY, Decision, HOUR, Limit, MINUTE, ManualClock,
    NewEntry, PageRequest, RateLimitOptions, RateLimitStore, SECOND, SetOutcome, Ttl,
};
use store_sqlite::{SqliteCacheStore, SqliteRateLimitStore};

use crate::support::{Folder, key, resource};

async fn limits(folder: &Folder, clock: &ManualClock) -> SqliteRateLimitStore {
    let options = RateLimitOptions::default()
        .with_clock(clock.clone())
        .with_default_config(Limit::new(10, MINUTE));
    SqliteRateLimitStore::with_options(&folder.open().await, options)
}

async fn is_granted(limits: &SqliteRateLimitStore) -> bool {
    let decision = limits.try_acquire(Acquire::one(&resource("issues"))).await;
    matches!(decision.expect("a decision"), Decision::Granted(_))
}

#[tokio::test]
async fn cooldown_ends_in_its_time_though_the_clock_is_set_back() {
    for is_read_first in [false, true] {
        let folder = Folder::new();
        let clock = ManualClock::default();
        let issues = resource("issues");
        let (one, other) = (limits(&folder, &clock).await, limits(&folder, &clock).await);
        let until = clock.now() + HOUR;
        one.set_cooldown(&issues, until).await.expect("a cooldown");
        clock.advance(MINUTE * 20);
        clock.set_wall(clock.now() - DAY);
        let latest = clock.now() + HOUR;
        if is_read_first {
            for _ in 0..2 {
                let read = other.cooldown(&issues).await.expect("an answer");
                assert_eq!(read, Some(latest));
                clock.advance(MINUTE);
            }
        }
        assert!(!is_granted(&other).await);
        clock.set_wall(latest - SECOND);
        assert!(!is_granted(&other).await);
        clock.set_wall(latest);
        assert!(is_granted(&other).await, "read first: {is_read_first}");
    }
}

#[tokio::test]
async fn cooldown_is_lifted_after_the_clock_was_set_back() {
    let folder = Folder::new();
    let clock = ManualClock::default();
    let issues = resource("issues");
    let limits = limits(&folder, &clock).await;
    let until = clock.now() + HOUR;
    limits
        .set_cooldown(&issues, until)
        .await
        .expect("a cooldown");
    clock.set_wall(clock.now() - DAY);
    let seen = limits.cooldown(&issues).await.expect("an answer");
    clock.advance(SECOND);
    let cleared = limits.clear_cooldown(&issues, seen.expect("a cooldown"));
    cleared.await.expect("an answer");
    assert!(is_granted(&limits).await);
}

#[tokio::test]
async fn clock_that_is_corrected_by_seconds_moves_no_cooldown() {
    let folder = Folder::new();
    let clock = ManualClock::default();
    let issues = resource("issues");
    let limits = limits(&folder, &clock).await;
    let until = clock.now() + HOUR;
    limits
        .set_cooldown(&issues, until)
        .await
        .expect("a cooldown");
    clock.set_wall(clock.now() - SECOND * 30);
    assert!(!is_granted(&limits).await);
    assert_eq!(
        limits.cooldown(&issues).await.expect("an answer"),
        Some(until)
    );
}

async fn cache(folder: &Folder, clock: &ManualClock) -> SqliteCacheStore {
    let options = CacheOptions::default().with_clock(clock.clone());
    SqliteCacheStore::with_options(&folder.open().await, options)
}

async fn is_served(cache: &SqliteCacheStore, name: &str) -> bool {
    let name = key(name);
    let page = PageRequest::default();
    let listed = cache.list(&page).await.expect("a page").items;
    let found = cache.get(&name).await.expect("an answer").hit();
    assert_eq!(listed.iter().any(|it| it.key == name), found.is_some());
    found.is_some()
}

#[tokio::test]
async fn value_does_not_outlive_its_time_though_the_clock_is_set_back() {
    let folder = Folder::new();
    let clock = ManualClock::default();
    let cache = cache(&folder, &clock).await;
    for (name, ttl) in [("short", Ttl::After(MINUTE * 5)), ("endless", Ttl::Never)] {
        let entry = NewEntry::unconditional(key(name), "value").with_ttl(ttl);
        cache.set(entry).await.expect("an outcome");
    }
    clock.set_wall(clock.now() - SECOND * 30);
    assert!(is_served(&cache, "short").await);
    clock.set_wall(clock.now() - DAY);
    clock.advance(MINUTE * 6);
    assert!(!is_served(&cache, "short").await);
    assert!(is_served(&cache, "endless").await);
    let again = NewEntry::unconditional(key("short"), "value").with_ttl(MINUTE * 5);
    let outcome = cache.set(again).await.expect("an outcome");
    assert_eq!(outcome, SetOutcome::Stored);
    assert!(is_served(&cache, "short").await);
}
