//! The states of all resources: found by name in constant time, listed by name, and removed once they are
//! idle.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::hash::BuildHasher;
use std::ops::Bound;
use std::time::Duration;

use foldhash::quality::RandomState;
use hashbrown::HashTable;
use store_core::Resource;
use store_core::backend::DefaultConfigs;

use super::resource::ResourceState;
use crate::moment::Moment;

/// The number of a resource, until it is removed.
pub(super) type Slot = usize;

/// How many resources one request looks at, to remove those that are idle.
const LOOKS: usize = 2;

/// A resource is looked at no more often.
const LOOK_AGAIN_AFTER: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub(super) struct Resources {
    /// The numbers, each with the hash of its resource.
    slots: HashTable<(u64, Slot)>,
    hashes: RandomState,
    by_name: BTreeMap<Resource, Slot>,
    /// Boxed, so that a resource that was removed takes no memory.
    states: Vec<Option<Box<Entry>>>,
    unused: Vec<Slot>,
    /// When to see whether a resource is idle, on the monotonic clock. Each stands here once.
    idle_at: BinaryHeap<Reverse<(Duration, Slot)>>,
    /// The number of the last admission; a refund removes its own by number.
    pub(super) last_id: u64,
}

#[derive(Debug)]
struct Entry {
    resource: Resource,
    state: ResourceState,
}

/// What there is of a resource.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    hash: u64,
    slot: Option<Slot>,
}

impl Resources {
    pub(super) fn find(&self, resource: &Resource) -> Found {
        let hash = self.hashes.hash_one(resource);
        let found = self.slots.find(hash, |(own, slot)| {
            *own == hash
                && self
                    .entry(*slot)
                    .is_some_and(|entry| entry.resource == *resource)
        });
        Found {
            hash,
            slot: found.map(|(_, slot)| *slot),
        }
    }

    /// The slot of `resource`, which was found so; new if it has none.
    pub(super) fn slot_or_new(
        &mut self,
        found: Found,
        resource: &Resource,
        defaults: &DefaultConfigs,
        at: Moment,
    ) -> Slot {
        if let Some(slot) = found.slot {
            return slot;
        }
        let slot = self.unused.pop().unwrap_or_else(|| {
            self.states.push(None);
            self.states.len() - 1
        });
        self.states[slot] = Some(Box::new(Entry {
            resource: resource.clone(),
            state: ResourceState::new(defaults.get(resource)),
        }));
        self.slots
            .insert_unique(found.hash, (found.hash, slot), |(hash, _)| *hash);
        self.by_name.insert(resource.clone(), slot);
        self.idle_at
            .push(Reverse((at.monotonic + LOOK_AGAIN_AFTER, slot)));
        slot
    }

    fn entry(&self, slot: Slot) -> Option<&Entry> {
        self.states.get(slot)?.as_deref()
    }

    pub(super) fn at(&mut self, slot: Slot) -> Option<&mut ResourceState> {
        let entry = self.states.get_mut(slot)?.as_mut()?;
        Some(&mut entry.state)
    }

    pub(super) fn get(&mut self, resource: &Resource) -> Option<&mut ResourceState> {
        let slot = self.find(resource).slot?;
        self.at(slot)
    }

    /// The state that was found.
    pub(super) fn peek(&self, found: Found) -> Option<&ResourceState> {
        let entry = self.entry(found.slot?)?;
        Some(&entry.state)
    }

    /// The states, in no order.
    pub(super) fn all(&mut self) -> impl Iterator<Item = (&Resource, &mut ResourceState)> {
        let entries = self.states.iter_mut().flatten();
        entries.map(|entry| (&entry.resource, &mut entry.state))
    }

    /// The first `most` states after `start` by name.
    pub(super) fn page(&self, start: Bound<Resource>, most: usize) -> Vec<Slot> {
        let from_start = self.by_name.range((start, Bound::Unbounded));
        from_start.take(most).map(|(_, slot)| *slot).collect()
    }

    pub(super) fn named(&mut self, slot: Slot) -> Option<(&Resource, &mut ResourceState)> {
        let entry = self.states.get_mut(slot)?.as_mut()?;
        Some((&entry.resource, &mut entry.state))
    }

    /// Removes what is idle of the next few resources.
    pub(super) fn remove_some_idle(&mut self, at: Moment) {
        self.remove_idle(LOOKS, at);
    }

    /// Removes what is idle of the next `most` resources.
    pub(super) fn remove_idle(&mut self, most: usize, at: Moment) {
        for _ in 0..most {
            match self.idle_at.peek() {
                Some(Reverse((due, _))) if *due <= at.monotonic => {}
                Some(_) | None => return,
            }
            let Some(Reverse((_, slot))) = self.idle_at.pop() else {
                return;
            };
            let Some(state) = self.at(slot) else {
                continue;
            };
            if state.is_idle(at) {
                self.remove(slot);
            } else {
                // What is kept for another reason is looked at again later.
                let due = state.idle_at().max(at.monotonic + LOOK_AGAIN_AFTER);
                self.idle_at.push(Reverse((due, slot)));
            }
        }
    }

    /// Removes every resource without a config of its own.
    pub(super) fn remove_unconfigured(&mut self) {
        let entries = self.states.iter().enumerate();
        let removed = entries.filter_map(|(slot, entry)| {
            let is_configured = entry.as_ref()?.state.config().is_some();
            (!is_configured).then_some(slot)
        });
        for slot in removed.collect::<Vec<_>>() {
            self.remove(slot);
        }
        let states = &self.states;
        self.idle_at
            .retain(|Reverse((_, slot))| states[*slot].is_some());
    }

    fn remove(&mut self, slot: Slot) {
        if let Some(entry) = self.states[slot].take() {
            let hash = self.hashes.hash_one(&entry.resource);
            if let Ok(own) = self.slots.find_entry(hash, |(_, own)| *own == slot) {
                own.remove();
            }
            self.by_name.remove(&entry.resource);
            self.unused.push(slot);
        }
    }
}
