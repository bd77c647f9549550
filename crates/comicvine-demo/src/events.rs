//! What a worker process reports to its parent, a line of JSON per event.

use std::ops::Add;

use serde::{Deserialize, Serialize};
use store_core::pipeline::PipelineStats;

/// One line of a worker's output. Requests are named by their index in the plan.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Event {
    /// A request was answered.
    Answered(usize),
    /// A request failed, with the reason.
    Failed(usize, String),
    /// The pipeline's counters so far.
    Stats(Stats),
}

/// The pipeline's counters that the report shows.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Stats {
    pub(crate) requests: u64,
    pub(crate) hits: u64,
    pub(crate) joined: u64,
    pub(crate) fetched: u64,
    pub(crate) attempts: u64,
    pub(crate) waits: u64,
    pub(crate) denied: u64,
    pub(crate) cooldowns: u64,
}

impl From<PipelineStats> for Stats {
    fn from(stats: PipelineStats) -> Self {
        Self {
            requests: stats.requests,
            hits: stats.hits,
            joined: stats.joined,
            fetched: stats.fetched,
            attempts: stats.attempts,
            waits: stats.waits,
            denied: stats.denied,
            cooldowns: stats.cooldowns,
        }
    }
}

impl Add for Stats {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            requests: self.requests + other.requests,
            hits: self.hits + other.hits,
            joined: self.joined + other.joined,
            fetched: self.fetched + other.fetched,
            attempts: self.attempts + other.attempts,
            waits: self.waits + other.waits,
            denied: self.denied + other.denied,
            cooldowns: self.cooldowns + other.cooldowns,
        }
    }
}
