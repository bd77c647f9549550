//! The wait queue: who waits, who may ask next, and which denials stand. No time passes in here.
//!
//! A waiter stands in the lane of each of its resources, or is parked in the lane of one that denies it, so
//! that the first of a lane is who may ask next. Nothing is done for those behind: each step costs the
//! logarithm of the number of waiters, and one waiter is woken for each that goes.

mod lane;
mod waiter;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use self::lane::{Block, LaneId, Lanes};
use self::waiter::{Listing, Place, Waiter};
use crate::priority::Priority;
use crate::rate_limit::Acquire;

pub(super) use self::lane::TimedDenial;
pub(super) use self::waiter::WaiterId;

/// The first in the queue asks again at least this often: a refund, a reset or a raised limit of
/// another process may free a slot at any time.
pub(super) const REVALIDATE_AFTER: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct WaitQueue {
    next_id: WaiterId,
    waiters: HashMap<WaiterId, Waiter>,
    lanes: Lanes,
    /// Background waiters, by when they rank as users.
    promotions: BTreeSet<(Duration, WaiterId)>,
    /// Lanes that have changed: somebody in them may have to be woken.
    changed: Vec<LaneId>,
    /// Those who are to be woken once the queue is unlocked.
    wakers: Vec<Waker>,
}

/// What a waiter may do now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Readiness {
    /// Ask the store.
    Ready,
    /// A denial stands.
    Blocked {
        denial: TimedDenial,
        /// Nobody else stands in front.
        is_first: bool,
        /// The reading of the monotonic clock at which to look again, if nobody else does.
        looks_at: Option<Duration>,
    },
    /// Somebody else is in front, whose last denial this is.
    Behind(Option<TimedDenial>),
}

impl WaitQueue {
    /// A new waiter, and what it may do.
    pub(super) fn enqueue(
        &mut self,
        request: &Acquire,
        promoted_at: Duration,
        deadline: Duration,
        monotonic: Duration,
    ) -> (WaiterId, Readiness) {
        let id = self.next_id;
        self.next_id += 1;
        let claims = request.claims.iter();
        let lanes: Arc<[LaneId]> = claims
            .map(|claim| self.lanes.enter(&claim.resource))
            .collect();
        let waiter = Waiter {
            lanes,
            permits: request.permits,
            priority: request.priority,
            promoted_at,
            is_promoted: false,
            deadline,
            listing: Listing::None,
            denial: None,
            looks_at: None,
            is_woken: false,
            waker: None,
        };
        self.waiters.insert(id, waiter);
        (id, self.look(id, monotonic))
    }

    /// What the waiter may do; with [`Readiness::Ready`] it counts as asking until it is denied or
    /// leaves.
    pub(super) fn look(&mut self, id: WaiterId, monotonic: Duration) -> Readiness {
        self.promote(monotonic);
        let readiness = self.readiness(id, monotonic);
        self.wake_changed(monotonic);
        readiness
    }

    fn readiness(&mut self, id: WaiterId, monotonic: Duration) -> Readiness {
        let Some(waiter) = self.waiters.get_mut(&id) else {
            return Readiness::Ready;
        };
        (waiter.is_woken, waiter.looks_at) = (false, None);
        if waiter.listing == Listing::Asking {
            return Readiness::Ready;
        }
        if waiter.listing == Listing::None {
            waiter.is_promoted = waiter.promoted_at <= monotonic;
        }
        if let Some((lane, block)) = self.block_of(id, monotonic) {
            self.list(id, Listing::Parked(lane));
            let keeps_time = self.is_head(lane, id);
            if let Some(waiter) = self.waiters.get_mut(&id) {
                waiter.looks_at = keeps_time.then_some(block.until);
            }
            return Readiness::Blocked {
                denial: block.denial,
                is_first: self.is_first(id),
                looks_at: keeps_time.then_some(block.until),
            };
        }
        if let Some((lane, front)) = self.in_the_way(id, monotonic) {
            self.list(id, Listing::All);
            // It may be asleep: time alone can have brought it to the front.
            self.changed.push(lane);
            let front = front.and_then(|front| self.waiters.get(&front));
            return Readiness::Behind(front.and_then(|front| front.denial.clone()));
        }
        self.list(id, Listing::Asking);
        Readiness::Ready
    }

    /// Notes the store's denial of the waiter's request; returns what the waiter may do.
    pub(super) fn denied(
        &mut self,
        id: WaiterId,
        denial: &TimedDenial,
        monotonic: Duration,
    ) -> Readiness {
        self.list(id, Listing::All);
        let lane = self.lanes.of(denial.denial.reason.resource());
        let waiter = self.waiters.get_mut(&id);
        if let (Some(lane), Some(waiter)) = (lane, waiter)
            && waiter.lanes.contains(&lane)
        {
            waiter.denial = Some(denial.clone());
            let only_with = waiter.needs_several().then_some(id);
            self.block(lane, denial, only_with, monotonic);
        }
        self.look(id, monotonic)
    }

    fn block(
        &mut self,
        id: LaneId,
        denial: &TimedDenial,
        only_with: Option<WaiterId>,
        monotonic: Duration,
    ) {
        let lane = &mut self.lanes[id];
        let left = denial.over_at.saturating_sub(monotonic);
        let pause = lane.denied(left, REVALIDATE_AFTER);
        let block = Block {
            denial: denial.clone(),
            until: monotonic.saturating_add(pause),
            only_with,
        };
        let mut too_late = Vec::new();
        let classes = [Priority::User, Priority::Background].into_iter();
        for class in classes.filter(|class| denial.denial.reason.applies_to(*class)) {
            let class = lane.class_mut(class);
            class.block = Some(block.clone());
            // Those who do not wait for so long are told at once.
            let hasty = class.deadlines.range(..(denial.over_at, 0));
            too_late.extend(hasty.map(|(_, waiter)| *waiter));
        }
        for waiter in too_late {
            self.wake(waiter);
        }
        self.changed.push(id);
    }

    pub(super) fn raise(&mut self, id: WaiterId, priority: Priority) {
        let Some(waiter) = self.waiters.get(&id) else {
            return;
        };
        let listing = waiter.listing;
        self.list(id, Listing::None);
        if let Some(waiter) = self.waiters.get_mut(&id) {
            self.promotions.remove(&(waiter.promoted_at, id));
            waiter.priority = priority;
        }
        self.list(id, listing);
    }

    pub(super) fn leave(&mut self, id: WaiterId, is_granted: bool, monotonic: Duration) {
        self.list(id, Listing::None);
        let Some(waiter) = self.waiters.remove(&id) else {
            return;
        };
        self.promotions.remove(&(waiter.promoted_at, id));
        for lane in &*waiter.lanes {
            if is_granted {
                self.lanes[*lane].granted();
            }
            for class in &mut self.lanes[*lane].classes {
                class.block.take_if(|block| block.only_with == Some(id));
            }
            self.lanes.exit(*lane);
        }
        self.wake_changed(monotonic);
    }

    /// Completes once the waiter is woken; `waker` is woken then.
    pub(super) fn poll_woken(&mut self, id: WaiterId, waker: &Waker) -> Poll<()> {
        match self.waiters.get_mut(&id) {
            Some(waiter) if !waiter.is_woken => {
                match &mut waiter.waker {
                    Some(known) => known.clone_from(waker),
                    None => waiter.waker = Some(waker.clone()),
                }
                Poll::Pending
            }
            Some(_) | None => Poll::Ready(()),
        }
    }

    /// Those who are to be woken now that the queue is unlocked.
    pub(super) fn take_wakers(&mut self) -> Vec<Waker> {
        std::mem::take(&mut self.wakers)
    }

    /// Moves the waiter to where it is found from now on.
    fn list(&mut self, id: WaiterId, listing: Listing) {
        let Some(waiter) = self.waiters.get_mut(&id) else {
            return;
        };
        let before = std::mem::replace(&mut waiter.listing, listing);
        if before == listing {
            return;
        }
        let (lanes, priority) = (Arc::clone(&waiter.lanes), waiter.priority);
        let (place, deadline) = ((waiter.rank(), id), (waiter.deadline, id));
        let is_waiting = |listing| matches!(listing, Listing::All | Listing::Parked(_));
        if is_waiting(listing) && waiter.rank() == waiter::Rank::Background {
            self.promotions.insert((waiter.promoted_at, id));
        }
        for at in &*lanes {
            let lane = &mut self.lanes[*at];
            let stands = |listing| match listing {
                Listing::All => true,
                Listing::Parked(parked) => parked == *at,
                Listing::None | Listing::Asking => false,
            };
            let class = lane.class_mut(priority);
            match (stands(before), stands(listing)) {
                (true, false) => _ = class.listed.remove(&place),
                (false, true) => _ = class.listed.insert(place),
                (true, true) | (false, false) => {}
            }
            match (is_waiting(before), is_waiting(listing)) {
                (true, false) => _ = class.deadlines.remove(&deadline),
                (false, true) => _ = class.deadlines.insert(deadline),
                (true, true) | (false, false) => {}
            }
            if before == Listing::Asking {
                lane.asking.retain(|asking| *asking != id);
                lane.is_exclusive = false;
            }
            if listing == Listing::Asking {
                lane.asking.push(id);
                lane.is_exclusive = waiter.needs_several();
            }
            self.changed.push(*at);
        }
    }

    /// Lets those of the background whose time has come rank as users.
    fn promote(&mut self, monotonic: Duration) {
        while let Some((at, id)) = self.promotions.first().copied()
            && at <= monotonic
        {
            self.promotions.pop_first();
            let listing = self.waiters.get(&id).map_or(Listing::None, |it| it.listing);
            self.list(id, Listing::None);
            if let Some(waiter) = self.waiters.get_mut(&id) {
                waiter.is_promoted = true;
            }
            self.list(id, listing);
        }
    }

    /// The denial that the waiter has to wait for longest, and its lane.
    fn block_of(&self, id: WaiterId, monotonic: Duration) -> Option<(LaneId, Block)> {
        let waiter = self.waiters.get(&id)?;
        let blocks = waiter.lanes.iter().filter_map(|lane| {
            let class = self.lanes[*lane].class(waiter.priority);
            class.block(monotonic).map(|block| (*lane, block))
        });
        let (lane, block) = blocks.max_by_key(|(_, block)| block.denial.over_at)?;
        Some((lane, block.clone()))
    }

    /// Whether nobody stands or asks in front of the waiter.
    fn is_first(&self, id: WaiterId) -> bool {
        let waiter = self.waiters.get(&id);
        waiter.is_some_and(|waiter| {
            let mut lanes = waiter.lanes.iter();
            lanes.all(|lane| self.lanes[*lane].is_first((waiter.rank(), id)))
        })
    }

    /// The lane in which somebody keeps the waiter from asking, and who that is.
    fn in_the_way(
        &mut self,
        id: WaiterId,
        monotonic: Duration,
    ) -> Option<(LaneId, Option<WaiterId>)> {
        let waiter = self.waiters.get(&id)?;
        let (lanes, needs_several) = (Arc::clone(&waiter.lanes), waiter.needs_several());
        let place = (waiter.rank(), id);
        lanes.iter().find_map(|at| {
            let front = self.first(*at, monotonic).filter(|front| *front < place);
            let lane = &self.lanes[*at];
            match front {
                Some((_, front)) => Some((*at, Some(front))),
                None if lane.has_room(needs_several) => None,
                None => Some((*at, lane.asking.first().copied())),
            }
        })
    }

    /// The first of a lane that no denial keeps from asking. Those in front of it are parked where they
    /// are denied: each is looked at once.
    fn first(&mut self, lane: LaneId, monotonic: Duration) -> Option<Place> {
        loop {
            let first = self.lanes[lane].first(monotonic)?;
            let Some((denying, _)) = self.block_of(first.1, monotonic) else {
                self.list(first.1, Listing::All);
                return Some(first);
            };
            self.list(first.1, Listing::Parked(denying));
        }
    }

    /// Whether the waiter is the first of its class in a lane, and so keeps the time for it.
    fn is_head(&self, lane: LaneId, id: WaiterId) -> bool {
        let mut classes = self.lanes[lane].classes.iter();
        classes.any(|class| class.listed.first().is_some_and(|first| first.1 == id))
    }

    /// Wakes whoever may be able to ask now, or has to keep the time, in the lanes that have changed.
    fn wake_changed(&mut self, monotonic: Duration) {
        while let Some(lane) = self.changed.pop() {
            self.wake_timekeepers(lane, monotonic);
            if let Some((_, first)) = self.first(lane, monotonic)
                && self.in_the_way(first, monotonic).is_none()
            {
                self.wake(first);
            }
        }
    }

    /// Of each class that is denied, the first looks again when the denial ends.
    fn wake_timekeepers(&mut self, lane: LaneId, monotonic: Duration) {
        for class in [0, 1] {
            let class = &self.lanes[lane].classes[class];
            if let (Some(block), Some((_, head))) = (class.block(monotonic), class.listed.first())
                && let (until, head) = (block.until, *head)
                && let Some(waiter) = self.waiters.get(&head)
                && waiter.looks_at.is_none_or(|looks_at| looks_at > until)
            {
                self.wake(head);
            }
        }
    }

    fn wake(&mut self, id: WaiterId) {
        if let Some(waiter) = self.waiters.get_mut(&id)
            && !waiter.is_woken
        {
            waiter.is_woken = true;
            self.wakers.extend(waiter.waker.take());
        }
    }
}

#[cfg(test)]
mod tests;
