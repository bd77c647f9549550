//! The outcomes that joiners get.

use std::time::Duration;

use bytes::Bytes;
use store_core::backend::SeededRandom;
use store_core::{Clock, DedupeStore, EndOutcome, JobId, JobOutcome, JobResult, Result, SECOND};

use super::fixture::{join, key, outcome_of, own, result, waiter, waiters};
use crate::run::{advance_until_done, task_result};
use crate::{Harness, Setup};

const MILLISECOND: Duration = Duration::from_millis(1);

pub async fn joiners_get_the_value(harness: &dyn Harness) -> Result<()> {
    let jobs = harness.dedupe(&Setup::default()).await?;
    let mut owner = own(&jobs, &key()?).await?;
    let mut waiters = Vec::new();
    for _ in 0..16 {
        waiters.push(waiter(&jobs, &key()?, join(&jobs, &key()?).await?));
    }
    let ended = jobs.complete(&mut owner, result("value")).await?;
    assert_eq!(ended, EndOutcome::Ended);
    // The clock stands still: they are woken, they do not poll.
    for waiter in waiters {
        assert_eq!(task_result(waiter).await?, outcome_of("value"));
    }
    assert!(!jobs.is_in_progress(&key()?).await?);
    Ok(())
}

pub async fn joiners_get_the_failure(harness: &dyn Harness) -> Result<()> {
    let jobs = harness.dedupe(&Setup::default()).await?;
    let mut owner = own(&jobs, &key()?).await?;
    let job = join(&jobs, &key()?).await?;
    let waiters = waiters(&jobs, &key()?, job);
    let ended = jobs.fail(&mut owner, "503: come back later").await?;
    assert_eq!(ended, EndOutcome::Ended);
    let failure = JobOutcome::OwnerFailed("503: come back later".to_owned());
    for waiter in waiters {
        assert_eq!(task_result(waiter).await?, failure);
    }
    drop(own(&jobs, &key()?).await?);
    Ok(())
}

pub async fn joiner_on_another_handle_gets_the_value(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let (one, other) = (harness.dedupe(&setup).await?, harness.dedupe(&setup).await?);
    let mut owner = own(&one, &key()?).await?;
    let waiter = waiter(&other, &key()?, join(&other, &key()?).await?);
    one.complete(&mut owner, result("value")).await?;
    let outcome = advance_until_done(&setup.clock, MILLISECOND, waiter).await?;
    assert_eq!(outcome, outcome_of("value"));
    Ok(())
}

pub async fn empty_value_is_a_value(harness: &dyn Harness) -> Result<()> {
    let jobs = harness.dedupe(&Setup::default()).await?;
    let mut owner = own(&jobs, &key()?).await?;
    let job = *owner.job();
    jobs.complete(&mut owner, result("")).await?;
    let outcome = jobs.wait_for(&key()?, &job, SECOND).await?;
    assert_eq!(outcome, JobOutcome::Value(Bytes::new()));
    Ok(())
}

pub async fn finished_job_is_not_served_to_fresh_callers(harness: &dyn Harness) -> Result<()> {
    let jobs = harness.dedupe(&Setup::default()).await?;
    let mut first = own(&jobs, &key()?).await?;
    jobs.complete(&mut first, result("value")).await?;
    let mut second = own(&jobs, &key()?).await?;
    jobs.fail(&mut second, "no").await?;
    let third = own(&jobs, &key()?).await?;
    assert_eq!(join(&jobs, &key()?).await?, *third.job());
    Ok(())
}

pub async fn result_is_kept_for_joiners_and_then_gone(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let jobs = harness.dedupe(&setup).await?;
    let mut owner = own(&jobs, &key()?).await?;
    let job = join(&jobs, &key()?).await?;
    jobs.complete(&mut owner, result("value")).await?;
    setup.clock.advance(Duration::from_millis(4_999));
    let in_time = jobs.wait_for(&key()?, &job, SECOND).await?;
    assert_eq!(in_time, outcome_of("value"));
    setup.clock.advance(MILLISECOND);
    let too_late = jobs.wait_for(&key()?, &job, SECOND).await?;
    assert_eq!(too_late, JobOutcome::Lapsed);
    Ok(())
}

pub async fn joiner_of_a_replaced_job_gets_the_result_it_joined(
    harness: &dyn Harness,
) -> Result<()> {
    let setup = Setup::default();
    let jobs = harness.dedupe(&setup).await?;
    let mut joined = Vec::new();
    for value in ["first", "second"] {
        let mut owner = own(&jobs, &key()?).await?;
        joined.push((join(&jobs, &key()?).await?, outcome_of(value)));
        jobs.complete(&mut owner, result(value)).await?;
    }
    let mut third = own(&jobs, &key()?).await?;
    for (job, expected) in &joined {
        assert_eq!(jobs.wait_for(&key()?, job, SECOND).await?, *expected);
    }
    jobs.complete(&mut third, result("third")).await?;
    setup.clock.advance(setup.retention);
    for (job, _) in &joined {
        assert_eq!(
            jobs.wait_for(&key()?, job, SECOND).await?,
            JobOutcome::Lapsed
        );
    }
    Ok(())
}

pub async fn oversized_result_is_shared_within_the_process(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default().with_max_result_bytes(100);
    let jobs = harness.dedupe(&setup).await?;
    for bytes in [100, 101, 100_000] {
        let mut owner = own(&jobs, &key()?).await?;
        let job = join(&jobs, &key()?).await?;
        let early = waiter(&jobs, &key()?, job);
        let value = Bytes::from(vec![7; bytes]);
        let ended = jobs
            .complete(&mut owner, JobResult::Value(value.clone()))
            .await?;
        assert_eq!(ended, EndOutcome::Ended);
        let expected = JobOutcome::Value(value);
        assert_eq!(task_result(early).await?, expected);
        assert_eq!(jobs.wait_for(&key()?, &job, SECOND).await?, expected);
        setup.clock.advance(setup.retention);
        let too_late = jobs.wait_for(&key()?, &job, SECOND).await?;
        assert_eq!(too_late, JobOutcome::Lapsed);
    }
    Ok(())
}

pub async fn oversized_result_is_whole_or_absent_on_another_handle(
    harness: &dyn Harness,
) -> Result<()> {
    let setup = Setup::default().with_max_result_bytes(100);
    let (one, other) = (harness.dedupe(&setup).await?, harness.dedupe(&setup).await?);
    for (bytes, is_shared) in [(100, true), (101, false)] {
        let mut owner = own(&one, &key()?).await?;
        let job = join(&other, &key()?).await?;
        let value = Bytes::from(vec![7; bytes]);
        one.complete(&mut owner, JobResult::Value(value.clone()))
            .await?;
        let outcome = other.wait_for(&key()?, &job, SECOND).await?;
        // A handle of the same process may share it whatever its length.
        let is_absent = !is_shared && outcome == JobOutcome::NotShared;
        assert!(
            is_absent || outcome == JobOutcome::Value(value),
            "{outcome:?}"
        );
    }
    Ok(())
}

pub async fn job_completed_without_a_result_is_not_shared(harness: &dyn Harness) -> Result<()> {
    let jobs = harness.dedupe(&Setup::default()).await?;
    let mut owner = own(&jobs, &key()?).await?;
    let waiter = waiter(&jobs, &key()?, join(&jobs, &key()?).await?);
    jobs.complete(&mut owner, JobResult::NotShared).await?;
    assert_eq!(task_result(waiter).await?, JobOutcome::NotShared);
    Ok(())
}

pub async fn waiter_that_times_out_does_not_affect_the_job(harness: &dyn Harness) -> Result<()> {
    let jobs = harness.dedupe(&Setup::default()).await?;
    let mut owner = own(&jobs, &key()?).await?;
    let job = join(&jobs, &key()?).await?;
    let timeout = Duration::ZERO;
    let outcome = jobs.wait_for(&key()?, &job, timeout).await?;
    assert_eq!(outcome, JobOutcome::TimedOut);
    assert_eq!(join(&jobs, &key()?).await?, *owner.job());
    let ended = jobs.complete(&mut owner, result("value")).await?;
    assert_eq!(ended, EndOutcome::Ended);
    let outcome = jobs.wait_for(&key()?, &job, timeout).await?;
    assert_eq!(outcome, outcome_of("value"));
    Ok(())
}

pub async fn waiter_waits_for_its_whole_timeout(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let jobs = harness.dedupe(&setup).await?;
    let owner = own(&jobs, &key()?).await?;
    let job = *owner.job();
    let began = setup.clock.now();
    let waiter = tokio::spawn(async move { jobs.wait_for(&key()?, &job, SECOND * 3).await });
    let outcome = advance_until_done(&setup.clock, Duration::from_millis(250), waiter).await?;
    assert_eq!(outcome, JobOutcome::TimedOut);
    let passed = setup.clock.now().since(began);
    assert!(passed >= SECOND * 3, "{passed:?}");
    drop(owner);
    Ok(())
}

pub async fn waiting_for_an_unknown_job_ends_at_once(harness: &dyn Harness) -> Result<()> {
    let jobs = harness.dedupe(&Setup::default()).await?;
    let unknown = JobId::random(&SeededRandom::new(1));
    let outcome = jobs.wait_for(&key()?, &unknown, SECOND).await?;
    assert_eq!(outcome, JobOutcome::Lapsed);
    let owner = own(&jobs, &key()?).await?;
    let outcome = jobs.wait_for(&key()?, &unknown, SECOND).await?;
    assert_eq!(outcome, JobOutcome::Lapsed);
    drop(owner);
    Ok(())
}
