//! The wait queue: who waits, who may ask next, and which denials stand. No time passes in here.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::backend::window::Denial;
use crate::priority::Priority;
use crate::rate_limit::Acquire;
use crate::resource::Resource;
use crate::time::Timestamp;

/// Waiters are numbered in order of arrival.
pub(super) type WaiterId = u64;

#[derive(Debug, Default)]
pub(super) struct WaitQueue {
    next_id: WaiterId,
    waiters: BTreeMap<WaiterId, Waiter>,
    blocks: HashMap<(Resource, Priority), Block>,
}

#[derive(Debug)]
struct Waiter {
    resources: Vec<Resource>,
    permits: NonZeroU32,
    priority: Priority,
    /// From this monotonic time on a background waiter ranks as a user.
    promoted_at: Duration,
    is_asking: bool,
    denial: Option<Denial>,
    wake: Arc<Notify>,
}

/// A denial that stands for a resource and class.
#[derive(Debug)]
struct Block {
    denial: Denial,
    since: Timestamp,
    /// When the store is to be asked again.
    until: Timestamp,
    /// The waiter that asked for several permits: fewer may fit, which only its place in the queue
    /// keeps others from.
    only_with: Option<WaiterId>,
}

/// What a waiter may do now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Readiness {
    /// Ask the store.
    Ready,
    /// A denial stands; whether somebody else waits in front, too.
    Blocked { denial: Denial, is_first: bool },
    /// Somebody else is in front, whose last denial this is.
    Behind(Option<Denial>),
}

impl Waiter {
    fn shares_with(&self, other: &Self) -> bool {
        let of_other = |resource| other.resources.contains(resource);
        self.resources.iter().any(of_other)
    }

    /// Users before the background, each in order of arrival.
    const fn rank(&self, id: WaiterId, monotonic: Duration) -> (bool, WaiterId) {
        let is_user = matches!(self.priority, Priority::User);
        let is_promoted = monotonic.as_nanos() >= self.promoted_at.as_nanos();
        (!(is_user || is_promoted), id)
    }
}

impl WaitQueue {
    pub(super) fn enqueue(
        &mut self,
        request: &Acquire,
        promoted_at: Duration,
    ) -> (WaiterId, Arc<Notify>) {
        let id = self.next_id;
        self.next_id += 1;
        let wake = Arc::new(Notify::new());
        let resources = request.claims.iter().map(|claim| claim.resource.clone());
        let waiter = Waiter {
            resources: resources.collect(),
            permits: request.permits,
            priority: request.priority,
            promoted_at,
            is_asking: false,
            denial: None,
            wake: Arc::clone(&wake),
        };
        self.waiters.insert(id, waiter);
        (id, wake)
    }

    /// What the waiter may do; with [`Readiness::Ready`] it counts as asking until it is denied or
    /// leaves.
    pub(super) fn readiness(
        &mut self,
        id: WaiterId,
        now: Timestamp,
        monotonic: Duration,
    ) -> Readiness {
        // A clock that was set back makes every denial doubtful.
        self.blocks
            .retain(|_, block| block.since <= now && now < block.until);
        let Some(own) = self.waiters.get(&id) else {
            return Readiness::Ready;
        };
        let own_rank = own.rank(id, monotonic);
        let in_front = |other_id: &WaiterId, other: &Waiter| {
            *other_id != id && other.shares_with(own) && other.rank(*other_id, monotonic) < own_rank
        };
        if let Some(denial) = self.block_of(own) {
            let mut others = self.waiters.iter();
            return Readiness::Blocked {
                denial: denial.clone(),
                is_first: !others.any(|(other_id, other)| in_front(other_id, other)),
            };
        }
        let first = self.waiters.iter().find(|(other_id, other)| {
            (other.is_asking && **other_id != id && other.shares_with(own))
                || (in_front(other_id, other) && self.block_of(other).is_none())
        });
        if let Some((_, first)) = first {
            // It may be asleep: time alone can have brought it to the front.
            if !first.is_asking {
                first.wake.notify_one();
            }
            return Readiness::Behind(first.denial.clone());
        }
        if let Some(own) = self.waiters.get_mut(&id) {
            own.is_asking = true;
        }
        Readiness::Ready
    }

    /// Notes the store's denial of the waiter's request at `since`, which stands until `until`.
    pub(super) fn denied(
        &mut self,
        id: WaiterId,
        denial: &Denial,
        since: Timestamp,
        until: Timestamp,
    ) {
        let asker = self.waiters.get(&id);
        let only_with = asker
            .filter(|asker| asker.permits > NonZeroU32::MIN)
            .map(|_| id);
        let classes = [Priority::User, Priority::Background].into_iter();
        for class in classes.filter(|class| denial.reason.applies_to(*class)) {
            let denial = denial.clone();
            let name = (denial.reason.resource().clone(), class);
            let block = Block {
                denial,
                since,
                until,
                only_with,
            };
            self.blocks.insert(name, block);
        }
        if let Some(waiter) = self.waiters.get_mut(&id) {
            waiter.is_asking = false;
            waiter.denial = Some(denial.clone());
        }
        self.wake_next();
    }

    pub(super) fn raise(&mut self, id: WaiterId, priority: Priority) {
        if let Some(waiter) = self.waiters.get_mut(&id) {
            waiter.priority = priority;
        }
    }

    pub(super) fn leave(&mut self, id: WaiterId) {
        self.waiters.remove(&id);
        self.blocks.retain(|_, block| block.only_with != Some(id));
        self.wake_next();
    }

    fn block_of(&self, waiter: &Waiter) -> Option<&Denial> {
        if self.blocks.is_empty() {
            return None;
        }
        let blocks = waiter.resources.iter().filter_map(|resource| {
            let name = (resource.clone(), waiter.priority);
            self.blocks.get(&name).map(|block| &block.denial)
        });
        blocks.max_by_key(|denial| denial.retry_at)
    }

    /// Wakes whoever may be able to ask now. Waking one too many costs a look at the queue, one too
    /// few would cost the slot, so the first of each class is woken for every resource.
    fn wake_next(&mut self) {
        let mut woken: Vec<(&Resource, Priority)> = Vec::new();
        for waiter in self.waiters.values().filter(|waiter| !waiter.is_asking) {
            if self.block_of(waiter).is_some() {
                continue;
            }
            let names = || {
                waiter
                    .resources
                    .iter()
                    .map(|resource| (resource, waiter.priority))
            };
            if names().any(|name| !woken.contains(&name)) {
                woken.extend(names());
                waiter.wake.notify_one();
            }
        }
    }
}
