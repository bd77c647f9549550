//! Fencing: an owner that was replaced changes nothing.

use store_core::{DedupeStore, EndOutcome, Heartbeat, Ownership, Result, SECOND};

use super::fixture::{join, key, outcome_of, own, result};
use crate::{Harness, Setup};

/// An owner whose lease has expired, and the owner that replaced it.
async fn replace_owner(jobs: &impl DedupeStore, setup: &Setup) -> Result<(Ownership, Ownership)> {
    let expired = own(jobs, &key()?).await?;
    setup.clock.advance(setup.lease);
    let successor = own(jobs, &key()?).await?;
    Ok((expired, successor))
}

/// Asserts that the successor still owns the job and can end it.
async fn assert_unaffected(jobs: &impl DedupeStore, mut successor: Ownership) -> Result<()> {
    let job = join(jobs, &key()?).await?;
    assert_eq!(job, *successor.job());
    let ended = jobs.complete(&mut successor, result("new")).await?;
    assert_eq!(ended, EndOutcome::Ended);
    let outcome = jobs.wait_for(&key()?, &job, SECOND).await?;
    assert_eq!(outcome, outcome_of("new"));
    Ok(())
}

pub async fn replaced_owner_cannot_complete(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let jobs = harness.dedupe(&setup).await?;
    let (mut expired, successor) = replace_owner(&jobs, &setup).await?;
    let ended = jobs.complete(&mut expired, result("old")).await?;
    assert_eq!(ended, EndOutcome::Fenced);
    assert_unaffected(&jobs, successor).await
}

pub async fn replaced_owner_cannot_fail(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let jobs = harness.dedupe(&setup).await?;
    let (mut expired, mut successor) = replace_owner(&jobs, &setup).await?;
    let (job, ended) = (
        *successor.job(),
        jobs.complete(&mut successor, result("new")).await?,
    );
    assert_eq!(ended, EndOutcome::Ended);
    assert_eq!(jobs.fail(&mut expired, "late").await?, EndOutcome::Fenced);
    let outcome = jobs.wait_for(&key()?, &job, SECOND).await?;
    assert_eq!(outcome, outcome_of("new"));
    Ok(())
}

pub async fn replaced_owner_cannot_renew(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let jobs = harness.dedupe(&setup).await?;
    let (expired, successor) = replace_owner(&jobs, &setup).await?;
    setup.clock.advance(setup.lease / 2);
    let heartbeat = jobs.heartbeat(&key()?, expired.job()).await?;
    assert_eq!(heartbeat, Heartbeat::Fenced);
    // Nor did it renew the successor's lease.
    setup.clock.advance(setup.lease / 2);
    assert!(!jobs.is_in_progress(&key()?).await?);
    drop(successor);
    Ok(())
}

pub async fn dropping_a_replaced_owner_does_not_affect_its_successor(
    harness: &dyn Harness,
) -> Result<()> {
    let setup = Setup::default();
    let jobs = harness.dedupe(&setup).await?;
    let (expired, successor) = replace_owner(&jobs, &setup).await?;
    drop(expired);
    crate::run::let_others_run().await;
    assert_unaffected(&jobs, successor).await
}

pub async fn ended_job_cannot_be_renewed(harness: &dyn Harness) -> Result<()> {
    let jobs = harness.dedupe(&Setup::default()).await?;
    let mut owner = own(&jobs, &key()?).await?;
    let job = *owner.job();
    jobs.complete(&mut owner, result("value")).await?;
    assert_eq!(jobs.heartbeat(&key()?, &job).await?, Heartbeat::Fenced);
    let outcome = jobs.wait_for(&key()?, &job, SECOND).await?;
    assert_eq!(outcome, outcome_of("value"));
    Ok(())
}
