//! Rate limiters in memory: a decision to grant, at so many resources that were used before.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::{Quota, RateLimiter};
use store_core::{Acquire, Decision, HOUR, Limit, RateLimitOptions, RateLimitStore as _, Resource};
use store_memory::MemoryRateLimitStore;

use super::trial::Trial;
use crate::error::Error;
use crate::figures::{Figures, measure};
use crate::ours::scattered;

/// An hour's limit, which no run uses up.
const LIMIT: NonZeroU32 = NonZeroU32::MIN.saturating_add(9_999_999);

/// The work of every limiter: use each resource once, then one of them at a time.
async fn work<K>(
    trial: &Trial,
    resource: impl Fn(u64) -> Result<K, Error>,
    acquire: impl AsyncFn(&K) -> Result<bool, Error>,
) -> Result<Vec<Figures>, Error> {
    let resources = (0..trial.entries)
        .map(&resource)
        .collect::<Result<Vec<K>, Error>>()?;
    let granted = |is_granted: bool| is_granted.then_some(()).ok_or(Error::Missing);
    // Used under names of their own: no request finds its own in the cache of the processor.
    for number in 0..trial.entries {
        granted(acquire(&resource(number)?).await?)?;
    }
    let (resources, acquire) = (&resources, &acquire);
    let acquisitions = measure(trial.calls, async |number| {
        let place = usize::try_from(scattered(number) % trial.entries).unwrap_or_default();
        granted(acquire(resources.get(place).ok_or(Error::Missing)?).await?)
    });
    Ok(vec![acquisitions.await?])
}

pub(super) async fn ours(trial: &Trial) -> Result<Vec<Figures>, Error> {
    let options = RateLimitOptions::default()
        .with_default_config(Limit::new(LIMIT.get(), HOUR))
        .with_cleanup_interval(None);
    let limits = MemoryRateLimitStore::with_options(options);
    work(
        trial,
        |number| Ok(Resource::new(format!("bench-{number}"))?),
        async |resource| {
            let decision = limits.try_acquire(Acquire::one(resource).user()).await?;
            Ok(matches!(decision, Decision::Granted(_)))
        },
    )
    .await
}

pub(super) async fn governor(trial: &Trial) -> Result<Vec<Figures>, Error> {
    let limiter = RateLimiter::dashmap(Quota::per_hour(LIMIT));
    work(
        trial,
        |number| Ok(format!("bench-{number}")),
        async |key| Ok(limiter.check_key(key).is_ok()),
    )
    .await
}

pub(super) async fn leaky_bucket(trial: &Trial) -> Result<Vec<Figures>, Error> {
    let tokens = usize::try_from(LIMIT.get()).unwrap_or(usize::MAX);
    let limiter = leaky_bucket::RateLimiter::builder()
        .max(tokens)
        .initial(tokens)
        .refill(1)
        .interval(Duration::from_millis(1))
        .build();
    work(trial, Ok, async |_| Ok(limiter.try_acquire(1))).await
}
