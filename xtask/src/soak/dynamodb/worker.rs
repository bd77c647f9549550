//! One process: tasks that use all three stores of one table until the time is over.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use store_core::{AcquireQueue, Clock as _, QueueOptions, SeededRandom};
use store_dynamodb::{
    CacheOptions, CircuitState, DedupeOptions, DynamoDbCacheStore, DynamoDbDedupeStore,
    DynamoDbRateLimitStore, DynamoDbTable, RateLimitOptions,
};

use crate::error::Error;
use crate::runtime;
use crate::soak::crew;
use crate::soak::load::cache::Origin;
use crate::soak::load::desk::{Counting, Desk, Failures};
use crate::soak::load::journal::{Entry, Sent};
use crate::soak::load::{self, Part, Stores, jobs};
use crate::soak::offset::OffsetClock;

use super::place;

/// How often the circuit breaker is looked at.
const WATCH: Duration = Duration::from_millis(20);
/// The longest time between two questions for a job that others own.
const POLL: Duration = Duration::from_millis(200);

/// What one worker does.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Job {
    pub(super) endpoint: String,
    pub(super) table: String,
    pub(super) origin: PathBuf,
    pub(super) journal: PathBuf,
    /// No other worker's, in this run.
    pub(super) number: u64,
    pub(super) seed: u64,
    /// Tasks for each of the three stores.
    pub(super) tasks: usize,
    pub(super) duration: Duration,
    /// How far ahead its clock is.
    pub(super) offset_millis: i64,
    /// By how much the clocks of two workers differ at most.
    pub(super) skew: Duration,
}

pub(crate) fn work() -> Result<(), Error> {
    runtime::block_on(use_all(crew::job()?))
}

async fn use_all(job: Job) -> Result<(), Error> {
    let journal = Desk::journal(&job.journal)?;
    let table = place::handle(&job.endpoint, &job.table).await;
    let origin = Origin::open(&job.origin).await?;
    let clock = OffsetClock::new(job.offset_millis);

    let begins_at = crew::ready()?;
    let desk = Desk::new(journal, begins_at + job.duration)
        .with_local(clock)
        .with_counting(Counting::OneByOne)
        .with_failures(Failures::Told);
    let desk = Arc::new(desk);
    desk.clock.sleep_until(begins_at).await;
    let watching = tokio::spawn(watch(Arc::clone(&desk), table.clone()));
    let part = Part {
        number: job.number,
        seed: job.seed,
        tasks: job.tasks,
    };
    load::run(part, &desk, &stores(&table, &job, clock), &origin).await?;
    watching
        .await
        .map_err(|source| Error::LostTask { source })??;
    let consumed = table.consumed();
    desk.tell(&Entry::Sent(Sent {
        requests: consumed.requests,
        write_units: consumed.write_units,
        refused_writes: consumed.refused_writes,
    }))?;
    origin.close().await
}

/// Tells when the circuit opens and closes, until the time is over.
async fn watch(desk: Arc<Desk>, table: DynamoDbTable) -> Result<(), Error> {
    let mut was_closed = true;
    while desk.is_open() {
        let is_closed = table.circuit_breaker_status().state == CircuitState::Closed;
        if is_closed != was_closed {
            desk.tell(&Entry::Circuit { is_closed })?;
            was_closed = is_closed;
        }
        desk.pause(WATCH).await;
    }
    Ok(())
}

fn stores(table: &DynamoDbTable, job: &Job, clock: OffsetClock) -> Stores {
    let seed = job.seed ^ job.number;
    let random = || SeededRandom::new(seed);
    let cache = CacheOptions::default().with_clock(clock);
    let mut dedupe = DedupeOptions::default()
        .with_lease(jobs::LEASE)
        // Those whose clocks are ahead take it for older than it is.
        .with_result_retention(jobs::RETENTION + job.skew)
        .with_max_poll_interval(POLL)
        .with_clock(clock);
    dedupe.max_clock_skew += job.skew;
    let mut limits = RateLimitOptions::default().with_clock(clock);
    limits.max_clock_skew += job.skew;
    let limits = DynamoDbRateLimitStore::with_options(table, limits);
    Stores {
        cache: Arc::new(DynamoDbCacheStore::with_options(table, cache)),
        dedupe: Arc::new(DynamoDbDedupeStore::with_options(table, dedupe)),
        queue: AcquireQueue::new(
            Arc::new(limits),
            Arc::new(clock),
            Arc::new(random()),
            QueueOptions::default(),
        ),
    }
}
