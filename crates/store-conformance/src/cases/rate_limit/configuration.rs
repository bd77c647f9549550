//! Configuration at run time.

use std::num::NonZeroU32;
use std::time::Duration;

use store_core::{
    Acquire, AdaptiveConfig, Claim, Clock, ErrorKind, HOUR, Limit, MINUTE, Priority,
    RateLimitStore, ResourceConfig, Result, SECOND,
};

use super::fixture::{
    assert_within_resolution, at, denied, granted, resource, status, use_permit, use_permits, user,
};
use crate::{Harness, Setup};

pub async fn raised_limit_keeps_the_history(harness: &dyn Harness) -> Result<()> {
    let limits = harness.rate_limit(&Setup::default()).await?;
    assert_eq!(use_permits(&limits, &user()?, 20).await?, 10);
    let raised = Limit::new(15, MINUTE);
    limits
        .set_resource_config(&resource()?, raised.into())
        .await?;
    let status = status(&limits, Priority::User).await?;
    assert_eq!(
        (status.limit, status.used, status.remaining),
        (raised, 10, 5)
    );
    assert_eq!(use_permits(&limits, &user()?, 20).await?, 5);
    Ok(())
}

pub async fn lowered_limit_waits_for_the_right_slot(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let limits = harness.rate_limit(&setup).await?;
    let start = setup.clock.now();
    for second in 0..10 {
        at(&setup.clock, start, second * 1_000);
        assert!(use_permit(&limits, &user()?).await?);
    }
    let lowered = Limit::new(4, MINUTE);
    limits
        .set_resource_config(&resource()?, lowered.into())
        .await?;
    // Seven of ten have to leave before one more fits into four.
    let (retry_at, _) = denied(&limits, user()?).await?;
    assert_within_resolution(&limits, MINUTE, retry_at, start + SECOND * 6 + MINUTE);
    setup.clock.set_wall(retry_at - Duration::from_millis(1));
    denied(&limits, user()?).await?;
    setup.clock.set_wall(retry_at);
    let _used = granted(&limits, user()?).await?;
    Ok(())
}

pub async fn configured_limit_applies_to_every_handle(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let (one, other) = (
        harness.rate_limit(&setup).await?,
        harness.rate_limit(&setup).await?,
    );
    assert_eq!(use_permits(&other, &user()?, 3).await?, 3);
    let lowered = ResourceConfig::from(Limit::new(4, MINUTE));
    one.set_resource_config(&resource()?, lowered.clone())
        .await?;
    assert_eq!(other.resource_config(&resource()?).await?, Some(lowered));
    assert_eq!(use_permits(&other, &user()?, 10).await?, 1);

    let raised = Limit::new(6, MINUTE);
    one.set_resource_config(&resource()?, raised.into()).await?;
    // A handle may trust a denial for a second.
    setup.clock.advance(SECOND);
    assert_eq!(use_permits(&other, &user()?, 10).await?, 2);
    Ok(())
}

pub async fn configured_limit_admits_what_never_fitted_before(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let (one, other) = (
        harness.rate_limit(&setup).await?,
        harness.rate_limit(&setup).await?,
    );
    assert!(use_permit(&other, &user()?).await?);
    let raised = Limit::new(20, MINUTE);
    one.set_resource_config(&resource()?, raised.into()).await?;
    let many = user()?.permits(NonZeroU32::MIN.saturating_add(14));
    let _used = granted(&other, many).await?;
    Ok(())
}

pub async fn configured_limit_overrides_that_of_a_claim(harness: &dyn Harness) -> Result<()> {
    let limits = harness.rate_limit(&Setup::default()).await?;
    limits
        .set_resource_config(&resource()?, Limit::new(3, MINUTE).into())
        .await?;
    let claim = Claim::new(resource()?).with_config(Limit::new(8, HOUR));
    assert_eq!(
        limits.status(&claim, Priority::User).await?.limit,
        Limit::new(3, MINUTE)
    );
    assert_eq!(
        use_permits(&limits, &Acquire::of(claim).background(), 10).await?,
        3
    );
    Ok(())
}

pub async fn limit_of_the_options_applies_without_another(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default().with_resource(resource()?, Limit::new(1, HOUR));
    let limits = harness.rate_limit(&setup).await?;
    let of_the_options = status(&limits, Priority::User).await?.limit;
    assert_eq!(of_the_options, Limit::new(1, HOUR));
    assert_eq!(limits.resource_config(&resource()?).await?, None);
    assert_eq!(use_permits(&limits, &user()?, 10).await?, 1);

    let claim = Claim::new(resource()?).with_config(Limit::new(3, HOUR));
    let of_the_claim = limits.status(&claim, Priority::User).await?.limit;
    assert_eq!(of_the_claim, Limit::new(3, HOUR));
    assert_eq!(
        use_permits(&limits, &Acquire::of(claim).user(), 10).await?,
        2
    );
    Ok(())
}

pub async fn configuration_is_read_back_unchanged(harness: &dyn Harness) -> Result<()> {
    let limits = harness.rate_limit(&Setup::default()).await?;
    assert_eq!(limits.resource_config(&resource()?).await?, None);
    let adaptive = AdaptiveConfig::default()
        .with_monitoring_window(Duration::from_millis(123_456))
        .with_max_user_scaling(1.5)
        .without_background_pause();
    let config = ResourceConfig::from(Limit::new(200, HOUR))
        .with_limit(Limit::new(1, Duration::from_millis(1_500)).with_guard(SECOND))
        .adaptive(adaptive);
    limits
        .set_resource_config(&resource()?, config.clone())
        .await?;
    assert_eq!(limits.resource_config(&resource()?).await?, Some(config));
    Ok(())
}

pub async fn invalid_configuration_is_refused(harness: &dyn Harness) -> Result<()> {
    let limits = harness.rate_limit(&Setup::default()).await?;
    let one = ResourceConfig::from(Limit::new(1, MINUTE));
    for adaptive in [
        AdaptiveConfig::default().with_thresholds(2, 2),
        AdaptiveConfig::default().with_monitoring_window(Duration::ZERO),
        AdaptiveConfig::default().with_max_user_scaling(f64::NAN),
    ] {
        let config = one.clone().adaptive(adaptive);
        let refusal = limits.set_resource_config(&resource()?, config).await.err();
        let kind = refusal.map(|error| error.kind());
        assert_eq!(kind, Some(ErrorKind::InvalidInput));
    }
    assert_eq!(limits.resource_config(&resource()?).await?, None);
    let _used = granted(&limits, user()?).await?;
    Ok(())
}
