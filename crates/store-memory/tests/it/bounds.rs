//! What the cache does when it is full.

use store_core::{CacheStore, CacheStoreExt, ErrorKind, Key, NewEntry, Result, Ttl};
use store_memory::{CacheOptions, MemoryCacheStore};

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
