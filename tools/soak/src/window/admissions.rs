//! The admissions that the tasks of a worker get until the time is over.

use store_core::{
    Acquire, AcquireError, Clock as _, RateLimiter, Resource, SystemClock, Timestamp,
};

use super::job::Admission;
use crate::error::Error;

/// What a worker does about an error of the store that may pass.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OnRetryable {
    /// The soak fails: one file on this machine has no excuse.
    Fail,
    /// The task asks again: a server may be slow or throttle.
    AskAgain,
}

/// The admissions of `tasks` tasks side by side, each of which asks, waits and asks again until
/// `ends_at`.
pub(crate) async fn admissions(
    limiter: &RateLimiter,
    resource: &Resource,
    tasks: usize,
    ends_at: Timestamp,
    on_retryable: OnRetryable,
) -> Result<Vec<Admission>, Error> {
    let tasks: Vec<_> = (0..tasks)
        .map(|_| {
            tokio::spawn(ask(
                limiter.clone(),
                resource.clone(),
                ends_at,
                on_retryable,
            ))
        })
        .collect();
    let mut all = Vec::new();
    for task in tasks {
        all.extend(task.await.map_err(|source| Error::LostTask { source })??);
    }
    Ok(all)
}

async fn ask(
    limiter: RateLimiter,
    resource: Resource,
    ends_at: Timestamp,
    on_retryable: OnRetryable,
) -> Result<Vec<Admission>, Error> {
    let clock = SystemClock::new();
    let mut admissions = Vec::new();
    loop {
        let asked_at = clock.now();
        if asked_at >= ends_at {
            return Ok(admissions);
        }
        let request = Acquire::one(&resource).max_wait(ends_at.since(asked_at));
        match (limiter.acquire(request).await, on_retryable) {
            (Ok(permit), _) => {
                admissions.push(Admission {
                    asked: asked_at.as_millis(),
                    counted: permit.admitted_at().as_millis(),
                    answered: clock.now().as_millis(),
                });
                // Dropped, not given back: it stays used, or a window gets too full.
                drop(permit);
            }
            // Nothing is given back here, so what is denied until the end stays denied.
            (Err(AcquireError::Denied { .. }), _) => return Ok(admissions),
            (Err(AcquireError::Store(error)), OnRetryable::AskAgain) if error.is_retryable() => {}
            (Err(error), _) => return Err(error.into()),
        }
    }
}
