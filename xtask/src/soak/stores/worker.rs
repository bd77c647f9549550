//! One process: tasks that use all three stores of one file until the time is over.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use store_core::{AcquireQueue, Clock as _, QueueOptions, SeededRandom, SystemClock, Timestamp};
use store_sqlite::{
    CacheOptions, DedupeOptions, RateLimitOptions, SqliteCacheStore, SqliteDatabase,
    SqliteDedupeStore, SqliteRateLimitStore,
};

use crate::error::Error;
use crate::runtime;
use crate::soak::crew;

use super::cache::Origin;
use super::dice::Dice;
use super::journal::{Entry, Journal};
use super::{cache, jobs, limits};

/// How often expired values are swept: often, so that it gets in the way.
const SWEEP_VALUES: Duration = Duration::from_millis(200);

/// How often ended and lapsed jobs are swept: seldom, because that wakes waiters that did not notice
/// the end of a lease by themselves.
const SWEEP_JOBS: Duration = Duration::from_secs(4);

/// What one worker does.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Job {
    pub(super) database: PathBuf,
    pub(super) origin: PathBuf,
    pub(super) journal: PathBuf,
    /// No other worker's, in this run.
    pub(super) number: u64,
    pub(super) seed: u64,
    /// Tasks for each of the three stores.
    pub(super) tasks: usize,
    pub(super) duration: Duration,
}

/// What the tasks of a worker share: the time, and where to tell what happened.
#[derive(Debug)]
pub(super) struct Desk {
    pub(super) clock: SystemClock,
    journal: Journal,
    ends_at: Timestamp,
}

impl Desk {
    pub(super) fn is_open(&self) -> bool {
        self.clock.now() < self.ends_at
    }

    pub(super) fn millis(&self) -> i64 {
        self.clock.now().as_millis()
    }

    pub(super) fn tell(&self, entry: &Entry) -> Result<(), Error> {
        self.journal.write(entry)
    }

    pub(super) async fn pause(&self, duration: Duration) {
        self.clock.sleep_until(self.clock.now() + duration).await;
    }
}

pub(crate) fn work() -> Result<(), Error> {
    runtime::block_on(use_all(crew::job()?))
}

async fn use_all(job: Job) -> Result<(), Error> {
    let journal = Journal::create(&job.journal)?;
    let database = SqliteDatabase::open(&job.database).await?;
    // All at once, like programs that start together on a new file.
    store_sqlite::migrate(&database).await?;
    let origin = Origin::open(&job.origin).await?;

    let begins_at = crew::ready()?;
    let desk = Arc::new(Desk {
        clock: SystemClock::new(),
        journal,
        ends_at: begins_at + job.duration,
    });
    desk.clock.sleep_until(begins_at).await;
    let (cache, dedupe, queue) = stores(&database, job.seed ^ job.number);
    let mut tasks = Vec::new();
    for task in 0..u64::try_from(job.tasks).unwrap_or(u64::MAX) {
        let dice = |store| Dice::new(job.seed, (job.number << 16) | (task << 2) | store);
        let name = format!("{}-{task}", job.number);
        let (at, queue, store) = (Arc::clone(&desk), queue.clone(), dice(0));
        tasks.push(tokio::spawn(
            async move { limits::run(&at, queue, store).await },
        ));
        let (at, cache, origin, store) =
            (Arc::clone(&desk), cache.clone(), origin.clone(), dice(1));
        tasks.push(tokio::spawn(async move {
            cache::run(&at, Arc::new(cache), origin, store, &name).await
        }));
        let (at, dedupe, store) = (Arc::clone(&desk), dedupe.clone(), dice(2));
        tasks.push(tokio::spawn(async move {
            jobs::run(&at, Arc::new(dedupe), store).await
        }));
    }
    for task in tasks {
        task.await.map_err(|source| Error::LostTask { source })??;
    }
    origin.close().await?;
    Ok(database.close().await?)
}

fn stores(
    database: &SqliteDatabase,
    seed: u64,
) -> (SqliteCacheStore, SqliteDedupeStore, AcquireQueue) {
    let cache = CacheOptions::default().with_cleanup_interval(Some(SWEEP_VALUES));
    let dedupe = DedupeOptions::default()
        .with_cleanup_interval(Some(SWEEP_JOBS))
        .with_lease(jobs::LEASE)
        .with_result_retention(jobs::RETENTION);
    // Nothing is swept, so that the log at the end is the whole history.
    let limits = RateLimitOptions::default().with_cleanup_interval(None);
    let limits = SqliteRateLimitStore::with_options(database, limits);
    let queue = AcquireQueue::new(
        Arc::new(limits),
        Arc::new(SystemClock::new()),
        Arc::new(SeededRandom::new(seed)),
        QueueOptions::default(),
    );
    (
        SqliteCacheStore::with_options(database, cache),
        SqliteDedupeStore::with_options(database, dedupe),
        queue,
    )
}
