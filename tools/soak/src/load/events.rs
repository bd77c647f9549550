//! The events that a worker writes down, moments in Unix milliseconds.

use serde::{Deserialize, Serialize};
use store_dynamodb::ConsumedCapacity;

/// One line of a worker's journal.
#[derive(Debug, Deserialize, Serialize)]
pub(crate) enum Entry {
    Limit(LimitEvent),
    Cache(CacheEvent),
    Job(JobEvent),
    /// A step that failed or took long.
    Call(Call),
    /// A circuit breaker opened or closed.
    Circuit {
        is_closed: bool,
    },
    /// The requests of a worker in all, at its end.
    Sent(Sent),
}

/// An event of a request for permits.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) enum LimitEvent {
    /// A permit was granted and not given back.
    Admitted {
        resources: Vec<usize>,
        permits: usize,
        /// It was counted on each resource at this moment or later,
        since: i64,
        /// and on one of them, and at the latest, at this.
        at: i64,
    },
    /// Usage was recorded without a request.
    Recorded { asked: i64, answered: i64 },
    /// A permit was given back.
    GivenBack,
    /// A wait for a permit was answered this long after its deadline.
    Overran { millis: i64 },
}

/// An event of a cached value.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) enum CacheEvent {
    /// A value was read; before that, everything below `floor` had been invalidated.
    Hit {
        key: usize,
        version: Option<u64>,
        floor: u64,
    },
    /// A fill was dropped because of an invalidation or a later fill.
    Outdated,
    /// A value that must stay is about to be stored, or removed.
    Will { key: String, value: Option<u64> },
    /// It was.
    Did { key: String, value: Option<u64> },
    /// It was read.
    Found { key: String, value: Option<u64> },
}

/// An event of a job.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) enum JobEvent {
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
        is_accepted: bool,
    },
    /// A joiner waited for the job, and observed its end.
    Waited {
        job: String,
        asked: i64,
        observed: i64,
        outcome: Observed,
    },
}

/// The result that an owner leaves; its number is no other owner's.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) enum Ending {
    Value(u64),
    Failure(u64),
    NotShared,
}

/// The outcome that a joiner observes.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) enum Observed {
    Ending(Ending),
    Lapsed,
    TimedOut,
    /// A value or a failure that no owner of the load leaves.
    Unknown,
}

/// A store of the three.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub(crate) enum Role {
    Limits,
    Cache,
    Jobs,
}

/// One step of a task, if it failed or took long.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Call {
    pub(crate) role: Role,
    pub(crate) millis: u64,
    /// The kind of failure, if it was one.
    pub(crate) failure: Option<String>,
}

/// The failure of a wait for a permit whose deadline came before any answer.
pub(crate) const GAVE_UP: &str = "no answer by the deadline";

/// The requests of a worker, and what they cost.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub(crate) struct Sent {
    pub(crate) requests: u64,
    pub(crate) write_units: f64,
    pub(crate) refused_writes: u64,
}

impl From<ConsumedCapacity> for Sent {
    fn from(consumed: ConsumedCapacity) -> Self {
        Self {
            requests: consumed.requests,
            write_units: consumed.write_units,
            refused_writes: consumed.refused_writes,
        }
    }
}
