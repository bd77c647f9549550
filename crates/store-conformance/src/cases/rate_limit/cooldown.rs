//! Cooldowns.

use std::time::Duration;

use store_core::{
    Acquire, Claim, Clock, HOUR, Limit, MINUTE, PageRequest, Priority, RateLimitStore, Reason,
    Resource, Result, SECOND,
};

use super::fixture::{
    assert_within_resolution, background, denied, granted, resource, status, use_permit, user,
};
use crate::run::run_concurrently;
use crate::{Harness, Setup};

pub async fn cooldown_denies_everybody_until_its_end(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let limits = harness.rate_limit(&setup).await?;
    assert_eq!(limits.cooldown(&resource()?).await?, None);
    let until = setup.clock.now() + HOUR;
    assert_eq!(limits.set_cooldown(&resource()?, until).await?, until);
    assert_eq!(limits.cooldown(&resource()?).await?, Some(until));
    for request in [user()?, background()?] {
        let (retry_at, reason) = denied(&limits, request).await?;
        assert_eq!((retry_at, reason), (until, Reason::Cooldown(resource()?)));
    }
    let current = status(&limits, Priority::User).await?;
    assert_eq!(
        (current.cooldown_until, current.available_at),
        (Some(until), until)
    );

    setup.clock.set_wall(until - Duration::from_millis(1));
    denied(&limits, user()?).await?;
    setup.clock.set_wall(until);
    assert_eq!(limits.cooldown(&resource()?).await?, None);
    let _used = granted(&limits, user()?).await?;
    Ok(())
}

pub async fn cooldown_only_grows(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let limits = harness.rate_limit(&setup).await?;
    let now = setup.clock.now();
    limits.set_cooldown(&resource()?, now + HOUR).await?;
    let in_force = limits.set_cooldown(&resource()?, now + SECOND).await?;
    assert_eq!(in_force, now + HOUR);
    assert_eq!(limits.cooldown(&resource()?).await?, Some(now + HOUR));
    let in_force = limits.set_cooldown(&resource()?, now + HOUR * 2).await?;
    assert_eq!(in_force, now + HOUR * 2);
    Ok(())
}

pub async fn ending_an_old_cooldown_spares_a_newer_one(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let limits = harness.rate_limit(&setup).await?;
    let (seen, newer) = (setup.clock.now() + MINUTE, setup.clock.now() + HOUR);
    limits.set_cooldown(&resource()?, seen).await?;
    limits.set_cooldown(&resource()?, newer).await?;
    limits.clear_cooldown(&resource()?, seen).await?;
    assert_eq!(limits.cooldown(&resource()?).await?, Some(newer));
    limits.clear_cooldown(&resource()?, newer).await?;
    assert_eq!(limits.cooldown(&resource()?).await?, None);
    limits.clear_cooldown(&resource()?, newer).await?;
    let _used = granted(&limits, user()?).await?;
    Ok(())
}

pub async fn cooldown_applies_to_every_handle(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let (one, other) = (
        harness.rate_limit(&setup).await?,
        harness.rate_limit(&setup).await?,
    );
    assert!(use_permit(&other, &user()?).await?);
    let until = setup.clock.now() + MINUTE;
    one.set_cooldown(&resource()?, until).await?;
    assert_eq!(other.cooldown(&resource()?).await?, Some(until));
    assert_eq!(denied(&other, user()?).await?.0, until);
    Ok(())
}

pub async fn cooldown_of_one_claim_denies_the_request(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let limits = harness.rate_limit(&setup).await?;
    let key = Resource::new("key")?;
    let until = setup.clock.now() + MINUTE;
    limits.set_cooldown(&key, until).await?;
    let both = user()?.and(Claim::new(key.clone()));
    let (retry_at, reason) = denied(&limits, both).await?;
    assert_eq!((retry_at, reason), (until, Reason::Cooldown(key)));
    assert_eq!(status(&limits, Priority::User).await?.used, 0);
    let _used = granted(&limits, user()?).await?;
    Ok(())
}

pub async fn longer_of_cooldown_and_window_is_reported(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default().with_config(Limit::new(1, MINUTE));
    let limits = harness.rate_limit(&setup).await?;
    let start = setup.clock.now();
    assert!(use_permit(&limits, &user()?).await?);
    limits.set_cooldown(&resource()?, start + SECOND).await?;
    let (retry_at, reason) = denied(&limits, user()?).await?;
    assert_within_resolution(&limits, MINUTE, retry_at, start + MINUTE);
    assert_eq!(reason, Reason::WindowFull(resource()?));

    let other = Resource::new("other")?;
    assert!(use_permit(&limits, &Acquire::one(&other).background()).await?);
    limits.set_cooldown(&other, start + HOUR).await?;
    let (retry_at, reason) = denied(&limits, Acquire::one(&other).background()).await?;
    assert_eq!((retry_at, reason), (start + HOUR, Reason::Cooldown(other)));
    Ok(())
}

pub async fn reset_leaves_the_cooldown(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let limits = harness.rate_limit(&setup).await?;
    let until = setup.clock.now() + MINUTE;
    limits.set_cooldown(&resource()?, until).await?;
    limits.reset(&resource()?).await?;
    limits.cleanup().await?;
    assert_eq!(denied(&limits, user()?).await?.0, until);
    Ok(())
}

pub async fn resource_with_only_a_cooldown_is_listed(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let limits = harness.rate_limit(&setup).await?;
    let until = setup.clock.now() + MINUTE;
    limits.set_cooldown(&resource()?, until).await?;
    let listed = limits.list(&PageRequest::default()).await?.items;
    let names: Vec<_> = listed.into_iter().map(|info| info.resource).collect();
    assert_eq!(names, [resource()?]);
    let stats = limits.stats().await?;
    assert_eq!(stats.rate_limited_resources, [resource()?]);
    Ok(())
}

pub async fn lapsed_cooldown_is_told_until_it_is_cleared(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let (one, other) = (
        harness.rate_limit(&setup).await?,
        harness.rate_limit(&setup).await?,
    );
    let permit = granted(&other, user()?).await?;
    assert_eq!(permit.lapsed_cooldowns(), []);
    let until = setup.clock.now() + MINUTE;
    one.set_cooldown(&resource()?, until).await?;
    setup.clock.set_wall(until + SECOND);
    for limits in [&one, &other] {
        let permit = granted(limits, user()?).await?;
        assert_eq!(permit.lapsed_cooldowns(), [(resource()?, until)]);
    }
    one.clear_cooldown(&resource()?, until).await?;
    setup.clock.advance(SECOND);
    for limits in [&one, &other] {
        let permit = granted(limits, user()?).await?;
        assert_eq!(permit.lapsed_cooldowns(), []);
    }
    Ok(())
}

pub async fn one_of_many_moves_the_end_of_a_cooldown(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let seen = setup.clock.now();
    let until = seen + SECOND * 3;
    let first = harness.rate_limit(&setup).await?;
    assert!(!first.move_cooldown(&resource()?, seen, until).await?);
    first.set_cooldown(&resource()?, seen).await?;
    let mut handles = Vec::new();
    for _ in 0..8 {
        handles.push(harness.rate_limit(&setup).await?);
    }
    let movers = handles
        .into_iter()
        .map(|limits| async move { limits.move_cooldown(&resource()?, seen, until).await });
    let moved = run_concurrently(movers).await?;
    assert_eq!(moved.iter().filter(|moved| **moved).count(), 1);
    let (retry_at, reason) = denied(&first, user()?).await?;
    assert_eq!((retry_at, reason), (until, Reason::Cooldown(resource()?)));
    // Back, too.
    assert!(first.move_cooldown(&resource()?, until, seen).await?);
    let _used = granted(&first, user()?).await?;
    Ok(())
}
