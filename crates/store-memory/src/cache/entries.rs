//! The entries by key, and the order in which they are evicted.

use std::hash::BuildHasher;
use std::ops::Index;

use foldhash::quality::RandomState;
use hashbrown::HashTable;
use store_core::Key;

use super::eviction::{Bound, Eviction, Slotted};
use super::slab::{Slab, Slot};
use super::stored::Stored;

#[derive(Debug)]
pub(super) struct Entries {
    /// Both parts of a pair are small, so that a table that grows moves pairs and looks at no key.
    table: HashTable<(u32, Slot)>,
    slab: Slab<Slotted>,
    eviction: Eviction,
    /// Keys come from outside: the seed is random.
    hashes: RandomState,
}

/// What there is of a key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    hash: u32,
    pub(super) slot: Option<Slot>,
}

impl Entries {
    pub(super) fn new() -> Self {
        Self {
            table: HashTable::new(),
            slab: Slab::new(),
            eviction: Eviction::default(),
            hashes: RandomState::default(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.slab.len()
    }

    /// The weight of all entries.
    pub(super) fn bytes(&self) -> usize {
        self.eviction.bytes()
    }

    pub(super) fn find(&self, key: &Key) -> Found {
        let hash = self.hash(key);
        let is_it = |(own, slot): &(u32, Slot)| *own == hash && self.slab[*slot].key == *key;
        let found = self.table.find(spread(hash), is_it);
        Found {
            hash,
            slot: found.map(|(_, slot)| *slot),
        }
    }

    /// Inserts a key that is not there, unless there are as many as can be numbered.
    pub(super) fn insert(&mut self, key: Key, found: Found, stored: Stored) -> Option<Slot> {
        let hash = found.hash;
        let slot = self.slab.insert(Slotted::new(key, stored))?;
        let rehash = |(hash, _): &(u32, Slot)| spread(*hash);
        self.table.insert_unique(spread(hash), (hash, slot), rehash);
        self.eviction.add(&mut self.slab, slot, hash);
        Some(slot)
    }

    /// Replaces what is stored in an entry; returns what was.
    pub(super) fn replace(&mut self, slot: Slot, stored: Stored) -> Stored {
        self.eviction.replace(&mut self.slab[slot], stored)
    }

    pub(super) fn remove(&mut self, slot: Slot) -> Option<Slotted> {
        let hash = self.hash(&self.slab[slot].key);
        self.eviction.remove(&mut self.slab, slot);
        let own = self
            .table
            .find_entry(spread(hash), |(_, other)| *other == slot);
        if let Ok(own) = own {
            own.remove();
        }
        self.slab.remove(slot)
    }

    /// The entry to evict next, for this bound; none only if there is none.
    pub(super) fn victim(&mut self, bound: Bound) -> Option<Slot> {
        self.eviction.victim(&mut self.slab, bound)
    }

    /// Removes the entry that is evicted, and will know its key for a while.
    pub(super) fn evict(&mut self, slot: Slot) -> Option<Slotted> {
        let entry = &self.slab[slot];
        let hash = self.hash(&entry.key);
        self.eviction.note_evicted(hash, entry, self.slab.len());
        self.remove(slot)
    }

    /// The entries themselves, for an index of them.
    pub(super) fn slab(&mut self) -> &mut Slab<Slotted> {
        &mut self.slab
    }

    /// The numbers of all entries.
    pub(super) fn slots(&self) -> impl Iterator<Item = Slot> {
        self.slab.slots()
    }

    fn hash(&self, key: &Key) -> u32 {
        let [.., a, b, c, d] = self.hashes.hash_one(key).to_ne_bytes();
        u32::from_ne_bytes([a, b, c, d])
    }
}

impl Index<Slot> for Entries {
    type Output = Slotted;

    fn index(&self, slot: Slot) -> &Slotted {
        &self.slab[slot]
    }
}

/// The hash as the table wants it: it takes the place from the low bits and a tag from the high ones.
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}
