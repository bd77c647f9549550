//! One process: its tasks ask, wait and ask again until the time is over.

use store_core::{Clock as _, Limit, RateLimitStoreExt as _, Resource, SystemClock};
use store_sqlite::{SqliteDatabase, SqliteRateLimitStore};

use crate::error::Error;
use crate::runtime;
use crate::workers;

use super::admissions::{OnRetryable, admissions};
use super::job::Job;

pub(crate) fn work() -> Result<(), Error> {
    runtime::block_on(run_tasks(workers::job()?))
}

async fn run_tasks(job: Job) -> Result<(), Error> {
    let database = SqliteDatabase::open(&job.database).await?;
    // All at once, like programs that start together on a new file.
    store_sqlite::migrate(&database).await?;
    let limit = Limit::new(job.limit, job.window);
    let limiter = SqliteRateLimitStore::new(&database, limit).limiter();
    let resource = Resource::new(&job.resource)?;
    let clock = SystemClock::new();

    let begins_at = workers::ready()?;
    let ends_at = begins_at + job.duration;
    clock.sleep_until(begins_at).await;
    let on_retryable = OnRetryable::Fail;
    for admission in admissions(&limiter, &resource, job.tasks, ends_at, on_retryable).await? {
        workers::report(&admission)?;
    }
    Ok(database.close().await?)
}
