//! One process: tasks that use all three stores of one table until the time is over.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use store_core::Clock as _;
use store_dynamodb::ops::CircuitState;
use store_dynamodb::{
    CacheOptions, DedupeOptions, DynamoDbCacheStore, DynamoDbDedupeStore, DynamoDbRateLimitStore,
    DynamoDbTable, RateLimitOptions, Tuning,
};

use crate::error::Error;
use crate::load::cache::Origin;
use crate::load::context::{Context, Counting, Failures};
use crate::load::events::Entry;
use crate::load::journal::Journal;
use crate::load::{self, Part, Stores, jobs};
use crate::offset::OffsetClock;
use crate::runtime;
use crate::workers;

use super::backend;

/// How often the circuit breaker is looked at.
const WATCH: Duration = Duration::from_millis(20);
/// The longest time between two questions for a job that others own.
const POLL: Duration = Duration::from_millis(200);

/// The job of one worker.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Job {
    pub(crate) endpoint: String,
    pub(crate) table: String,
    pub(crate) part: Part,
    /// How far ahead its clock is.
    pub(crate) offset_millis: i64,
    /// By how much the clocks of two workers differ at most.
    pub(crate) skew: Duration,
}

pub(crate) fn work() -> Result<(), Error> {
    runtime::block_on(use_all(workers::job()?))
}

async fn use_all(job: Job) -> Result<(), Error> {
    let journal = Journal::create(&job.part.journal)?;
    let table = backend::handle(&job.endpoint, &job.table).await;
    let origin = Origin::open(&job.part.origin).await?;
    let clock = OffsetClock::new(job.offset_millis);

    let begins_at = workers::ready()?;
    let context = Context::new(journal, begins_at + job.part.duration)
        .with_local(clock)
        .with_counting(Counting::OneByOne)
        .with_failures(Failures::Logged);
    let context = Arc::new(context);
    context.clock.sleep_until(begins_at).await;
    let watching = tokio::spawn(watch(Arc::clone(&context), table.clone()));
    load::run(&job.part, &context, &stores(&table, &job, clock), &origin).await?;
    watching
        .await
        .map_err(|source| Error::LostTask { source })??;
    context.log(&Entry::Sent(table.consumed_capacity().into()))?;
    origin.close().await
}

/// Writes down when the circuit opens and closes, until the time is over.
async fn watch(context: Arc<Context>, table: DynamoDbTable) -> Result<(), Error> {
    let mut was_closed = true;
    while context.is_running() {
        let is_closed = table.circuit_breaker_status().state == CircuitState::Closed;
        if is_closed != was_closed {
            context.log(&Entry::Circuit { is_closed })?;
            was_closed = is_closed;
        }
        context.pause(WATCH).await;
    }
    Ok(())
}

fn stores(table: &DynamoDbTable, job: &Job, clock: OffsetClock) -> Stores {
    let cache = CacheOptions::default().with_clock(clock);
    let mut tuning = Tuning::default().with_max_poll_interval(POLL);
    tuning.max_clock_skew += job.skew;
    let dedupe = DedupeOptions::default()
        .with_lease(jobs::LEASE)
        // Those whose clocks are ahead take it for older than it is.
        .with_result_retention(jobs::RETENTION + job.skew)
        .with_clock(clock);
    let limits = RateLimitOptions::default().with_clock(clock);
    let limits = DynamoDbRateLimitStore::with_tuning(table, limits, tuning);
    Stores {
        cache: Arc::new(DynamoDbCacheStore::with_options(table, cache)),
        dedupe: Arc::new(DynamoDbDedupeStore::with_tuning(table, dedupe, tuning)),
        limiter: job.part.limiter(limits, clock),
    }
}
