//! The lane of one resource: who waits in it, who asks, and which denials stand.

use std::collections::{BTreeSet, HashMap};
use std::ops::{Index, IndexMut};
use std::time::Duration;

use super::waiter::{Place, WaiterId};
use crate::backend::window::Denial;
use crate::priority::Priority;
use crate::resource::Resource;

/// A lane; its number is given to another one when nobody is in it any more.
pub(super) type LaneId = usize;

/// The most that ask a store for the same resource at the same time.
const MOST_ASKING: u32 = 64;

/// The longest pause of a lane whose denials are over when they come.
const LONGEST_STALE_PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct Lane {
    /// How many wait or ask.
    pub(super) members: usize,
    pub(super) classes: [Class; 2],
    pub(super) asking: Vec<WaiterId>,
    /// The one that asks needs several permits: fewer may fit, so nobody asks beside it.
    pub(super) is_exclusive: bool,
    /// Grants since the last denial.
    grants: u32,
    /// Denials in a row that were over when they came.
    stale: u32,
}

/// The waiters of one priority class.
#[derive(Debug, Default)]
pub(super) struct Class {
    /// Those who may ask next, unless a denial stands.
    pub(super) listed: BTreeSet<Place>,
    /// All who wait, by their deadlines.
    pub(super) deadlines: BTreeSet<(Duration, WaiterId)>,
    pub(super) block: Option<Block>,
}

/// A denial, and when it is over by the monotonic clock: the wall clock may be set meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TimedDenial {
    pub(crate) denial: Denial,
    pub(crate) over_at: Duration,
}

/// A denial that stands for a resource and class.
#[derive(Clone, Debug)]
pub(super) struct Block {
    pub(super) denial: TimedDenial,
    /// When the store is to be asked again, on the monotonic clock.
    pub(super) until: Duration,
    /// The waiter that asked for several permits: fewer may fit, which only its place in the queue
    /// keeps others from.
    pub(super) only_with: Option<WaiterId>,
}

impl Lane {
    pub(super) const fn class(&self, class: Priority) -> &Class {
        match class {
            Priority::User => &self.classes[0],
            Priority::Background => &self.classes[1],
        }
    }

    pub(super) const fn class_mut(&mut self, class: Priority) -> &mut Class {
        match class {
            Priority::User => &mut self.classes[0],
            Priority::Background => &mut self.classes[1],
        }
    }

    /// Whether one more may ask now. One at a time while the store denies, so that nobody overtakes
    /// another; more after every grant, because a store commits several answers as fast as one.
    pub(super) fn has_room(&self, is_exclusive: bool) -> bool {
        let most = if is_exclusive {
            1
        } else {
            (self.grants / 2).clamp(1, MOST_ASKING)
        };
        !self.is_exclusive && self.asking.len() < most as usize
    }

    pub(super) const fn granted(&mut self) {
        self.grants = self.grants.saturating_add(1);
        self.stale = 0;
    }

    /// Notes a denial that is over after `left`; returns after how long the store is to be asked again.
    pub(super) fn denied(&mut self, left: Duration, most: Duration) -> Duration {
        self.grants = 0;
        if !left.is_zero() {
            self.stale = 0;
            return left.min(most);
        }
        // A slot is free by now. A store with another clock says so each time.
        let doubled = self.stale.checked_sub(1).map(|times| 1 << times.min(10));
        self.stale = self.stale.saturating_add(1);
        let pause = Duration::from_millis(doubled.unwrap_or(0));
        pause.min(LONGEST_STALE_PAUSE)
    }

    /// The first that may ask, by its place, of the classes without a denial.
    pub(super) fn first(&self, monotonic: Duration) -> Option<Place> {
        let free = self
            .classes
            .iter()
            .filter(|class| !class.is_blocked(monotonic));
        free.filter_map(|class| class.listed.first().copied()).min()
    }

    /// Whether nobody is listed before `place`, whichever denials stand, and nobody asks.
    pub(super) fn is_first(&self, place: Place) -> bool {
        let mut firsts = self.classes.iter().map(|class| class.listed.first());
        self.asking.is_empty() && firsts.all(|first| first.is_none_or(|first| *first >= place))
    }
}

impl Class {
    pub(super) fn is_blocked(&self, monotonic: Duration) -> bool {
        self.block(monotonic).is_some()
    }

    /// The denial that stands.
    pub(super) fn block(&self, monotonic: Duration) -> Option<&Block> {
        self.block.as_ref().filter(|block| monotonic < block.until)
    }
}

/// The lanes that somebody is in.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    by_resource: HashMap<Resource, LaneId>,
    by_id: Vec<(Option<Resource>, Lane)>,
    unused: Vec<LaneId>,
}

impl Lanes {
    /// The lane of `resource`, with one more member.
    pub(super) fn enter(&mut self, resource: &Resource) -> LaneId {
        let id = match self.by_resource.get(resource) {
            Some(id) => *id,
            None => self.open(resource),
        };
        self[id].members += 1;
        id
    }

    fn open(&mut self, resource: &Resource) -> LaneId {
        let id = self.unused.pop().unwrap_or_else(|| {
            self.by_id.push((None, Lane::default()));
            self.by_id.len() - 1
        });
        self.by_id[id].0 = Some(resource.clone());
        self.by_resource.insert(resource.clone(), id);
        id
    }

    /// A member has left; the last one closes the lane.
    pub(super) fn exit(&mut self, id: LaneId) {
        let (resource, lane) = &mut self.by_id[id];
        lane.members -= 1;
        if lane.members == 0 {
            *lane = Lane::default();
            if let Some(resource) = resource.take() {
                self.by_resource.remove(&resource);
            }
            self.unused.push(id);
        }
    }

    pub(super) fn of(&self, resource: &Resource) -> Option<LaneId> {
        self.by_resource.get(resource).copied()
    }
}

impl Index<LaneId> for Lanes {
    type Output = Lane;

    fn index(&self, id: LaneId) -> &Lane {
        &self.by_id[id].1
    }
}

impl IndexMut<LaneId> for Lanes {
    fn index_mut(&mut self, id: LaneId) -> &mut Lane {
        &mut self.by_id[id].1
    }
}
