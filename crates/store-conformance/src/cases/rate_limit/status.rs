//! Status, waiting times and reset times.

use std::time::Duration;

use store_core::{
    AdaptiveConfig, Clock, HOUR, Limit, MINUTE, Priority, RateLimitStore, RateLimitStoreExt,
    ResourceConfig, Result, SECOND, Status,
};

use super::fixture::{
    assert_within_resolution, at, background, resource, status, use_permit, use_permits, user,
};
use crate::{Harness, Setup};

pub async fn unused_resource_is_free(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let limits = harness.rate_limit(&setup).await?;
    let expected = Status::unused(Limit::new(10, MINUTE), setup.clock.now());
    assert_eq!(status(&limits, Priority::User).await?, expected);
    assert_eq!(status(&limits, Priority::Background).await?, expected);
    Ok(())
}

pub async fn unused_shared_resource_has_nothing_to_reset(harness: &dyn Harness) -> Result<()> {
    let shared = ResourceConfig::from(Limit::new(10, MINUTE)).adaptive(AdaptiveConfig::default());
    let setup = Setup::default().with_config(shared);
    let limits = harness.rate_limit(&setup).await?;
    // Only a recalculation gives the background more than its share: no window has to pass.
    let current = status(&limits, Priority::Background).await?;
    assert_eq!((current.used, current.remaining), (0, 5));
    let now = setup.clock.now();
    assert_eq!((current.reset_at, current.full_reset_at), (now, now));
    Ok(())
}

pub async fn status_counts_what_is_used(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let limits = harness.rate_limit(&setup).await?;
    use_permits(&limits, &user()?, 3).await?;
    use_permits(&limits, &background()?, 2).await?;
    let current = status(&limits, Priority::User).await?;
    assert_eq!(
        (current.limit, current.as_of),
        (Limit::new(10, MINUTE), setup.clock.now())
    );
    assert_eq!((current.used, current.remaining), (5, 5));
    assert_eq!(current.available_at, setup.clock.now());

    setup.clock.advance(MINUTE);
    setup.clock.advance(limits.resolution(MINUTE));
    let current = status(&limits, Priority::User).await?;
    assert_eq!((current.used, current.remaining), (0, 10));
    Ok(())
}

pub async fn reading_the_status_changes_nothing(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let limits = harness.rate_limit(&setup).await?;
    use_permits(&limits, &user()?, 4).await?;
    let first = status(&limits, Priority::User).await?;
    for _ in 0..20 {
        setup.clock.advance(SECOND);
        let again = status(&limits, Priority::User).await?;
        assert_eq!((again.used, again.remaining), (first.used, first.remaining));
        assert_eq!(
            (again.reset_at, again.full_reset_at),
            (first.reset_at, first.full_reset_at)
        );
        assert!(
            limits
                .can_proceed(&resource()?, Priority::Background)
                .await?
        );
    }
    assert_eq!(use_permits(&limits, &user()?, 10).await?, 6);
    Ok(())
}

pub async fn reset_times_are_exact(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default().with_config(Limit::new(3, MINUTE));
    let limits = harness.rate_limit(&setup).await?;
    let start = setup.clock.now();
    for second in [0, 5, 20] {
        at(&setup.clock, start, second * 1_000);
        assert!(use_permit(&limits, &user()?).await?);
    }
    let late = limits.resolution(MINUTE);
    for (now, reset, full_reset) in [(30, 60, 80), (60, 65, 80), (78, 80, 80)] {
        setup.clock.set_wall(start + SECOND * now + late);
        let current = status(&limits, Priority::User).await?;
        assert_within_resolution(&limits, MINUTE, current.reset_at, start + SECOND * reset);
        let full = start + SECOND * full_reset;
        assert_within_resolution(&limits, MINUTE, current.full_reset_at, full);
    }
    let now = start + SECOND * 80 + late;
    setup.clock.set_wall(now);
    let current = status(&limits, Priority::User).await?;
    assert_eq!((current.reset_at, current.full_reset_at), (now, now));
    Ok(())
}

pub async fn remaining_is_never_negative(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default().with_config(Limit::new(3, MINUTE));
    let limits = harness.rate_limit(&setup).await?;
    let start = setup.clock.now();
    for second in 0..5 {
        at(&setup.clock, start, second * 1_000);
        limits.record(background()?).await?;
    }
    let current = status(&limits, Priority::User).await?;
    assert_eq!((current.used, current.remaining), (5, 0));
    // Three have to leave before anything remains.
    assert_within_resolution(
        &limits,
        MINUTE,
        current.reset_at,
        start + SECOND * 2 + MINUTE,
    );
    assert_eq!(current.available_at, current.reset_at);
    let full = start + SECOND * 4 + MINUTE;
    assert_within_resolution(&limits, MINUTE, current.full_reset_at, full);
    Ok(())
}

pub async fn status_is_reported_per_class(harness: &dyn Harness) -> Result<()> {
    let config = ResourceConfig::from(Limit::new(20, HOUR)).adaptive(AdaptiveConfig::default());
    let limits = harness
        .rate_limit(&Setup::default().with_config(config))
        .await?;
    use_permits(&limits, &user()?, 1).await?;
    let split = status(&limits, Priority::User).await?.adaptive;
    let most = split.expect("it is shared").allocation.background_max;
    assert_eq!(use_permits(&limits, &background()?, 20).await?, most);

    let (user, background) = (
        status(&limits, Priority::User).await?,
        status(&limits, Priority::Background).await?,
    );
    assert_eq!((user.used, background.used), (most + 1, most + 1));
    assert_eq!((user.remaining, background.remaining), (19 - most, 0));
    assert!(user.wait_time().is_zero());
    assert!(!background.wait_time().is_zero());
    assert!(background.reset_at > background.as_of);
    Ok(())
}

pub async fn waiting_time_is_exact(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default().with_config(Limit::new(1, MINUTE));
    let limits = harness.rate_limit(&setup).await?;
    assert_eq!(
        limits.wait_time(&resource()?, Priority::User).await?,
        Duration::ZERO
    );
    assert!(use_permit(&limits, &user()?).await?);
    setup.clock.advance(Duration::from_millis(1_234));
    let left = limits.wait_time(&resource()?, Priority::User).await?;
    let now = setup.clock.now();
    let exact = now + Duration::from_millis(58_766);
    assert_within_resolution(&limits, MINUTE, now + left, exact);
    assert!(!limits.can_proceed(&resource()?, Priority::User).await?);
    setup.clock.advance(left);
    assert!(limits.can_proceed(&resource()?, Priority::User).await?);
    Ok(())
}

pub async fn remaining_is_what_the_tightest_limit_leaves(harness: &dyn Harness) -> Result<()> {
    let config = ResourceConfig::from(Limit::new(10, HOUR)).with_limit(Limit::new(3, MINUTE));
    let setup = Setup::default().with_config(config);
    let limits = harness.rate_limit(&setup).await?;
    let start = setup.clock.now();
    assert_eq!(status(&limits, Priority::User).await?.remaining, 3);
    assert!(use_permit(&limits, &user()?).await?);
    at(&setup.clock, start, 5_000);
    assert!(use_permit(&limits, &user()?).await?);
    let current = status(&limits, Priority::User).await?;
    assert_eq!((current.used, current.remaining), (2, 1));
    // Another minute's slot comes free long before another hour's.
    assert_eq!(current.reset_at, start + MINUTE);
    assert_eq!(current.full_reset_at, start + SECOND * 5 + HOUR);
    assert_eq!(use_permits(&limits, &user()?, 3).await?, 1);
    let current = status(&limits, Priority::User).await?;
    assert_eq!((current.used, current.remaining), (3, 0));
    assert_eq!(current.available_at, start + MINUTE);

    // Nine of ten used an hour: now the first limit is the tighter one.
    for minute in [1, 2, 3] {
        setup.clock.set_wall(start + SECOND * 5 + MINUTE * minute);
        use_permits(&limits, &user()?, 2).await?;
    }
    setup.clock.advance(MINUTE);
    let current = status(&limits, Priority::User).await?;
    assert_eq!((current.used, current.remaining), (9, 1));
    let latest = start + HOUR + limits.resolution(HOUR);
    assert!(
        (start + HOUR..=latest).contains(&current.reset_at),
        "{current:?}"
    );
    Ok(())
}

pub async fn nothing_remains_during_a_cooldown(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let limits = harness.rate_limit(&setup).await?;
    let until = setup.clock.now() + SECOND * 10;
    limits.set_cooldown(&resource()?, until).await?;
    for used in [0, 2] {
        for class in [Priority::User, Priority::Background] {
            let current = status(&limits, class).await?;
            assert_eq!((current.used, current.remaining), (used, 0));
            assert_eq!((current.reset_at, current.available_at), (until, until));
        }
        // Recorded without a permit, as a request in flight when the server asked for the cooldown.
        limits.record(user()?).await?;
        limits.record(user()?).await?;
    }
    setup.clock.set_wall(until);
    let current = status(&limits, Priority::User).await?;
    assert_eq!((current.used, current.remaining), (4, 6));
    Ok(())
}
