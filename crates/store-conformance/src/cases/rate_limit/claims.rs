//! Requests that count against several resources.

use std::sync::Arc;
use std::time::Duration;

use store_core::{
    Acquire, AdaptiveConfig, Claim, Clock, ErrorKind, Limit, MINUTE, Priority, RateLimitStore,
    Reason, Resource, ResourceConfig, Result, SECOND, Status,
};

use super::fixture::{assert_within_resolution, denied, granted, use_permit, use_permits, user};
use crate::run::{eventually, run_concurrently};
use crate::{Harness, Setup};

fn claim(name: &str, count: u32) -> Result<Claim> {
    Ok(Claim::new(Resource::new(name)?).with_config(Limit::new(count, MINUTE)))
}

async fn used(limits: &impl RateLimitStore, name: &str) -> Result<u32> {
    let status: Status = limits.status(&claim(name, 10)?, Priority::User).await?;
    Ok(status.used)
}

pub async fn all_claims_are_admitted_or_none(harness: &dyn Harness) -> Result<()> {
    let limits = harness.rate_limit(&Setup::default()).await?;
    let both = Acquire::of(claim("path", 10)?)
        .background()
        .and(claim("key", 2)?);
    assert_eq!(use_permits(&limits, &both, 5).await?, 2);
    assert_eq!(
        (used(&limits, "path").await?, used(&limits, "key").await?),
        (2, 2)
    );
    let (_, reason) = denied(&limits, both).await?;
    assert_eq!(reason, Reason::WindowFull(Resource::new("key")?));
    let _used = granted(&limits, Acquire::of(claim("path", 10)?).background()).await?;
    Ok(())
}

pub async fn order_of_claims_does_not_matter(harness: &dyn Harness) -> Result<()> {
    let limits = harness.rate_limit(&Setup::default()).await?;
    let admitted = run_concurrently((0..40).map(|task| {
        let limits = Arc::clone(&limits);
        async move {
            let (a, b) = (claim("a", 10)?, claim("b", 12)?);
            let request = if task % 2 == 0 {
                Acquire::of(a).background().and(b)
            } else {
                Acquire::of(b).background().and(a)
            };
            use_permit(&limits, &request).await
        }
    }));
    let admitted = admitted
        .await?
        .into_iter()
        .filter(|admitted| *admitted)
        .count();
    assert_eq!(admitted, 10);
    assert_eq!(
        (used(&limits, "a").await?, used(&limits, "b").await?),
        (10, 10)
    );
    Ok(())
}

pub async fn denial_reports_the_longest_wait_of_the_claims(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let limits = harness.rate_limit(&setup).await?;
    let _used = granted(&limits, Acquire::of(claim("early", 1)?).background()).await?;
    setup.clock.advance(SECOND);
    let late = setup.clock.now();
    let _used = granted(&limits, Acquire::of(claim("late", 1)?).background()).await?;
    setup.clock.advance(SECOND);
    for names in [["early", "late"], ["late", "early"]] {
        let request = Acquire::of(claim(names[0], 1)?)
            .background()
            .and(claim(names[1], 1)?);
        let (retry_at, reason) = denied(&limits, request).await?;
        let full = Reason::WindowFull(Resource::new("late")?);
        assert_within_resolution(&limits, MINUTE, retry_at, late + MINUTE);
        assert_eq!(reason, full);
    }
    Ok(())
}

pub async fn denial_reports_the_longest_wait_of_claims_filled_by_another_handle(
    harness: &dyn Harness,
) -> Result<()> {
    let setup = Setup::default();
    let (one, other) = (
        harness.rate_limit(&setup).await?,
        harness.rate_limit(&setup).await?,
    );
    assert_eq!(used(&other, "late").await?, 0);
    for name in ["early", "late"] {
        setup.clock.advance(SECOND);
        let request = Acquire::of(claim(name, 1)?).background();
        let _used = granted(&one, request).await?;
    }
    let late = setup.clock.now();
    let request = Acquire::of(claim("early", 1)?)
        .background()
        .and(claim("late", 1)?);
    let (retry_at, _) = denied(&other, request).await?;
    assert_within_resolution(&other, MINUTE, retry_at, late + MINUTE);
    Ok(())
}

pub async fn permit_given_back_frees_every_claim(harness: &dyn Harness) -> Result<()> {
    let limits = harness.rate_limit(&Setup::default()).await?;
    let both = Acquire::of(claim("path", 10)?)
        .background()
        .and(claim("key", 10)?);
    let _kept = granted(&limits, both.clone()).await?;
    granted(&limits, both).await?.give_back();
    eventually(async || {
        let both = (used(&limits, "path").await?, used(&limits, "key").await?);
        Ok((both == (1, 1)).then_some(()))
    })
    .await?;
    Ok(())
}

pub async fn empty_and_double_claims_are_invalid(harness: &dyn Harness) -> Result<()> {
    let limits = harness.rate_limit(&Setup::default()).await?;
    let mut none = user()?;
    none.claims.clear();
    let double = Acquire::of(claim("a", 1)?)
        .background()
        .and(claim("b", 1)?)
        .and(claim("a", 2)?);
    for request in [none, double] {
        let refusals = [
            limits.try_acquire(request.clone()).await.err(),
            limits.record(request).await.err(),
        ];
        for refusal in refusals {
            let kind = refusal.map(|error| error.kind());
            assert_eq!(kind, Some(ErrorKind::InvalidInput));
        }
    }
    assert_eq!(limits.stats().await?.total_requests, 0);
    Ok(())
}

pub async fn default_limit_is_obeyed(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default().with_config(Limit::new(1, MINUTE));
    let limits = harness.rate_limit(&setup).await?;
    assert_eq!(use_permits(&limits, &user()?, 10).await?, 1);
    Ok(())
}

pub async fn limit_of_a_claim_is_obeyed(harness: &dyn Harness) -> Result<()> {
    let limits = harness.rate_limit(&Setup::default()).await?;
    for (name, count) in [("tight", 2), ("wide", 15)] {
        let request = Acquire::of(claim(name, count)?).background();
        assert_eq!(use_permits(&limits, &request, 20).await?, count, "{name}");
    }
    let unusable = AdaptiveConfig::default().with_monitoring_window(Duration::ZERO);
    let config = ResourceConfig::from(Limit::new(1, MINUTE)).adaptive(unusable);
    let claim = Claim::new(Resource::new("none")?).with_config(config);
    let invalid = limits.try_acquire(Acquire::of(claim)).await.err();
    let kind = invalid.map(|error| error.kind());
    assert_eq!(kind, Some(ErrorKind::InvalidInput));
    Ok(())
}

pub async fn claims_of_short_windows_keep_the_history_of_long_ones(
    harness: &dyn Harness,
) -> Result<()> {
    let setup = Setup::default().with_config(Limit::new(1, SECOND));
    let limits = harness.rate_limit(&setup).await?;
    let resource = super::fixture::resource()?;
    let long = Claim::new(resource.clone()).with_config(Limit::new(5, MINUTE));
    let short = Claim::new(resource).with_config(Limit::new(1, SECOND));
    assert_eq!(
        use_permits(&limits, &Acquire::of(long.clone()).background(), 3).await?,
        3
    );
    for _ in 0..2 {
        setup.clock.advance(SECOND * 2);
        setup.clock.advance(limits.resolution(MINUTE));
        let _used = granted(&limits, Acquire::of(short.clone()).background()).await?;
        limits.cleanup().await?;
    }
    let status = limits.status(&long, Priority::User).await?;
    assert_eq!((status.used, status.remaining), (5, 0));
    denied(&limits, Acquire::of(long).background()).await?;
    Ok(())
}
