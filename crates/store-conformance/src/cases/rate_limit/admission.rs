//! Admission under sliding windows.

use std::sync::Arc;
use std::time::Duration;

use store_core::{
    Acquire, Claim, Clock, Limit, MINUTE, Priority, RateLimitStore, Reason, ResourceConfig, Result,
    SECOND,
};

use super::fixture::{
    assert_within_resolution, at, background, denied, granted, resource, status, use_permit,
    use_permits, user,
};
use crate::run::run_concurrently;
use crate::{Harness, Setup};

pub async fn window_is_exact_at_both_ends(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default().with_config(Limit::new(3, SECOND));
    let limits = harness.rate_limit(&setup).await?;
    let start = setup.clock.now();
    let late = resolution_millis(&limits, SECOND);
    let step = 10.max(2 * late);
    for millis in [0, step, 2 * step] {
        at(&setup.clock, start, millis);
        assert!(use_permit(&limits, &user()?).await?, "at {millis}");
    }
    let free = 1_000 + late;
    for (millis, expected) in [
        (2 * step, false),
        (999, false),
        (free, true),
        (999 + step, false),
    ] {
        at(&setup.clock, start, millis);
        assert_eq!(
            use_permit(&limits, &user()?).await?,
            expected,
            "at {millis}"
        );
    }
    Ok(())
}

pub async fn denial_says_when_a_retry_succeeds(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default().with_config(Limit::new(2, MINUTE));
    let limits = harness.rate_limit(&setup).await?;
    let first = setup.clock.now();
    assert!(use_permit(&limits, &background()?).await?);
    setup.clock.advance(SECOND * 7);
    assert!(use_permit(&limits, &user()?).await?);
    setup.clock.advance(SECOND * 7);

    let (retry_at, reason) = denied(&limits, user()?).await?;
    assert_within_resolution(&limits, MINUTE, retry_at, first + MINUTE);
    assert_eq!(reason, Reason::WindowFull(resource()?));
    setup.clock.set_wall(retry_at - Duration::from_millis(1));
    assert_eq!(denied(&limits, user()?).await?.0, retry_at);
    setup.clock.set_wall(retry_at);
    let _used = granted(&limits, user()?).await?;
    Ok(())
}

/// The store's resolution for the window: how much longer an admission may count, in milliseconds.
fn resolution_millis(limits: &impl RateLimitStore, window: Duration) -> u64 {
    u64::try_from(limits.resolution(window).as_millis()).expect("it is short")
}

pub async fn window_slides_with_each_admission(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default().with_config(Limit::new(2, SECOND));
    let limits = harness.rate_limit(&setup).await?;
    let start = setup.clock.now();
    // A fixed window that began at 0 would admit two more right after 1000.
    for (millis, expected) in [(900, true), (950, true), (1_000, false), (1_899, false)] {
        at(&setup.clock, start, millis);
        assert_eq!(
            use_permit(&limits, &user()?).await?,
            expected,
            "at {millis}"
        );
    }
    let (first, second) = (
        1_900 + resolution_millis(&limits, SECOND),
        1_950 + resolution_millis(&limits, SECOND),
    );
    for (millis, expected) in [
        (first, true),
        (first, false),
        (second, true),
        (second + 1, false),
    ] {
        at(&setup.clock, start, millis);
        assert_eq!(
            use_permit(&limits, &user()?).await?,
            expected,
            "at {millis}"
        );
    }
    Ok(())
}

/// The number of permits granted to 64 concurrent tasks that share these handles.
async fn concurrent_admissions(handles: &[Arc<dyn RateLimitStore>]) -> Result<usize> {
    let admitted = run_concurrently((0..64).map(|task| {
        let limits = Arc::clone(&handles[task % handles.len()]);
        let priority = if task % 3 == 0 {
            Priority::User
        } else {
            Priority::Background
        };
        async move {
            let request = Acquire::one(&resource()?).priority(priority);
            use_permit(&limits, &request).await
        }
    }));
    Ok(admitted
        .await?
        .into_iter()
        .filter(|admitted| *admitted)
        .count())
}

pub async fn concurrent_callers_never_go_over(harness: &dyn Harness) -> Result<()> {
    let limits = harness.rate_limit(&Setup::default()).await?;
    assert_eq!(concurrent_admissions(&[limits]).await?, 10);
    Ok(())
}

pub async fn callers_on_two_handles_never_go_over(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let handles = [
        harness.rate_limit(&setup).await?,
        harness.rate_limit(&setup).await?,
    ];
    assert_eq!(concurrent_admissions(&handles).await?, 10);
    for handle in &handles {
        assert_eq!(status(handle, Priority::User).await?.used, 10);
    }
    Ok(())
}

pub async fn several_limits_hold_together(harness: &dyn Harness) -> Result<()> {
    let config = ResourceConfig::from(Limit::new(3, MINUTE)).with_limit(Limit::new(1, SECOND));
    let setup = Setup::default().with_config(config);
    let limits = harness.rate_limit(&setup).await?;
    let start = setup.clock.now();
    let late = resolution_millis(&limits, SECOND);
    let (second, third) = (1_000 + late, 2_000 + 2 * late);
    for (millis, expected) in [(0, true), (999, false), (second, true), (third, true)] {
        at(&setup.clock, start, millis);
        assert_eq!(
            use_permit(&limits, &user()?).await?,
            expected,
            "at {millis}"
        );
    }
    // Both limits are full; the longer wait is reported.
    let (retry_at, _) = denied(&limits, user()?).await?;
    assert_within_resolution(&limits, MINUTE, retry_at, start + MINUTE);
    Ok(())
}

pub async fn recorded_requests_count(harness: &dyn Harness) -> Result<()> {
    let limits = harness.rate_limit(&Setup::default()).await?;
    for _ in 0..4 {
        limits.record(user()?).await?;
        limits.record(background()?).await?;
    }
    assert_eq!(status(&limits, Priority::User).await?.remaining, 2);
    assert_eq!(use_permits(&limits, &user()?, 5).await?, 2);
    Ok(())
}

pub async fn recorded_requests_may_overfill_and_are_waited_out(
    harness: &dyn Harness,
) -> Result<()> {
    let setup = Setup::default().with_config(Limit::new(2, MINUTE));
    let limits = harness.rate_limit(&setup).await?;
    let start = setup.clock.now();
    for second in 0..5 {
        at(&setup.clock, start, second * 1_000);
        limits.record(user()?).await?;
    }
    // Of five the fourth has to leave before one more fits into two.
    let (retry_at, _) = denied(&limits, user()?).await?;
    assert_within_resolution(&limits, MINUTE, retry_at, start + SECOND * 3 + MINUTE);
    setup.clock.set_wall(retry_at - Duration::from_millis(1));
    denied(&limits, user()?).await?;
    setup.clock.set_wall(retry_at);
    assert_eq!(use_permits(&limits, &user()?, 2).await?, 1);
    Ok(())
}

pub async fn reset_removes_only_the_admissions(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let limits = harness.rate_limit(&setup).await?;
    let other = Acquire::one(&store_core::Resource::new("other")?).background();
    limits
        .set_resource_config(&resource()?, Limit::new(3, MINUTE).into())
        .await?;
    assert_eq!(use_permits(&limits, &user()?, 5).await?, 3);
    assert_eq!(use_permits(&limits, &other, 10).await?, 10);

    limits.reset(&resource()?).await?;
    assert_eq!(status(&limits, Priority::User).await?.used, 0);
    assert_eq!(use_permits(&limits, &user()?, 5).await?, 3);
    denied(&limits, other).await?;
    limits
        .reset(&store_core::Resource::new("never used")?)
        .await?;
    Ok(())
}

pub async fn clearing_removes_everything_but_the_configuration(
    harness: &dyn Harness,
) -> Result<()> {
    let setup = Setup::default();
    let limits = harness.rate_limit(&setup).await?;
    let configured = ResourceConfig::from(Limit::new(3, MINUTE));
    limits
        .set_resource_config(&resource()?, configured.clone())
        .await?;
    limits
        .set_cooldown(&resource()?, setup.clock.now() + MINUTE)
        .await?;
    limits.record(user()?).await?;

    limits.clear().await?;
    assert_eq!(limits.cooldown(&resource()?).await?, None);
    assert_eq!(
        limits.resource_config(&resource()?).await?,
        Some(configured)
    );
    assert_eq!(limits.stats().await?.total_requests, 0);
    assert_eq!(use_permits(&limits, &user()?, 5).await?, 3);
    Ok(())
}

pub async fn plain_limit_treats_both_classes_alike(harness: &dyn Harness) -> Result<()> {
    let limits = harness.rate_limit(&Setup::default()).await?;
    assert_eq!(use_permits(&limits, &background()?, 20).await?, 10);
    assert!(!use_permit(&limits, &user()?).await?);
    let claim = Claim::new(resource()?);
    let user = limits.status(&claim, Priority::User).await?;
    assert_eq!(user, limits.status(&claim, Priority::Background).await?);
    assert_eq!(user.adaptive, None);
    Ok(())
}
