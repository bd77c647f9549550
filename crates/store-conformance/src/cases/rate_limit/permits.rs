//! Permits that are used, given back, or never heard of.

use store_core::{
    Clock, Decision, ErrorKind, Limit, MINUTE, Priority, RateLimitStore, Result, SECOND,
};

use super::{
    admitted, assert_in_time, at, refused, resource, spend, spend_all, status, times, user,
};
use crate::run::{breathe, eventually, poll_once};
use crate::{Harness, Setup};

pub async fn dropped_permit_is_given_back(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default().with_config(Limit::new(1, MINUTE));
    let limits = harness.rate_limit(&setup).await?;
    let permit = admitted(&limits, user()?).await?;
    assert_eq!(permit.admitted_at(), setup.clock.now());
    refused(&limits, user()?).await?;
    drop(permit);
    let again = eventually(async || admission(&limits).await).await?;
    again.give_back();
    eventually(async || admission(&limits).await)
        .await?
        .commit();
    refused(&limits, user()?).await?;
    Ok(())
}

/// A permit for a user, if there is one.
async fn admission(limits: &impl RateLimitStore) -> Result<Option<store_core::Permit>> {
    Ok(match limits.acquire(user()?).await? {
        Decision::Granted(permit) => Some(permit),
        Decision::Denied { .. } => None,
    })
}

pub async fn committed_permit_counts(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default().with_config(Limit::new(1, MINUTE));
    let limits = harness.rate_limit(&setup).await?;
    admitted(&limits, user()?).await?.commit();
    breathe().await;
    refused(&limits, user()?).await?;
    assert_eq!(status(&limits, Priority::User).await?.used, 1);
    Ok(())
}

pub async fn permit_given_back_frees_another_handle(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default().with_config(Limit::new(1, MINUTE));
    let (one, other) = (
        harness.rate_limit(&setup).await?,
        harness.rate_limit(&setup).await?,
    );
    let permit = admitted(&one, user()?).await?;
    refused(&other, user()?).await?;
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
    let seven = admitted(&limits, user()?.permits(times(7))).await?;
    assert_eq!(status(&limits, Priority::User).await?.remaining, 3);
    refused(&limits, user()?.permits(times(4))).await?;
    admitted(&limits, user()?.permits(times(3))).await?.commit();
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
        assert!(spend(&limits, &user()?).await?);
    }
    for permits in 1..=4 {
        // A store may repeat a denial for a second, even to who asks for more.
        setup.clock.advance(SECOND);
        let (retry_at, _) = refused(&limits, user()?.permits(times(permits))).await?;
        let exact = start + MINUTE + SECOND * (permits - 1);
        assert_in_time(&limits, MINUTE, retry_at, exact);
    }
    Ok(())
}

pub async fn more_permits_than_the_limit_are_invalid(harness: &dyn Harness) -> Result<()> {
    let limits = harness.rate_limit(&Setup::default()).await?;
    let never = limits.acquire(user()?.permits(times(11))).await;
    assert_eq!(
        never.err().map(|error| error.kind()),
        Some(ErrorKind::InvalidInput)
    );
    assert_eq!(status(&limits, Priority::User).await?.used, 0);
    admitted(&limits, user()?.permits(times(10)))
        .await?
        .commit();
    Ok(())
}

pub async fn permit_given_back_after_a_reset_takes_nothing(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default().with_config(Limit::new(2, MINUTE));
    let limits = harness.rate_limit(&setup).await?;
    let before = admitted(&limits, user()?).await?;
    limits.reset(&resource()?).await?;
    // In the very same millisecond.
    assert_eq!(spend_all(&limits, &user()?, 2).await?, 2);
    drop(before);
    breathe().await;
    assert_eq!(status(&limits, Priority::User).await?.used, 2);
    refused(&limits, user()?).await?;
    Ok(())
}

pub async fn admission_that_nobody_hears_of_is_given_back(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default().with_config(Limit::new(1, MINUTE));
    let limits = harness.rate_limit(&setup).await?;
    for polls in 0..12 {
        let mut unheard = Box::pin(limits.acquire(user()?));
        for _ in 0..polls {
            if poll_once(unheard.as_mut()) {
                break;
            }
            breathe().await;
        }
        drop(unheard);
        let free = eventually(async || {
            // A caller that left before it was asked for may still be on its way.
            breathe().await;
            let used = status(&limits, Priority::User).await?.used;
            Ok((used == 0).then_some(()))
        });
        free.await?;
    }
    admitted(&limits, user()?).await?.commit();
    Ok(())
}
