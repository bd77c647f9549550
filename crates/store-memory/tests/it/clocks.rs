//! Clocks that are set back: nothing holds longer than it could have been set to hold.

use store_core::{Clock, ManualClock};
use store_memory::{
    Acquire, BoxError, CacheOptions, CacheStore, CacheStoreExt, DAY, Decision, DedupeOptions,
    DedupeStore, HOUR, JobOutcome, Key, Limit, MINUTE, MemoryCacheStore, MemoryDedupeStore,
    MemoryRateLimitStore, NewEntry, Priority, RateLimitOptions, RateLimitStore, Registration,
    Resource, SECOND, Ttl,
};

fn limits(clock: &ManualClock) -> MemoryRateLimitStore {
    let options = RateLimitOptions::default()
        .with_default_config(Limit::new(100, MINUTE))
        .with_clock(clock.clone());
    MemoryRateLimitStore::with_options(options)
}

#[tokio::test]
async fn a_cooldown_of_a_minute_lasts_a_minute_although_the_clock_was_set_back()
-> Result<(), BoxError> {
    let clock = ManualClock::default();
    let (limits, resource) = (limits(&clock), Resource::new("issues")?);
    limits.set_cooldown(&resource, clock.now() + MINUTE).await?;
    clock.advance(SECOND * 10);
    clock.set_wall(clock.now() - DAY);
    let until = limits.cooldown(&resource).await?;
    assert_eq!(until, Some(clock.now() + SECOND * 50));
    clock.advance(SECOND * 49);
    let denied = limits.try_acquire(Acquire::one(&resource)).await?;
    assert!(matches!(denied, Decision::Denied { .. }));
    clock.advance(SECOND);
    let granted = limits.try_acquire(Acquire::one(&resource)).await?;
    let Decision::Granted(permit) = granted else {
        return Err("denied after a minute".into());
    };
    // Whoever is granted the first permit may still probe for all.
    let (_, seen) = permit
        .lapsed_cooldowns()
        .first()
        .cloned()
        .ok_or("no probe")?;
    let ahead = clock.now() + SECOND * 3;
    assert!(limits.move_cooldown(&resource, seen, ahead).await?);
    assert_eq!(limits.cooldown(&resource).await?, Some(ahead));
    Ok(())
}

#[tokio::test]
async fn a_value_lives_as_long_as_it_was_stored_for_although_the_clock_was_set_back()
-> Result<(), BoxError> {
    let clock = ManualClock::default();
    let cache = MemoryCacheStore::with_options(CacheOptions::default().with_clock(clock.clone()));
    let key = Key::new("comics:1")?;
    let entry = NewEntry::unconditional(key.clone(), "value").with_ttl(Ttl::After(MINUTE * 2));
    cache.set(entry).await?;
    clock.set_wall(clock.now() - DAY);
    clock.advance(MINUTE);
    assert!(cache.value(&key).await?.is_some());
    clock.advance(MINUTE);
    assert!(cache.value(&key).await?.is_none());
    Ok(())
}

#[tokio::test]
async fn a_joiner_waits_as_long_as_it_wants_although_the_clock_was_set_back() -> Result<(), BoxError>
{
    let clock = ManualClock::default();
    let options = DedupeOptions::default()
        .with_clock(clock.clone())
        .with_lease(DAY);
    let (jobs, key) = (
        MemoryDedupeStore::with_options(options),
        Key::new("comics:1")?,
    );
    let owner = jobs.register_or_join(&key, Priority::User).await?;
    let Registration::Joined(job) = jobs.register_or_join(&key, Priority::User).await? else {
        return Err("two owners".into());
    };
    let waiter = tokio::spawn({
        let (jobs, key) = (jobs.clone(), key.clone());
        async move { jobs.wait_for(&key, &job, MINUTE).await }
    });
    while clock.sleepers() == 0 {
        tokio::task::yield_now().await;
    }
    clock.set_wall(clock.now() - HOUR);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    clock.advance(MINUTE);
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert!(waiter.is_finished(), "still waits");
    assert_eq!(waiter.await??, JobOutcome::TimedOut);
    drop(owner);
    Ok(())
}
