//! One process: tasks that use all three stores of one table until the time is over.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use store_core::Clock as _;
use store_dynamodb::{
    CacheOptions, CircuitState, DedupeOptions, DynamoDbCacheStore, DynamoDbDedupeStore,
    DynamoDbRateLimitStore, DynamoDbTable, RateLimitOptions,
};

use crate::error::Error;
use crate::runtime;
use crate::soak::crew;
use crate::soak::load::cache::Origin;
use crate::soak::load::desk::{Counting, Desk, Failures};
use crate::soak::load::journal::Entry;
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
    pub(super) part: Part,
    /// How far ahead its clock is.
    pub(super) offset_millis: i64,
    /// By how much the clocks of two workers differ at most.
    pub(super) skew: Duration,
}

pub(crate) fn work() -> Result<(), Error> {
    runtime::block_on(use_all(crew::job()?))
}

async fn use_all(job: Job) -> Result<(), Error> {
    let journal = Desk::journal(&job.part.journal)?;
    let table = place::handle(&job.endpoint, &job.table).await;
    let origin = Origin::open(&job.part.origin).await?;
    let clock = OffsetClock::new(job.offset_millis);

    let begins_at = crew::ready()?;
    let desk = Desk::new(journal, begins_at + job.part.duration)
        .with_local(clock)
        .with_counting(Counting::OneByOne)
        .with_failures(Failures::Told);
    let desk = Arc::new(desk);
    desk.clock.sleep_until(begins_at).await;
    let watching = tokio::spawn(watch(Arc::clone(&desk), table.clone()));
    load::run(&job.part, &desk, &stores(&table, &job, clock), &origin).await?;
    watching
        .await
        .map_err(|source| Error::LostTask { source })??;
    desk.tell(&Entry::Sent(table.consumed().into()))?;
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
        queue: job.part.queue(limits, clock),
    }
}
