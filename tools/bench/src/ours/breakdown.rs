//! The breakdown of the time of a call: bare SQLite and the stores alternately, in one process.

use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use store_core::pipeline::{Failure, Fetched, Request};
use store_core::{
    Acquire, CacheStoreExt as _, Clock as _, DedupeStore as _, ErrorKind, HOUR, JobResult, Key,
    Limit, Pipeline, Priority, RateLimitStore as _, Registration, Resource, Result, Stores,
    SystemClock,
};
use store_sqlite::{
    DatabaseOptions, Execution, SqliteCacheStore, SqliteDatabase, SqliteDedupeStore,
    SqliteRateLimitStore,
};

use super::cache::{key, store};
use super::call::{Call, READABLE};
use super::statements::Bare;
use super::timing::{per_call, scattered};
use super::value::value;
use crate::error::Error;
use crate::job::{CallBreakdown, Job};
use crate::median::median;

/// Runs of each contender; the median counts.
const RUNS: u64 = 11;

const CALLS: [Call; 5] = [
    Call::Get,
    Call::Set,
    Call::Acquire,
    Call::Complete,
    Call::Miss,
];

pub(crate) async fn measure(
    database: &SqliteDatabase,
    job: &Job,
) -> std::result::Result<Vec<CallBreakdown>, Error> {
    let value = value(job)?;
    let stores = Side::over(database, Bytes::from(value.clone()));
    stores.fill(database).await?;
    let options = DatabaseOptions::default().with_execution(Execution::Background);
    let elsewhere = SqliteDatabase::open_with(&job.database, options).await?;
    let in_background = Side::over(&elsewhere, Bytes::from(value.clone()));
    // A file of its own, or one side would do the other's checkpoints.
    let path = job.database.with_added_extension("bare");
    let alike = SqliteDatabase::open(&path).await?;
    Side::over(&alike, Bytes::from(value.clone()))
        .fill(&alike)
        .await?;
    alike.close().await?;
    let bare = Bare::open(&path, value.clone()).map_err(Error::from)?;
    let beside = Bare::open(&job.database, value).map_err(Error::from)?;
    let mut breakdown = Vec::new();
    for (round, call) in (0..).zip(CALLS) {
        let mut times = [(); 4].map(|()| Vec::new());
        for run in 0..RUNS {
            // No number is used twice, so that no contender meets another's rows, and none its own.
            let numbers = |place: u64| {
                let start = ((round * RUNS + run) * 4 + place) * job.ops.next_multiple_of(200);
                start..start + job.ops
            };
            let [statements, transactions, whole, background_times] = &mut times;
            let time = pick(call, &beside, &bare)
                .statements(call, numbers(0))
                .map_err(Error::from)?;
            statements.push(per_call(time, job.ops));
            let time = pick(call, &beside, &bare)
                .transactions(call, numbers(1))
                .map_err(Error::from)?;
            transactions.push(per_call(time, job.ops));
            whole.push(per_call(stores.run(call, numbers(2)).await?, job.ops));
            background_times.push(per_call(
                in_background.run(call, numbers(3)).await?,
                job.ops,
            ));
        }
        let [statements, transaction, whole, background] = times.map(|times| median(&times));
        breakdown.push(CallBreakdown {
            call: call.to_string(),
            statements,
            transaction,
            whole,
            background,
        });
    }
    elsewhere.close().await?;
    Ok(breakdown)
}

/// The connection for a call: reads are compared on the very same pages, and writes on a file of their own.
fn pick<'a>(call: Call, reader: &'a Bare, writer: &'a Bare) -> &'a Bare {
    if call == Call::Get { reader } else { writer }
}

/// The three stores over one database.
#[derive(Clone, Debug)]
struct Side {
    cache: SqliteCacheStore,
    dedupe: SqliteDedupeStore,
    limits: SqliteRateLimitStore,
    pipeline: Pipeline,
    value: Bytes,
}

impl Side {
    fn over(database: &SqliteDatabase, value: Bytes) -> Self {
        let cache = SqliteCacheStore::new(database);
        let dedupe = SqliteDedupeStore::new(database);
        let limits = SqliteRateLimitStore::new(database, Limit::new(200, HOUR));
        let stores = Stores::none()
            .with_cache(cache.clone())
            .with_dedupe(dedupe.clone())
            .with_rate_limit(limits.clone());
        Self {
            cache,
            dedupe,
            limits,
            pipeline: Pipeline::new(stores),
            value,
        }
    }

    /// Writes the values to read, and with them every table.
    async fn fill(&self, database: &SqliteDatabase) -> Result<()> {
        store_sqlite::migrate(database).await?;
        for number in 0..READABLE {
            store(&self.cache, key(number)?, self.value.clone()).await?;
        }
        Ok(())
    }

    /// On a task of the runtime, where applications call from.
    async fn run(&self, call: Call, numbers: Range<u64>) -> std::result::Result<Duration, Error> {
        let stores = self.clone();
        let calls = tokio::spawn(async move {
            let clock = SystemClock::new();
            for number in numbers {
                stores.call(call, number).await?;
            }
            Ok(clock.monotonic())
        });
        calls.await.map_err(|source| Error::LostTask { source })?
    }

    async fn call(&self, call: Call, number: u64) -> Result<()> {
        match call {
            Call::Get => {
                let value = self
                    .cache
                    .value(&key(scattered(number) % READABLE)?)
                    .await?;
                std::hint::black_box(value);
            }
            Call::Set => store(&self.cache, key(READABLE + number)?, self.value.clone()).await?,
            Call::Acquire => {
                let resource = Resource::new(format!("bench-{}", number / 200))?;
                let request = Acquire::one(&resource).user();
                drop(self.limits.try_acquire(request).await?);
            }
            Call::Complete => {
                let registration = self
                    .dedupe
                    .register_or_join(&key(number)?, Priority::User)
                    .await?;
                if let Registration::Owner(mut owner) = registration {
                    let result = JobResult::Value(self.value.clone());
                    self.dedupe.complete(&mut owner, result).await?;
                }
            }
            Call::Miss => {
                let resource = Resource::new(format!("miss-{}", number / 200))?;
                let request = Request::new(Key::new(format!("miss:{number}"))?, &resource);
                let value = self.value.clone();
                let answer = self
                    .pipeline
                    .run(request, async |_attempt| {
                        Ok::<_, Failure>(Fetched::new(value.clone()).fresh_for(HOUR))
                    })
                    .await;
                std::hint::black_box(answer.map_err(|error| {
                    store_core::Error::new(ErrorKind::Unavailable, "bench", "miss")
                        .with_source(error)
                })?);
            }
        }
        Ok(())
    }
}
