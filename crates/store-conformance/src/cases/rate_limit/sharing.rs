//! Adaptive limits: how users and background share one.

use store_core::{
    AdaptiveConfig, Attempt, Clock, HOUR, Limit, MINUTE, Priority, RateLimitStore, Reason,
    ResourceConfig, Result, SECOND,
};

use super::fixture::{
    background, denied, granted, resource, status, use_permit, use_permits, user,
};
use crate::run::eventually;
use crate::{Harness, Setup};

/// `count` per hour, shared with the default settings: recalculated every 30 seconds.
fn shared(count: u32) -> Setup {
    let config = ResourceConfig::from(Limit::new(count, HOUR));
    Setup::default().with_config(config.adaptive(AdaptiveConfig::default()))
}

pub async fn users_are_admitted_after_hours_of_inactivity(harness: &dyn Harness) -> Result<()> {
    let setup = shared(20);
    let limits = harness.rate_limit(&setup).await?;
    assert_eq!(use_permits(&limits, &user()?, 4).await?, 4);
    for _ in 0..5 {
        setup.clock.advance(HOUR);
        setup.clock.advance(limits.resolution(HOUR));
        assert!(use_permit(&limits, &background()?).await?);
    }
    let split = status(&limits, Priority::User)
        .await?
        .adaptive
        .expect("it is shared");
    assert_eq!(split.allocation.user_reserved, 0);
    assert_eq!(use_permits(&limits, &user()?, 19).await?, 19);
    Ok(())
}

pub async fn users_may_use_everything_that_is_free(harness: &dyn Harness) -> Result<()> {
    let setup = shared(20);
    let limits = harness.rate_limit(&setup).await?;
    assert_eq!(use_permits(&limits, &background()?, 3).await?, 3);
    assert_eq!(use_permits(&limits, &user()?, 30).await?, 17);
    let (_, reason) = denied(&limits, user()?).await?;
    assert_eq!(reason, Reason::WindowFull(resource()?));
    Ok(())
}

pub async fn background_keeps_its_share_while_users_are_few(harness: &dyn Harness) -> Result<()> {
    let setup = shared(20);
    let limits = harness.rate_limit(&setup).await?;
    assert!(use_permit(&limits, &user()?).await?);
    setup.clock.advance(SECOND * 31);
    // Three tenths are reserved at low activity.
    assert_eq!(use_permits(&limits, &background()?, 30).await?, 14);
    assert_eq!(use_permits(&limits, &user()?, 30).await?, 5);
    assert_eq!(status(&limits, Priority::User).await?.used, 20);
    Ok(())
}

pub async fn capacity_reserved_for_users_is_denied_to_the_background(
    harness: &dyn Harness,
) -> Result<()> {
    let setup = shared(20);
    let limits = harness.rate_limit(&setup).await?;
    assert!(use_permit(&limits, &user()?).await?);
    setup.clock.advance(SECOND * 31);
    use_permits(&limits, &background()?, 14).await?;
    let (retry_at, reason) = denied(&limits, background()?).await?;
    assert_eq!(reason, Reason::Reserved(resource()?));
    let now = setup.clock.now();
    assert!(
        now < retry_at && retry_at <= now + SECOND * 30,
        "{retry_at}"
    );
    let _used = granted(&limits, user()?).await?;
    Ok(())
}

pub async fn total_holds_while_the_split_moves(harness: &dyn Harness) -> Result<()> {
    let setup = shared(20);
    let limits = harness.rate_limit(&setup).await?;
    let mut admissions = Vec::new();
    for minute in 0..300_u32 {
        setup.clock.advance(MINUTE);
        // Users call in waves; the background always asks.
        let users = if minute / 40 % 2 == 0 { 0 } else { minute % 4 };
        let mut admitted = use_permits(&limits, &background()?, 2).await?;
        admitted += use_permits(&limits, &user()?, users).await?;
        admitted += use_permits(&limits, &background()?, 2).await?;
        for _ in 0..admitted {
            admissions.push(setup.clock.now());
        }
    }
    for (index, at) in admissions.iter().enumerate().skip(20) {
        assert!(
            admissions[index - 20] + HOUR <= *at,
            "21 within an hour at {at}"
        );
    }
    assert!(admissions.len() >= 80, "{} in five hours", admissions.len());
    Ok(())
}

pub async fn pause_ends_by_itself(harness: &dyn Harness) -> Result<()> {
    let setup = shared(200);
    let limits = harness.rate_limit(&setup).await?;
    assert_eq!(use_permits(&limits, &user()?, 20).await?, 20);
    setup.clock.advance(SECOND * 31);
    let (retry_at, reason) = denied(&limits, background()?).await?;
    assert_eq!(reason, Reason::Paused(resource()?));
    let now = setup.clock.now();
    assert!(
        now < retry_at && retry_at <= now + SECOND * 30,
        "{retry_at}"
    );
    let _used = granted(&limits, user()?).await?;

    // Five minutes later that activity is no longer a rising trend.
    setup.clock.advance(MINUTE * 6);
    let _used = granted(&limits, background()?).await?;
    Ok(())
}

pub async fn user_activity_counts_each_request_once(harness: &dyn Harness) -> Result<()> {
    let setup = shared(2);
    let limits = harness.rate_limit(&setup).await?;
    let activity = async || -> Result<u64> {
        let status = status(&limits, Priority::User).await?;
        Ok(status.adaptive.expect("it is shared").recent_user_activity)
    };
    assert_eq!(use_permits(&limits, &user()?, 2).await?, 2);
    assert_eq!(activity().await?, 2);
    // A store may repeat a denial for a second without asking its storage.
    for _ in 0..3 {
        denied(&limits, user()?).await?;
        setup.clock.advance(SECOND);
    }
    assert_eq!(activity().await?, 5, "denied attempts count");
    for _ in 0..3 {
        denied(&limits, user()?.attempt(Attempt::Repeat)).await?;
        setup.clock.advance(SECOND);
    }
    denied(&limits, background()?).await?;
    assert_eq!(
        activity().await?,
        5,
        "a repeated attempt is counted already"
    );
    limits.record(user()?).await?;
    assert_eq!(activity().await?, 6, "recorded requests count");
    Ok(())
}

pub async fn users_of_another_handle_are_seen(harness: &dyn Harness) -> Result<()> {
    let setup = shared(200);
    let (web, worker) = (
        harness.rate_limit(&setup).await?,
        harness.rate_limit(&setup).await?,
    );
    assert!(use_permit(&worker, &background()?).await?);
    assert_eq!(use_permits(&web, &user()?, 20).await?, 20);
    let split = status(&worker, Priority::Background).await?.adaptive;
    assert_eq!(split.expect("it is shared").recent_user_activity, 20);

    setup.clock.advance(SECOND * 31);
    let (_, reason) = denied(&worker, background()?).await?;
    assert_eq!(reason, Reason::Paused(resource()?));
    Ok(())
}

pub async fn smallest_limit_admits_both_classes(harness: &dyn Harness) -> Result<()> {
    let setup = shared(1);
    let limits = harness.rate_limit(&setup).await?;
    for request in [background()?, user()?, background()?] {
        setup.clock.advance(HOUR);
        setup.clock.advance(limits.resolution(HOUR));
        assert!(use_permit(&limits, &request).await?, "{request:?}");
        assert!(!use_permit(&limits, &user()?).await?);
    }
    Ok(())
}

pub async fn activity_outlives_the_window(harness: &dyn Harness) -> Result<()> {
    let config = ResourceConfig::from(Limit::new(20, MINUTE));
    let setup = Setup::default().with_config(config.adaptive(AdaptiveConfig::default()));
    let limits = harness.rate_limit(&setup).await?;
    assert_eq!(use_permits(&limits, &user()?, 12).await?, 12);
    setup.clock.advance(MINUTE * 8);
    limits.cleanup().await?;
    limits.reset(&resource()?).await?;
    let later = status(&limits, Priority::User).await?;
    let split = later.adaptive.expect("it is shared");
    assert_eq!((later.used, split.recent_user_activity), (0, 12));
    setup.clock.advance(MINUTE * 8);
    let split = status(&limits, Priority::User).await?.adaptive;
    assert_eq!(split.expect("it is shared").recent_user_activity, 0);
    Ok(())
}

pub async fn split_is_reported_with_its_reason(harness: &dyn Harness) -> Result<()> {
    let setup = shared(100);
    let limits = harness.rate_limit(&setup).await?;
    let split = async || -> Result<(u32, u32, bool, String)> {
        let split = status(&limits, Priority::User).await?.adaptive;
        let split = split.expect("it is shared").allocation;
        let parts = (split.user_reserved, split.background_max);
        Ok((parts.0, parts.1, split.background_paused, split.reason))
    };
    let initial = "Initial state - default capacity allocation".to_owned();
    assert_eq!(split().await?, (30, 70, false, initial.clone()));

    // A request is decided by the activity before it, and counts from the next calculation on.
    use_permits(&limits, &user()?, 20).await?;
    assert_eq!(split().await?, (30, 70, false, initial));
    setup.clock.advance(SECOND * 31);
    let high = "High user activity (20 requests/15min) - prioritizing users".to_owned();
    assert_eq!(split().await?, (90, 10, true, high.clone()));
    use_permits(&limits, &user()?, 1).await?;
    assert_eq!(split().await?, (90, 10, true, high));
    Ok(())
}

pub async fn policy_configured_later_applies_at_once(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default().with_config(Limit::new(20, HOUR));
    let limits = harness.rate_limit(&setup).await?;
    assert_eq!(use_permits(&limits, &background()?, 16).await?, 16);
    let config = ResourceConfig::from(Limit::new(20, HOUR)).adaptive(AdaptiveConfig::default());
    limits.set_resource_config(&resource()?, config).await?;
    let (_, reason) = denied(&limits, background()?).await?;
    assert_eq!(reason, Reason::Reserved(resource()?));
    let _used = granted(&limits, user()?).await?;

    let config = ResourceConfig::from(Limit::new(20, HOUR));
    limits.set_resource_config(&resource()?, config).await?;
    let _used = granted(&limits, background()?).await?;
    Ok(())
}

pub async fn changed_split_applies_at_once(harness: &dyn Harness) -> Result<()> {
    let setup = shared(20);
    let limits = harness.rate_limit(&setup).await?;
    assert_eq!(use_permits(&limits, &background()?, 3).await?, 3);
    let config = ResourceConfig::from(Limit::new(10, HOUR));
    let reserved = AdaptiveConfig::default().with_min_user_reserved(8);
    limits
        .set_resource_config(&resource()?, config.adaptive(reserved))
        .await?;
    let (_, reason) = denied(&limits, background()?).await?;
    assert_eq!(reason, Reason::Reserved(resource()?));
    let split = status(&limits, Priority::User).await?.adaptive;
    let split = split.expect("it is shared").allocation;
    assert_eq!((split.user_reserved, split.background_max), (8, 2));
    Ok(())
}

pub async fn background_permit_given_back_frees_its_share(harness: &dyn Harness) -> Result<()> {
    let setup = shared(20);
    let limits = harness.rate_limit(&setup).await?;
    let permit = granted(&limits, background()?).await?;
    let most = 1 + status(&limits, Priority::Background).await?.remaining;
    while use_permit(&limits, &background()?).await? {}
    permit.give_back();
    eventually(async || Ok(use_permit(&limits, &background()?).await?.then_some(()))).await?;
    denied(&limits, background()?).await?;
    assert_eq!(status(&limits, Priority::User).await?.used, most);
    Ok(())
}
