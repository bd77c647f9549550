//! The default options: those that the original packages document.

use store_memory::CacheStore;
use store_memory::{
    Acquire, Capacity, Claim, Decision, ErrorKind, Key, Limit, MINUTE,
    MemoryAdaptiveRateLimitStore, MemoryCacheStore, MemoryRateLimitStore, NewEntry, Priority,
    RateLimitOptions, RateLimitStore, Resource, Result, stores,
};

// covers("M1")
#[tokio::test]
async fn a_cache_holds_a_thousand_entries_and_fifty_mebibytes() -> Result<()> {
    let capacity = Capacity::default();
    assert_eq!(capacity.max_items, 1_000);
    assert_eq!(capacity.max_bytes, 50 * 1024 * 1024);
    let (cache, key) = (MemoryCacheStore::new(), Key::new("comics:1")?);
    cache
        .set(NewEntry::unconditional(
            key.clone(),
            vec![0; 5 * 1024 * 1024],
        ))
        .await?;
    let longer = NewEntry::unconditional(key, vec![0; 5 * 1024 * 1024 + 1]);
    let refused = cache.set(longer).await.map_err(|error| error.kind());
    assert_eq!(refused, Err(ErrorKind::TooLarge));
    Ok(())
}

// covers("M3", "T23")
#[tokio::test]
async fn a_limiter_admits_sixty_a_minute() -> Result<()> {
    let limits = MemoryRateLimitStore::with_options(RateLimitOptions::default());
    let issues = Resource::new("issues")?;
    let claim = Claim::new(issues.clone());
    let status = limits.status(&claim, Priority::Background).await?;
    assert_eq!(status.limit, Limit::new(60, MINUTE));
    for _ in 0..60 {
        let decision = limits.try_acquire(Acquire::one(&issues)).await?;
        assert!(matches!(decision, Decision::Granted(_)));
    }
    let counts = limits.stats().await?;
    assert_eq!((counts.total_requests, counts.unique_resources), (60, 1));
    assert_eq!(counts.rate_limited_resources, [issues]);
    Ok(())
}

// covers("M4", "T23")
#[tokio::test]
async fn an_adaptive_limiter_needs_no_options() -> Result<()> {
    let limits = MemoryAdaptiveRateLimitStore::adaptive();
    let claim = Claim::new(Resource::new("issues")?);
    let status = limits.status(&claim, Priority::Background).await?;
    assert_eq!(status.limit, Limit::new(60, MINUTE));
    let split = status.adaptive.map(|split| split.allocation);
    let parts = split.map(|split| (split.user_reserved, split.background_max));
    assert_eq!(parts, Some((18, 42)));
    Ok(())
}

// covers("T18")
#[tokio::test]
async fn one_call_makes_all_stores() -> Result<()> {
    let stores = stores();
    assert!(stores.cache.is_some() && stores.dedupe.is_some());
    let limits = stores.rate_limit.expect("a rate limiter");
    let claim = Claim::new(Resource::new("issues")?);
    let status = limits.status(&claim, Priority::User).await?;
    assert!(status.adaptive.is_some());
    Ok(())
}

// covers("A17")
#[tokio::test]
async fn a_lone_program_that_names_no_class_gets_the_whole_limit() -> Result<()> {
    let options = RateLimitOptions::adaptive(Limit::TWO_HUNDRED_PER_HOUR);
    let limits = MemoryRateLimitStore::with_options(options);
    let issues = Resource::new("issues")?;
    for _ in 0..200 {
        let decision = limits.try_acquire(Acquire::one(&issues)).await?;
        assert!(matches!(decision, Decision::Granted(_)));
    }
    let decision = limits.try_acquire(Acquire::one(&issues)).await?;
    assert!(matches!(decision, Decision::Denied { .. }));
    Ok(())
}
