//! The messages to and from a worker.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The job of one worker.
#[derive(Debug, Deserialize, Serialize)]
pub(super) struct Job {
    pub(super) database: PathBuf,
    pub(super) resource: String,
    pub(super) tasks: usize,
    pub(super) limit: u32,
    pub(super) window: Duration,
    pub(super) duration: Duration,
}

/// One admission, in Unix milliseconds.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub(crate) struct Admission {
    pub(crate) asked: i64,
    /// The moment that the limiter counts it at.
    pub(crate) counted: i64,
    pub(crate) answered: i64,
}
