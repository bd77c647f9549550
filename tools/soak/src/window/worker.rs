//! One process: its tasks ask, wait and ask again until the time is over.

use store_core::{
    Acquire, AcquireError, Clock as _, Limit, RateLimitStoreExt as _, RateLimiter, Resource,
    SystemClock, Timestamp,
};
use store_sqlite::{SqliteDatabase, SqliteRateLimitStore};

use crate::error::Error;
use crate::runtime;
use crate::workers;

use super::job::{Admission, Job};

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
    let tasks: Vec<_> = (0..job.tasks)
        .map(|_| tokio::spawn(ask(limiter.clone(), resource.clone(), clock, ends_at)))
        .collect();
    for task in tasks {
        let admissions = task.await.map_err(|source| Error::LostTask { source })??;
        for admission in admissions {
            workers::report(&admission)?;
        }
    }
    Ok(database.close().await?)
}

async fn ask(
    limiter: RateLimiter,
    resource: Resource,
    clock: SystemClock,
    ends_at: Timestamp,
) -> Result<Vec<Admission>, Error> {
    let mut admissions = Vec::new();
    loop {
        let asked_at = clock.now();
        if asked_at >= ends_at {
            return Ok(admissions);
        }
        let request = Acquire::one(&resource).max_wait(ends_at.since(asked_at));
        match limiter.acquire(request).await {
            Ok(permit) => {
                admissions.push(Admission {
                    asked: asked_at.as_millis(),
                    counted: permit.admitted_at().as_millis(),
                    answered: clock.now().as_millis(),
                });
                // Dropped, not given back: it stays used, or a window gets too full.
                drop(permit);
            }
            // Nothing is given back here, so what is denied until the end stays denied.
            Err(AcquireError::Denied { .. }) => return Ok(admissions),
            Err(error) => return Err(error.into()),
        }
    }
}
