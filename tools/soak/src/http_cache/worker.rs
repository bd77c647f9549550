//! One process: tasks that use one file until the time is over.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use http_cache_db::events::{Event, Events};
use http_cache_db::store::ResponseStore as _;
use http_cache_db::{SqliteStore, SqliteStoreOptions};
use serde::{Deserialize, Serialize};
use store_core::{Clock as _, HOUR, SystemClock};
use tokio::task::JoinSet;

use super::clock::FastClock;
use super::tally::Tally;
use super::tasks::{Context, task};
use crate::error::Error;
use crate::{runtime, workers};

/// The job of one worker.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Job {
    pub(super) database: PathBuf,
    pub(super) number: usize,
    pub(super) seed: u64,
    pub(super) tasks: usize,
    pub(super) targets: usize,
    pub(super) max_bytes: u64,
    pub(super) duration: Duration,
    pub(super) busy_timeout: Duration,
    pub(super) clock: FastClock,
}

impl Job {
    fn options(&self) -> SqliteStoreOptions {
        let options = SqliteStoreOptions::default();
        let database = options.database.clone();
        options
            .with_database(database.with_busy_timeout(self.busy_timeout))
            .with_max_bytes(self.max_bytes)
            .with_max_versions(2)
            .with_clock(Arc::new(self.clock))
    }

    pub(super) async fn open(&self) -> Result<SqliteStore, Error> {
        Ok(SqliteStore::open(&self.database, self.options()).await?)
    }

    /// When all that was left alone is due to be removed.
    pub(super) async fn open_later(&self) -> Result<SqliteStore, Error> {
        let options = self.options();
        let options = options.with_clock(Arc::new(self.clock.later(HOUR)));
        Ok(SqliteStore::open(&self.database, options).await?)
    }
}

pub(crate) fn work() -> Result<(), Error> {
    runtime::block_on(use_store(workers::job()?))
}

async fn use_store(job: Job) -> Result<(), Error> {
    let events = Events::default();
    let context = Arc::new(Context::new(&job));
    let hearing = Arc::clone(&context);
    let _listener = events.listen(move |event| {
        if let Event::DecompressionError { error, .. } = event {
            hearing.tally().torn(format!("not readable: {error}"));
        } else if let Event::SetAside { path } = event {
            // No file is damaged here.
            hearing.tally().torn(format!("set aside: {path}"));
        }
    });
    // All at once, like programs that start together on a new file.
    let options = job.options().with_events(events.clone());
    let store = SqliteStore::open(&job.database, options).await?;

    let begins_at = workers::ready()?;
    let ends_at = begins_at + job.duration;
    SystemClock::new().sleep_until(begins_at).await;
    let mut tasks = JoinSet::new();
    for number in 0..job.tasks {
        let (store, context) = (store.clone(), Arc::clone(&context));
        tasks.spawn(task(store, context, number, ends_at));
    }
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(|source| Error::LostTask { source })?;
    }
    store.close().await?;
    let tally: Tally = context.tally().clone();
    workers::report(&tally)
}
