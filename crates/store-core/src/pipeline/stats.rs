//! Counters of a pipeline, for tables and tests.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::answer::{Answer, Outcome};
use super::failure::PipelineError;

/// Counters of a pipeline since it was made. Reading them takes no lock, so they may be apart by the
/// requests in flight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct PipelineStats {
    /// Requests of callers.
    pub requests: u64,
    /// Answered from the cache, fresh.
    pub hits: u64,
    /// Answered by the same request of another caller.
    pub joined: u64,
    /// Answered by upstream.
    pub fetched: u64,
    /// Answered from the cache, past freshness.
    pub stale: u64,
    /// Attempts on the wire.
    pub attempts: u64,
    /// Attempts that had to wait for their permit.
    pub waits: u64,
    /// Requests that got no permit in time.
    pub denied: u64,
    /// Requests that ended with another error.
    pub failed: u64,
    /// Cooldowns that failures asked for.
    pub cooldowns: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    requests: AtomicU64,
    hits: AtomicU64,
    joined: AtomicU64,
    fetched: AtomicU64,
    stale: AtomicU64,
    attempts: AtomicU64,
    waits: AtomicU64,
    denied: AtomicU64,
    failed: AtomicU64,
    cooldowns: AtomicU64,
}

impl Counters {
    pub(super) fn requested(&self) {
        self.requests.fetch_add(1, Relaxed);
    }

    pub(super) fn attempted(&self) {
        self.attempts.fetch_add(1, Relaxed);
    }

    pub(super) fn waited(&self) {
        self.waits.fetch_add(1, Relaxed);
    }

    pub(super) fn cooled_down(&self) {
        self.cooldowns.fetch_add(1, Relaxed);
    }

    pub(super) fn answered(&self, answer: Answer) -> Answer {
        let counter = match answer.outcome {
            Outcome::Hit => &self.hits,
            Outcome::Joined => &self.joined,
            Outcome::Fetched => &self.fetched,
            Outcome::Stale => &self.stale,
        };
        counter.fetch_add(1, Relaxed);
        answer
    }

    pub(super) fn failed<E>(&self, error: &PipelineError<E>) {
        let counter = match error {
            PipelineError::Denied { .. } => &self.denied,
            PipelineError::Fetch(_)
            | PipelineError::TimedOut
            | PipelineError::Limiter(_)
            | PipelineError::Decode(_) => &self.failed,
        };
        counter.fetch_add(1, Relaxed);
    }

    pub(super) fn read(&self) -> PipelineStats {
        PipelineStats {
            requests: self.requests.load(Relaxed),
            hits: self.hits.load(Relaxed),
            joined: self.joined.load(Relaxed),
            fetched: self.fetched.load(Relaxed),
            stale: self.stale.load(Relaxed),
            attempts: self.attempts.load(Relaxed),
            waits: self.waits.load(Relaxed),
            denied: self.denied.load(Relaxed),
            failed: self.failed.load(Relaxed),
            cooldowns: self.cooldowns.load(Relaxed),
        }
    }
}
