//! The job of a child process and its answer; `driver.mjs` has the same names.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// One kind of work.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Work {
    Get,
    /// The same, with copies in memory before the file.
    GetTiered,
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
    Complete,
    /// Wait for jobs of another process.
    Wait,
    /// Own the jobs that another process waits for.
    Own,
    /// Many tasks that write until the time is over.
    Contend,
    /// Write a file for others to take over.
    Seed,
    /// Break down the time of our side.
    Breakdown,
    /// The versions of what runs the peer.
    Versions,
}

/// The settings of the peer's connection; ours always has its defaults.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Settings {
    /// A write-ahead log and `synchronous = NORMAL`, as on our side.
    Equal,
    /// As the package leaves it: a rollback journal and `synchronous = FULL`.
    Defaults,
}

/// One measurement.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Job {
    pub(crate) work: Work,
    pub(crate) settings: Settings,
    /// The folder of the values to store.
    pub(crate) folder: PathBuf,
    pub(crate) database: PathBuf,
    pub(crate) tasks: usize,
    /// Calls before the clock starts.
    pub(crate) warm_up: u64,
    /// Calls that are timed.
    pub(crate) ops: u64,
    /// Of a rate limit, per hour.
    pub(crate) limit: u32,
    /// Admissions that its window holds before the first call.
    pub(crate) filled: u32,
    /// The time to go on, or to wait.
    pub(crate) millis: u64,
    /// When several processes begin, in Unix milliseconds.
    pub(crate) begins_at: i64,
}

/// The answer to most jobs: the mean time per call.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Timing {
    pub(crate) micros: f64,
}

/// The answer to [`Work::Contend`].
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct WriterStats {
    pub(crate) writes: u64,
    /// Calls that failed because the database was locked.
    pub(crate) locked: u64,
    pub(crate) longest_millis: f64,
}

/// The answer of our side to [`Work::Wait`].
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Waited {
    /// From just before the owner completed until the waiter had the value.
    pub(crate) latencies_millis: Vec<f64>,
    /// Of a core, while many waited and nothing happened; `None` where the system does not say.
    pub(crate) cpu_share: Option<f64>,
}

/// The answer of the peer to [`Work::Wait`] and [`Work::Own`].
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Woken {
    pub(crate) woken: bool,
}

/// The versions of what runs the peer.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Versions {
    pub(crate) node: String,
    pub(crate) sqlite: String,
}

/// The breakdown of the time of one call, in microseconds.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct CallBreakdown {
    pub(crate) call: String,
    /// The call's statements alone, prepared, inside an open transaction.
    pub(crate) statements: f64,
    /// The same with a transaction of its own.
    pub(crate) transaction: f64,
    /// The call.
    pub(crate) whole: f64,
    /// The call, with its work moved to another thread.
    pub(crate) background: f64,
}
