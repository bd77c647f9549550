//! The rate limiter.

use std::num::NonZeroU32;

use store_core::{
    Acquire, AdaptiveConfig, HOUR, Limit, RateLimitStore as _, Resource, ResourceConfig, Result,
};
use store_sqlite::{SqliteDatabase, SqliteRateLimitStore};

use super::timing::timed;
use crate::error::Error;
use crate::job::{Job, Timing, Work};

pub(crate) async fn acquire(
    database: &SqliteDatabase,
    job: &Job,
) -> std::result::Result<Timing, Error> {
    let mut config = ResourceConfig::from(Limit::new(job.limit, HOUR));
    if job.work == Work::AcquireAdaptive {
        config = config.adaptive(AdaptiveConfig::default());
    }
    let limits = SqliteRateLimitStore::new(database, config);
    if let Some(filled) = NonZeroU32::new(job.filled) {
        let request = Acquire::one(&resource(0)?).user().permits(filled);
        limits.record(request).await?;
    }
    let free = u64::from(job.limit - job.filled);
    timed(job, move |number| {
        let limits = limits.clone();
        async move {
            let request = Acquire::one(&resource(number / free)?).user();
            drop(limits.try_acquire(request).await?);
            Ok(())
        }
    })
    .await
}

fn resource(number: u64) -> Result<Resource> {
    Resource::new(format!("bench-{number}"))
}
