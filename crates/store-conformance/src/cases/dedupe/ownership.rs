//! Owners: one per job, and replaced when it is dropped or its lease ends.

use std::sync::Arc;
use std::time::Duration;

use store_core::{
    Clock, DAY, DedupeStore, Heartbeat, JobOutcome, Key, Priority, Registration, Result,
};

use super::fixture::{join, key, own, split_registrations, waiter, waiters};
use crate::run::{
    advance_until_done, eventually, let_others_run, poll_once, run_concurrently, task_result,
};
use crate::{Harness, Setup};

const MILLISECOND: Duration = Duration::from_millis(1);

/// Registers `callers` callers concurrently.
async fn register_concurrently(
    jobs: &Arc<dyn DedupeStore>,
    callers: usize,
) -> Result<Vec<Registration>> {
    run_concurrently((0..callers).map(|_| {
        let jobs = Arc::clone(jobs);
        async move { jobs.register_or_join(&key()?, Priority::Background).await }
    }))
    .await
}

pub async fn one_of_many_callers_owns_the_job(harness: &dyn Harness) -> Result<()> {
    let jobs = harness.dedupe(&Setup::default()).await?;
    let (owners, joined) = split_registrations(register_concurrently(&jobs, 64).await?);
    assert_eq!((owners.len(), joined.len()), (1, 63));
    assert!(joined.iter().all(|job| job == owners[0].job()));
    Ok(())
}

pub async fn jobs_of_different_keys_are_independent(harness: &dyn Harness) -> Result<()> {
    let jobs = harness.dedupe(&Setup::default()).await?;
    let keys = ["a:b", "a:B", "a_b", "a%b", "ab"];
    let mut owners = Vec::new();
    for key in keys {
        owners.push(own(&jobs, &Key::new(key)?).await?);
    }
    for (key, owner) in keys.iter().zip(&owners) {
        assert_eq!(join(&jobs, &Key::new(key)?).await?, *owner.job());
    }
    Ok(())
}

pub async fn another_handle_joins_the_job(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let (one, other) = (harness.dedupe(&setup).await?, harness.dedupe(&setup).await?);
    let owner = own(&one, &key()?).await?;
    assert_eq!(join(&other, &key()?).await?, *owner.job());
    assert!(other.is_in_progress(&key()?).await?);
    Ok(())
}

pub async fn dropped_owner_is_replaced_by_exactly_one(harness: &dyn Harness) -> Result<()> {
    let jobs = harness.dedupe(&Setup::default()).await?;
    let owner = own(&jobs, &key()?).await?;
    let old = *owner.job();
    drop(owner);
    let (jobs, name) = (&jobs, &key()?);
    eventually(async || Ok((!jobs.is_in_progress(name).await?).then_some(()))).await?;

    let (owners, joined) = split_registrations(register_concurrently(jobs, 16).await?);
    assert_eq!((owners.len(), joined.len()), (1, 15));
    assert_ne!(*owners[0].job(), old);
    assert!(joined.iter().all(|job| job == owners[0].job()));
    Ok(())
}

pub async fn waiters_of_a_dropped_owner_are_woken_at_once(harness: &dyn Harness) -> Result<()> {
    let jobs = harness.dedupe(&Setup::default()).await?;
    let owner = own(&jobs, &key()?).await?;
    let waiters = waiters(&jobs, &key()?, *owner.job());
    let_others_run().await;
    drop(owner);
    // The clock stands still: nobody waits for the lease to end.
    for waiter in waiters {
        assert_eq!(task_result(waiter).await?, JobOutcome::Lapsed);
    }
    Ok(())
}

pub async fn expired_owner_is_replaced_by_exactly_one(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let jobs = harness.dedupe(&setup).await?;
    let expired = own(&jobs, &key()?).await?;
    setup.clock.advance(setup.lease);
    setup.clock.set_wall(setup.clock.now() - MILLISECOND);
    assert_eq!(join(&jobs, &key()?).await?, *expired.job());

    setup.clock.advance(MILLISECOND);
    let (owners, joined) = split_registrations(register_concurrently(&jobs, 16).await?);
    assert_eq!((owners.len(), joined.len()), (1, 15));
    assert_ne!(owners[0].job(), expired.job());
    assert!(joined.iter().all(|job| job == owners[0].job()));
    Ok(())
}

pub async fn waiters_of_an_expired_owner_are_woken_when_the_lease_ends(
    harness: &dyn Harness,
) -> Result<()> {
    let setup = Setup::default();
    let jobs = harness.dedupe(&setup).await?;
    let expired = own(&jobs, &key()?).await?;
    let began = setup.clock.now();
    let waiter = waiter(&jobs, &key()?, *expired.job());
    let outcome = advance_until_done(&setup.clock, Duration::from_millis(500), waiter).await?;
    assert_eq!(outcome, JobOutcome::Lapsed);
    assert!(setup.clock.now().since(began) >= setup.lease);
    Ok(())
}

pub async fn heartbeat_keeps_the_job(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let jobs = harness.dedupe(&setup).await?;
    let owner = own(&jobs, &key()?).await?;
    assert_eq!(owner.lease(), setup.lease);
    for _ in 0..9 {
        setup.clock.advance(setup.lease / 3);
        let heartbeat = jobs.heartbeat(&key()?, owner.job()).await?;
        assert_eq!(heartbeat, Heartbeat::Renewed(Priority::Background));
    }
    assert_eq!(join(&jobs, &key()?).await?, *owner.job());
    Ok(())
}

pub async fn registration_dropped_before_its_answer_does_not_keep_the_job(
    harness: &dyn Harness,
) -> Result<()> {
    let jobs = harness.dedupe(&Setup::default()).await?;
    let name = &key()?;
    for polls in 0..12 {
        let mut registration = Box::pin(jobs.register_or_join(name, Priority::User));
        for _ in 0..polls {
            if poll_once(registration.as_mut()).is_some() {
                break;
            }
            let_others_run().await;
        }
        drop(registration);
        // The clock stands still: what was taken is given back, not left to lapse.
        let jobs = &jobs;
        let owner = eventually(async || {
            Ok(match jobs.register_or_join(name, Priority::User).await? {
                Registration::Owner(owner) => Some(owner),
                Registration::Joined(_) => None,
            })
        });
        drop(owner.await?);
        eventually(async || Ok((!jobs.is_in_progress(name).await?).then_some(()))).await?;
    }
    Ok(())
}

pub async fn clock_set_back_does_not_keep_a_job_indefinitely(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let jobs = harness.dedupe(&setup).await?;
    let expired = own(&jobs, &key()?).await?;
    setup.clock.set_wall(setup.clock.now() - DAY);
    for _ in 0..3 {
        let registration = jobs.register_or_join(&key()?, Priority::User).await?;
        if let Registration::Owner(owner) = registration {
            assert_ne!(owner.job(), expired.job());
            return Ok(());
        }
        setup.clock.advance(setup.lease);
    }
    panic!("the job outlived its owner by three leases");
}

pub async fn joiner_raises_the_priority_at_once(harness: &dyn Harness) -> Result<()> {
    let jobs = harness.dedupe(&Setup::default()).await?;
    let owner = own(&jobs, &key()?).await?;
    let priority = owner.priority();
    drop(jobs.register_or_join(&key()?, Priority::Background).await?);
    assert_eq!(*priority.borrow(), Priority::Background);
    drop(jobs.register_or_join(&key()?, Priority::User).await?);
    assert_eq!(*priority.borrow(), Priority::User);
    drop(jobs.register_or_join(&key()?, Priority::Background).await?);
    assert_eq!(*priority.borrow(), Priority::User);
    Ok(())
}

pub async fn heartbeat_returns_the_priority_that_others_raised(
    harness: &dyn Harness,
) -> Result<()> {
    let setup = Setup::default();
    let (one, other) = (harness.dedupe(&setup).await?, harness.dedupe(&setup).await?);
    let owner = own(&one, &key()?).await?;
    let before = one.heartbeat(&key()?, owner.job()).await?;
    assert_eq!(before, Heartbeat::Renewed(Priority::Background));
    drop(other.register_or_join(&key()?, Priority::User).await?);
    let after = one.heartbeat(&key()?, owner.job()).await?;
    assert_eq!(after, Heartbeat::Renewed(Priority::User));
    assert_eq!(*owner.priority().borrow(), Priority::User);
    Ok(())
}
