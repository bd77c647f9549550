//! Failures of the store of jobs while a fetch is under way.

use std::time::Duration;

use store_core::pipeline::{Fetched, Outcome};
use store_core::{
    DedupeStore, EndOutcome, ErrorKind, JobResult, Key, MINUTE, Ownership, Priority, Registration,
    Result,
};

use super::fixture::{Fixture, fresh, key, request};
use super::probed_jobs::ProbedJobs;
use crate::run::{advance_until_done, task_result};
use crate::{Harness, Setup};

/// A fixture whose first `max` waits fail, and the ownership of its job.
async fn with_failing_store(
    harness: &dyn Harness,
    kind: ErrorKind,
    most: u32,
) -> Result<(Fixture, Ownership)> {
    let setup = Setup::default();
    let jobs = ProbedJobs::new(harness.dedupe(&setup).await?).failing_waits(kind, most);
    let fixture = Fixture::open_with(harness, &setup, jobs).await?;
    match fixture
        .dedupe
        .register_or_join(&key()?, Priority::User)
        .await?
    {
        Registration::Owner(owner) => Ok((fixture, owner)),
        Registration::Joined(job) => panic!("nobody else asked, but {job} is in progress"),
    }
}

pub async fn a_wait_that_fails_costs_a_fetch(harness: &dyn Harness) -> Result<()> {
    // A temporary failure is retried twice, as a failed attempt is.
    for (kind, waits) in [(ErrorKind::Corrupt, 1), (ErrorKind::Busy, 3)] {
        let (fixture, mut owner) = with_failing_store(harness, kind, u32::MAX).await?;
        let waiting = request()?.with_max_wait(MINUTE);
        let answer = fixture.get(waiting, "one").await.expect("an answer");
        assert_eq!((answer.outcome, fixture.sent()), (Outcome::Fetched, 1));
        assert_eq!(fixture.dedupe.waits(), waits, "{kind:?}");
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
    let (fixture, mut owner) = with_failing_store(harness, ErrorKind::Busy, 1).await?;
    let waiting = fixture.spawn_get(request()?.with_max_wait(MINUTE), "another");
    fixture.wait_for_joined(1).await?;
    assert_eq!(fixture.dedupe.waits(), 2);
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
    let jobs = ProbedJobs::new(harness.dedupe(&setup).await?).failing_ends(2);
    let fixture = Fixture::open_with(harness, &setup, jobs).await?;
    let answer = |_| Ok(Fetched::new("not cached"));
    let owner = {
        let fixture = fixture.clone();
        tokio::spawn(async move { Ok(fixture.run(request()?, answer).await) })
    };
    let answered = advance_until_done(&setup.clock, Duration::from_millis(10), owner).await?;
    assert_eq!(answered.expect("an answer").body, "not cached");
    assert_eq!(fixture.dedupe.ends(), 3);
    assert!(!fixture.dedupe.is_in_progress(&key()?).await?);
    Ok(())
}
