//! Memory before another store: the suite of the cache, and the races.

mod failures;
mod inner;
pub(crate) mod outer;
mod races;
mod staleness;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use store_conformance::{Harness, Setup, async_trait};
use store_core::layer::{Tiered, TieredOptions};
use store_memory::{
    CacheOptions, CacheStore, CacheStoreExt, Clock, DedupeStore, HOUR, Key, Lookup, ManualClock,
    MemoryCacheStore, NewEntry, RateLimitStore, Result, SECOND, Selection, SetOutcome, Tag,
};

use self::outer::Outer;
use crate::conformance::Memory;

/// The memory stores, with the cache behind another one; a further handle is a clone.
#[derive(Default)]
struct Memories {
    memory: Memory,
    cache: OnceLock<Tiered<MemoryCacheStore, Outer>>,
    follows: bool,
}

impl Memories {
    fn following() -> Self {
        Self {
            follows: true,
            ..Self::default()
        }
    }
}

#[async_trait]
impl Harness for Memories {
    async fn cache(&self, setup: &Setup) -> Result<Arc<dyn CacheStore>> {
        let open = || {
            let options = || setup.cache_options();
            let outer = Outer::new(MemoryCacheStore::with_options(options()));
            let tiered = TieredOptions::default().with_clock(setup.clock.clone());
            let tiered = if self.follows {
                tiered.with_feed(outer.clone())
            } else {
                tiered
            };
            Tiered::with_options(MemoryCacheStore::with_options(options()), outer, tiered)
        };
        Ok(Arc::new(self.cache.get_or_init(open).clone()))
    }

    async fn dedupe(&self, setup: &Setup) -> Result<Arc<dyn DedupeStore>> {
        self.memory.dedupe(setup).await
    }

    async fn rate_limit(&self, setup: &Setup) -> Result<Arc<dyn RateLimitStore>> {
        self.memory.rate_limit(setup).await
    }
}

mod without_a_feed {
    use super::*;

    store_conformance::cache_conformance!(Memories::default());

    // covers("D1")
    #[test]
    fn matches_the_model() {
        store_conformance::models::cache(Memories::default);
    }
}

mod with_a_feed {
    use super::*;

    store_conformance::cache_conformance!(Memories::following());

    // covers("D1")
    #[test]
    fn matches_the_model() {
        store_conformance::models::cache(Memories::following);
    }
}

type Cache<I = MemoryCacheStore> = Tiered<I, Outer>;

fn memory(clock: &ManualClock) -> MemoryCacheStore {
    MemoryCacheStore::with_options(CacheOptions::default().with_clock(clock.clone()))
}

/// Memory before an outer store, without a feed.
fn tiered(clock: &ManualClock) -> (Cache, Outer) {
    let outer = Outer::new(memory(clock));
    let options = TieredOptions::default().with_clock(clock.clone());
    let cache = Tiered::with_options(memory(clock), outer.clone(), options);
    (cache, outer)
}

/// Memory before an outer store whose feed it reads.
fn following(clock: &ManualClock) -> (Cache, Outer) {
    let outer = Outer::new(memory(clock));
    let options = TieredOptions::default()
        .with_clock(clock.clone())
        .with_feed(outer.clone());
    let cache = Tiered::with_options(memory(clock), outer.clone(), options);
    (cache, outer)
}

fn key() -> Key {
    Key::new("comics:1").expect("a key")
}

fn entry(value: &'static str) -> NewEntry {
    NewEntry::unconditional(key(), value)
}

async fn value(cache: &impl CacheStore) -> Option<Bytes> {
    cache.value(&key()).await.expect("an answer")
}

/// Stores a value in the outer store, as another process would, and reads it until a copy is served.
async fn promoted(cache: &impl CacheStore, outer: &Outer, text: &'static str) {
    outer.set(tagged(text)).await.expect("stored");
    for _ in 0..3 {
        let before = outer.gets();
        assert_eq!(value(cache).await.as_deref(), Some(text.as_bytes()));
        if outer.gets() == before {
            return;
        }
    }
    panic!("no copy is served");
}

// covers("D1", "D2")
#[tokio::test]
async fn a_copy_is_served_without_the_outer_store() {
    let clock = ManualClock::default();
    for (cache, outer) in [tiered(&clock), following(&clock)] {
        outer.set(entry("a").with_ttl(HOUR)).await.expect("stored");
        let first = cache.get(&key()).await.expect("an answer");
        assert_eq!(outer.gets(), 1);
        clock.advance(Duration::from_millis(40));
        let second = cache.get(&key()).await.expect("an answer");
        assert_eq!(outer.gets(), 1, "the copy was not served");
        assert_eq!(second, first, "the copy has other bytes or times");
        let many = cache.get_many(&[key(), key()]).await.expect("answers");
        assert_eq!(many, [first.clone(), first]);
        assert_eq!(outer.gets(), 1);
    }
}

// covers("F62")
#[tokio::test]
async fn a_copy_never_outlives_its_value() {
    let (clock, stopped) = (ManualClock::default(), ManualClock::default());
    // An inner store that has expiry from its own clock, and one whose clock does not tell it.
    for inner in [memory(&clock), memory(&stopped)] {
        let outer = Outer::new(memory(&clock));
        let options = TieredOptions::default().with_clock(clock.clone());
        let options = options.with_feed(outer.clone());
        let cache = Tiered::with_options(inner.clone(), outer.clone(), options);
        let expires_at = clock.now() + SECOND;
        outer
            .set(entry("a").with_ttl(SECOND))
            .await
            .expect("stored");
        clock.advance(Duration::from_millis(400));
        assert!(value(&cache).await.is_some());
        let copy = inner.get(&key()).await.expect("an answer").hit();
        let left = Duration::from_millis(600);
        let copy = copy.expect("a copy");
        assert_eq!(copy.expires_at, Some(copy.created_at + left));

        clock.set_wall(expires_at - Duration::from_millis(1));
        assert!(value(&cache).await.is_some());
        assert_eq!(outer.gets(), 1);
        clock.set_wall(expires_at);
        assert_eq!(value(&cache).await, None);
    }
}

// covers("D2")
#[tokio::test]
async fn a_copy_is_kept_for_a_minute_at_most() {
    let clock = ManualClock::default();
    let (cache, outer) = following(&clock);
    promoted(&cache, &outer, "a").await;
    let before = outer.gets();
    clock.advance(SECOND * 59);
    assert!(value(&cache).await.is_some());
    assert_eq!(outer.gets(), before);
    clock.advance(SECOND);
    assert!(value(&cache).await.is_some());
    assert_eq!(outer.gets(), before + 1);
}

// covers("D2")
#[tokio::test]
async fn a_miss_hands_out_the_outer_stores_token() {
    let clock = ManualClock::default();
    let (cache, outer) = tiered(&clock);
    let Lookup::Miss(token) = cache.get(&key()).await.expect("an answer") else {
        panic!("nothing is stored");
    };
    outer.delete(&key()).await.expect("deleted");
    let late = cache.set(entry("late").with_token(token)).await;
    assert_eq!(late.expect("an answer"), SetOutcome::Outdated);
}

fn tag() -> Tag {
    Tag::new("issue:1").expect("a tag")
}

fn tagged(value: &'static str) -> NewEntry {
    entry(value).with_tags([tag()])
}

const WRITES: [&str; 6] = ["set", "set_many", "delete", "clear", "scope", "tags"];

/// One of the [`WRITES`]: stores `new`, or removes the value.
async fn write_as(write: &str, cache: &impl CacheStore) -> Result<()> {
    match write {
        "set" => cache.set(entry("new")).await.map(drop_outcome),
        "set_many" => cache.set_many(vec![entry("new")]).await.map(drop_outcome),
        "delete" => cache.delete(&key()).await.map(drop_outcome),
        "clear" => cache.clear(&Selection::All).await.map(drop_outcome),
        "scope" => {
            let scope = Selection::Scope("comics".parse()?);
            cache.clear(&scope).await.map(drop_outcome)
        }
        _ => cache.invalidate_tags(&[tag()]).await.map(drop_outcome),
    }
}

fn drop_outcome<T>(_: T) {}

/// Runs `change` while a lookup has read the outer store and not yet promoted what it has read.
async fn during_a_promotion(cache: &Cache, outer: &Outer, change: impl AsyncFnOnce()) {
    outer.script.after_get.close();
    let reader = cache.clone();
    let reader = tokio::spawn(async move { reader.get(&key()).await });
    outer.script.after_get.until_waiting(1).await;
    change().await;
    outer.script.after_get.open();
    reader.await.expect("no panic").expect("an answer");
}

// covers("D2")
#[tokio::test]
async fn an_own_invalidation_by_tag_is_seen_at_once() {
    let clock = ManualClock::default();
    for (cache, outer) in [tiered(&clock), following(&clock)] {
        promoted(&cache, &outer, "a").await;
        cache.invalidate_tags(&[tag()]).await.expect("an answer");
        assert_eq!(value(&cache).await, None);
    }
}
