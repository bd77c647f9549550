//! Permits that are used or given back, and calls that are dropped before their answer.

use store_core::{
    Clock, Decision, ErrorKind, Limit, MINUTE, Priority, RateLimitStore, Result, SECOND,
};

use super::{
    assert_within_resolution, at, denied, granted, non_zero, resource, status, use_permit,
    use_permits, user,
};
use crate::run::{eventually, let_others_run, poll_once};
use crate::{Harness, Setup};

pub async fn dropped_permit_is_given_back(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default().with_config(Limit::new(1, MINUTE));
    let limits = harness.rate_limit(&setup).await?;
    let permit = granted(&limits, user()?).await?;
    assert_eq!(permit.admitted_at(), setup.clock.now());
    denied(&limits, user()?).await?;
    drop(permit);
    let again = eventually(async || admission(&limits).await).await?;
    again.give_back();
    eventually(async || admission(&limits).await)
        .await?
        .commit();
    denied(&limits, user()?).await?;
    Ok(())
}

/// A permit for a user, unless denied.
async fn admission(limits: &impl RateLimitStore) -> Result<Option<store_core::Permit>> {
    Ok(match limits.acquire(user()?).await? {
        Decision::Granted(permit) => Some(permit),
        Decision::Denied { .. } => None,
    })
}

pub async fn committed_permit_counts(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default().with_config(Limit::new(1, MINUTE));
    let limits = harness.rate_limit(&setup).await?;
    granted(&limits, user()?).await?.commit();
    let_others_run().await;
    denied(&limits, user()?).await?;
    assert_eq!(status(&limits, Priority::User).await?.used, 1);
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
    drop(permit);
    eventually(async || {
        // A handle may trust a denial for a second.
        setup.clock.advance(SECOND);
        admission(&other).await
    })
    .await?
    .commit();
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
    granted(&limits, user()?.permits(non_zero(3)))
        .await?
        .commit();
    drop(seven);
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
    let never = limits.acquire(user()?.permits(non_zero(11))).await;
    assert_eq!(
        never.err().map(|error| error.kind()),
        Some(ErrorKind::InvalidInput)
    );
    assert_eq!(status(&limits, Priority::User).await?.used, 0);
    granted(&limits, user()?.permits(non_zero(10)))
        .await?
        .commit();
    Ok(())
}

pub async fn permit_given_back_after_a_reset_takes_nothing(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default().with_config(Limit::new(2, MINUTE));
    let limits = harness.rate_limit(&setup).await?;
    let before = granted(&limits, user()?).await?;
    limits.reset(&resource()?).await?;
    // In the very same millisecond.
    assert_eq!(use_permits(&limits, &user()?, 2).await?, 2);
    drop(before);
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
        let mut dropped = Box::pin(limits.acquire(user()?));
        for _ in 0..polls {
            if poll_once(dropped.as_mut()) {
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
    granted(&limits, user()?).await?.commit();
    Ok(())
}
