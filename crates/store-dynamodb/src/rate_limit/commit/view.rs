//! What a process knows of a resource: the state it has seen last, and permits taken in advance.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use store_core::{Priority, Resource, ResourceConfig, Timestamp};

use crate::rate_limit::record::{Bucket, State, Ungranted};

/// More resources than this are worth looking for idle ones.
const MANY: usize = 1_024;
/// How long others are expected to go on after they were noticed.
const OTHERS_STAY: Duration = Duration::from_secs(2);
/// The most configurations of a resource's claims that are remembered as listed.
const LISTED: usize = 16;

/// The resources of one process.
#[derive(Debug, Default)]
pub(crate) struct Views(Mutex<HashMap<Resource, Arc<View>>>);

/// One resource.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) resource: Resource,
    /// Held by whoever asks the table for what the others of this process may use as well.
    pub(crate) gate: tokio::sync::Mutex<()>,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    /// The state, and when it was asked for, by the table's clock.
    seen: Option<(Arc<State>, Duration)>,
    others_until: Duration,
    /// When demand was last stored, by the store's clock.
    told_at: Option<Duration>,
    batches: Vec<Batch>,
    listed: Vec<Option<ResourceConfig>>,
}

/// Permits taken in advance.
#[derive(Clone, Debug)]
pub(crate) struct Batch {
    pub(crate) bucket: Bucket,
    pub(crate) class: Priority,
    /// They were taken under what this claim stated, and serve no other.
    pub(crate) claimed: Option<ResourceConfig>,
    pub(crate) left: u32,
    /// What the process's clock showed; if it is set back, they are void.
    pub(crate) since: Timestamp,
}

impl Batch {
    fn is_valid(&self, now: Timestamp) -> bool {
        self.since <= now && now < self.bucket.until
    }

    pub(crate) fn ungranted(&self) -> Ungranted {
        Ungranted::of(self.class, self.left)
    }
}

impl Views {
    pub(crate) fn of(&self, resource: &Resource) -> Arc<View> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(view) = all.get(resource) {
            return Arc::clone(view);
        }
        if all.len() >= MANY {
            all.retain(|_, view| Arc::strong_count(view) > 1 || view.is_needed());
        }
        let view = Arc::new(View {
            resource: resource.clone(),
            gate: tokio::sync::Mutex::default(),
            known: Mutex::default(),
        });
        all.insert(resource.clone(), Arc::clone(&view));
        view
    }

    pub(crate) fn all(&self) -> Vec<Arc<View>> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.values().cloned().collect()
    }
}

impl View {
    fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_needed(&self) -> bool {
        !self.lock().batches.is_empty()
    }

    /// The state that was seen last, and when it was asked for.
    pub(crate) fn seen(&self) -> Option<(Arc<State>, Duration)> {
        self.lock().seen.clone()
    }

    /// Takes note of a state that was asked for at `asked_at`. `is_ours` tells whether a mark is of
    /// this process.
    pub(crate) fn see(&self, state: Arc<State>, asked_at: Duration, is_ours: impl Fn(u64) -> bool) {
        let mut known = self.lock();
        if let Some((before, _)) = &known.seen {
            let is_new = |mark: &u64| *mark != 0 && !before.marks.contains(mark);
            let by_others = |mark: &u64| is_new(mark) && !is_ours(*mark);
            if state.marks.iter().any(by_others) {
                known.others_until = asked_at + OTHERS_STAY;
            }
        }
        if known.seen.as_ref().is_none_or(|(_, at)| *at <= asked_at) {
            known.seen = Some((state, asked_at));
        }
    }

    /// Forgets the state: it was changed in a way that was not seen.
    pub(crate) fn forget(&self) {
        self.lock().seen = None;
    }

    /// Whether other processes write the resource at present.
    pub(crate) fn has_others(&self, now: Duration) -> bool {
        now < self.lock().others_until
    }

    /// Whether demand may be stored again, a second after the last time; if so, it will be now.
    pub(crate) fn tells_at(&self, now: Duration) -> bool {
        let mut known = self.lock();
        let second = Duration::from_secs(1);
        let may_tell = known
            .told_at
            .is_none_or(|at| now.saturating_sub(at) >= second);
        if may_tell {
            known.told_at = Some(now);
        }
        may_tell
    }

    /// Whether this configuration of a claim is still to be listed; from now on it is not.
    pub(crate) fn is_to_list(&self, claimed: Option<&ResourceConfig>) -> bool {
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
    pub(crate) fn spend(
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
    pub(crate) fn keep(&self, batch: Batch) {
        self.lock().batches.push(batch);
    }

    /// Removes a batch whose bucket is over.
    pub(crate) fn take_expired(&self, now: Timestamp) -> Option<Batch> {
        let mut known = self.lock();
        let at = known
            .batches
            .iter()
            .position(|batch| !batch.is_valid(now))?;
        Some(known.batches.swap_remove(at))
    }

    /// Removes the batches of one bucket, or all.
    pub(crate) fn take_batches(&self, of: Option<Bucket>) -> Vec<Batch> {
        let mut known = self.lock();
        let is_taken = |batch: &mut Batch| of.is_none_or(|bucket| bucket == batch.bucket);
        known.batches.extract_if(.., is_taken).collect()
    }
}
