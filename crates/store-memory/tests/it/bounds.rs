//! What the stores do when there is very much to hold.

use store_core::{
    Acquire, CacheStore, CacheStoreExt, DAY, Decision, ErrorKind, Key, ManualClock, NewEntry,
    PageRequest, RateLimitStore, Resource, Result, Ttl,
};
use store_memory::{CacheOptions, MemoryCacheStore, MemoryRateLimitStore, RateLimitOptions};

fn key(n: u32) -> Result<Key> {
    Key::new(&format!("comics:{n:04}"))
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

// covers("M1", "F56")
#[tokio::test]
async fn a_full_cache_lets_the_least_recently_used_go() -> Result<()> {
    let cache = MemoryCacheStore::with_options(CacheOptions::default().with_max_items(3));
    for n in 0..3 {
        cache.put(&key(n)?, "a".into(), Ttl::Never).await?;
    }
    assert!(cache.value(&key(0)?).await?.is_some());
    cache.put(&key(3)?, "a".into(), Ttl::Never).await?;
    assert_eq!(kept(&cache, 4).await?, [0, 2, 3]);
    Ok(())
}

// covers("M1", "F56", "D12")
#[tokio::test]
async fn a_cache_never_holds_more_bytes_than_it_may() -> Result<()> {
    let cache = MemoryCacheStore::with_options(CacheOptions::default().with_max_bytes(10_000));
    for n in 0..200 {
        let value = vec![0; (n as usize * 37) % 3_000];
        cache.set(NewEntry::new(key(n)?, value)).await?;
        assert!(cache.stats().await?.size_bytes <= 10_000);
    }
    assert!(cache.stats().await?.total_items >= 3);
    Ok(())
}

// covers("M1", "F49")
#[tokio::test]
async fn a_value_that_no_room_could_hold_is_too_large() -> Result<()> {
    let cache = MemoryCacheStore::with_options(CacheOptions::default().with_max_bytes(1_000));
    cache.put(&key(0)?, "a".into(), Ttl::Never).await?;
    let refused = cache.set(NewEntry::new(key(1)?, vec![0; 1_001])).await;
    assert_eq!(
        refused.err().map(|error| error.kind()),
        Some(ErrorKind::TooLarge)
    );
    assert_eq!(kept(&cache, 2).await?, [0]);
    Ok(())
}

#[tokio::test]
async fn resources_that_nobody_asks_for_any_more_are_forgotten() -> Result<()> {
    let clock = ManualClock::default();
    let options = RateLimitOptions::default().with_clock(clock.clone());
    let limits = MemoryRateLimitStore::with_options(options);
    for n in 0..2_000 {
        let once = Acquire::one(&Resource::named(&format!("{n}"))?);
        if let Decision::Granted(permit) = limits.acquire(once).await? {
            permit.commit();
        }
    }
    clock.advance(DAY * 2);
    for n in 0..200 {
        let new = Acquire::one(&Resource::named(&format!("new {n}"))?);
        limits.record(new).await?;
    }
    let everything = PageRequest::default().with_limit(5_000);
    let known = limits.list(&everything).await?.items;
    assert_eq!(known.len(), 200);
    Ok(())
}
