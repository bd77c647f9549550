//! One load over all processes: its owner loads, the others wait for the owner's result.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::warn;

use super::flights::{LoadResult, Origin};
use super::inner::Found;
use super::load::{Load, Location, Reason};
use super::loaded::{Loaded, Previous};
use crate::backend::Deadline;
use crate::codec::Codec;
use crate::codec::loaded::StoredValue;
use crate::dedupe::{
    DedupeStore, JobEnd, JobId, JobOutcome, JobResult, Ownership, Registration, end_job, hold_lease,
};
use crate::error::{BoxError, Error};
use crate::key::Key;
use crate::priority::Priority;
use crate::typed::LoadError;

/// How often a wait for another process is tried again.
const MAX_FAILED_WAITS: u32 = 2;

/// The result of waiting for the load of another process.
enum Join {
    Ended(LoadResult),
    /// Its owner is gone or shared nothing: register again.
    Register,
    Failed(Error),
}

impl<T, C> Load<T, C>
where
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
    C: Codec,
{
    /// Loads as the owner of the key's job, or waits for its owner.
    pub(super) async fn share<E, F, R>(&self, dedupe: &dyn DedupeStore, loader: F) -> LoadResult
    where
        E: Into<BoxError> + Send,
        F: FnOnce(Option<Previous<T>>) -> R + Send,
        R: Future<Output = Result<Loaded<T>, E>> + Send,
    {
        let options = &self.inner.options;
        let priority = match self.reason {
            Reason::Early(_) => Priority::Background,
            Reason::Miss | Reason::Stale(_) => Priority::User,
        };
        let deadline = Deadline::after(options.load_timeout, &*options.clock);
        let mut failed_waits = 0;
        let error = loop {
            // What shares a de-duplication may be parts of one store, with the same keys.
            let job_key = match self.inner.store.stored_key(&self.key) {
                Ok(key) => key,
                Err(error) => break error,
            };
            match dedupe.register_or_join(&job_key, priority).await {
                Err(error) => break error,
                Ok(Registration::Owner(owner)) => return self.own(dedupe, owner, loader).await,
                Ok(Registration::Joined(job)) => {
                    match self
                        .join(dedupe, &job_key, &job, deadline.left(&*options.clock))
                        .await
                    {
                        Join::Ended(result) => return result,
                        Join::Register => {}
                        // The owner is still at work, so the wait is worth another try or two.
                        Join::Failed(error)
                            if error.is_retryable() && failed_waits < MAX_FAILED_WAITS =>
                        {
                            warn!(key = %self.key, %error, "waiting for a shared value again");
                            failed_waits += 1;
                        }
                        Join::Failed(error) => break error,
                    }
                }
            }
            if deadline.is_over(&*options.clock) {
                return Err(self.timed_out("another process did not load it in time"));
            }
        };
        warn!(key = %self.key, %error, "loading without de-duplication");
        self.find_or_load(loader).await.0
    }

    async fn join(
        &self,
        dedupe: &dyn DedupeStore,
        job_key: &Key,
        job: &JobId,
        left: Duration,
    ) -> Join {
        let key = &self.key;
        match dedupe.wait_for(job_key, job, left).await {
            Ok(JobOutcome::Value(bytes)) => {
                let read =
                    StoredValue::decode(&bytes).and_then(|record| self.inner.read::<T>(record));
                match read {
                    Ok(read) => Join::Ended(Ok((read.record, Origin::Elsewhere))),
                    Err(error) => {
                        warn!(%key, %error, "a shared value does not decode");
                        Join::Register
                    }
                }
            }
            Ok(JobOutcome::NotShared) => match self.inner.look_up::<T>(key).await {
                Found::Fresh(read) if !self.has_seen(&read.record) => {
                    Join::Ended(Ok((read.record, Origin::Elsewhere)))
                }
                Found::Fresh(_)
                | Found::Stale(_)
                | Found::Miss(_)
                | Found::Undecodable
                | Found::Failed => Join::Register,
            },
            Ok(JobOutcome::OwnerFailed(error)) => Join::Ended(Err(LoadError::new(error))),
            Ok(JobOutcome::Lapsed) => Join::Register,
            Ok(JobOutcome::TimedOut) => Join::Ended(Err(
                self.timed_out("another process did not load it in time")
            )),
            Err(error) => Join::Failed(error),
        }
    }

    async fn own<E, F, R>(
        &self,
        dedupe: &dyn DedupeStore,
        mut owner: Ownership,
        loader: F,
    ) -> LoadResult
    where
        E: Into<BoxError> + Send,
        F: FnOnce(Option<Previous<T>>) -> R + Send,
        R: Future<Output = Result<Loaded<T>, E>> + Send,
    {
        let clock = self.inner.clock();
        let work = self.find_or_load(loader);
        let (result, location) = hold_lease(dedupe, clock, &owner, work).await;
        let end = match &result {
            Ok((record, _)) if location == Location::Nowhere => {
                let shared = record.encode();
                JobEnd::Completed(shared.map_or(JobResult::NotShared, JobResult::Value))
            }
            Ok(_) => JobEnd::Completed(JobResult::NotShared),
            Err(error) => JobEnd::Failed(error.to_string()),
        };
        if let Err(error) = end_job(dedupe, clock, &mut owner, &end).await {
            warn!(key = %self.key, %error, "those who joined must ask again");
        }
        result
    }
}
