//! What the workers of a soak do with the three stores, and how what they wrote down is judged.

pub(super) mod cache;
pub(super) mod desk;
pub(super) mod dice;
pub(super) mod jobs;
pub(super) mod journal;
pub(super) mod limits;

use std::sync::Arc;

use store_core::{AcquireQueue, CacheStore, DedupeStore};

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
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    /// No other worker's, in this run.
    pub(super) number: u64,
    pub(super) seed: u64,
    /// Tasks for each of the three stores.
    pub(super) tasks: usize,
}

/// Uses all three stores until the time is over.
pub(super) async fn run(
    part: Part,
    desk: &Arc<Desk>,
    stores: &Stores,
    origin: &Origin,
) -> Result<(), Error> {
    let mut tasks = Vec::new();
    for task in 0..u64::try_from(part.tasks).unwrap_or(u64::MAX) {
        let dice = |store| Dice::new(part.seed, (part.number << 16) | (task << 2) | store);
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
