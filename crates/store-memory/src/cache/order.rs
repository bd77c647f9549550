//! The keys in their order, for whoever asks for it.
//!
//! Only listings and the clearing of a scope need the order, so they pay for it: they sort what was stored
//! since the last of them, each key once. To store a key costs a push.

use std::collections::BTreeMap;
use std::ops::Bound;

use store_core::Key;

use super::eviction::Slotted;
use super::slab::{Slab, Slot};

/// The place of an entry that has been sorted in.
const SORTED: u32 = u32::MAX;

#[derive(Debug, Default)]
pub(super) struct Order {
    sorted: BTreeMap<Key, Slot>,
    /// Entries that were stored since; each knows its place here.
    unsorted: Vec<Slot>,
}

impl Order {
    pub(super) fn add(&mut self, entries: &mut Slab<Slotted>, slot: Slot) {
        entries[slot].place = u32::try_from(self.unsorted.len()).unwrap_or(SORTED);
        self.unsorted.push(slot);
    }

    pub(super) fn remove(&mut self, entries: &mut Slab<Slotted>, slot: Slot) {
        let entry = &entries[slot];
        if entry.place == SORTED {
            self.sorted.remove(&entry.key);
            return;
        }
        let place = entry.place;
        self.unsorted.swap_remove(place as usize);
        if let Some(moved) = self.unsorted.get(place as usize) {
            entries[*moved].place = place;
        }
    }

    /// How many keys have to be sorted in.
    pub(super) fn unsorted(&self) -> usize {
        self.unsorted.len()
    }

    /// Sorts at most `most` keys in.
    pub(super) fn sort(&mut self, entries: &mut Slab<Slotted>, most: usize) {
        let from = self.unsorted.len().saturating_sub(most);
        for slot in self.unsorted.drain(from..) {
            let entry = &mut entries[slot];
            entry.place = SORTED;
            self.sorted.insert(entry.key.clone(), slot);
        }
    }

    /// The sorted keys from `start` on.
    pub(super) fn from(&self, start: Bound<Key>) -> impl Iterator<Item = (&Key, Slot)> {
        let from_start = self.sorted.range((start, Bound::Unbounded));
        from_start.map(|(key, slot)| (key, *slot))
    }
}
