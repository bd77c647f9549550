//! The end of a run: what the workers wrote down and what the table holds, put together.

use std::time::Duration;

use store_dynamodb::DynamoDbCacheStore;

use crate::counters::Counters;
use crate::error::Error;
use crate::load::events::{Call, Role};
use crate::load::journal::Events;
use crate::load::{cache, jobs, limits};
use crate::workload::WorkerCounts;

use super::backend::{Backend, OPERATION};
use super::report::{Calls, Circuits, Report};

/// The store keeps the ends of this many former jobs of a key; who looks later starts a new job.
const ENDS_KEPT: usize = 4;

/// The conditions of a run, which decide what counts as wrong.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected {
    /// How much longer than a lease a wait may take.
    pub(crate) slack: Duration,
    /// By how much the clocks of two workers differ at most.
    pub(crate) skew: Duration,
    pub(crate) has_faults: bool,
    pub(crate) is_storm: bool,
}

/// Checks a run whose workers have ended.
pub(crate) fn check(
    backend: &Backend,
    counts: WorkerCounts,
    events: &Events,
    expected: Expected,
) -> Result<Report, Error> {
    let cached = backend.block_on(async {
        let store = DynamoDbCacheStore::new(&backend.handle().await);
        cache::check(&events.cache, &store).await
    })?;
    let tolerance = jobs::Tolerance {
        // No waiter can learn of an end while the server is down.
        slack: if expected.is_storm {
            jobs::PATIENCE * 2
        } else {
            expected.slack
        },
        may_time_out: expected.is_storm,
        ends_kept: ENDS_KEPT,
        skew: expected.skew,
    };
    Ok(Report {
        requests: events.sent.iter().map(|sent| sent.requests).sum(),
        faulted: backend.fault_counts().total(),
        load: Counters {
            hung: counts.hung,
            limits: limits::check_events(&events.limits, expected.skew.is_zero()),
            cache: cached,
            jobs: jobs::check(&events.jobs, tolerance),
        },
        calls: Calls::of(&events.calls, allowed),
        circuits: Circuits::of(&events.circuits),
        may_fail: expected.has_faults || expected.is_storm,
        is_storm: expected.is_storm,
    })
}

/// How long a step may take: what it may wait for, and the requests it makes one after the other.
fn allowed(call: &Call) -> Duration {
    match call.role {
        Role::Limits => limits::PATIENCE + OPERATION * 4,
        // An invalidation is counted, shown by every copy of the epoch, and then its values are looked up and removed.
        Role::Cache => OPERATION * 8,
        Role::Jobs => jobs::PATIENCE + OPERATION * 4,
    }
}
