//! What the stores do when there is very much to hold.

use std::collections::BTreeSet;

use store_core::{CacheStats, EntryInfo, PageRequest, Removal};
use store_core::{Clock, ManualClock};
use store_memory::{
    Acquire, CacheOptions, CacheStore, CacheStoreExt, Capacity, Decision, Error, ErrorKind, Key,
    MINUTE, MemoryCacheStore, MemoryRateLimitStore, NewEntry, RateLimitOptions, RateLimitStore,
    Resource, Result, Scope, Selection, SetOutcome, Tag, Ttl,
};

fn key(n: u32) -> Result<Key> {
    Key::new(format!("comics:{n:04}"))
}

async fn store(cache: &MemoryCacheStore, n: u32) -> Result<SetOutcome> {
    cache.set(NewEntry::unconditional(key(n)?, "a")).await
}

/// Which of the first `count` keys are stored; looking counts as use, in this order.
async fn kept(cache: &MemoryCacheStore, count: u32) -> Result<Vec<u32>> {
    let mut kept = Vec::new();
    for n in 0..count {
        if cache.value(&key(n)?).await?.is_some() {
            kept.push(n);
        }
    }
    Ok(kept)
}

fn bounded(capacity: Capacity) -> MemoryCacheStore {
    MemoryCacheStore::with_capacity(CacheOptions::default(), capacity)
}

/// A cache that holds so many entries.
fn of_items(items: usize) -> MemoryCacheStore {
    bounded(Capacity::default().with_max_items(items))
}

// covers("M1", "F56")
#[tokio::test]
async fn a_full_cache_keeps_what_was_asked_for_and_what_came_last() -> Result<()> {
    let cache = of_items(3);
    for n in 0..3 {
        store(&cache, n).await?;
    }
    assert!(cache.value(&key(0)?).await?.is_some());
    for n in 3..100 {
        store(&cache, n).await?;
    }
    let kept = kept(&cache, 100).await?;
    assert_eq!((kept.len(), kept[0], kept[2]), (3, 0, 99));
    Ok(())
}

/// Fills a cache with space for a hundred entries of a kilobyte, asks for some of them again, and
/// then for thousands of others, once each; how many of those in use are left.
async fn left_after_a_crawl(capacity: Capacity) -> Result<usize> {
    let cache = bounded(capacity);
    for n in 0..100 {
        cache
            .set(NewEntry::unconditional(key(n)?, vec![0; 1_000]))
            .await?;
    }
    for _ in 0..2 {
        assert_eq!(kept(&cache, 40).await?.len(), 40);
    }
    for n in 1_000..5_000 {
        if cache.value(&key(n)?).await?.is_none() {
            cache
                .set(NewEntry::unconditional(key(n)?, vec![0; 1_000]))
                .await?;
        }
    }
    Ok(kept(&cache, 40).await?.len())
}

// covers("M1", "F56")
#[tokio::test]
async fn what_is_in_use_survives_a_crawl_of_everything() -> Result<()> {
    let items = Capacity::default().with_max_items(100);
    assert_eq!(left_after_a_crawl(items).await?, 40);
    let bytes = Capacity::default().with_max_bytes(100 * (1_000 + "comics:0000".len()));
    assert_eq!(left_after_a_crawl(bytes).await?, 40);
    Ok(())
}

// covers("F57")
#[tokio::test]
async fn what_was_evicted_leaves_no_tag_behind() -> Result<()> {
    let (cache, tag) = (of_items(10), Tag::new("volume:1")?);
    for n in 0..200 {
        let entry = NewEntry::unconditional(key(n)?, "a").with_tags([tag.clone()]);
        cache.set(entry).await?;
    }
    let there = kept(&cache, 200).await?;
    let gone = (0..200).find(|n| !there.contains(n)).unwrap_or_default();
    store(&cache, gone).await?;
    let removed = cache.invalidate_tags(&[tag]).await?;
    assert_eq!(removed, Removal::exactly(9));
    assert_eq!(kept(&cache, 200).await?, [gone]);
    Ok(())
}

// covers("M1", "F57")
#[tokio::test]
async fn counts_are_true_after_evictions() -> Result<()> {
    let clock = ManualClock::default();
    let capacity = Capacity::default()
        .with_max_items(50)
        .with_max_bytes(20_000);
    let options = CacheOptions::default().with_clock(clock.clone());
    let cache = MemoryCacheStore::with_capacity(options, capacity);
    for n in 0..500 {
        let value = vec![0; (n as usize * 37) % 1_500];
        let ttl = Ttl::After(MINUTE * (1 + n % 3));
        let entry = NewEntry::unconditional(key(n % 170)?, value).with_ttl(ttl);
        cache.set(entry.with_tags([Tag::new("tag")?])).await?;
    }
    let all = PageRequest::default().with_limit(1_000);
    let listed = cache.list(&all).await?.items;
    let bytes = |info: &EntryInfo| info.size_bytes + ("comics:0000".len() + "tag".len()) as u64;
    let stats = cache.stats().await?;
    assert_eq!(stats.total_items, listed.len() as u64);
    assert_eq!(stats.size_bytes, listed.iter().map(bytes).sum::<u64>());
    assert!((10..=50).contains(&stats.total_items), "{stats:?}");
    clock.advance(MINUTE);
    let live = cache.list(&all).await?.items.len() as u64;
    let stats = cache.stats().await?;
    assert_eq!(stats.total_items - stats.expired_items, live);
    Ok(())
}

// covers("M1", "F56")
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_writers_at_once_never_exceed_a_bound() -> Result<()> {
    let capacity = Capacity::default()
        .with_max_items(64)
        .with_max_bytes(40_000);
    let cache = bounded(capacity);
    let writers = (0..64).map(|writer| {
        let cache = cache.clone();
        tokio::spawn(async move {
            for n in 0..200_u32 {
                let key = key((writer * 131 + n * 17) % 400)?;
                let value = vec![0; (n as usize * 53) % 2_000];
                let entry = NewEntry::unconditional(key.clone(), value);
                cache.set(entry.with_tags([Tag::new("tag")?])).await?;
                let stats = cache.stats().await?;
                assert!(stats.total_items <= 64, "{stats:?}");
                assert!(stats.size_bytes <= 40_000, "{stats:?}");
                cache.get(&key).await?;
            }
            Ok::<(), Error>(())
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.map_err(|panic| panic.into_panic()).unwrap()?;
    }
    let held = cache.stats().await?.total_items;
    let removed = cache.invalidate_tags(&[Tag::new("tag")?]).await?;
    assert_eq!(removed, Removal::exactly(held));
    assert_eq!(cache.stats().await?, CacheStats::default());
    Ok(())
}

// covers("M1", "F56", "D12")
#[tokio::test]
async fn a_cache_never_holds_more_bytes_than_it_may() -> Result<()> {
    let cache = bounded(Capacity::default().with_max_bytes(10_000));
    for n in 0..200 {
        let value = vec![0; (n as usize * 37) % 3_000];
        cache.set(NewEntry::unconditional(key(n)?, value)).await?;
        assert!(cache.stats().await?.size_bytes <= 10_000);
    }
    assert!(cache.stats().await?.total_items >= 3);
    Ok(())
}

// covers("M1", "F49")
#[tokio::test]
async fn a_value_that_no_room_could_hold_is_too_large() -> Result<()> {
    let cache = bounded(Capacity::default().with_max_bytes(1_000));
    let largest = 1_000 - "comics:0000".len();
    cache
        .set(NewEntry::unconditional(key(0)?, vec![0; largest]))
        .await?;
    let refused = cache.set(NewEntry::unconditional(key(1)?, vec![0; largest + 1]));
    let refused = refused.await;
    assert_eq!(
        refused.err().map(|error| error.kind()),
        Some(ErrorKind::TooLarge)
    );
    assert_eq!(kept(&cache, 2).await?, [0]);
    Ok(())
}

/// Every key that the cache lists, in pages of this many.
async fn listed(cache: &MemoryCacheStore, limit: u32) -> Result<Vec<String>> {
    let (mut names, mut page) = (Vec::new(), PageRequest::default().with_limit(limit));
    loop {
        let listed = cache.list(&page).await?;
        let keys = listed.items.into_iter().map(|info| info.key.to_string());
        names.extend(keys);
        match listed.next {
            Some(next) => page = page.with_after(next),
            None => return Ok(names),
        }
    }
}

#[tokio::test]
async fn many_keys_are_listed_in_order_whatever_comes_between_two_listings() -> Result<()> {
    let cache = of_items(6_000);
    let name = |n: u32| format!("comics:{:05}", n * 7_919 % 10_007);
    let mut expected = BTreeSet::new();
    for n in 0..9_000 {
        let key = Key::new(name(n))?;
        // Half of those that were listed leave, each by another way, and new ones come.
        if n == 5_000 {
            assert!(
                listed(&cache, 700)
                    .await?
                    .into_iter()
                    .eq(expected.iter().cloned())
            );
        }
        if n >= 5_000 && n % 2 == 0 {
            let gone = name(n - 5_000);
            assert_eq!(cache.delete(&Key::new(&gone)?).await?, Removal::exactly(1));
            expected.remove(&gone);
        }
        cache.set(NewEntry::unconditional(key, "a")).await?;
        expected.insert(name(n));
        if expected.len() > 6_000 {
            let kept = cache.stats().await?.total_items;
            assert_eq!(kept, 6_000);
        }
    }
    let names = listed(&cache, 999).await?;
    assert_eq!(names.len(), 6_000);
    assert!(names.is_sorted() && names.iter().all(|name| expected.contains(name)));
    Ok(())
}

#[tokio::test]
async fn clearing_a_scope_of_many_keys_leaves_the_others() -> Result<()> {
    let cache = of_items(10_000);
    for n in 0..5_000_u32 {
        for scope in ["a", "b", "a-b"] {
            if scope == "b" || n % 2 == 0 {
                let key = Key::new(format!("{scope}:{n}"))?;
                cache.set(NewEntry::unconditional(key, "a")).await?;
            }
        }
    }
    let scope = Selection::Scope(Scope::new("a")?);
    assert_eq!(cache.clear(&scope).await?, Removal::exactly(2_500));
    let names = listed(&cache, 5_000).await?;
    assert_eq!(names.len(), 7_500);
    assert!(names.iter().all(|name| !name.starts_with("a:")));
    Ok(())
}

#[tokio::test]
async fn resources_that_nobody_asks_for_any_more_are_forgotten() -> Result<()> {
    let clock = ManualClock::default();
    let options = RateLimitOptions::default().with_clock(clock.clone());
    let limits = MemoryRateLimitStore::with_options(options);
    for n in 0..2_000 {
        let resource = Resource::new(format!("{n}"))?;
        let decision = limits.try_acquire(Acquire::one(&resource)).await?;
        assert!(matches!(decision, Decision::Granted(_)));
    }
    let cooling = Resource::new("cooling")?;
    limits.set_cooldown(&cooling, clock.now() + MINUTE).await?;
    // The longest window is a minute. Requests for one resource make room; nobody cleans up.
    clock.advance(MINUTE);
    let used = Resource::new("used")?;
    for _ in 0..1_500 {
        limits.record(Acquire::one(&used)).await?;
    }
    let everything = PageRequest::default().with_limit(5_000);
    let known = limits.list(&everything).await?.items;
    let known: Vec<&str> = known.iter().map(|it| it.resource.as_str()).collect();
    // A cooldown that is over stays, for the one that probes.
    assert_eq!(known, ["cooling", "used"]);
    Ok(())
}
