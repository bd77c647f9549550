//! One process: tasks that use all three stores of one file until the time is over.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use store_core::{AcquireQueue, Clock as _, QueueOptions, SeededRandom, SystemClock};
use store_sqlite::{
    CacheOptions, DedupeOptions, RateLimitOptions, SqliteCacheStore, SqliteDatabase,
    SqliteDedupeStore, SqliteRateLimitStore,
};

use crate::error::Error;
use crate::runtime;
use crate::soak::crew;

use crate::soak::load::cache::Origin;
use crate::soak::load::desk::Desk;
use crate::soak::load::{self, Part, Stores, jobs};

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

pub(crate) fn work() -> Result<(), Error> {
    runtime::block_on(use_all(crew::job()?))
}

async fn use_all(job: Job) -> Result<(), Error> {
    let journal = Desk::journal(&job.journal)?;
    let database = SqliteDatabase::open(&job.database).await?;
    // All at once, like programs that start together on a new file.
    store_sqlite::migrate(&database).await?;
    let origin = Origin::open(&job.origin).await?;

    let begins_at = crew::ready()?;
    let desk = Arc::new(Desk::new(journal, begins_at + job.duration));
    desk.clock.sleep_until(begins_at).await;
    let part = Part {
        number: job.number,
        seed: job.seed,
        tasks: job.tasks,
    };
    let stores = stores(&database, job.seed ^ job.number);
    load::run(part, &desk, &stores, &origin).await?;
    origin.close().await?;
    Ok(database.close().await?)
}

fn stores(database: &SqliteDatabase, seed: u64) -> Stores {
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
    Stores {
        cache: Arc::new(SqliteCacheStore::with_options(database, cache)),
        dedupe: Arc::new(SqliteDedupeStore::with_options(database, dedupe)),
        queue,
    }
}
