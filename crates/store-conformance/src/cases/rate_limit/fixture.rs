//! Requests, attempts and checks that the rate-limit cases share.

use std::num::NonZeroU32;
use std::time::Duration;

use store_core::{
    Acquire, Claim, Decision, ManualClock, Permit, Priority, RateLimitStore, Reason, Resource,
    Result, Status, Timestamp,
};

pub(super) fn resource() -> Result<Resource> {
    Resource::new("issues")
}

pub(super) fn user() -> Result<Acquire> {
    Ok(Acquire::one(&resource()?).user())
}

pub(super) fn background() -> Result<Acquire> {
    Ok(Acquire::one(&resource()?).background())
}

pub(super) fn non_zero(count: u32) -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(count - 1)
}

/// Acquires a permit; fails the case if it is denied.
pub(super) async fn granted(limits: &impl RateLimitStore, request: Acquire) -> Result<Permit> {
    match limits.try_acquire(request).await? {
        Decision::Granted(permit) => Ok(permit),
        Decision::Denied { retry_at, reason } => {
            panic!("should be granted, but {reason} until {retry_at}")
        }
    }
}

/// Is denied a permit; fails the case if it is granted.
pub(super) async fn denied(
    limits: &impl RateLimitStore,
    request: Acquire,
) -> Result<(Timestamp, Reason)> {
    match limits.try_acquire(request).await? {
        Decision::Denied { retry_at, reason } => Ok((retry_at, reason)),
        Decision::Granted(permit) => panic!("should be denied, but got {permit:?}"),
    }
}

/// Acquires a permit and uses it; `false` if it is denied.
pub(super) async fn use_permit(limits: &impl RateLimitStore, request: &Acquire) -> Result<bool> {
    match limits.try_acquire(request.clone()).await? {
        Decision::Granted(_used) => Ok(true),
        Decision::Denied { .. } => Ok(false),
    }
}

/// The number of permits granted and used in `attempts` attempts.
pub(super) async fn use_permits(
    limits: &impl RateLimitStore,
    request: &Acquire,
    attempts: u32,
) -> Result<u32> {
    let mut used = 0;
    for _ in 0..attempts {
        used += u32::from(use_permit(limits, request).await?);
    }
    Ok(used)
}

pub(super) async fn status(limits: &impl RateLimitStore, priority: Priority) -> Result<Status> {
    limits.status(&Claim::new(resource()?), priority).await
}

/// Asserts that `found` is `exact`, or later by at most the store's resolution for the window.
pub(super) fn assert_within_resolution(
    limits: &impl RateLimitStore,
    window: Duration,
    found: Timestamp,
    exact: Timestamp,
) {
    let latest = exact + limits.resolution(window);
    assert!(
        exact <= found && found <= latest,
        "{found}, not {exact} to {latest}"
    );
}

/// Sets the clock to `millis` milliseconds after `start`.
pub(super) fn at(clock: &ManualClock, start: Timestamp, millis: u64) {
    clock.set_wall(start + Duration::from_millis(millis));
}
