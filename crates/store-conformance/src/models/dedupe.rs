//! De-duplication against a list of jobs.

mod model;
mod step;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use store_core::{
    Clock, DedupeStore, Heartbeat, JobInfo, JobOutcome, JobResult, Key, ManualClock, Ownership,
    PageRequest, Priority, Registration, Result, SECOND, Scope, Selection, Settlement,
};

use self::model::{Kept, Model};
use self::step::{Ending, KEYS, SCOPES, Step, step};
use super::{Agreement, Disagreement, Player, agree, between, ensure, play, same, set_back};
use crate::run::breathe;
use crate::{Harness, Setup};

/// The longest result that is handed on.
const LONGEST: usize = 16;
/// How often a store is asked whether a dropped ownership was given up: for seconds.
const PATIENCE: usize = 4_000;

/// Lets stores of fresh harnesses and the model answer the same calls.
pub fn dedupe<H: Harness>(harness: impl Fn() -> H) {
    agree(harness, step(), async |harness, steps| {
        play(Jobs::open(harness).await?, steps).await
    });
}

/// Two handles of one store, and what they should hold.
struct Jobs {
    stores: [Arc<dyn DedupeStore>; 2],
    clock: ManualClock,
    model: Model,
    /// The owners that were not told to end, with their handles.
    owners: Vec<(usize, Ownership)>,
}

fn key(index: usize) -> Result<Key> {
    Key::new(KEYS[index])
}

/// The `nth` of `items`, counted from the newest.
fn nth_newest<T>(items: &[T], nth: usize) -> Option<usize> {
    items.len().checked_sub(nth + 1)
}

impl Jobs {
    async fn open(harness: &dyn Harness) -> Result<Self> {
        let mut setup = Setup::default().with_max_result_bytes(LONGEST);
        setup.lease = SECOND * 4;
        setup.retention = SECOND * 3;
        Ok(Self {
            stores: [harness.dedupe(&setup).await?, harness.dedupe(&setup).await?],
            model: Model::new(setup.lease, setup.retention),
            clock: setup.clock,
            owners: Vec::new(),
        })
    }

    async fn register(&mut self, handle: usize, key: &Key, priority: Priority) -> Agreement {
        let now = self.clock.now();
        let registration = self.stores[handle].register_or_join(key, priority).await?;
        match (registration, self.model.in_progress(key, now)) {
            (Registration::Owner(owner), None) => {
                same("the owner's key", owner.key(), key)?;
                self.model.own(key, *owner.job(), priority, handle, now);
                self.owners.push((handle, owner));
            }
            (Registration::Joined(job), Some(expected)) => {
                same("the joined job", job, expected)?;
                self.model.join(key, priority, handle, now);
            }
            (found, expected) => {
                return Err(Disagreement(format!("{found:?}, but {expected:?} works")));
            }
        }
        self.demands()
    }

    /// Owners hear at once of joiners in their process, and may hear of others.
    fn demands(&self) -> Agreement {
        for (_, owner) in &self.owners {
            if let Some((least, most)) = self.model.demand(owner.job()) {
                let told = *owner.demand().borrow();
                between("the demand", told, least, most)?;
            }
        }
        Ok(())
    }

    async fn wait(&self, handle: usize, nth: usize) -> Agreement {
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

    async fn renew(&mut self, handle: usize, nth: usize) -> Agreement {
        let Some(index) = nth_newest(&self.model.jobs, nth) else {
            return Ok(());
        };
        let job = &self.model.jobs[index];
        let found = self.stores[handle].heartbeat(&job.key, &job.id).await?;
        let expected = match self.model.renew(index, self.clock.now()) {
            Some(priority) => Heartbeat::Renewed(priority),
            None => Heartbeat::Fenced,
        };
        same("the heartbeat", found, expected)
    }

    async fn end(&mut self, nth: usize, ending: &Ending) -> Agreement {
        let Some(index) = nth_newest(&self.owners, nth) else {
            return Ok(());
        };
        let (handle, owner) = self.owners.remove(index);
        let (store, now, job) = (&self.stores[handle], self.clock.now(), *owner.job());
        let (settlement, outcome) = match ending {
            Ending::Drop => {
                drop(owner);
                return self.abandoned(handle, job).await;
            }
            Ending::Fail => (
                store.fail(owner, "no luck").await?,
                JobOutcome::OwnerFailed("no luck".to_owned()),
            ),
            Ending::Elsewhere => (
                store.complete(owner, JobResult::NotShared).await?,
                JobOutcome::NotShared,
            ),
            Ending::Value(length) => {
                let value = Bytes::from(vec![7; *length]);
                let outcome = if *length <= LONGEST {
                    JobOutcome::Value(value.clone())
                } else {
                    JobOutcome::NotShared
                };
                (
                    store.complete(owner, JobResult::Value(value)).await?,
                    outcome,
                )
            }
        };
        let expected = if self.model.end(&job, outcome, now) {
            Settlement::Settled
        } else {
            Settlement::Fenced
        };
        same("the settlement", settlement, expected)
    }

    /// A dropped ownership is given up in the background; one that was replaced changes nothing.
    async fn abandoned(&mut self, handle: usize, job: store_core::JobId) -> Agreement {
        if !self.model.abandon(&job) {
            return Ok(());
        }
        for _ in 0..PATIENCE {
            let listed = self.listed(handle).await?;
            if listed.values().all(|info| info.job != job.to_string()) {
                return Ok(());
            }
            breathe().await;
        }
        Err(Disagreement("the ownership is not given up".to_owned()))
    }

    async fn listed(&self, handle: usize) -> Result<BTreeMap<Key, JobInfo>> {
        let page = self.stores[handle].list(&PageRequest::default()).await?;
        let items = page.items.into_iter();
        Ok(items.map(|info| (info.key.clone(), info)).collect())
    }

    /// A clock that was set back leaves the end of a lease open; what the store says of it holds
    /// from then on.
    async fn settle_doubts(&mut self) -> Agreement {
        let now = self.clock.now();
        if self.model.has_doubts(now) {
            let listed = self.listed(0).await?;
            self.model.believe(&listed, now);
        }
        Ok(())
    }

    async fn list(&self, handle: usize) -> Agreement {
        let now = self.clock.now();
        let mut listed = self.listed(handle).await?;
        for job in self.model.current() {
            let info = listed.remove(&job.key);
            match (info, self.model.kept(job, now)) {
                (None, Kept::Yes) => {
                    return Err(Disagreement(format!("{} is not listed", job.key)));
                }
                (None, Kept::Maybe | Kept::No) => {}
                (Some(info), _) => {
                    same("the job", info.job, job.id.to_string())?;
                    same("the state", info.state, job.state(now))?;
                    same("its beginning", info.created_at, job.created_at)?;
                    if let Some(updated_at) = job.updated_at() {
                        same("its last sign", info.updated_at, updated_at)?;
                    }
                }
            }
        }
        same("the other jobs", listed, BTreeMap::new())
    }

    async fn stats(&self, handle: usize) -> Agreement {
        let found = self.stores[handle].stats().await?;
        let (least, most) = self.model.stats(handle, self.clock.now());
        same("jobs in progress", found.pending_jobs, least.pending_jobs)?;
        same("silent jobs", found.expired_jobs, least.expired_jobs)?;
        same(
            "the oldest",
            found.oldest_pending_at,
            least.oldest_pending_at,
        )?;
        let bounds = (least.completed_jobs, most.completed_jobs);
        between("completed jobs", found.completed_jobs, bounds.0, bounds.1)?;
        let bounds = (least.failed_jobs, most.failed_jobs);
        between("failed jobs", found.failed_jobs, bounds.0, bounds.1)?;
        let bounds = (least.settled_jobs, most.settled_jobs);
        between("settled jobs", found.settled_jobs, bounds.0, bounds.1)?;
        let sum = found.pending_jobs + found.expired_jobs;
        let sum = sum + found.completed_jobs + found.failed_jobs;
        same("all jobs", found.total_jobs, sum)
    }
}

impl Player<Step> for Jobs {
    async fn take(&mut self, step: &Step) -> Agreement {
        let now = self.clock.now();
        match step {
            Step::Register {
                handle,
                key: index,
                priority,
            } => self.register(*handle, &key(*index)?, *priority).await,
            Step::Wait { handle, job } => self.wait(*handle, *job).await,
            Step::Renew { handle, job } => self.renew(*handle, *job).await,
            Step::End { owner, ending } => self.end(*owner, ending).await,
            Step::Ask { handle, key: index } => {
                let key = key(*index)?;
                let found = self.stores[*handle].is_in_progress(&key).await?;
                let expected = self.model.in_progress(&key, now).is_some();
                same("progress", found, expected)
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
                between("the number of cleared jobs", cleared, least, most)
            }
            Step::CleanUp { handle } => {
                let freed = self.stores[*handle].cleanup().await?;
                let (least, most) = self.model.clean_up(now);
                between("the number of freed jobs", freed, least, most)
            }
            Step::Advance { by } => {
                self.clock.advance(*by);
                self.settle_doubts().await
            }
            Step::SetBack { millis } => {
                let then = set_back(&self.clock, now, *millis);
                self.model.set_back(then);
                self.settle_doubts().await
            }
        }
    }
}
