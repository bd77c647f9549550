//! What an owner can do that is none any more: nothing.

use store_core::{DedupeStore, Heartbeat, Ownership, Result, SECOND, Settlement};

use super::{join, key, outcome_of, own, result};
use crate::{Harness, Setup};

/// An owner that fell silent, and the one that took over.
async fn succession(jobs: &impl DedupeStore, setup: &Setup) -> Result<(Ownership, Ownership)> {
    let silent = own(jobs, &key()?).await?;
    setup.clock.advance(setup.lease);
    let successor = own(jobs, &key()?).await?;
    Ok((silent, successor))
}

/// The successor still owns the job and can end it.
async fn unharmed(jobs: &impl DedupeStore, successor: Ownership) -> Result<()> {
    let job = join(jobs, &key()?).await?;
    assert_eq!(job, *successor.job());
    let settled = jobs.complete(successor, result("new")).await?;
    assert_eq!(settled, Settlement::Settled);
    let heard = jobs.wait_for(&key()?, &job, SECOND).await?;
    assert_eq!(heard, outcome_of("new"));
    Ok(())
}

pub async fn replaced_owner_cannot_complete(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let jobs = harness.dedupe(&setup).await?;
    let (silent, successor) = succession(&jobs, &setup).await?;
    let settled = jobs.complete(silent, result("old")).await?;
    assert_eq!(settled, Settlement::Fenced);
    unharmed(&jobs, successor).await
}

pub async fn replaced_owner_cannot_fail(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let jobs = harness.dedupe(&setup).await?;
    let (silent, successor) = succession(&jobs, &setup).await?;
    let (job, settled) = (
        *successor.job(),
        jobs.complete(successor, result("new")).await?,
    );
    assert_eq!(settled, Settlement::Settled);
    assert_eq!(jobs.fail(silent, "late").await?, Settlement::Fenced);
    let heard = jobs.wait_for(&key()?, &job, SECOND).await?;
    assert_eq!(heard, outcome_of("new"));
    Ok(())
}

pub async fn replaced_owner_cannot_renew(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let jobs = harness.dedupe(&setup).await?;
    let (silent, successor) = succession(&jobs, &setup).await?;
    setup.clock.advance(setup.lease / 2);
    let heard = jobs.heartbeat(&key()?, silent.job()).await?;
    assert_eq!(heard, Heartbeat::Fenced);
    // Nor did it renew the successor's lease.
    setup.clock.advance(setup.lease / 2);
    assert!(!jobs.is_in_progress(&key()?).await?);
    drop(successor);
    Ok(())
}

pub async fn dropping_a_replaced_owner_harms_no_successor(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let jobs = harness.dedupe(&setup).await?;
    let (silent, successor) = succession(&jobs, &setup).await?;
    drop(silent);
    crate::run::breathe().await;
    unharmed(&jobs, successor).await
}

pub async fn ended_job_cannot_be_renewed(harness: &dyn Harness) -> Result<()> {
    let jobs = harness.dedupe(&Setup::default()).await?;
    let owner = own(&jobs, &key()?).await?;
    let job = *owner.job();
    jobs.complete(owner, result("value")).await?;
    assert_eq!(jobs.heartbeat(&key()?, &job).await?, Heartbeat::Fenced);
    let heard = jobs.wait_for(&key()?, &job, SECOND).await?;
    assert_eq!(heard, outcome_of("value"));
    Ok(())
}
