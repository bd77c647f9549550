//! Our side: one job in a process of its own, built for release.

mod cache;
mod jobs;
mod limits;
mod pace;
mod parts;
mod statements;

use std::fs;
use std::io::{self, Write as _};

use serde::Serialize;
use store_sqlite::SqliteDatabase;

use self::cache::PageCall;
use super::job::{Job, Work};
use crate::error::Error;
use crate::runtime;

/// Does the job and writes its answer.
pub(super) fn run(job: &str) -> Result<(), Error> {
    let job = serde_json::from_str(job).map_err(|error| Error::NoForeman {
        source: error.into(),
    })?;
    runtime::block_on(work(job))
}

async fn work(job: Job) -> Result<(), Error> {
    let database = SqliteDatabase::open(&job.database).await?;
    let page = async |call| answer(&cache::page(&database, &job, call).await?);
    match job.work {
        Work::Get => answer(&cache::get(&database, &job).await?)?,
        Work::Set | Work::SetTakenOver => answer(&cache::set(&database, &job).await?)?,
        Work::GetPageValue => page(PageCall::GetValue).await?,
        Work::GetPageRecord => page(PageCall::GetRecord).await?,
        Work::GetPageBytes => page(PageCall::GetBytes).await?,
        Work::SetPageValue => page(PageCall::SetValue).await?,
        Work::SetPageRecord => page(PageCall::SetRecord).await?,
        Work::SetPageBytes => page(PageCall::SetBytes).await?,
        Work::Acquire | Work::AcquireAdaptive => answer(&limits::acquire(&database, &job).await?)?,
        Work::Settle => answer(&jobs::settle(&database, &job).await?)?,
        Work::Wait => answer(&jobs::wait(&database).await?)?,
        Work::Own => jobs::own(&database).await?,
        Work::Crowd => answer(&cache::crowd(&database, &job).await?)?,
        Work::Parts => answer(&parts::measure(&database, &job).await?)?,
        // Only the peer does these.
        Work::Seed | Work::Versions => {}
    }
    Ok(database.close().await?)
}

fn answer(what: &impl Serialize) -> Result<(), Error> {
    let write = || {
        let line = serde_json::to_string(what)?;
        writeln!(io::stdout(), "{line}")
    };
    write().map_err(|source| Error::NoForeman { source })
}

/// The value of 2 KB that both sides store.
fn value(job: &Job) -> Result<Vec<u8>, Error> {
    let path = job.folder.join("value.txt");
    fs::read(&path).map_err(Error::file("read", &path))
}
