//! Our side: one job in a new process, built for release.

mod breakdown;
mod cache;
mod call;
mod jobs;
mod limits;
mod statements;
mod timing;
mod value;

use store_sqlite::SqliteDatabase;

pub(crate) use self::timing::{scattered, spread};

use self::cache::PageCall;
use crate::error::Error;
use crate::job::{Job, Work};
use crate::parent::{self, answer};

/// Does the job and writes its answer.
pub(crate) fn run(job: &str) -> Result<(), Error> {
    parent::runtime()?.block_on(work(parent::read(job)?))
}

async fn work(job: Job) -> Result<(), Error> {
    let database = SqliteDatabase::open(&job.database).await?;
    let page = async |call| answer(&cache::page(&database, &job, call).await?);
    match job.work {
        Work::Get => answer(&cache::get(&database, &job).await?)?,
        Work::GetTiered => answer(&cache::get_tiered(&database, &job).await?)?,
        Work::Set | Work::SetTakenOver => answer(&cache::set(&database, &job).await?)?,
        Work::GetPageValue => page(PageCall::GetValue).await?,
        Work::GetPageRecord => page(PageCall::GetRecord).await?,
        Work::GetPageBytes => page(PageCall::GetBytes).await?,
        Work::SetPageValue => page(PageCall::SetValue).await?,
        Work::SetPageRecord => page(PageCall::SetRecord).await?,
        Work::SetPageBytes => page(PageCall::SetBytes).await?,
        Work::Acquire | Work::AcquireAdaptive => answer(&limits::acquire(&database, &job).await?)?,
        Work::Complete => answer(&jobs::complete(&database, &job).await?)?,
        Work::Wait => answer(&jobs::wait(&database).await?)?,
        Work::Own => jobs::own(&database).await?,
        Work::Contend => answer(&cache::contend(&database, &job).await?)?,
        Work::Breakdown => answer(&breakdown::measure(&database, &job).await?)?,
        // Only the peer does these.
        Work::Seed | Work::Versions => {}
    }
    Ok(database.close().await?)
}
