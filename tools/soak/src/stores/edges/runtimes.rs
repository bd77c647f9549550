//! Runtimes that end in the middle of calls, while the stores are used in the next one.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use store_core::{
    CacheStore as _, DedupeStore as _, JobOutcome, JobResult, NewEntry, Priority, Registration,
};
use store_sqlite::{CacheOptions, SqliteCacheStore, SqliteDatabase, SqliteDedupeStore};
use tokio::runtime::{Builder, Runtime};

use super::{Pair, Trial, key};
use crate::error::Error;

const RUNTIMES: usize = 30;
/// How long each lives, in milliseconds, at most.
const LIVES: usize = 10;
/// How long the last one waits for what it is to see.
const PATIENCE: Duration = Duration::from_secs(20);

pub(super) fn run(file: &Path) -> Result<Trial, Error> {
    let mut trial = Trial::new("runtimes");
    let database = runtime()?.block_on(SqliteDatabase::open(file))?;
    let jobs = SqliteDedupeStore::new(&database);
    let sweep = CacheOptions::default().with_cleanup_interval(Some(Duration::from_millis(20)));
    let cache = SqliteCacheStore::with_options(&database, sweep);
    let pair = Arc::new(Pair::over(&database)?);
    for number in 0..RUNTIMES {
        let runtime = runtime()?;
        for task in 0..4 {
            let (pair, jobs, cache) = (Arc::clone(&pair), jobs.clone(), cache.clone());
            runtime.spawn(async move { use_all(&pair, &jobs, &cache, number * 4 + task).await });
        }
        // A time on the way, without a clock of the runtime.
        let life = u64::try_from(number % LIVES).unwrap_or_default();
        std::thread::sleep(Duration::from_millis(life));
        runtime.shutdown_background();
        trial.calls += 4;
    }
    runtime()?.block_on(last(&mut trial, &pair, &jobs, &cache, file))?;
    let report = runtime()?.block_on(database.check())?;
    trial.expect(report.is_ok(), || format!("{report:?}"));
    runtime()?.block_on(database.close())?;
    Ok(trial)
}

fn runtime() -> Result<Runtime, Error> {
    Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|source| Error::Runtime { source })
}

/// Calls until the runtime ends.
async fn use_all(
    pair: &Pair,
    jobs: &SqliteDedupeStore,
    cache: &SqliteCacheStore,
    number: usize,
) -> store_core::Result<()> {
    loop {
        pair.set(number).await?;
        pair.acquire().await?;
        cache.get(&key(number)?).await?;
        let name = key(number % 3)?;
        if let Registration::Joined(job) = jobs.register_or_join(&name, Priority::User).await? {
            jobs.wait_for(&name, &job, PATIENCE).await?;
        }
    }
}

/// In the last runtime a waiter is woken, and what has expired is removed.
async fn last(
    trial: &mut Trial,
    pair: &Pair,
    jobs: &SqliteDedupeStore,
    cache: &SqliteCacheStore,
    file: &Path,
) -> Result<(), Error> {
    for number in 0..4 {
        pair.set(number).await?;
        trial.expect(pair.has(number).await?, || {
            format!("value {number} is lost")
        });
    }
    let name = store_core::Key::new("last:job")?;
    let registered = jobs.register_or_join(&name, Priority::User).await?;
    let Registration::Owner(mut owner) = registered else {
        trial.expect(false, || "somebody else owns the job".to_owned());
        return Ok(());
    };
    let (waiter, key, job) = (jobs.clone(), name.clone(), *owner.job());
    let waiting = tokio::spawn(async move { waiter.wait_for(&key, &job, PATIENCE).await });
    // As of another process: only the watcher of this one reports it.
    let other = SqliteDatabase::open(file).await?;
    let ending = SqliteDedupeStore::new(&other);
    ending
        .complete(&mut owner, JobResult::Value(Bytes::from_static(b"Saga")))
        .await?;
    let outcome = waiting
        .await
        .map_err(|source| Error::LostTask { source })??;
    trial.expect(matches!(outcome, JobOutcome::Value(_)), || {
        format!("a waiter got {outcome:?}")
    });
    let short = store_core::Ttl::After(Duration::from_millis(1));
    let expired = NewEntry::unconditional(store_core::Key::new("last:value")?, vec![1]);
    cache.set(expired.with_ttl(short)).await?;
    let rows = "SELECT count(*) FROM cache WHERE hash = 'last:value'";
    let mut tries = 0;
    while other.blocking_read(|db| Ok(db.query_row(rows, [], |row| row.get::<_, i64>(0))?))? > 0 {
        tries += 1;
        if tries > 2_000 {
            trial.expect(false, || "an expired value is not removed".to_owned());
            break;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    other.close().await?;
    Ok(())
}
