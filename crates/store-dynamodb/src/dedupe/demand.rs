//! What joiners of this process raise the priorities of its owners to.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use store_core::backend::JobSignals;
use store_core::{JobId, Key, Priority};
use tokio::sync::watch;

/// The owners of this process, and those whose answer is still under way: others may join such a job
/// before its owner hears that it is one.
#[derive(Debug, Default)]
pub(super) struct Demand {
    signals: JobSignals,
    claimed: Mutex<HashMap<JobId, Priority>>,
}

/// A claim whose answer is under way; dropped, it is over.
#[derive(Debug)]
pub(super) struct Claim<'a> {
    demand: &'a Demand,
    job: JobId,
    priority: Priority,
}

impl Demand {
    pub(super) fn claim(&self, job: JobId, priority: Priority) -> Claim<'_> {
        self.claimed().insert(job, priority);
        Claim {
            demand: self,
            job,
            priority,
        }
    }

    /// What tasks of this process know of each other's jobs.
    pub(super) const fn signals(&self) -> &JobSignals {
        &self.signals
    }

    /// Raises the priority of `job` if its owner is in this process.
    pub(super) fn raise(&self, key: &Key, job: &JobId, priority: Priority) {
        match self.claimed().get_mut(job) {
            Some(raised) => *raised = priority.max(*raised),
            None => self.signals.raise(key, job, priority),
        }
    }

    fn claimed(&self) -> MutexGuard<'_, HashMap<JobId, Priority>> {
        self.claimed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Claim<'_> {
    /// The claim has made its caller the owner.
    pub(super) fn own(self, key: &Key) -> watch::Receiver<Priority> {
        let demand = self.demand.signals.own(key, self.job, self.priority);
        // Announced first, so that a raise finds either the owner or the claim.
        if let Some(raised) = self.demand.claimed().remove(&self.job) {
            self.demand.signals.raise(key, &self.job, raised);
        }
        demand
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.demand.claimed().remove(&self.job);
    }
}

#[cfg(test)]
mod tests {
    use store_core::backend::SeededRandom;

    use super::*;

    #[test]
    fn an_owner_hears_what_was_raised_before_and_after_it_knew_of_its_job() {
        let (demand, random) = (Demand::default(), SeededRandom::new(1));
        let (key, job) = (Key::new("comics:1").unwrap(), JobId::random(&random));
        let claim = demand.claim(job, Priority::Background);
        demand.raise(&key, &job, Priority::User);
        assert_eq!(*claim.own(&key).borrow(), Priority::User);

        let (key, job) = (Key::new("comics:2").unwrap(), JobId::random(&random));
        let owner = demand.claim(job, Priority::Background).own(&key);
        demand.raise(&key, &job, Priority::User);
        assert_eq!(*owner.borrow(), Priority::User);
        assert!(demand.claimed().is_empty());
    }
}
