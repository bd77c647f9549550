//! One process: its tasks ask, wait and ask again until the time is over.

use std::sync::Arc;

use store_core::{
    Acquire, AcquireQueue, Clock as _, Decision, Limit, QueueOptions, Resource, SystemClock,
    SystemRandom, Timestamp,
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
    let limiter = SqliteRateLimitStore::new(&database, Limit::new(job.limit, job.window));
    let resource = Resource::named(&job.resource)?;
    let clock = SystemClock::new();
    let queue = AcquireQueue::new(
        Arc::new(limiter),
        Arc::new(clock),
        Arc::new(SystemRandom),
        QueueOptions::default(),
    );

    let begins_at = workers::ready()?;
    let ends_at = begins_at + job.duration;
    clock.sleep_until(begins_at).await;
    let tasks: Vec<_> = (0..job.tasks)
        .map(|_| tokio::spawn(ask(queue.clone(), resource.clone(), clock, ends_at)))
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
    queue: AcquireQueue,
    resource: Resource,
    clock: SystemClock,
    ends_at: Timestamp,
) -> store_core::Result<Vec<Admission>> {
    let mut admissions = Vec::new();
    loop {
        let asked_at = clock.now();
        if asked_at >= ends_at {
            return Ok(admissions);
        }
        let request = Acquire::one(&resource).user();
        match queue.acquire_wait(request, ends_at, None).await? {
            Decision::Granted(permit) => {
                admissions.push(Admission {
                    asked: asked_at.as_millis(),
                    counted: permit.admitted_at().as_millis(),
                    answered: clock.now().as_millis(),
                });
                permit.commit();
            }
            // Nothing is given back here, so what is refused until the end stays refused.
            Decision::Denied { .. } => return Ok(admissions),
        }
    }
}
