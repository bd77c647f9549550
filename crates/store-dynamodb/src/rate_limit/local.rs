//! A process's state of a resource: the last state read, permits taken in advance, demand not stored yet.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use store_core::backend::Activity;
use store_core::{Priority, Resource, ResourceConfig, Timestamp};

use super::state::{Bucket, State, Ungranted};

/// More resources than this are worth looking for idle ones.
const MANY: usize = 1_024;
/// How long others are expected to go on after they were noticed.
const OTHERS_STAY: Duration = Duration::from_secs(2);
/// The most configurations of a resource's claims that are remembered as listed.
const LISTED: usize = 16;

/// The resources of one process.
#[derive(Debug, Default)]
pub(super) struct Locals(Mutex<HashMap<Resource, Arc<Local>>>);

/// One resource.
#[derive(Debug)]
pub(super) struct Local {
    pub(super) resource: Resource,
    /// Held by whoever asks the table for what the others of this process may use as well.
    pub(super) gate: tokio::sync::Mutex<()>,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// The state, and when it was asked for, by the table's clock.
    seen: Option<(Arc<State>, Duration)>,
    others_until: Duration,
    uncounted: Activity,
    /// When demand was last stored, by the store's clock.
    told_at: Option<Duration>,
    batches: Vec<PermitBatch>,
    listed: Vec<Option<ResourceConfig>>,
}

/// Permits taken in advance.
#[derive(Clone, Debug)]
pub(super) struct PermitBatch {
    pub(super) bucket: Bucket,
    pub(super) class: Priority,
    /// They were taken under what this claim stated, and serve no other.
    pub(super) claimed: Option<ResourceConfig>,
    pub(super) left: u32,
    /// What the local clock showed; if it is set back, they are void.
    pub(super) since: Timestamp,
}

impl PermitBatch {
    fn is_valid(&self, now: Timestamp) -> bool {
        self.since <= now && now < self.bucket.until
    }

    pub(super) fn ungranted(&self) -> Ungranted {
        let background = match self.class {
            Priority::Background => self.left,
            Priority::User => 0,
        };
        Ungranted {
            count: self.left,
            background,
        }
    }
}

impl Locals {
    pub(super) fn of(&self, resource: &Resource) -> Arc<Local> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(local) = all.get(resource) {
            return Arc::clone(local);
        }
        if all.len() >= MANY {
            all.retain(|_, local| Arc::strong_count(local) > 1 || local.is_needed());
        }
        let local = Arc::new(Local {
            resource: resource.clone(),
            gate: tokio::sync::Mutex::default(),
            known: Mutex::default(),
        });
        all.insert(resource.clone(), Arc::clone(&local));
        local
    }

    pub(super) fn all(&self) -> Vec<Arc<Local>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.values().cloned().collect()
    }
}

impl Local {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_needed(&self) -> bool {
        let known = self.lock();
        !known.batches.is_empty() || !known.uncounted.is_empty()
    }

    /// The state that was seen last, and when it was asked for.
    pub(super) fn seen(&self) -> Option<(Arc<State>, Duration)> {
        self.lock().seen.clone()
    }

    /// Takes note of a state that was asked for at `asked_at`. `is_ours` tells whether a mark is of
    /// this process.
    pub(super) fn see(&self, state: State, asked_at: Duration, is_ours: impl Fn(u64) -> bool) {
        let mut known = self.lock();
        if let Some((before, _)) = &known.seen {
            let is_new = |mark: &u64| *mark != 0 && !before.marks.contains(mark);
            let by_others = |mark: &u64| is_new(mark) && !is_ours(*mark);
            if state.marks.iter().any(by_others) {
                known.others_until = asked_at + OTHERS_STAY;
            }
        }
        if known.seen.as_ref().is_none_or(|(_, at)| *at <= asked_at) {
            known.seen = Some((Arc::new(state), asked_at));
        }
    }

    /// Forgets the state: it was changed in a way that was not seen.
    pub(super) fn forget(&self) {
        self.lock().seen = None;
    }

    /// Whether other processes write the resource at present.
    pub(super) fn has_others(&self, now: Duration) -> bool {
        now < self.lock().others_until
    }

    pub(super) fn add_uncounted(&self, requests: Activity) {
        let mut known = self.lock();
        known.uncounted.user += requests.user;
        known.uncounted.background += requests.background;
    }

    pub(super) fn take_uncounted(&self) -> Activity {
        std::mem::take(&mut self.lock().uncounted)
    }

    /// Whether demand may be stored again, a second after the last time.
    pub(super) fn may_tell(&self, now: Duration) -> bool {
        let told_at = self.lock().told_at;
        told_at.is_none_or(|at| now.saturating_sub(at) >= Duration::from_secs(1))
    }

    pub(super) fn told(&self, now: Duration) {
        self.lock().told_at = Some(now);
    }

    /// Whether this configuration of a claim is still to be listed; from now on it is not.
    pub(super) fn is_to_list(&self, claimed: Option<&ResourceConfig>) -> bool {
        let mut known = self.lock();
        if known.listed.iter().any(|listed| listed.as_ref() == claimed) {
            return false;
        }
        if known.listed.len() < LISTED {
            known.listed.push(claimed.cloned());
        }
        true
    }

    /// Grants permits of a batch; returns the bucket that they were counted in.
    pub(super) fn spend(
        &self,
        permits: NonZeroU32,
        class: Priority,
        claimed: Option<&ResourceConfig>,
        now: Timestamp,
    ) -> Option<Bucket> {
        let mut known = self.lock();
        let fitting = known.batches.iter_mut().find(|batch| {
            batch.class == class
                && batch.left >= permits.get()
                && batch.is_valid(now)
                && batch.claimed.as_ref() == claimed
        });
        let batch = fitting?;
        batch.left -= permits.get();
        let bucket = batch.bucket;
        known.batches.retain(|batch| batch.left > 0);
        Some(bucket)
    }

    /// Keeps a batch.
    pub(super) fn keep(&self, batch: PermitBatch) {
        let mut known = self.lock();
        let mut same = known.batches.iter_mut();
        let same = same.find(|other| {
            other.bucket == batch.bucket
                && other.class == batch.class
                && other.claimed == batch.claimed
        });
        match same {
            Some(other) => other.left += batch.left,
            None => known.batches.push(batch),
        }
    }

    /// Removes a batch whose bucket is over.
    pub(super) fn take_expired(&self, now: Timestamp) -> Option<PermitBatch> {
        let mut known = self.lock();
        let at = known
            .batches
            .iter()
            .position(|batch| !batch.is_valid(now))?;
        Some(known.batches.swap_remove(at))
    }

    /// Removes the batches of one bucket, or all.
    pub(super) fn take_batches(&self, of: Option<Bucket>) -> Vec<PermitBatch> {
        let mut known = self.lock();
        let all = std::mem::take(&mut known.batches);
        let (taken, kept) = all
            .into_iter()
            .partition(|batch| of.is_none_or(|bucket| bucket == batch.bucket));
        known.batches = kept;
        taken
    }
}
