//! Compares a de-duplication store with its model.

mod model;
mod step;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use store_core::{
    Clock, DedupeStore, EndOutcome, Heartbeat, JobInfo, JobOutcome, JobResult, Key, ManualClock,
    Ownership, PageRequest, Priority, Registration, Result, SECOND, Scope, Selection,
};

use self::model::{Model, Retained};
use self::step::{Ending, KEYS, SCOPES, Step, step};
use super::runner::{
    Check, Mismatch, StateMachine, apply_all, check_eq, check_range, check_sequences, ensure,
    set_back,
};
use crate::run::let_others_run;
use crate::{Harness, Setup};

/// The longest result that is shared, in bytes.
const MAX_RESULT_BYTES: usize = 16;
/// The most polls until a dropped ownership must be released: several seconds.
const MAX_POLLS: usize = 4_000;

/// Checks random sequences of calls to a de-duplication store against the model.
pub fn dedupe<H: Harness>(harness: impl Fn() -> H) {
    check_sequences(harness, step(), async |harness, steps| {
        apply_all(DedupeUnderTest::open(harness).await?, steps).await
    });
}

/// Two handles of one store, and its model.
struct DedupeUnderTest {
    stores: [Arc<dyn DedupeStore>; 2],
    clock: ManualClock,
    model: Model,
    /// The owners that have not ended, with their handles.
    owners: Vec<(usize, Ownership)>,
}

fn key(index: usize) -> Result<Key> {
    Key::new(KEYS[index])
}

/// The `nth` of `items`, counted from the newest.
fn nth_newest<T>(items: &[T], nth: usize) -> Option<usize> {
    items.len().checked_sub(nth + 1)
}

impl DedupeUnderTest {
    async fn open(harness: &dyn Harness) -> Result<Self> {
        let mut setup = Setup::default().with_max_result_bytes(MAX_RESULT_BYTES);
        setup.lease = SECOND * 4;
        setup.retention = SECOND * 3;
        Ok(Self {
            stores: [harness.dedupe(&setup).await?, harness.dedupe(&setup).await?],
            model: Model::new(setup.lease, setup.retention),
            clock: setup.clock,
            owners: Vec::new(),
        })
    }

    async fn register(&mut self, handle: usize, key: &Key, priority: Priority) -> Check {
        let now = self.clock.now();
        let registration = self.stores[handle].register_or_join(key, priority).await?;
        match (registration, self.model.in_progress(key, now)) {
            (Registration::Owner(owner), None) => {
                check_eq("the owner's key", owner.key(), key)?;
                self.model
                    .register(key, *owner.job(), priority, handle, now);
                self.owners.push((handle, owner));
            }
            (Registration::Joined(job), Some(expected)) => {
                check_eq("the joined job", job, expected)?;
                self.model.join(key, priority, handle, now);
            }
            (found, expected) => {
                return Err(Mismatch(format!(
                    "{found:?}, but {expected:?} is in progress"
                )));
            }
        }
        self.check_priorities()
    }

    /// Owners see the priority of joiners in their process at once, and may see that of others.
    fn check_priorities(&self) -> Check {
        for (_, owner) in &self.owners {
            if let Some((least, most)) = self.model.owner_priority(owner.job()) {
                let found = *owner.priority().borrow();
                check_range("the priority", found, least, most)?;
            }
        }
        Ok(())
    }

    async fn wait(&self, handle: usize, nth: usize) -> Check {
        let Some(index) = nth_newest(&self.model.jobs, nth) else {
            return Ok(());
        };
        let job = &self.model.jobs[index];
        let waited = self.stores[handle].wait_for(&job.key, &job.id, Duration::ZERO);
        let found = waited.await?;
        let allowed = self.model.outcomes(index, self.clock.now());
        ensure(allowed.contains(&found), || {
            format!("the outcome is {found:?}, not of {allowed:?}")
        })
    }

    async fn heartbeat(&mut self, handle: usize, nth: usize) -> Check {
        let Some(index) = nth_newest(&self.model.jobs, nth) else {
            return Ok(());
        };
        let job = &self.model.jobs[index];
        let found = self.stores[handle].heartbeat(&job.key, &job.id).await?;
        let expected = match self.model.renew(index, self.clock.now()) {
            Some(priority) => Heartbeat::Renewed(priority),
            None => Heartbeat::Fenced,
        };
        check_eq("the heartbeat", found, expected)
    }

    async fn end(&mut self, nth: usize, ending: &Ending) -> Check {
        let Some(index) = nth_newest(&self.owners, nth) else {
            return Ok(());
        };
        let (handle, mut owner) = self.owners.remove(index);
        let (store, now, job) = (&self.stores[handle], self.clock.now(), *owner.job());
        let (found, outcome) = match ending {
            Ending::Drop => {
                drop(owner);
                return self.check_abandoned(handle, job).await;
            }
            Ending::Fail => (
                store.fail(&mut owner, "failed").await?,
                JobOutcome::OwnerFailed("failed".to_owned()),
            ),
            Ending::NotShared => (
                store.complete(&mut owner, JobResult::NotShared).await?,
                JobOutcome::NotShared,
            ),
            Ending::Value(length) => {
                let value = Bytes::from(vec![7; *length]);
                let outcome = if *length <= MAX_RESULT_BYTES {
                    JobOutcome::Value(value.clone())
                } else {
                    JobOutcome::NotShared
                };
                (
                    store.complete(&mut owner, JobResult::Value(value)).await?,
                    outcome,
                )
            }
        };
        let expected = if self.model.end(&job, outcome, now) {
            EndOutcome::Ended
        } else {
            EndOutcome::Fenced
        };
        check_eq("the end", found, expected)
    }

    /// A dropped ownership is released in the background; one that was replaced changes nothing.
    async fn check_abandoned(&mut self, handle: usize, job: store_core::JobId) -> Check {
        if !self.model.abandon(&job) {
            return Ok(());
        }
        for _ in 0..MAX_POLLS {
            let listed = self.listed(handle).await?;
            if listed.values().all(|info| info.job != job.to_string()) {
                return Ok(());
            }
            let_others_run().await;
        }
        Err(Mismatch("the ownership is not released".to_owned()))
    }

    async fn listed(&self, handle: usize) -> Result<BTreeMap<Key, JobInfo>> {
        let page = self.stores[handle].list(&PageRequest::default()).await?;
        let items = page.items.into_iter();
        Ok(items.map(|info| (info.key.clone(), info)).collect())
    }

    /// After the clock was set back the end of a lease is uncertain; the model adopts the state that
    /// the store reports.
    async fn resolve_uncertain_leases(&mut self) -> Check {
        let now = self.clock.now();
        if self.model.has_uncertain_leases(now) {
            let listed = self.listed(0).await?;
            self.model.adopt(&listed, now);
        }
        Ok(())
    }

    async fn list(&self, handle: usize) -> Check {
        let now = self.clock.now();
        let mut listed = self.listed(handle).await?;
        for job in self.model.current() {
            let info = listed.remove(&job.key);
            match (info, self.model.retained(job, now)) {
                (None, Retained::Yes) => {
                    return Err(Mismatch(format!("{} is not listed", job.key)));
                }
                (None, Retained::Maybe | Retained::No) => {}
                (Some(info), _) => {
                    check_eq("the job", info.job, job.id.to_string())?;
                    check_eq("the state", info.state, job.state(now))?;
                    check_eq("the job's creation", info.created_at, job.created_at)?;
                    if let Some(updated_at) = job.updated_at() {
                        check_eq("its last update", info.updated_at, updated_at)?;
                    }
                }
            }
        }
        check_eq("the other jobs", listed, BTreeMap::new())
    }

    async fn stats(&self, handle: usize) -> Check {
        let found = self.stores[handle].stats().await?;
        let (least, most) = self.model.stats(handle, self.clock.now());
        check_eq("jobs in progress", found.pending_jobs, least.pending_jobs)?;
        check_eq("expired jobs", found.lapsed_jobs, least.lapsed_jobs)?;
        check_eq(
            "the oldest",
            found.oldest_pending_at,
            least.oldest_pending_at,
        )?;
        let bounds = (least.completed_jobs, most.completed_jobs);
        check_range("completed jobs", found.completed_jobs, bounds.0, bounds.1)?;
        let bounds = (least.failed_jobs, most.failed_jobs);
        check_range("failed jobs", found.failed_jobs, bounds.0, bounds.1)?;
        let bounds = (least.ended_jobs, most.ended_jobs);
        check_range("ended jobs", found.ended_jobs, bounds.0, bounds.1)?;
        let sum = found.pending_jobs + found.lapsed_jobs;
        let sum = sum + found.completed_jobs + found.failed_jobs;
        check_eq("all jobs", found.total_jobs, sum)
    }
}

impl StateMachine<Step> for DedupeUnderTest {
    async fn apply(&mut self, step: &Step) -> Check {
        let now = self.clock.now();
        match step {
            Step::Register {
                handle,
                key: index,
                priority,
            } => self.register(*handle, &key(*index)?, *priority).await,
            Step::Wait { handle, job } => self.wait(*handle, *job).await,
            Step::Heartbeat { handle, job } => self.heartbeat(*handle, *job).await,
            Step::End { owner, ending } => self.end(*owner, ending).await,
            Step::IsInProgress { handle, key: index } => {
                let key = key(*index)?;
                let found = self.stores[*handle].is_in_progress(&key).await?;
                let expected = self.model.in_progress(&key, now).is_some();
                check_eq("progress", found, expected)
            }
            Step::List { handle } => self.list(*handle).await,
            Step::Stats { handle } => self.stats(*handle).await,
            Step::Clear { handle, scope } => {
                let selection = match scope {
                    Some(index) => Selection::Scope(Scope::new(SCOPES[*index])?),
                    None => Selection::All,
                };
                let cleared = self.stores[*handle].clear(&selection).await?;
                let (least, most) = self.model.clear(&selection, now);
                check_range("the number of cleared jobs", cleared, least, most)
            }
            Step::CleanUp { handle } => {
                let freed = self.stores[*handle].cleanup().await?;
                let (least, most) = self.model.clean_up(now);
                check_range("the number of freed jobs", freed, least, most)
            }
            Step::Advance { by } => {
                self.clock.advance(*by);
                self.resolve_uncertain_leases().await
            }
            Step::SetBack { millis } => {
                let then = set_back(&self.clock, now, *millis);
                self.model.set_back(then);
                self.resolve_uncertain_leases().await
            }
        }
    }
}
