//! Owners, joiners and waiters that the de-duplication cases share.

use std::sync::Arc;

use store_core::{
    DedupeStore, JobId, JobOutcome, JobResult, Key, Ownership, Priority, Registration, Result,
    SECOND,
};
use tokio::task::JoinHandle;

pub(super) fn key() -> Result<Key> {
    Key::new("comics:1")
}

/// Registers and becomes the owner; fails the case otherwise.
pub(super) async fn own(jobs: &impl DedupeStore, key: &Key) -> Result<Ownership> {
    match jobs.register_or_join(key, Priority::Background).await? {
        Registration::Owner(owner) => Ok(owner),
        Registration::Joined(job) => panic!("{key} should be free, but joined {job}"),
    }
}

/// Registers and joins; fails the case otherwise.
pub(super) async fn join(jobs: &impl DedupeStore, key: &Key) -> Result<JobId> {
    match jobs.register_or_join(key, Priority::Background).await? {
        Registration::Joined(job) => Ok(job),
        Registration::Owner(owner) => panic!("{key} should be in progress, but became {owner:?}"),
    }
}

/// The owners among the registrations, and the joined jobs.
pub(super) fn split_registrations(
    registrations: Vec<Registration>,
) -> (Vec<Ownership>, Vec<JobId>) {
    let (mut owners, mut joined) = (Vec::new(), Vec::new());
    for registration in registrations {
        match registration {
            Registration::Owner(owner) => owners.push(owner),
            Registration::Joined(job) => joined.push(job),
        }
    }
    (owners, joined)
}

/// A task that waits for the job, with a timeout longer than any lease.
pub(super) fn waiter(
    jobs: &Arc<dyn DedupeStore>,
    key: &Key,
    job: JobId,
) -> JoinHandle<Result<JobOutcome>> {
    let (jobs, key) = (Arc::clone(jobs), key.clone());
    tokio::spawn(async move { jobs.wait_for(&key, &job, SECOND * 60).await })
}

/// Several such tasks.
pub(super) fn waiters(
    jobs: &Arc<dyn DedupeStore>,
    key: &Key,
    job: JobId,
) -> Vec<JoinHandle<Result<JobOutcome>>> {
    (0..8).map(|_| waiter(jobs, key, job)).collect()
}

pub(super) fn result(text: &'static str) -> JobResult {
    JobResult::Value(text.into())
}

pub(super) fn outcome_of(text: &'static str) -> JobOutcome {
    JobOutcome::Value(text.into())
}
