//! What a process knows of a resource by itself: the state it saw last, permits it holds, demand it has
//! not told yet.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use store_core::local::Uncounted;
use store_core::{Priority, Resource, ResourceConfig, Timestamp};

use super::state::{Bucket, Leased, State};

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
    uncounted: Uncounted,
    /// When demand was last told, by the store's clock.
    told_at: Option<Duration>,
    leases: Vec<Lease>,
    listed: Vec<Option<ResourceConfig>>,
}

/// Permits that were taken before they were asked for.
#[derive(Clone, Debug)]
pub(super) struct Lease {
    pub(super) bucket: Bucket,
    pub(super) class: Priority,
    /// They were taken under what this claim stated, and serve no other.
    pub(super) claimed: Option<ResourceConfig>,
    pub(super) left: u32,
    /// What the local clock showed; if it is set back, they are void.
    pub(super) since: Timestamp,
}

impl Lease {
    fn is_valid(&self, now: Timestamp) -> bool {
        self.since <= now && now < self.bucket.until
    }

    pub(super) fn leased(&self) -> Leased {
        let background = match self.class {
            Priority::Background => self.left,
            Priority::User => 0,
        };
        Leased {
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
        !known.leases.is_empty() || !known.uncounted.is_empty()
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

    pub(super) fn add_uncounted(&self, requests: Uncounted) {
        let mut known = self.lock();
        known.uncounted.user += requests.user;
        known.uncounted.background += requests.background;
    }

    pub(super) fn take_uncounted(&self) -> Uncounted {
        std::mem::take(&mut self.lock().uncounted)
    }

    /// Whether demand may be told again, a second after it was told last.
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

    /// Hands out permits of a lease; the bucket that they were counted in.
    pub(super) fn spend(
        &self,
        permits: NonZeroU32,
        class: Priority,
        claimed: Option<&ResourceConfig>,
        now: Timestamp,
    ) -> Option<Bucket> {
        let mut known = self.lock();
        let fitting = known.leases.iter_mut().find(|lease| {
            lease.class == class
                && lease.left >= permits.get()
                && lease.is_valid(now)
                && lease.claimed.as_ref() == claimed
        });
        let lease = fitting?;
        lease.left -= permits.get();
        let bucket = lease.bucket;
        known.leases.retain(|lease| lease.left > 0);
        Some(bucket)
    }

    /// Keeps permits to hand out.
    pub(super) fn keep(&self, lease: Lease) {
        let mut known = self.lock();
        let mut same = known.leases.iter_mut();
        let same = same.find(|other| {
            other.bucket == lease.bucket
                && other.class == lease.class
                && other.claimed == lease.claimed
        });
        match same {
            Some(other) => other.left += lease.left,
            None => known.leases.push(lease),
        }
    }

    /// Takes out a lease that cannot be handed out any more.
    pub(super) fn take_expired(&self, now: Timestamp) -> Option<Lease> {
        let mut known = self.lock();
        let at = known.leases.iter().position(|lease| !lease.is_valid(now))?;
        Some(known.leases.swap_remove(at))
    }

    /// Takes out the leases of one bucket, or all.
    pub(super) fn take_leases(&self, of: Option<Bucket>) -> Vec<Lease> {
        let mut known = self.lock();
        let all = std::mem::take(&mut known.leases);
        let (taken, kept) = all
            .into_iter()
            .partition(|lease| of.is_none_or(|bucket| bucket == lease.bucket));
        known.leases = kept;
        taken
    }
}
