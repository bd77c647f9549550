//! Failures of the store of jobs while a fetch is under way.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use store_core::pipeline::{Fetched, Outcome};
use store_core::{
    DedupeStats, DedupeStore, EndOutcome, Error, ErrorKind, Heartbeat, JobId, JobInfo, JobOutcome,
    JobResult, Key, MINUTE, Ownership, Page, PageRequest, Priority, Registration, Result,
    Selection,
};

use super::fixture::{Fixture, fresh, key, request};
use crate::run::{advance_until_done, eventually, task_result};
use crate::{Harness, Setup};

/// A store whose first calls of `wait_for` and `complete` fail.
#[derive(Debug)]
struct FailingStore {
    jobs: Arc<dyn DedupeStore>,
    kind: ErrorKind,
    most: u32,
    failed: AtomicU32,
    max_failed_ends: u32,
    failed_ends: AtomicU32,
}

#[async_trait]
impl DedupeStore for FailingStore {
    async fn wait_for(&self, key: &Key, job: &JobId, timeout: Duration) -> Result<JobOutcome> {
        if self.failed.load(Ordering::SeqCst) < self.most {
            self.failed.fetch_add(1, Ordering::SeqCst);
            return Err(Error::new(self.kind, "conformance", "wait_for"));
        }
        self.jobs.wait_for(key, job, timeout).await
    }

    async fn register_or_join(&self, key: &Key, priority: Priority) -> Result<Registration> {
        self.jobs.register_or_join(key, priority).await
    }

    async fn heartbeat(&self, key: &Key, job: &JobId) -> Result<Heartbeat> {
        self.jobs.heartbeat(key, job).await
    }

    async fn complete(&self, owner: &mut Ownership, result: JobResult) -> Result<EndOutcome> {
        if self.failed_ends.fetch_add(1, Ordering::SeqCst) < self.max_failed_ends {
            return Err(Error::new(self.kind, "conformance", "complete"));
        }
        self.jobs.complete(owner, result).await
    }

    async fn fail(&self, owner: &mut Ownership, error: &str) -> Result<EndOutcome> {
        self.jobs.fail(owner, error).await
    }

    async fn is_in_progress(&self, key: &Key) -> Result<bool> {
        self.jobs.is_in_progress(key).await
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

/// A fixture whose first `max` waits fail, and the ownership of its job.
async fn with_failing_store(
    harness: &dyn Harness,
    kind: ErrorKind,
    most: u32,
) -> Result<(Fixture, Arc<FailingStore>, Ownership)> {
    let setup = Setup::default();
    let jobs = Arc::new(FailingStore {
        jobs: harness.dedupe(&setup).await?,
        kind,
        most,
        failed: AtomicU32::new(0),
        max_failed_ends: 0,
        failed_ends: AtomicU32::new(0),
    });
    let fixture = Fixture::open_with(harness, &setup, Arc::clone(&jobs) as _).await?;
    match fixture
        .dedupe
        .register_or_join(&key()?, Priority::User)
        .await?
    {
        Registration::Owner(owner) => Ok((fixture, jobs, owner)),
        Registration::Joined(job) => panic!("nobody else asked, but {job} is in progress"),
    }
}

pub async fn a_wait_that_fails_costs_a_fetch(harness: &dyn Harness) -> Result<()> {
    // A temporary failure is retried twice, as a failed attempt is.
    for (kind, waits) in [(ErrorKind::Corrupt, 1), (ErrorKind::Busy, 3)] {
        let (fixture, jobs, mut owner) = with_failing_store(harness, kind, u32::MAX).await?;
        let waiting = request()?.with_max_wait(MINUTE);
        let answer = fixture.get(waiting, "one").await.expect("an answer");
        assert_eq!((answer.outcome, fixture.sent()), (Outcome::Fetched, 1));
        assert_eq!(jobs.failed.load(Ordering::SeqCst), waits, "{kind:?}");
        // It takes a permit like any other, and does not fence the owner.
        assert_eq!(fixture.used().await?, 1);
        let ended = fixture
            .dedupe
            .complete(&mut owner, JobResult::NotShared)
            .await?;
        assert_eq!(ended, EndOutcome::Ended);
        fixture.cache.delete(&key()?).await?;
        fixture.rate_limit.clear().await?;
    }
    Ok(())
}

pub async fn a_wait_that_fails_for_a_moment_goes_on(harness: &dyn Harness) -> Result<()> {
    let (fixture, jobs, mut owner) = with_failing_store(harness, ErrorKind::Busy, 1).await?;
    let waiting = fixture.spawn_get(request()?.with_max_wait(MINUTE), "another");
    eventually(async || Ok((fixture.clock.sleepers() > 0).then_some(()))).await?;
    assert_eq!(jobs.failed.load(Ordering::SeqCst), 1);
    let mut elsewhere = request()?;
    elsewhere.key = Key::new("comics:elsewhere")?;
    fixture
        .run(elsewhere.clone(), |_| Ok(fresh("one")))
        .await
        .expect("an answer");
    let found = fixture.cache.get(&elsewhere.key).await?.hit();
    let record = found.expect("it was kept").value;
    fixture
        .dedupe
        .complete(&mut owner, JobResult::Value(record))
        .await?;
    let answer = task_result(waiting).await?.expect("an answer");
    assert_eq!(
        (answer.outcome, &answer.body[..]),
        (Outcome::Joined, &b"one"[..])
    );
    assert_eq!(fixture.sent(), 1);
    Ok(())
}

pub async fn a_job_that_cannot_be_ended_at_once_is_ended_again(
    harness: &dyn Harness,
) -> Result<()> {
    let setup = Setup::default();
    let jobs = Arc::new(FailingStore {
        jobs: harness.dedupe(&setup).await?,
        kind: ErrorKind::Busy,
        most: 0,
        failed: AtomicU32::new(0),
        max_failed_ends: 2,
        failed_ends: AtomicU32::new(0),
    });
    let fixture = Fixture::open_with(harness, &setup, Arc::clone(&jobs) as _).await?;
    let answer = |_| Ok(Fetched::new("not cached"));
    let owner = {
        let fixture = fixture.clone();
        tokio::spawn(async move { Ok(fixture.run(request()?, answer).await) })
    };
    let answered = advance_until_done(&setup.clock, Duration::from_millis(10), owner).await?;
    assert_eq!(answered.expect("an answer").body, "not cached");
    assert_eq!(jobs.failed_ends.load(Ordering::SeqCst), 3);
    assert!(!fixture.dedupe.is_in_progress(&key()?).await?);
    Ok(())
}
