//! The end of a run: what the workers wrote down and what the table holds, put together.

use std::time::Duration;

use store_dynamodb::DynamoDbCacheStore;

use crate::error::Error;
use crate::soak::crowd::Course;
use crate::soak::load::desk::{Call, Role};
use crate::soak::load::journal::Told;
use crate::soak::load::{cache, jobs, limits};
use crate::soak::tally::Tally;

use super::place::{OPERATION, Place};
use super::verdict::{Calls, Circuits, Verdict};

/// The store keeps the ends of this many former jobs of a key; who looks later begins anew.
const ENDS_KEPT: usize = 4;

/// What may be expected of a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    /// How much longer than a lease a wait may take.
    pub(super) slack: Duration,
    /// By how much the clocks of two workers differ at most.
    pub(super) skew: Duration,
    pub(super) has_faults: bool,
    pub(super) is_storm: bool,
}

/// Judges a run whose workers have ended.
pub(super) fn judge(
    place: &Place,
    course: Course,
    told: &Told,
    expected: Expected,
) -> Result<Verdict, Error> {
    let cached = place.block_on(async {
        let store = DynamoDbCacheStore::new(&place.handle().await);
        cache::judge(&told.cache, &store).await
    })?;
    let terms = jobs::Terms {
        // Nobody hears of anything while nobody answers.
        slack: if expected.is_storm {
            jobs::PATIENCE * 2
        } else {
            expected.slack
        },
        may_time_out: expected.is_storm,
        ends_kept: ENDS_KEPT,
        skew: expected.skew,
    };
    Ok(Verdict {
        requests: told.sent.iter().map(|sent| sent.requests).sum(),
        spoiled: place.injected().faults(),
        load: Tally {
            hung: course.hung,
            limits: limits::judge_told(&told.limits, expected.skew.is_zero()),
            cache: cached,
            jobs: jobs::judge(&told.jobs, terms),
        },
        calls: Calls::of(&told.calls, allowed),
        circuits: Circuits::of(&told.circuits),
        may_fail: expected.has_faults || expected.is_storm,
        is_storm: expected.is_storm,
    })
}

/// How long a step may take: what it may wait for, and the requests it makes.
fn allowed(call: &Call) -> Duration {
    let waits = match call.role {
        Role::Limits => limits::PATIENCE,
        Role::Cache => Duration::ZERO,
        Role::Jobs => jobs::PATIENCE,
    };
    waits + OPERATION * 4
}
