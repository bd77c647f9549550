//! A de-duplication store that counts those who wait, and fails as a case wants it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use store_core::{
    DedupeStats, DedupeStore, EndOutcome, Error, ErrorKind, Heartbeat, JobId, JobInfo, JobOutcome,
    JobResult, Key, Ownership, Page, PageRequest, Priority, Registration, Result, Selection,
};

/// A store over another one.
#[derive(Debug)]
pub(super) struct ProbedJobs {
    jobs: Arc<dyn DedupeStore>,
    kind: ErrorKind,
    max_failed_waits: u32,
    max_failed_ends: u32,
    waits: AtomicU32,
    ends: AtomicU32,
    joined: AtomicUsize,
}

impl ProbedJobs {
    pub(super) fn new(jobs: Arc<dyn DedupeStore>) -> Self {
        Self {
            jobs,
            kind: ErrorKind::Busy,
            max_failed_waits: 0,
            max_failed_ends: 0,
            waits: AtomicU32::new(0),
            ends: AtomicU32::new(0),
            joined: AtomicUsize::new(0),
        }
    }

    /// Fails the first calls of `wait_for`.
    pub(super) fn failing_waits(mut self, kind: ErrorKind, most: u32) -> Self {
        (self.kind, self.max_failed_waits) = (kind, most);
        self
    }

    /// Fails the first calls of `complete` as busy.
    pub(super) fn failing_ends(mut self, most: u32) -> Self {
        self.max_failed_ends = most;
        self
    }

    /// How many calls of `wait_for` were made.
    pub(super) fn waits(&self) -> u32 {
        self.waits.load(Ordering::SeqCst)
    }

    /// How many calls of `complete` were made.
    pub(super) fn ends(&self) -> u32 {
        self.ends.load(Ordering::SeqCst)
    }

    /// How many callers wait for a job that they joined.
    pub(super) fn joined(&self) -> usize {
        self.joined.load(Ordering::SeqCst)
    }

    fn fail_first(&self, calls: &AtomicU32, most: u32, operation: &'static str) -> Result<()> {
        if calls.fetch_add(1, Ordering::SeqCst) < most {
            return Err(Error::new(self.kind, "conformance", operation));
        }
        Ok(())
    }
}

/// Counts a caller while it waits.
struct Joined<'a>(&'a AtomicUsize);

impl<'a> Joined<'a> {
    fn new(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(count)
    }
}

impl Drop for Joined<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[async_trait]
impl DedupeStore for ProbedJobs {
    async fn wait_for(&self, key: &Key, job: &JobId, timeout: Duration) -> Result<JobOutcome> {
        self.fail_first(&self.waits, self.max_failed_waits, "wait_for")?;
        let _joined = Joined::new(&self.joined);
        self.jobs.wait_for(key, job, timeout).await
    }

    async fn complete(&self, owner: &mut Ownership, result: JobResult) -> Result<EndOutcome> {
        self.fail_first(&self.ends, self.max_failed_ends, "complete")?;
        self.jobs.complete(owner, result).await
    }

    async fn register_or_join(&self, key: &Key, priority: Priority) -> Result<Registration> {
        self.jobs.register_or_join(key, priority).await
    }

    async fn heartbeat(&self, key: &Key, job: &JobId) -> Result<Heartbeat> {
        self.jobs.heartbeat(key, job).await
    }

    async fn fail(&self, owner: &mut Ownership, error: &str) -> Result<EndOutcome> {
        self.jobs.fail(owner, error).await
    }

    async fn is_in_progress(&self, key: &Key) -> Result<bool> {
        self.jobs.is_in_progress(key).await
    }

    async fn lease_left(&self, key: &Key) -> Result<Option<Duration>> {
        self.jobs.lease_left(key).await
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<JobInfo>> {
        self.jobs.list(page).await
    }

    async fn stats(&self) -> Result<DedupeStats> {
        self.jobs.stats().await
    }

    async fn clear(&self, selection: &Selection) -> Result<u64> {
        self.jobs.clear(selection).await
    }

    async fn cleanup(&self) -> Result<u64> {
        self.jobs.cleanup().await
    }

    async fn close(&self) -> Result<()> {
        self.jobs.close().await
    }
}
