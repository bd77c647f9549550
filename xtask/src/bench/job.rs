//! What a child process is told and what it answers; `driver.mjs` spells it the same way.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// One kind of work.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Work {
    Get,
    Set,
    /// The same in a file that the peer has written.
    SetTakenOver,
    GetPageValue,
    GetPageRecord,
    GetPageBytes,
    SetPageValue,
    SetPageRecord,
    SetPageBytes,
    Acquire,
    AcquireAdaptive,
    /// Register and complete a job.
    Settle,
    /// Wait for jobs of another process.
    Wait,
    /// Own the jobs that another process waits for.
    Own,
    /// Many tasks that write until the time is over.
    Crowd,
    /// Write a file for others to take over.
    Seed,
    /// What the time of our side goes into.
    Parts,
    /// What runs the peer.
    Versions,
}

/// How the peer's connection is set up; ours is always as it comes.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Settings {
    /// A write-ahead log and `synchronous = NORMAL`, as on our side.
    Equal,
    /// As the package leaves it: a rollback journal and `synchronous = FULL`.
    Defaults,
}

/// One measurement.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Job {
    pub(super) work: Work,
    pub(super) settings: Settings,
    /// Where the values to store lie.
    pub(super) folder: PathBuf,
    pub(super) database: PathBuf,
    pub(super) tasks: usize,
    /// Calls before the clock starts.
    pub(super) warm_up: u64,
    /// Calls that are timed.
    pub(super) ops: u64,
    /// Of a rate limit, per hour.
    pub(super) limit: u32,
    /// Admissions that its window holds before the first call.
    pub(super) filled: u32,
    /// How long to go on, or to wait.
    pub(super) millis: u64,
    /// When several processes begin, in Unix milliseconds.
    pub(super) begins_at: i64,
}

/// The answer to most jobs: the mean time per call.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(super) struct Pace {
    pub(super) micros: f64,
}

/// The answer to [`Work::Crowd`].
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(super) struct Crowded {
    pub(super) writes: u64,
    /// Calls that failed because the database was locked.
    pub(super) locked: u64,
    pub(super) longest_millis: f64,
}

/// The answer of our side to [`Work::Wait`].
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Waited {
    /// From just before the owner completed until the waiter had the value.
    pub(super) latencies_millis: Vec<i64>,
    /// Of a core, while many waited and nothing happened; `None` where the system does not tell.
    pub(super) cpu_share: Option<f64>,
}

/// The answer of the peer to [`Work::Wait`] and [`Work::Own`].
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(super) struct Woken {
    pub(super) woken: bool,
}

/// What runs the peer.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Versions {
    pub(super) node: String,
    pub(super) sqlite: String,
}

/// Where the time of one call goes, in microseconds.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Part {
    pub(super) call: String,
    /// The call's statements alone, prepared, inside an open transaction.
    pub(super) statements: f64,
    /// The same with a transaction of its own.
    pub(super) transaction: f64,
    /// The call.
    pub(super) whole: f64,
    /// The call, with its work moved to another thread.
    pub(super) hopping: f64,
}
