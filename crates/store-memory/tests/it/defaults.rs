//! What the stores do when they are told nothing: what the original packages document.

use store_core::{
    Acquire, Claim, Decision, Limit, MINUTE, Policy, Priority, RateLimitStore, Resource, Result,
};
use store_memory::{CacheOptions, MemoryAdaptiveRateLimitStore, MemoryRateLimitStore};
use store_memory::{RateLimitOptions, stores};

// covers("M1")
#[test]
fn a_cache_holds_a_thousand_entries_and_fifty_mebibytes() {
    let options = CacheOptions::default();
    assert_eq!(options.max_items, 1_000);
    assert_eq!(options.max_bytes, 50 * 1024 * 1024);
    assert_eq!(options.max_entry_bytes, 5 * 1024 * 1024);
}

// covers("M3", "T23")
#[tokio::test]
async fn a_limiter_admits_sixty_a_minute() -> Result<()> {
    let limits = MemoryRateLimitStore::with_options(RateLimitOptions::default());
    let issues = Resource::named("issues")?;
    let claim = Claim::new(issues.clone());
    let told = limits.status(&claim, Priority::Background).await?;
    assert_eq!(told.limit, Limit::new(60, MINUTE));
    for _ in 0..60 {
        match limits.acquire(Acquire::one(&issues)).await? {
            Decision::Granted(permit) => permit.commit(),
            Decision::Denied { reason, .. } => panic!("{reason}"),
        }
    }
    let stats = limits.stats().await?;
    assert_eq!((stats.total_requests, stats.unique_resources), (60, 1));
    assert_eq!(stats.rate_limited_resources, [issues]);
    Ok(())
}

// covers("M4", "T23")
#[tokio::test]
async fn an_adaptive_limiter_needs_no_options() -> Result<()> {
    let limits = MemoryAdaptiveRateLimitStore::adaptive();
    let claim = Claim::new(Resource::named("issues")?);
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
    let options = RateLimitOptions::adaptive();
    assert!(matches!(options.default_config.policy, Policy::Adaptive(_)));
    Ok(())
}

// covers("A11")
#[tokio::test]
async fn limits_of_single_resources_hold_from_the_start() -> Result<()> {
    let search = Resource::named("search")?;
    let limit = Limit::new(1, MINUTE);
    let options = RateLimitOptions::default().with_resource(search.clone(), limit);
    let limits = MemoryRateLimitStore::with_options(options);
    let claim = Claim::new(search.clone()).with_config(Limit::new(9, MINUTE));
    let status = limits.status(&claim, Priority::User).await?;
    assert_eq!(status.limit, limit);
    assert_eq!(limits.resource_config(&search).await?, Some(limit.into()));
    Ok(())
}
