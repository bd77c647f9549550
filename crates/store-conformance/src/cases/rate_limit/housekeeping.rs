//! Lists, stats, cleanup and close.

use store_core::{
    Acquire, AdaptiveConfig, Claim, Clock, ErrorKind, HOUR, Limit, MINUTE, PageRequest, Priority,
    RateLimitStore, Resource, ResourceConfig, Result, SECOND,
};

use super::fixture::{background, resource, status, use_permit, use_permits, user};
use crate::{Harness, Setup};

pub async fn resources_are_listed_page_by_page(harness: &dyn Harness) -> Result<()> {
    let limits = harness.rate_limit(&Setup::default()).await?;
    for (name, times) in [("c", 3), ("a", 1), ("d", 4), ("b", 2)] {
        let request = Acquire::one(&Resource::new(name)?).background();
        assert_eq!(use_permits(&limits, &request, times).await?, times);
    }
    let mut request = PageRequest::default().with_limit(3);
    let mut pages = Vec::new();
    loop {
        let page = limits.list(&request).await?;
        let items = page
            .items
            .iter()
            .map(|info| (info.resource.to_string(), info.status.used));
        pages.push(items.collect::<Vec<_>>());
        let Some(next) = page.next else { break };
        request = request.with_after(next);
    }
    let named = |name: &str, used: u32| (name.to_owned(), used);
    let expected = [
        vec![named("a", 1), named("b", 2), named("c", 3)],
        vec![named("d", 4)],
    ];
    assert_eq!(pages, expected);
    Ok(())
}

pub async fn stats_count_requests_and_resources(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let limits = harness.rate_limit(&setup).await?;
    assert_eq!(limits.stats().await?, store_core::RateLimitStats::default());
    use_permits(&limits, &user()?, 20).await?;
    setup.clock.advance(SECOND * 30);
    use_permits(
        &limits,
        &Acquire::one(&Resource::new("other")?).background(),
        2,
    )
    .await?;
    let stats = limits.stats().await?;
    assert_eq!((stats.total_requests, stats.unique_resources), (12, 2));
    assert_eq!(stats.rate_limited_resources, [resource()?]);
    assert_eq!(stats.adaptive, None);

    setup.clock.advance(SECOND * 30);
    setup.clock.advance(limits.resolution(MINUTE));
    let stats = limits.stats().await?;
    assert_eq!((stats.total_requests, stats.unique_resources), (2, 1));
    assert!(stats.rate_limited_resources.is_empty());
    Ok(())
}

pub async fn stats_report_how_limits_are_shared(harness: &dyn Harness) -> Result<()> {
    let config = ResourceConfig::from(Limit::new(100, HOUR)).adaptive(AdaptiveConfig::default());
    let setup = Setup::default().with_config(config);
    let limits = harness.rate_limit(&setup).await?;
    use_permits(&limits, &background()?, 5).await?;
    use_permits(&limits, &user()?, 20).await?;
    setup.clock.advance(SECOND * 31);
    assert!(!use_permit(&limits, &background()?).await?);
    let stats = limits.stats().await?;
    let adaptive = stats.adaptive.expect("a limit is shared");
    assert!(
        (adaptive.average_user_activity - 20.0).abs() < f64::EPSILON,
        "{adaptive:?}"
    );
    // Five of the ten that high activity leaves to the background.
    assert!(
        (adaptive.background_utilization - 0.5).abs() < f64::EPSILON,
        "{adaptive:?}"
    );
    assert_eq!(adaptive.priority_mode_activations, 1);
    Ok(())
}

pub async fn cleanup_frees_what_no_window_holds(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let limits = harness.rate_limit(&setup).await?;
    use_permits(&limits, &user()?, 4).await?;
    setup.clock.advance(SECOND * 30);
    use_permits(&limits, &user()?, 3).await?;
    assert_eq!(limits.cleanup().await?, 0);
    setup.clock.advance(SECOND * 30);
    setup.clock.advance(limits.resolution(MINUTE));
    assert_eq!(limits.cleanup().await?, 4);
    assert_eq!(status(&limits, Priority::User).await?.used, 3);
    assert_eq!(use_permits(&limits, &user()?, 20).await?, 7);
    Ok(())
}

pub async fn cleanup_of_admissions_is_bounded(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default().with_cleanup_batch(3);
    let limits = harness.rate_limit(&setup).await?;
    use_permits(&limits, &user()?, 7).await?;
    setup.clock.advance(MINUTE);
    setup.clock.advance(limits.resolution(MINUTE));
    let mut runs = Vec::new();
    for _ in 0..4 {
        runs.push(limits.cleanup().await?);
    }
    assert_eq!(runs, [3, 3, 1, 0]);
    Ok(())
}

pub async fn closed_limiter_refuses_calls(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let limits = harness.rate_limit(&setup).await?;
    let permit = super::fixture::granted(&limits, user()?).await?;
    limits.close().await?;
    permit.give_back();
    let (name, now) = (resource()?, setup.clock.now());
    let refusals = [
        limits.try_acquire(user()?).await.err(),
        limits.record(user()?).await.err(),
        limits
            .status(&Claim::new(name.clone()), Priority::User)
            .await
            .err(),
        limits.reset(&name).await.err(),
        limits.clear().await.err(),
        limits.set_cooldown(&name, now + MINUTE).await.err(),
        limits.cooldown(&name).await.err(),
        limits.clear_cooldown(&name, now).await.err(),
        limits
            .set_resource_config(&name, Limit::SIXTY_PER_MINUTE.into())
            .await
            .err(),
        limits.resource_config(&name).await.err(),
        limits.list(&PageRequest::default()).await.err(),
        limits.stats().await.err(),
        limits.cleanup().await.err(),
    ];
    for (call, refusal) in refusals.into_iter().enumerate() {
        let kind = refusal.map(|error| error.kind());
        assert_eq!(kind, Some(ErrorKind::Closed), "call {call}");
    }
    Ok(())
}
