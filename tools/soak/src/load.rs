//! The load on the three stores, and the checks of what the workers wrote down.

pub(crate) mod cache;
pub(crate) mod context;
pub(crate) mod events;
pub(crate) mod jobs;
pub(crate) mod journal;
pub(crate) mod limits;
pub(crate) mod rng;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use store_core::backend::SeededRandom;
use store_core::{CacheStore, Clock, DedupeStore, RateLimitStore, RateLimiter, RateLimiterOptions};

use crate::error::Error;

use self::cache::Origin;
use self::context::Context;
use self::rng::Rng;

/// The stores that a worker uses.
#[derive(Clone)]
pub(crate) struct Stores {
    pub(crate) cache: Arc<dyn CacheStore>,
    pub(crate) dedupe: Arc<dyn DedupeStore>,
    pub(crate) limiter: RateLimiter,
}

/// A worker's part of the load.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Part {
    pub(crate) origin: PathBuf,
    pub(crate) journal: PathBuf,
    /// No other worker's, in this run.
    pub(crate) number: usize,
    pub(crate) seed: u64,
    /// Tasks for each of the three stores.
    pub(crate) tasks: usize,
    pub(crate) duration: Duration,
}

impl Part {
    /// The limiter over a store, with a random source of this worker.
    pub(crate) fn limiter(&self, limits: impl RateLimitStore, clock: impl Clock) -> RateLimiter {
        let options = RateLimiterOptions::default()
            .with_clock(clock)
            .with_random(SeededRandom::new(self.seed ^ self.stream()));
        RateLimiter::with_options(limits, options)
    }

    fn stream(&self) -> u64 {
        u64::try_from(self.number).unwrap_or(u64::MAX)
    }
}

/// Uses all three stores until the time is over.
pub(crate) async fn run(
    part: &Part,
    context: &Arc<Context>,
    stores: &Stores,
    origin: &Origin,
) -> Result<(), Error> {
    let mut tasks = Vec::new();
    for task in 0..u64::try_from(part.tasks).unwrap_or(u64::MAX) {
        let rng = |store| Rng::new(part.seed, (part.stream() << 16) | (task << 2) | store);
        let name = format!("{}-{task}", part.number);
        let (at, limiter, store) = (Arc::clone(context), stores.limiter.clone(), rng(0));
        tasks.push(tokio::spawn(async move {
            limits::run(&at, limiter, store).await
        }));
        let (at, origin, store) = (Arc::clone(context), origin.clone(), rng(1));
        let cache = Arc::clone(&stores.cache);
        tasks.push(tokio::spawn(async move {
            cache::run(&at, cache, origin, store, &name).await
        }));
        let (at, dedupe, store) = (Arc::clone(context), Arc::clone(&stores.dedupe), rng(2));
        tasks.push(tokio::spawn(
            async move { jobs::run(&at, dedupe, store).await },
        ));
    }
    for task in tasks {
        task.await.map_err(|source| Error::LostTask { source })??;
    }
    Ok(())
}
