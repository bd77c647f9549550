//! Reads from replicas, writes to the primary.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use store_conformance::{Harness, Setup, async_trait};
use store_core::layer::{Routed, RoutedOptions};
use store_memory::{
    CacheOptions, CacheStore, CacheStoreExt, DedupeStore, Key, Lookup, ManualClock,
    MemoryCacheStore, NewEntry, RateLimitStore, Result, SECOND, Selection, SetOutcome, Tag,
};

use crate::conformance::Memory;
use crate::tiered::outer::Outer;

type Cache = Routed<MemoryCacheStore, MemoryCacheStore>;

/// A primary whose two replicas have everything at once; a further handle is a clone.
#[derive(Default)]
struct Replicated {
    memory: Memory,
    cache: OnceLock<Cache>,
}

#[async_trait]
impl Harness for Replicated {
    async fn cache(&self, setup: &Setup) -> Result<Arc<dyn CacheStore>> {
        let open = || {
            let primary = MemoryCacheStore::with_options(setup.cache_options());
            let replicas = vec![primary.clone(), primary.clone()];
            let options = RoutedOptions::default().with_clock(setup.clock.clone());
            Routed::with_options(primary, replicas, options)
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

store_conformance::cache_conformance!(Replicated::default());

// covers("D18")
#[test]
fn matches_the_model() {
    store_conformance::models::cache(Replicated::default);
}

struct Setting {
    cache: Cache,
    primary: MemoryCacheStore,
    replicas: [MemoryCacheStore; 2],
    clock: ManualClock,
}

/// A primary with two replicas that never get anything by themselves.
fn setting() -> Setting {
    let clock = ManualClock::default();
    let open = || MemoryCacheStore::with_options(CacheOptions::default().with_clock(clock.clone()));
    let (primary, replicas) = (open(), [open(), open()]);
    let options = RoutedOptions::default().with_clock(clock.clone());
    Setting {
        cache: Routed::with_options(primary.clone(), replicas.to_vec(), options),
        primary,
        replicas,
        clock,
    }
}

fn key() -> Key {
    Key::new("comics:1").expect("a key")
}

fn entry(value: &'static str) -> NewEntry {
    NewEntry::unconditional(key(), value)
}

/// What a lookup finds, one by one and together.
async fn value(cache: &Cache) -> Option<String> {
    let one = cache.get(&key()).await.expect("an answer");
    let other = Key::new("comics:other").expect("a key");
    let many = cache.get_many(&[other, key()]).await.expect("answers");
    let text = |lookup: Lookup| {
        let entry = lookup.hit()?;
        Some(String::from_utf8_lossy(&entry.value).into_owned())
    };
    let mut many = many.into_iter().map(text);
    assert_eq!(many.next(), Some(None));
    let one = text(one);
    assert_eq!(many.next(), Some(one.clone()));
    one
}

// covers("D18")
#[tokio::test]
async fn replicas_are_read_in_turn_and_the_primary_is_written() {
    let Setting {
        cache,
        primary,
        replicas: [one, two],
        ..
    } = setting();
    for (store, value) in [(&primary, "primary"), (&one, "one"), (&two, "two")] {
        store.set(entry(value)).await.expect("stored");
    }
    let mut found = Vec::new();
    for _ in 0..4 {
        let value = cache.value(&key()).await.expect("an answer");
        found.push(value.expect("a value"));
    }
    assert_eq!(found, ["one", "two", "one", "two"]);
    let on_request = cache.primary().value(&key()).await.expect("an answer");
    assert_eq!(on_request.expect("a value"), "primary");

    cache.set(entry("new")).await.expect("stored");
    let written = primary.value(&key()).await.expect("an answer");
    assert_eq!(written.expect("a value"), "new");
    let behind = one.value(&key()).await.expect("an answer");
    assert_eq!(behind.expect("a value"), "one");
}

// covers("D18")
#[tokio::test]
async fn own_writes_are_read_from_the_primary_for_five_seconds() {
    for write in ["set", "set_many", "delete", "clear", "tags"] {
        let Setting {
            cache,
            replicas,
            clock,
            ..
        } = setting();
        for replica in &replicas {
            replica.set(entry("behind")).await.expect("stored");
        }
        let tag = Tag::new("t").expect("a tag");
        let expected = match write {
            "set" => {
                cache.set(entry("new")).await.expect("stored");
                Some("new")
            }
            "set_many" => {
                cache.set_many(vec![entry("new")]).await.expect("stored");
                Some("new")
            }
            "delete" => {
                cache.delete(&key()).await.expect("deleted");
                None
            }
            "clear" => {
                cache.clear(&Selection::All).await.expect("cleared");
                None
            }
            _ => {
                cache.invalidate_tags(&[tag]).await.expect("invalidated");
                None
            }
        };
        clock.advance(Duration::from_millis(4_999));
        assert_eq!(value(&cache).await.as_deref(), expected, "{write}");
        clock.advance(Duration::from_millis(1));
        assert_eq!(value(&cache).await.as_deref(), Some("behind"), "{write}");
    }
}

#[tokio::test]
async fn so_many_own_writes_that_not_all_are_remembered_are_all_read_from_the_primary() {
    let Setting {
        cache,
        replicas: [one, two],
        ..
    } = setting();
    for replica in [one, two] {
        replica.set(entry("behind")).await.expect("stored");
    }
    cache.set(entry("new")).await.expect("stored");
    for n in 0..10_000 {
        let other = Key::new(format!("comics:other {n}")).expect("a key");
        cache.delete(&other).await.expect("deleted");
    }
    assert_eq!(value(&cache).await.as_deref(), Some("new"));
}

#[tokio::test]
async fn what_a_replica_does_not_have_is_looked_up_in_the_primary() {
    let Setting { cache, primary, .. } = setting();
    let Lookup::Miss(token) = cache.get(&key()).await.expect("an answer") else {
        panic!("nothing is stored");
    };
    primary.delete(&key()).await.expect("deleted");
    let late = cache.set(entry("late").with_token(token)).await;
    assert_eq!(late.expect("an answer"), SetOutcome::Outdated);
    primary.set(entry("a")).await.expect("stored");
    assert_eq!(value(&cache).await.as_deref(), Some("a"));
}

#[tokio::test]
async fn a_replica_that_fails_costs_a_lookup_of_the_primary() {
    let Setting {
        cache,
        primary,
        replicas,
        ..
    } = setting();
    primary.set(entry("a")).await.expect("stored");
    for replica in replicas {
        replica.close().await.expect("closed");
    }
    assert_eq!(value(&cache).await.as_deref(), Some("a"));
}

#[tokio::test]
async fn the_window_of_a_write_begins_when_its_call_ends_however_it_ends() {
    for is_dropped in [false, true] {
        let Setting {
            replicas: [one, two],
            clock,
            ..
        } = setting();
        for replica in [&one, &two] {
            replica.set(entry("behind")).await.expect("stored");
        }
        let options = RoutedOptions::default().with_clock(clock.clone());
        let primary = Outer::default();
        let cache = Routed::with_options(primary.clone(), vec![one, two], options);
        primary.script.after_write.close();
        let writer = cache.clone();
        let writer = tokio::spawn(async move { writer.set(entry("new")).await });
        primary.script.after_write.until_waiting(1).await;
        clock.advance(SECOND * 10);
        if is_dropped {
            writer.abort();
            assert!(writer.await.is_err());
        } else {
            primary.script.after_write.open();
            writer.await.expect("no panic").expect("stored");
        }
        clock.advance(SECOND * 4);
        let found = cache.value(&key()).await.expect("an answer");
        assert_eq!(found.expect("a value"), "new");
    }
}
