//! De-duplication: jobs of one process, and waiting for those of another.

use std::time::Duration;

use bytes::Bytes;
use store_core::{
    Clock as _, DedupeStore as _, Heartbeat, JobOutcome, JobResult, Key, MINUTE, Priority,
    Registration, Result, SystemClock,
};
use store_sqlite::{SqliteDatabase, SqliteDedupeStore};

use super::cache::key;
use super::timing::timed;
use super::value::value;
use crate::cpu;
use crate::error::Error;
use crate::job::{Job, Timing, Waited};

/// Jobs that are completed while somebody waits for them.
const WAKES: u64 = 200;
/// How long the owner works, so that the waiter waits: and a little more each time, so that
/// completions fall anywhere between two polls of the waiter.
const WORK: Duration = Duration::from_millis(20);
/// Tasks that wait while their use of the processor is measured, and for how long.
const WAITERS: u64 = 64;
const IDLE: Duration = Duration::from_secs(4);
/// The owner works longer, so that all have joined before the measurement and none has left.
const MARGIN: Duration = Duration::from_secs(1);

pub(crate) async fn complete(
    database: &SqliteDatabase,
    job: &Job,
) -> std::result::Result<Timing, Error> {
    let (dedupe, value) = (SqliteDedupeStore::new(database), Bytes::from(value(job)?));
    timed(job, move |number| {
        let (dedupe, value) = (dedupe.clone(), value.clone());
        async move {
            let registration = dedupe
                .register_or_join(&key(number)?, Priority::User)
                .await?;
            if let Registration::Owner(mut owner) = registration {
                dedupe.complete(&mut owner, JobResult::Value(value)).await?;
            }
            Ok(())
        }
    })
    .await
}

/// Owns job after job; each result is the moment of its completion.
pub(crate) async fn own(database: &SqliteDatabase) -> std::result::Result<(), Error> {
    let dedupe = SqliteDedupeStore::new(database);
    let clock = SystemClock::new();
    for number in 0..WAKES {
        complete_after(
            &dedupe,
            &key(number)?,
            WORK + Duration::from_millis(number % 11),
        )
        .await?;
    }
    complete_after(&dedupe, &resting()?, IDLE + MARGIN).await?;
    // The waiters may poll once more.
    clock
        .sleep_until(clock.now() + Duration::from_millis(500))
        .await;
    Ok(())
}

/// Works from the moment that somebody has joined, so that no joiner misses the job.
async fn complete_after(dedupe: &SqliteDedupeStore, key: &Key, work: Duration) -> Result<()> {
    if let Registration::Owner(mut owner) =
        dedupe.register_or_join(key, Priority::Background).await?
    {
        while dedupe.heartbeat(key, owner.job()).await? == Heartbeat::Renewed(Priority::Background)
        {
            pause(Duration::from_millis(1)).await;
        }
        pause(work).await;
        let completed_at = SystemClock::new().now().as_millis();
        let value = Bytes::from(completed_at.to_string());
        dedupe.complete(&mut owner, JobResult::Value(value)).await?;
    }
    Ok(())
}

/// Waits for job after job of another process.
pub(crate) async fn wait(database: &SqliteDatabase) -> std::result::Result<Waited, Error> {
    let dedupe = SqliteDedupeStore::new(database);
    let mut latencies_millis = Vec::new();
    for number in 0..WAKES {
        let outcome = join(&dedupe, &key(number)?).await?;
        let woken_at = SystemClock::new().now().as_millis();
        if let JobOutcome::Value(value) = outcome
            && let Ok(completed_at) = String::from_utf8_lossy(&value).parse::<i64>()
        {
            let late = u32::try_from(woken_at - completed_at).unwrap_or_default();
            latencies_millis.push(f64::from(late));
        }
    }
    let waiters: Vec<_> = (0..WAITERS)
        .map(|_| {
            let dedupe = dedupe.clone();
            tokio::spawn(async move { join(&dedupe, &resting()?).await })
        })
        .collect();
    let cpu_share = cpu_share_while_idle().await;
    for waiter in waiters {
        waiter
            .await
            .map_err(|source| Error::LostTask { source })??;
    }
    Ok(Waited {
        latencies_millis,
        cpu_share,
    })
}

async fn join(dedupe: &SqliteDedupeStore, key: &Key) -> Result<JobOutcome> {
    while !dedupe.is_in_progress(key).await? {
        pause(Duration::from_millis(1)).await;
    }
    match dedupe.register_or_join(key, Priority::User).await? {
        Registration::Joined(job) => dedupe.wait_for(key, &job, MINUTE).await,
        Registration::Owner(_) => Ok(JobOutcome::Lapsed),
    }
}

async fn cpu_share_while_idle() -> Option<f64> {
    pause(MARGIN / 2).await;
    let clock = SystemClock::new();
    let before = cpu::used()?;
    pause(IDLE).await;
    let used = cpu::used()?.checked_sub(before)?;
    Some(used.as_secs_f64() / clock.monotonic().as_secs_f64())
}

async fn pause(duration: Duration) {
    let clock = SystemClock::new();
    clock.sleep_until(clock.now() + duration).await;
}

fn resting() -> Result<Key> {
    Key::new("bench:resting")
}
