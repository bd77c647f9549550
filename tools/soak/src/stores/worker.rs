//! One process: tasks that use all three stores of one file until the time is over.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use store_core::{Clock as _, SystemClock};
use store_sqlite::{
    CacheOptions, DedupeOptions, RateLimitOptions, SqliteCacheStore, SqliteDatabase,
    SqliteDedupeStore, SqliteRateLimitStore,
};

use crate::error::Error;
use crate::runtime;
use crate::workers;

use crate::load::cache::Origin;
use crate::load::context::Context;
use crate::load::journal::Journal;
use crate::load::{self, Part, Stores, jobs};

/// How often expired values are swept: often, so that it gets in the way.
const SWEEP_VALUES: Duration = Duration::from_millis(200);

/// How often ended and lapsed jobs are swept: seldom, because that wakes waiters that did not notice
/// the end of a lease by themselves.
const SWEEP_JOBS: Duration = Duration::from_secs(4);

/// The job of one worker.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Job {
    pub(crate) database: PathBuf,
    pub(crate) part: Part,
}

pub(crate) fn work() -> Result<(), Error> {
    runtime::block_on(use_all(workers::job()?))
}

async fn use_all(Job { database, part }: Job) -> Result<(), Error> {
    let journal = Journal::create(&part.journal)?;
    let database = SqliteDatabase::open(&database).await?;
    // All at once, like programs that start together on a new file.
    store_sqlite::migrate(&database).await?;
    let origin = Origin::open(&part.origin).await?;

    let begins_at = workers::ready()?;
    let context = Arc::new(Context::new(journal, begins_at + part.duration));
    context.clock.sleep_until(begins_at).await;
    load::run(&part, &context, &stores(&database, &part), &origin).await?;
    origin.close().await?;
    Ok(database.close().await?)
}

fn stores(database: &SqliteDatabase, part: &Part) -> Stores {
    let cache = CacheOptions::default().with_cleanup_interval(Some(SWEEP_VALUES));
    let dedupe = DedupeOptions::default()
        .with_cleanup_interval(Some(SWEEP_JOBS))
        .with_lease(jobs::LEASE)
        .with_result_retention(jobs::RETENTION);
    // Nothing is swept, so that the log at the end is the whole history.
    let limits = RateLimitOptions::default().with_cleanup_interval(None);
    let limits = SqliteRateLimitStore::with_options(database, limits);
    Stores {
        cache: Arc::new(SqliteCacheStore::with_options(database, cache)),
        dedupe: Arc::new(SqliteDedupeStore::with_options(database, dedupe)),
        limiter: part.limiter(limits, SystemClock::new()),
    }
}
