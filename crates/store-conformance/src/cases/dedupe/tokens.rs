//! Fencing tokens: they rise from owner to owner; and how long an owner's lease runs.

use std::sync::Arc;

use store_core::{
    Clock, DAY, DedupeStore, FencingToken, Key, Ownership, Priority, Registration, Result, SECOND,
    Selection,
};

use super::fixture::{key, own, result, split_registrations};
use crate::run::{eventually, run_concurrently};
use crate::{Harness, Setup};

/// Becomes the owner, drops the ownership and waits until it is abandoned.
async fn token_of_dropped(jobs: &impl DedupeStore) -> Result<FencingToken> {
    let owner = own(jobs, &key()?).await?;
    let token = owner.token();
    drop(owner);
    let name = key()?;
    eventually(async || Ok((!jobs.is_in_progress(&name).await?).then_some(()))).await?;
    Ok(token)
}

fn assert_rising(tokens: &[FencingToken]) {
    assert!(tokens[0].get() >= 1, "{tokens:?}");
    let is_rising = tokens.windows(2).all(|pair| pair[0] < pair[1]);
    assert!(is_rising, "{tokens:?}");
}

pub async fn each_owner_has_a_greater_token(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let jobs = harness.dedupe(&setup).await?;
    let mut completed = own(&jobs, &key()?).await?;
    jobs.complete(&mut completed, result("value")).await?;
    let mut failed = own(&jobs, &key()?).await?;
    jobs.fail(&mut failed, "no").await?;
    let dropped = token_of_dropped(&jobs).await?;
    let cleared = own(&jobs, &key()?).await?;
    jobs.clear(&Selection::All).await?;
    let lapsed = own(&jobs, &key()?).await?;
    setup.clock.advance(setup.lease);
    let last = own(&jobs, &key()?).await?;
    assert_rising(&[
        completed.token(),
        failed.token(),
        dropped,
        cleared.token(),
        lapsed.token(),
        last.token(),
    ]);
    Ok(())
}

pub async fn tokens_rise_over_all_handles(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let handles = [harness.dedupe(&setup).await?, harness.dedupe(&setup).await?];
    let mut tokens = Vec::new();
    for turn in 0..6 {
        tokens.push(token_of_dropped(&handles[turn % 2]).await?);
    }
    assert_rising(&tokens);
    Ok(())
}

pub async fn a_token_rises_after_a_cleanup(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let jobs = harness.dedupe(&setup).await?;
    let lapsed = own(&jobs, &key()?).await?;
    setup.clock.advance(setup.lease);
    assert_eq!(jobs.cleanup().await?, 1);
    let mut ended = own(&jobs, &key()?).await?;
    jobs.complete(&mut ended, result("value")).await?;
    setup.clock.advance(setup.retention);
    assert_eq!(jobs.cleanup().await?, 1);
    let dropped = token_of_dropped(&jobs).await?;
    jobs.cleanup().await?;
    let last = own(&jobs, &key()?).await?;
    assert_rising(&[lapsed.token(), ended.token(), dropped, last.token()]);
    Ok(())
}

pub async fn a_token_rises_when_the_clock_is_set_back(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let jobs = harness.dedupe(&setup).await?;
    let before = token_of_dropped(&jobs).await?;
    setup.clock.set_wall(setup.clock.now() - DAY);
    let between = token_of_dropped(&jobs).await?;
    setup.clock.set_wall(setup.clock.now() + DAY * 2);
    let after = token_of_dropped(&jobs).await?;
    assert_rising(&[before, between, after]);
    Ok(())
}

pub async fn tokens_of_concurrent_owners_differ(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let jobs = harness.dedupe(&setup).await?;
    let mut tokens = Vec::new();
    for _round in 0..4 {
        let registrations: Vec<Registration> = run_concurrently((0..16).map(|_| {
            let jobs = Arc::clone(&jobs);
            async move { jobs.register_or_join(&key()?, Priority::Background).await }
        }))
        .await?;
        let (owners, _joined) = split_registrations(registrations);
        tokens.extend(owners.iter().map(Ownership::token));
        setup.clock.advance(setup.lease);
    }
    assert_eq!(tokens.len(), 4);
    assert_rising(&tokens);
    Ok(())
}

pub async fn a_lease_runs_out_unless_it_is_renewed(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let (jobs, other) = (harness.dedupe(&setup).await?, harness.dedupe(&setup).await?);
    assert_eq!(jobs.lease_left(&key()?).await?, None);
    let owner = own(&jobs, &key()?).await?;
    assert_eq!(other.lease_left(&key()?).await?, Some(setup.lease));
    setup.clock.advance(SECOND);
    let left = other.lease_left(&key()?).await?;
    assert_eq!(left, Some(setup.lease.saturating_sub(SECOND)));
    jobs.heartbeat(&key()?, owner.job()).await?;
    assert_eq!(other.lease_left(&key()?).await?, Some(setup.lease));
    setup.clock.advance(setup.lease);
    assert_eq!(other.lease_left(&key()?).await?, None);
    let mut ended = own(&jobs, &Key::new("comics:2")?).await?;
    jobs.complete(&mut ended, result("value")).await?;
    assert_eq!(other.lease_left(ended.key()).await?, None);
    Ok(())
}
