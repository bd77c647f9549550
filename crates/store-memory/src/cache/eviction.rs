//! The eviction policy, S3-FIFO: two queues, and marks of what was evicted lately.
//!
//! A new entry joins the queue of new ones. Whoever gets to its front is promoted to the other queue if it was
//! read since it came, and evicted otherwise. The front of the other queue goes to its back, once for each
//! read that is noted. A key that comes back soon after its eviction joins the other queue at once. So a scan
//! over everything passes through the queue of new entries only. A hit changes nothing but a number of the
//! entry, and hits run beside each other. See `docs/adr`.

use std::sync::atomic::{AtomicU8, Ordering};

use store_core::Key;

use super::slab::{NO_SLOT, Slab, Slot};
use super::stored::Stored;

/// The most reads that are noted.
const MOST_READS: u8 = 3;

/// The queue of new entries is evicted from while it has more than this share of all, in tenths.
const NEW_TENTHS: usize = 2;

/// The most entries that are moved on for one eviction: its cost has a bound.
const MOST_MOVES: usize = 64;

/// An entry, which stands in one of the queues.
#[derive(Debug)]
pub(super) struct Slotted {
    pub(super) key: Key,
    pub(super) stored: Stored,
    /// Its place in the order of keys.
    pub(super) place: u32,
    before: Slot,
    behind: Slot,
    queue: Queue,
    /// The reads that are noted.
    reads: AtomicU8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Queue {
    New,
    Read,
}

impl Slotted {
    pub(super) fn new(key: Key, stored: Stored) -> Self {
        Self {
            key,
            stored,
            place: 0,
            before: NO_SLOT,
            behind: NO_SLOT,
            queue: Queue::New,
            reads: AtomicU8::new(0),
        }
    }

    pub(super) fn note_read(&self) {
        let reads = self.reads.load(Ordering::Relaxed);
        if reads < MOST_READS {
            self.reads.store(reads + 1, Ordering::Relaxed);
        }
    }

    fn weight(&self) -> usize {
        self.stored.weight(&self.key)
    }
}

/// The bound that something is evicted for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bound {
    Items,
    Bytes,
}

/// The order in which entries are evicted.
#[derive(Debug, Default)]
pub(super) struct Eviction {
    new: Line,
    read: Line,
    evicted: Marks,
}

impl Eviction {
    pub(super) fn bytes(&self) -> usize {
        self.new.bytes + self.read.bytes
    }

    /// Adds an entry that has just been stored.
    pub(super) fn add(&mut self, entries: &mut Slab<Slotted>, slot: Slot, hash: u32) {
        entries[slot].queue = if self.evicted.take(hash) {
            Queue::Read
        } else {
            Queue::New
        };
        self.push(entries, slot);
    }

    /// Replaces what is stored in an entry, which keeps its place.
    pub(super) fn replace(&mut self, entry: &mut Slotted, stored: Stored) -> Stored {
        let before = entry.weight();
        let replaced = std::mem::replace(&mut entry.stored, stored);
        let line = self.line(entry.queue);
        line.bytes = line.bytes - before + entry.weight();
        replaced
    }

    /// Takes an entry out of its queue.
    pub(super) fn remove(&mut self, entries: &mut Slab<Slotted>, slot: Slot) {
        let queue = entries[slot].queue;
        self.line(queue).remove(entries, slot);
    }

    /// Notes that an entry was evicted.
    pub(super) fn note_evicted(&mut self, hash: u32, entry: &Slotted, entries: usize) {
        if entry.queue == Queue::New {
            self.evicted.add(hash, entries);
        }
    }

    /// The entry to evict next, for this bound; none only if there is none.
    pub(super) fn victim(&mut self, entries: &mut Slab<Slotted>, bound: Bound) -> Option<Slot> {
        let queue = self.queue_in_turn(bound);
        for moves in 0..=MOST_MOVES {
            let slot = self.front(queue)?;
            let entry = &mut entries[slot];
            let reads = entry.reads.get_mut();
            if *reads == 0 || moves == MOST_MOVES {
                return Some(slot);
            }
            *reads = match entry.queue {
                Queue::New => 0,
                Queue::Read => *reads - 1,
            };
            self.remove(entries, slot);
            entries[slot].queue = Queue::Read;
            self.push(entries, slot);
        }
        None
    }

    /// The queue that has more than its share.
    fn queue_in_turn(&self, bound: Bound) -> Queue {
        let (new, read) = match bound {
            Bound::Items => (self.new.items, self.read.items),
            Bound::Bytes => (self.new.bytes, self.read.bytes),
        };
        if new.saturating_mul(10) > (new + read).saturating_mul(NEW_TENTHS) {
            Queue::New
        } else {
            Queue::Read
        }
    }

    /// The front of a queue; of the other one, if it is empty.
    fn front(&self, queue: Queue) -> Option<Slot> {
        let (new, read) = (self.new.front(), self.read.front());
        match queue {
            Queue::New => new.or(read),
            Queue::Read => read.or(new),
        }
    }

    fn push(&mut self, entries: &mut Slab<Slotted>, slot: Slot) {
        let queue = entries[slot].queue;
        self.line(queue).push(entries, slot);
    }

    const fn line(&mut self, queue: Queue) -> &mut Line {
        match queue {
            Queue::New => &mut self.new,
            Queue::Read => &mut self.read,
        }
    }
}

/// One queue, linked through its entries.
#[derive(Debug)]
struct Line {
    front: Slot,
    back: Slot,
    items: usize,
    bytes: usize,
}

impl Default for Line {
    fn default() -> Self {
        Self {
            front: NO_SLOT,
            back: NO_SLOT,
            items: 0,
            bytes: 0,
        }
    }
}

impl Line {
    fn front(&self) -> Option<Slot> {
        (self.front != NO_SLOT).then_some(self.front)
    }

    fn push(&mut self, entries: &mut Slab<Slotted>, slot: Slot) {
        let entry = &mut entries[slot];
        (entry.before, entry.behind) = (self.back, NO_SLOT);
        self.bytes += entry.weight();
        self.items += 1;
        match self.back {
            NO_SLOT => self.front = slot,
            back => entries[back].behind = slot,
        }
        self.back = slot;
    }

    fn remove(&mut self, entries: &mut Slab<Slotted>, slot: Slot) {
        let entry = &entries[slot];
        self.bytes -= entry.weight();
        self.items -= 1;
        let (before, behind) = (entry.before, entry.behind);
        match before {
            NO_SLOT => self.front = behind,
            before => entries[before].behind = behind,
        }
        match behind {
            NO_SLOT => self.back = before,
            behind => entries[behind].before = before,
        }
    }
}

/// The hashes of keys that were evicted lately. A later one takes the place of an earlier one, so that there is
/// nothing to remove.
#[derive(Debug, Default)]
struct Marks {
    hashes: Vec<u32>,
}

impl Marks {
    /// Adds a mark, where so many entries are stored.
    fn add(&mut self, hash: u32, entries: usize) {
        if self.hashes.len() < entries {
            self.hashes.clear();
            self.hashes.resize(entries.next_power_of_two(), 0);
        }
        if let Some(mark) = self.at(hash) {
            *mark = hash;
        }
    }

    /// Removes a mark; returns whether it was there.
    fn take(&mut self, hash: u32) -> bool {
        let mark = self.at(hash).filter(|mark| **mark == hash);
        mark.map(|mark| *mark = 0).is_some()
    }

    fn at(&mut self, hash: u32) -> Option<&mut u32> {
        let mask = self.hashes.len().checked_sub(1)?;
        self.hashes.get_mut(hash as usize & mask)
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use store_core::Timestamp;

    use super::*;

    #[test]
    fn an_eviction_moves_few_entries_on_however_many_were_read() {
        let (mut entries, mut eviction) = (Slab::new(), Eviction::default());
        for n in 0..1_000 {
            let key = Key::new(format!("key {n}")).unwrap();
            let entry = Slotted::new(key, Stored::new(Bytes::new(), Timestamp::default()));
            entry.note_read();
            let slot = entries.insert(entry).unwrap();
            eviction.add(&mut entries, slot, 1 + slot);
        }
        let victim = eviction.victim(&mut entries, Bound::Items);
        assert_eq!(victim, Some(64));
        assert_eq!((eviction.new.items, eviction.read.items), (936, 64));
    }
}
