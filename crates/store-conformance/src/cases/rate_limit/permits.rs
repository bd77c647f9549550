//! Permits that are used or given back, and calls that are dropped before their answer.

use std::time::Duration;

use store_core::{
    AdaptiveConfig, Clock, Decision, ErrorKind, HOUR, Limit, MINUTE, Priority, RateLimitStore,
    ResourceConfig, Result, SECOND,
};

use super::fixture::{
    assert_within_resolution, at, denied, granted, non_zero, resource, status, use_permit,
    use_permits, user,
};
use crate::run::{eventually, let_others_run, poll_once};
use crate::{Harness, Setup};

pub async fn permit_given_back_is_free_again(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default().with_config(Limit::new(1, MINUTE));
    let limits = harness.rate_limit(&setup).await?;
    let permit = granted(&limits, user()?).await?;
    assert_eq!(permit.admitted_at(), setup.clock.now());
    denied(&limits, user()?).await?;
    permit.give_back();
    let _used = eventually(async || admission(&limits).await).await?;
    denied(&limits, user()?).await?;
    Ok(())
}

/// A permit for a user, unless denied.
async fn admission(limits: &impl RateLimitStore) -> Result<Option<store_core::Permit>> {
    Ok(match limits.try_acquire(user()?).await? {
        Decision::Granted(permit) => Some(permit),
        Decision::Denied { .. } => None,
    })
}

pub async fn dropped_permit_is_used(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default().with_config(Limit::new(1, MINUTE));
    let limits = harness.rate_limit(&setup).await?;
    drop(granted(&limits, user()?).await?);
    for _ in 0..10 {
        let_others_run().await;
        denied(&limits, user()?).await?;
    }
    assert_eq!(status(&limits, Priority::User).await?.used, 1);
    Ok(())
}

pub async fn guard_lengthens_the_window(harness: &dyn Harness) -> Result<()> {
    let limit = Limit::new(1, MINUTE).with_guard(SECOND * 3);
    let setup = Setup::default().with_config(limit);
    let limits = harness.rate_limit(&setup).await?;
    let start = setup.clock.now();
    assert!(use_permit(&limits, &user()?).await?);
    let (retry_at, _) = denied(&limits, user()?).await?;
    assert_within_resolution(&limits, limit.span(), retry_at, start + SECOND * 63);
    setup.clock.set_wall(start + Duration::from_millis(62_999));
    denied(&limits, user()?).await?;
    setup
        .clock
        .set_wall(start + SECOND * 63 + limits.resolution(limit.span()));
    assert!(use_permit(&limits, &user()?).await?);
    Ok(())
}

pub async fn activity_without_an_attempt_counts(harness: &dyn Harness) -> Result<()> {
    let config = ResourceConfig::from(Limit::new(100, HOUR)).adaptive(AdaptiveConfig::default());
    let limits = harness
        .rate_limit(&Setup::default().with_config(config))
        .await?;
    assert!(use_permit(&limits, &user()?).await?);
    for _ in 0..3 {
        limits.record_activity(&user()?);
    }
    // At the latest the next attempt writes it.
    assert!(use_permit(&limits, &user()?).await?);
    let adaptive = status(&limits, Priority::User).await?.adaptive;
    assert_eq!(
        adaptive.map(|adaptive| adaptive.recent_user_activity),
        Some(5)
    );
    assert_eq!(status(&limits, Priority::User).await?.used, 2);
    Ok(())
}

pub async fn permit_given_back_frees_another_handle(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default().with_config(Limit::new(1, MINUTE));
    let (one, other) = (
        harness.rate_limit(&setup).await?,
        harness.rate_limit(&setup).await?,
    );
    let permit = granted(&one, user()?).await?;
    denied(&other, user()?).await?;
    permit.give_back();
    let _used = eventually(async || {
        // A handle may trust a denial for a second.
        setup.clock.advance(SECOND);
        admission(&other).await
    })
    .await?;
    assert!(
        setup.clock.monotonic() < MINUTE,
        "it was not given back, it ran out"
    );
    Ok(())
}

pub async fn several_permits_are_taken_and_given_back_at_once(harness: &dyn Harness) -> Result<()> {
    let limits = harness.rate_limit(&Setup::default()).await?;
    let seven = granted(&limits, user()?.permits(non_zero(7))).await?;
    assert_eq!(status(&limits, Priority::User).await?.remaining, 3);
    denied(&limits, user()?.permits(non_zero(4))).await?;
    let _used = granted(&limits, user()?.permits(non_zero(3))).await?;
    seven.give_back();
    eventually(async || {
        let remaining = status(&limits, Priority::User).await?.remaining;
        Ok((remaining == 7).then_some(()))
    })
    .await?;
    assert_eq!(status(&limits, Priority::User).await?.used, 3);
    Ok(())
}

pub async fn several_permits_wait_for_as_many_slots(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default().with_config(Limit::new(4, MINUTE));
    let limits = harness.rate_limit(&setup).await?;
    let start = setup.clock.now();
    for second in 0..4 {
        at(&setup.clock, start, second * 1_000);
        assert!(use_permit(&limits, &user()?).await?);
    }
    for permits in 1..=4 {
        // A store may repeat a denial for a second, even if more permits are asked for.
        setup.clock.advance(SECOND);
        let (retry_at, _) = denied(&limits, user()?.permits(non_zero(permits))).await?;
        let exact = start + MINUTE + SECOND * (permits - 1);
        assert_within_resolution(&limits, MINUTE, retry_at, exact);
    }
    Ok(())
}

pub async fn more_permits_than_the_limit_are_invalid(harness: &dyn Harness) -> Result<()> {
    let limits = harness.rate_limit(&Setup::default()).await?;
    let never = limits.try_acquire(user()?.permits(non_zero(11))).await;
    assert_eq!(
        never.err().map(|error| error.kind()),
        Some(ErrorKind::InvalidInput)
    );
    assert_eq!(status(&limits, Priority::User).await?.used, 0);
    let _used = granted(&limits, user()?.permits(non_zero(10))).await?;
    Ok(())
}

pub async fn permit_given_back_after_a_reset_takes_nothing(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default().with_config(Limit::new(2, MINUTE));
    let limits = harness.rate_limit(&setup).await?;
    let before = granted(&limits, user()?).await?;
    limits.reset(&resource()?).await?;
    // In the very same millisecond.
    assert_eq!(use_permits(&limits, &user()?, 2).await?, 2);
    before.give_back();
    let_others_run().await;
    assert_eq!(status(&limits, Priority::User).await?.used, 2);
    denied(&limits, user()?).await?;
    Ok(())
}

pub async fn admission_dropped_before_its_answer_is_given_back(
    harness: &dyn Harness,
) -> Result<()> {
    let setup = Setup::default().with_config(Limit::new(1, MINUTE));
    let limits = harness.rate_limit(&setup).await?;
    for polls in 0..12 {
        let mut dropped = Box::pin(limits.try_acquire(user()?));
        for _ in 0..polls {
            if let Some(answer) = poll_once(dropped.as_mut()) {
                // The answer reached its caller after all.
                if let Decision::Granted(permit) = answer? {
                    permit.give_back();
                }
                break;
            }
            let_others_run().await;
        }
        drop(dropped);
        let free = eventually(async || {
            // The store may not yet have processed the dropped caller's request.
            let_others_run().await;
            let used = status(&limits, Priority::User).await?.used;
            Ok((used == 0).then_some(()))
        });
        free.await?;
    }
    let _used = granted(&limits, user()?).await?;
    Ok(())
}
