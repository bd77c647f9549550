//! Progress, clear, lists, stats, cleanup and close.

use store_core::{
    Clock, DedupeStore, EndOutcome, ErrorKind, Heartbeat, JobInfo, JobOutcome, JobState, Key,
    Ownership, PageRequest, Priority, Result, SECOND, Scope, Selection,
};

use super::fixture::{key, own, result, waiter};
use crate::run::task_result;
use crate::{Harness, Setup};

/// Registers the job of each key.
async fn own_all(jobs: &impl DedupeStore, keys: &[&str]) -> Result<Vec<Ownership>> {
    let mut owners = Vec::new();
    for key in keys {
        owners.push(own(jobs, &Key::new(key)?).await?);
    }
    Ok(owners)
}

pub async fn job_is_in_progress_while_it_has_an_owner(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let jobs = harness.dedupe(&setup).await?;
    let key = key()?;
    assert!(!jobs.is_in_progress(&key).await?);
    let expired = own(&jobs, &key).await?;
    assert!(jobs.is_in_progress(&key).await?);
    setup.clock.advance(setup.lease);
    assert!(!jobs.is_in_progress(&key).await?);
    let mut owner = own(&jobs, &key).await?;
    assert!(jobs.is_in_progress(&key).await?);
    jobs.complete(&mut owner, result("value")).await?;
    assert!(!jobs.is_in_progress(&key).await?);
    drop(expired);
    Ok(())
}

pub async fn scope_of_jobs_is_cleared_literally(harness: &dyn Harness) -> Result<()> {
    let jobs = harness.dedupe(&Setup::default()).await?;
    let others = ["aXb:1", "A_B:1", "a_bc:1", "a_b"];
    let kept = own_all(&jobs, &others).await?;
    let gone = own_all(&jobs, &["a_b:1", "a_b:2:3"]).await?;
    let scope = Selection::Scope(Scope::new("a_b")?);
    assert_eq!(jobs.clear(&scope).await?, 2);
    for owner in &gone {
        assert!(!jobs.is_in_progress(owner.key()).await?, "{owner:?}");
    }
    for owner in &kept {
        assert!(jobs.is_in_progress(owner.key()).await?, "{owner:?}");
    }
    assert_eq!(jobs.clear(&Selection::All).await?, 4);
    assert_eq!(jobs.stats().await?.total_jobs, 0);
    Ok(())
}

pub async fn cleared_job_is_fenced_and_its_waiters_are_woken(harness: &dyn Harness) -> Result<()> {
    let jobs = harness.dedupe(&Setup::default()).await?;
    let mut owner = own(&jobs, &key()?).await?;
    let waiter = waiter(&jobs, &key()?, *owner.job());
    crate::run::let_others_run().await;
    jobs.clear(&Selection::All).await?;
    assert_eq!(task_result(waiter).await?, JobOutcome::Lapsed);
    let heartbeat = jobs.heartbeat(&key()?, owner.job()).await?;
    assert_eq!(heartbeat, Heartbeat::Fenced);
    let ended = jobs.complete(&mut owner, result("value")).await?;
    assert_eq!(ended, EndOutcome::Fenced);
    drop(own(&jobs, &key()?).await?);
    Ok(())
}

/// One job in each state: `a` has lapsed, `b` is pending, `c` completed, `d` failed. Returns the
/// owners of the first two.
async fn one_of_each(jobs: &impl DedupeStore, setup: &Setup) -> Result<Vec<Ownership>> {
    let mut open = own_all(jobs, &["comics:a"]).await?;
    setup.clock.advance(setup.lease);
    open.extend(own_all(jobs, &["comics:b"]).await?);
    for mut owner in own_all(jobs, &["comics:c"]).await? {
        jobs.complete(&mut owner, result("value")).await?;
    }
    for mut owner in own_all(jobs, &["comics:d"]).await? {
        jobs.fail(&mut owner, "no").await?;
    }
    Ok(open)
}

pub async fn jobs_are_listed_page_by_page_with_their_states(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let jobs = harness.dedupe(&setup).await?;
    let began = setup.clock.now();
    let open = one_of_each(&jobs, &setup).await?;
    let mut request = PageRequest::default().with_limit(3);
    let first = jobs.list(&request).await?;
    request = request.with_after(first.next.clone().expect("there is a fourth"));
    let second = jobs.list(&request).await?;
    assert_eq!(
        (first.items.len(), second.items.len(), second.next),
        (3, 1, None)
    );

    let listed: Vec<JobInfo> = [first.items, second.items].concat();
    let states: Vec<_> = listed
        .iter()
        .map(|job| (job.key.as_str(), job.state))
        .collect();
    let expected = [
        ("comics:a", JobState::Lapsed),
        ("comics:b", JobState::Pending),
        ("comics:c", JobState::Completed),
        ("comics:d", JobState::Failed),
    ];
    assert_eq!(states, expected);
    assert_eq!(listed[0].job, open[0].job().to_string());
    assert_eq!(
        (listed[0].created_at, listed[1].created_at),
        (began, began + setup.lease)
    );
    Ok(())
}

pub async fn jobs_are_counted_by_state(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let jobs = harness.dedupe(&setup).await?;
    assert_eq!(jobs.stats().await?, store_core::DedupeStats::default());
    let open = one_of_each(&jobs, &setup).await?;
    let stats = jobs.stats().await?;
    assert_eq!(
        (stats.total_jobs, stats.pending_jobs, stats.lapsed_jobs),
        (4, 1, 1)
    );
    assert_eq!((stats.completed_jobs, stats.failed_jobs), (1, 1));
    assert_eq!(stats.ended_jobs, 2);
    assert_eq!(stats.oldest_pending_at, Some(setup.clock.now()));
    drop(open);
    Ok(())
}

pub async fn cleanup_frees_ended_and_expired_jobs(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let jobs = harness.dedupe(&setup).await?;
    let open = one_of_each(&jobs, &setup).await?;
    assert_eq!(jobs.cleanup().await?, 1, "the lapsed one");
    setup.clock.advance(setup.retention);
    assert_eq!(jobs.cleanup().await?, 2, "the two that ended");
    assert_eq!(jobs.cleanup().await?, 0);
    let stats = jobs.stats().await?;
    assert_eq!((stats.total_jobs, stats.pending_jobs), (1, 1));
    let fenced = jobs.heartbeat(open[0].key(), open[0].job()).await?;
    let renewed = jobs.heartbeat(open[1].key(), open[1].job()).await?;
    assert_eq!(fenced, Heartbeat::Fenced);
    assert_eq!(renewed, Heartbeat::Renewed(Priority::Background));
    Ok(())
}

pub async fn cleanup_of_jobs_is_bounded(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default().with_cleanup_batch(3);
    let jobs = harness.dedupe(&setup).await?;
    let keys: Vec<String> = (0..7).map(|n| format!("comics:{n}")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    for mut owner in own_all(&jobs, &keys).await? {
        jobs.complete(&mut owner, result("value")).await?;
    }
    setup.clock.advance(setup.retention);
    let mut runs = Vec::new();
    for _ in 0..4 {
        runs.push(jobs.cleanup().await?);
    }
    assert_eq!(runs, [3, 3, 1, 0]);
    Ok(())
}

pub async fn closed_store_refuses_calls(harness: &dyn Harness) -> Result<()> {
    let jobs = harness.dedupe(&Setup::default()).await?;
    let key = key()?;
    let owners = own_all(&jobs, &["comics:1", "comics:2"]).await?;
    let job = *owners[0].job();
    jobs.close().await?;
    let mut refusals = vec![
        jobs.register_or_join(&key, Priority::User).await.err(),
        jobs.wait_for(&key, &job, SECOND).await.err(),
        jobs.heartbeat(&key, &job).await.err(),
        jobs.is_in_progress(&key).await.err(),
        jobs.lease_left(&key).await.err(),
        jobs.list(&PageRequest::default()).await.err(),
        jobs.stats().await.err(),
        jobs.clear(&Selection::All).await.err(),
        jobs.cleanup().await.err(),
    ];
    let mut owners = owners.into_iter();
    if let (Some(mut one), Some(mut other)) = (owners.next(), owners.next()) {
        refusals.push(jobs.complete(&mut one, result("value")).await.err());
        refusals.push(jobs.fail(&mut other, "no").await.err());
    }
    for (call, refusal) in refusals.into_iter().enumerate() {
        let kind = refusal.map(|error| error.kind());
        assert_eq!(kind, Some(ErrorKind::Closed), "call {call}");
    }
    Ok(())
}
