//! Jobs: owners that settle, fail, oversleep or walk away, and those who join them.

mod judge;
mod load;

use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(in crate::soak) use self::judge::{Tally, Terms, judge};
pub(in crate::soak) use self::load::{PATIENCE, run};

/// How long a job survives its owner's silence; short, so that many lapse.
pub(in crate::soak) const LEASE: Duration = Duration::from_millis(500);

/// How long an ended job is kept for those who joined it.
pub(in crate::soak) const RETENTION: Duration = Duration::from_secs(5);

/// What an owner leaves; numbers that no other owner leaves.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(in crate::soak) enum Ending {
    Value(u64),
    Failure(u64),
    NotShared,
}

/// What a joiner hears.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(in crate::soak) enum Heard {
    Ending(Ending),
    Lapsed,
    TimedOut,
    /// A value or a failure that no owner of the load leaves.
    Nonsense,
}

/// What a worker tells; moments in Unix milliseconds.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(in crate::soak) enum Event {
    /// The owner is about to renew its lease.
    Beating { job: String, at: i64 },
    /// The owner is about to end its job.
    Ending { job: String, ending: Ending },
    /// The owner asked for the job, got it, began to end it, and knows what came of that.
    Ended {
        key: usize,
        job: String,
        asked: i64,
        got: i64,
        ending: i64,
        answered: i64,
        is_settled: bool,
    },
    /// A joiner waited for the job, and heard of it.
    Waited {
        job: String,
        asked: i64,
        heard: i64,
        outcome: Heard,
    },
}
