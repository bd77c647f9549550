//! What the workers of a soak do with the three stores, and how what they wrote down is judged.

pub(super) mod cache;
pub(super) mod desk;
pub(super) mod dice;
pub(super) mod jobs;
pub(super) mod journal;
pub(super) mod limits;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use store_core::{
    AcquireQueue, CacheStore, Clock, DedupeStore, QueueOptions, RateLimitStore, SeededRandom,
};

use crate::error::Error;

use self::cache::Origin;
use self::desk::Desk;
use self::dice::Dice;

/// The stores that a worker uses.
#[derive(Clone)]
pub(super) struct Stores {
    pub(super) cache: Arc<dyn CacheStore>,
    pub(super) dedupe: Arc<dyn DedupeStore>,
    pub(super) queue: AcquireQueue,
}

/// A worker's part of the load.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Part {
    pub(super) origin: PathBuf,
    pub(super) journal: PathBuf,
    /// No other worker's, in this run.
    pub(super) number: usize,
    pub(super) seed: u64,
    /// Tasks for each of the three stores.
    pub(super) tasks: usize,
    pub(super) duration: Duration,
}

impl Part {
    /// What lines up before a limiter, at random moments of this worker's own.
    pub(super) fn queue(
        &self,
        limits: impl RateLimitStore + 'static,
        clock: impl Clock + 'static,
    ) -> AcquireQueue {
        AcquireQueue::new(
            Arc::new(limits),
            Arc::new(clock),
            Arc::new(SeededRandom::new(self.seed ^ self.stream())),
            QueueOptions::default(),
        )
    }

    fn stream(&self) -> u64 {
        u64::try_from(self.number).unwrap_or(u64::MAX)
    }
}

/// Uses all three stores until the time is over.
pub(super) async fn run(
    part: &Part,
    desk: &Arc<Desk>,
    stores: &Stores,
    origin: &Origin,
) -> Result<(), Error> {
    let mut tasks = Vec::new();
    for task in 0..u64::try_from(part.tasks).unwrap_or(u64::MAX) {
        let dice = |store| Dice::new(part.seed, (part.stream() << 16) | (task << 2) | store);
        let name = format!("{}-{task}", part.number);
        let (at, queue, store) = (Arc::clone(desk), stores.queue.clone(), dice(0));
        tasks.push(tokio::spawn(
            async move { limits::run(&at, queue, store).await },
        ));
        let (at, origin, store) = (Arc::clone(desk), origin.clone(), dice(1));
        let cache = Arc::clone(&stores.cache);
        tasks.push(tokio::spawn(async move {
            cache::run(&at, cache, origin, store, &name).await
        }));
        let (at, dedupe, store) = (Arc::clone(desk), Arc::clone(&stores.dedupe), dice(2));
        tasks.push(tokio::spawn(
            async move { jobs::run(&at, dedupe, store).await },
        ));
    }
    for task in tasks {
        task.await.map_err(|source| Error::LostTask { source })??;
    }
    Ok(())
}
