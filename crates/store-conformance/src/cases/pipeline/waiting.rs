//! When a store fails while a caller waits for the request of another.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use store_core::pipeline::Outcome;
use store_core::{
    DedupeStats, DedupeStore, Error, ErrorKind, Heartbeat, JobId, JobInfo, JobOutcome, JobResult,
    Key, MINUTE, Ownership, Page, PageRequest, Priority, Registration, Result, Selection,
    Settlement,
};

use super::{Stage, fresh, key, request};
use crate::run::{eventually, outcome};
use crate::{Harness, Setup};

/// Jobs whose first waits fail.
#[derive(Debug)]
struct LostWaits {
    jobs: Arc<dyn DedupeStore>,
    kind: ErrorKind,
    most: u32,
    lost: AtomicU32,
}

#[async_trait]
impl DedupeStore for LostWaits {
    async fn wait_for(&self, key: &Key, job: &JobId, timeout: Duration) -> Result<JobOutcome> {
        if self.lost.load(Ordering::SeqCst) < self.most {
            self.lost.fetch_add(1, Ordering::SeqCst);
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

    async fn complete(&self, owner: Ownership, result: JobResult) -> Result<Settlement> {
        self.jobs.complete(owner, result).await
    }

    async fn fail(&self, owner: Ownership, error: &str) -> Result<Settlement> {
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

/// A stage whose first waits fail, at most so many, and the request that another caller owns.
async fn losing(
    harness: &dyn Harness,
    kind: ErrorKind,
    most: u32,
) -> Result<(Stage, Arc<LostWaits>, Ownership)> {
    let setup = Setup::default();
    let jobs = Arc::new(LostWaits {
        jobs: harness.dedupe(&setup).await?,
        kind,
        most,
        lost: AtomicU32::new(0),
    });
    let stage = Stage::open_with(harness, &setup, Arc::clone(&jobs) as _).await?;
    match stage
        .dedupe
        .register_or_join(&key()?, Priority::User)
        .await?
    {
        Registration::Owner(owner) => Ok((stage, jobs, owner)),
        Registration::Joined(job) => panic!("nobody else asked, but {job} is in progress"),
    }
}

pub async fn a_wait_that_fails_costs_a_fetch(harness: &dyn Harness) -> Result<()> {
    // A failure that may pass is waited out twice, as a failed attempt is repeated.
    for (kind, waits) in [(ErrorKind::Corrupt, 1), (ErrorKind::Busy, 3)] {
        let (stage, jobs, owner) = losing(harness, kind, u32::MAX).await?;
        let patient = request()?.with_max_wait(MINUTE);
        let answer = stage.ask(patient, "one").await.expect("an answer");
        assert_eq!((answer.outcome, stage.sent()), (Outcome::Fetched, 1));
        assert_eq!(jobs.lost.load(Ordering::SeqCst), waits, "{kind:?}");
        // It counts like any other, and is no business of the request's owner.
        assert_eq!(stage.used().await?, 1);
        let settled = stage.dedupe.complete(owner, JobResult::NotShared).await?;
        assert_eq!(settled, Settlement::Settled);
        stage.cache.delete(&key()?).await?;
        stage.rate_limit.clear().await?;
    }
    Ok(())
}

pub async fn a_wait_that_fails_for_a_moment_goes_on(harness: &dyn Harness) -> Result<()> {
    let (stage, jobs, owner) = losing(harness, ErrorKind::Busy, 1).await?;
    let waiting = {
        let (stage, patient) = (stage.clone(), request()?.with_max_wait(MINUTE));
        tokio::spawn(async move { Ok(stage.ask(patient, "another").await) })
    };
    eventually(async || Ok((stage.clock.sleepers() > 0).then_some(()))).await?;
    assert_eq!(jobs.lost.load(Ordering::SeqCst), 1);
    let mut elsewhere = request()?;
    elsewhere.key = Key::new("comics:elsewhere")?;
    stage
        .run(elsewhere.clone(), |_| Ok(fresh("one")))
        .await
        .expect("an answer");
    let found = stage.cache.get(&elsewhere.key).await?.hit();
    let record = found.expect("it was kept").value;
    stage
        .dedupe
        .complete(owner, JobResult::Value(record))
        .await?;
    let answer = outcome(waiting).await?.expect("an answer");
    assert_eq!(
        (answer.outcome, &answer.body[..]),
        (Outcome::Joined, &b"one"[..])
    );
    assert_eq!(stage.sent(), 1);
    Ok(())
}
