//! The entries and their indexes: by order of keys, by expiry, by tag.
//!
//! Invariants: an entry is in every index it belongs to, and in no other; every way out (replaced,
//! removed, expired, evicted) goes through [`Index::unindex`]. Both bounds hold after every call.

use std::collections::{BTreeSet, HashMap};
use std::ops;

use foldhash::quality::RandomState;
use store_core::{CacheStats, EntryInfo, Key, Page, PageRequest, Selection, Tag, Timestamp};

use super::entries::{Entries, Found};
use super::eviction::Bound;
use super::order::Order;
use super::slab::Slot;
use super::stored::Stored;
use crate::moment::Moment;

#[derive(Debug)]
pub(super) struct Index {
    entries: Entries,
    order: Order,
    expiries: BTreeSet<(Timestamp, Slot)>,
    tagged: HashMap<Tag, BTreeSet<Slot>, RandomState>,
    max_items: usize,
    max_bytes: usize,
}

impl Index {
    pub(super) fn new(max_items: usize, max_bytes: usize) -> Self {
        Self {
            entries: Entries::new(),
            order: Order::default(),
            expiries: BTreeSet::new(),
            tagged: HashMap::default(),
            max_items,
            max_bytes,
        }
    }

    /// What is stored under `key`, expired or not, and where it would be.
    pub(super) fn find(&self, key: &Key) -> Found {
        self.entries.find(key)
    }

    /// What was found.
    pub(super) fn peek(&self, found: Found) -> Option<&Stored> {
        Some(&self.entries[found.slot?].stored)
    }

    /// The value of `key` if it is live; that counts as a read.
    pub(super) fn get(&self, key: &Key, is_live: impl FnOnce(&Stored) -> bool) -> Option<&Stored> {
        let entry = &self.entries[self.find(key).slot?];
        is_live(&entry.stored).then(|| {
            entry.note_read();
            &entry.stored
        })
    }

    /// Whether an empty cache could hold the value.
    pub(super) fn could_hold(&self, key: &Key, stored: &Stored) -> bool {
        stored.weight(key) <= self.max_bytes
    }

    /// Inserts a value that an empty cache could hold, in place of the one that its key has.
    ///
    /// Expired values are evicted first, then the least useful ones.
    pub(super) fn insert(&mut self, key: Key, mut found: Found, stored: Stored, now: Timestamp) {
        if self.max_items == 0 {
            return;
        }
        let weight = stored.weight(&key);
        while let Some(bound) = self.exceeded(&key, found, weight) {
            let Some(left) = self.make_room(bound, now) else {
                break;
            };
            found.slot = found.slot.filter(|slot| *slot != left);
        }
        let slot = if let Some(slot) = found.slot {
            let replaced = self.entries.replace(slot, stored);
            self.unindex(slot, &replaced);
            slot
        } else {
            let Some(slot) = self.entries.insert(key, found, stored) else {
                return;
            };
            self.order.add(self.entries.slab(), slot);
            slot
        };
        let stored = &self.entries[slot].stored;
        self.expiries
            .extend(stored.expires_at().map(|at| (at, slot)));
        for tag in stored.tags() {
            if let Some(slots) = self.tagged.get_mut(tag) {
                slots.insert(slot);
            } else {
                self.tagged.insert(tag.clone(), BTreeSet::from([slot]));
            }
        }
    }

    /// Removes a value, expired or not.
    pub(super) fn remove(&mut self, key: &Key) -> Option<Stored> {
        self.remove_at(self.find(key).slot?)
    }

    /// The bound that would not hold if `key`, which was found so, had a value of this weight instead of its
    /// own.
    fn exceeded(&self, key: &Key, found: Found, weight: usize) -> Option<Bound> {
        let own = self.peek(found).map(|stored| stored.weight(key));
        let others = self.entries.len() - usize::from(own.is_some());
        let bytes = self.entries.bytes() - own.unwrap_or(0);
        if others >= self.max_items {
            Some(Bound::Items)
        } else if bytes.saturating_add(weight) > self.max_bytes {
            Some(Bound::Bytes)
        } else {
            None
        }
    }

    /// Removes one value, expired if there is one; returns where it was.
    fn make_room(&mut self, bound: Bound, now: Timestamp) -> Option<Slot> {
        if let Some(expired) = self.first_expired(now) {
            self.remove_at(expired);
            return Some(expired);
        }
        let victim = self.entries.victim(bound)?;
        self.order.remove(self.entries.slab(), victim);
        let left = self.entries.evict(victim)?;
        self.unindex(victim, &left.stored);
        Some(victim)
    }

    fn remove_at(&mut self, slot: Slot) -> Option<Stored> {
        self.order.remove(self.entries.slab(), slot);
        let removed = self.entries.remove(slot)?;
        self.unindex(slot, &removed.stored);
        Some(removed.stored)
    }

    /// Removes the values; returns how many were unexpired.
    pub(super) fn remove_all(&mut self, slots: Vec<Slot>, at: Moment) -> u64 {
        let removed = slots.into_iter().filter_map(|slot| self.remove_at(slot));
        removed.filter(|removed| removed.is_live(at)).count() as u64
    }

    /// Removes a value that has left from the indexes of values.
    fn unindex(&mut self, slot: Slot, left: &Stored) {
        if let Some(at) = left.expires_at() {
            self.expiries.remove(&(at, slot));
        }
        for tag in left.tags() {
            if let Some(slots) = self.tagged.get_mut(tag) {
                slots.remove(&slot);
                if slots.is_empty() {
                    self.tagged.remove(tag);
                }
            }
        }
    }

    /// Removes at most `most` expired values; returns how many.
    pub(super) fn remove_expired(&mut self, most: usize, now: Timestamp) -> u64 {
        let mut removed = 0;
        while removed < most
            && let Some(slot) = self.first_expired(now)
        {
            self.remove_at(slot);
            removed += 1;
        }
        removed as u64
    }

    fn first_expired(&self, now: Timestamp) -> Option<Slot> {
        let (at, slot) = self.expiries.first()?;
        (*at <= now).then_some(*slot)
    }

    /// How many keys the next to ask for the order of keys has to sort.
    pub(super) fn unsorted(&self) -> usize {
        self.order.unsorted()
    }

    /// Sorts at most `most` keys.
    pub(super) fn sort(&mut self, most: usize) {
        self.order.sort(self.entries.slab(), most);
    }

    /// The selected values, expired ones included.
    pub(super) fn selected(&mut self, selection: &Selection) -> Vec<Slot> {
        // The keys of a scope share the prefix `scope:`, and so stand together.
        let first = match selection {
            Selection::All => return self.entries.slots().collect(),
            Selection::Scope(scope) => Key::new(format!("{scope}:")).ok(),
        };
        self.sort(usize::MAX);
        let first = first.map_or(ops::Bound::Unbounded, ops::Bound::Included);
        let slots = self.order.from(first);
        let slots = slots.take_while(|(key, _)| selection.contains(key));
        slots.map(|(_, slot)| slot).collect()
    }

    /// The values with one of `tags`, each once, expired ones included.
    pub(super) fn tagged(&self, tags: &[Tag]) -> Vec<Slot> {
        let slots = tags.iter().filter_map(|tag| self.tagged.get(tag)).flatten();
        let slots: BTreeSet<Slot> = slots.copied().collect();
        slots.into_iter().collect()
    }

    /// The key of a value.
    pub(super) fn key(&self, slot: Slot) -> &Key {
        &self.entries[slot].key
    }

    /// A page of the keys that have been sorted.
    pub(super) fn list(&self, page: &PageRequest, at: Moment) -> Page<EntryInfo> {
        let after = page.after.as_deref();
        let from = after.and_then(|name| Key::new(name).ok());
        let start = from.map_or(ops::Bound::Unbounded, ops::Bound::Excluded);
        let stored = self.order.from(start);
        let stored = stored.map(|(key, slot)| (key, &self.entries[slot].stored));
        let live = stored
            .filter(|(_, stored)| stored.is_live(at))
            .map(|(key, stored)| {
                let size = stored.value.len() as u64;
                EntryInfo::new(key.clone(), size, stored.created_at)
                    .with_expires_at(stored.expires_at())
                    .with_tags(stored.tags().to_vec())
            });
        // One more than fits tells whether there is a next page.
        let items = live.take(page.limit as usize + 1).collect();
        Page::truncated(items, page.limit, |info| info.key.as_str().to_owned())
    }

    pub(super) fn stats(&self, now: Timestamp) -> CacheStats {
        let expired = self.expiries.iter().take_while(|(at, _)| *at <= now);
        CacheStats::new(
            self.entries.len() as u64,
            expired.count() as u64,
            self.entries.bytes() as u64,
        )
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;

    const NO_BOUND: usize = usize::MAX;

    fn key(name: &str) -> Key {
        Key::new(name).unwrap()
    }

    fn stored(bytes: usize, expires_at: Option<i64>) -> Stored {
        let value = Bytes::from(vec![0; bytes]);
        let stored =
            Stored::new(value, Timestamp::default()).tagged(vec![Tag::new("tag").unwrap()]);
        match expires_at {
            Some(at) => stored.expiring(Timestamp::from_millis(at), u64::MAX),
            None => stored,
        }
    }

    fn insert(index: &mut Index, name: &str, stored: Stored, now: Timestamp) {
        let key = key(name);
        let found = index.find(&key);
        index.insert(key, found, stored, now);
    }

    fn put(index: &mut Index, name: &str, bytes: usize, expires_at: Option<i64>) {
        insert(index, name, stored(bytes, expires_at), Timestamp::default());
    }

    fn names(index: &mut Index) -> Vec<String> {
        index.sort(usize::MAX);
        let keys = index.order.from(ops::Bound::Unbounded);
        keys.map(|(key, _)| key.to_string()).collect()
    }

    fn holds(index: &Index, name: &str) -> bool {
        index.peek(index.find(&key(name))).is_some()
    }

    // covers("M1", "F56")
    #[test]
    fn an_entry_that_was_not_read_again_is_evicted_first() {
        let mut index = Index::new(3, NO_BOUND);
        for name in ["a", "b", "c"] {
            put(&mut index, name, 1, None);
        }
        for name in ["a", "c"] {
            assert!(index.get(&key(name), |_| true).is_some());
        }
        put(&mut index, "d", 1, None);
        put(&mut index, "e", 1, None);
        assert_eq!(names(&mut index), ["a", "c", "e"]);
    }

    // covers("M1", "F56")
    #[test]
    fn expired_entries_are_evicted_before_live_ones() {
        let mut index = Index::new(3, NO_BOUND);
        put(&mut index, "a", 1, None);
        put(&mut index, "b", 1, Some(5));
        put(&mut index, "c", 1, Some(9));
        insert(&mut index, "d", stored(1, None), Timestamp::from_millis(5));
        assert_eq!(names(&mut index), ["a", "c", "d"]);
    }

    // covers("M1", "F56")
    #[test]
    fn a_large_value_evicts_as_many_as_it_needs() {
        let mut index = Index::new(NO_BOUND, 56);
        for name in ["a", "b", "c", "d"] {
            put(&mut index, name, 10, None);
        }
        assert_eq!(index.entries.bytes(), 4 * 14);
        put(&mut index, "e", 24, None);
        assert_eq!(index.entries.len(), 3);
        assert_eq!(index.entries.bytes(), 14 + 14 + 28);
        put(&mut index, "f", 52, None);
        assert_eq!(names(&mut index), ["f"]);
        assert_eq!(index.entries.bytes(), 56);
    }

    // covers("M1")
    #[test]
    fn nothing_is_evicted_while_both_bounds_hold() {
        let mut index = Index::new(100, 100 * 1_000);
        for n in 0..90 {
            put(&mut index, &format!("light {n}"), 1, None);
        }
        for n in 0..9 {
            put(&mut index, &format!("heavy {n}"), 10_000, None);
        }
        assert_eq!(index.entries.len(), 99);
        put(&mut index, "last", 1, None);
        assert_eq!(index.entries.len(), 100);
    }

    #[test]
    fn a_cache_of_zero_entries_keeps_nothing() {
        let mut index = Index::new(0, NO_BOUND);
        put(&mut index, "a", 1, None);
        assert!(names(&mut index).is_empty() && index.entries.len() == 0);
    }

    #[test]
    fn a_key_that_comes_back_soon_after_its_eviction_outlives_new_ones() {
        let outlives = || {
            let mut index = Index::new(10, NO_BOUND);
            for n in 0..11 {
                put(&mut index, &format!("key {n}"), 1, None);
            }
            assert!(!holds(&index, "key 0"), "was evicted");
            put(&mut index, "key 0", 1, None);
            for n in 20..50 {
                put(&mut index, &format!("key {n}"), 1, None);
            }
            holds(&index, "key 0")
        };
        // The marks of evicted keys are by hash, and hashes by a seed: now and then another key is taken for one.
        let held = (0..100).filter(|_| outlives()).count();
        assert!(held >= 80, "{held}");
    }

    // covers("F57")
    #[test]
    fn an_entry_that_left_is_in_no_index() {
        let mut index = Index::new(1, NO_BOUND);
        put(&mut index, "removed", 1, Some(5));
        index.remove(&key("removed"));
        put(&mut index, "swept", 1, Some(5));
        assert_eq!(index.remove_expired(10, Timestamp::from_millis(10)), 1);
        put(&mut index, "evicted", 1, Some(50));
        put(&mut index, "replaced", 1, Some(5));
        assert_eq!(names(&mut index), ["replaced"]);
        put(&mut index, "replaced", 1, Some(50));
        assert_eq!((index.expiries.len(), index.tagged.len()), (1, 1));
        index.remove(&key("replaced"));
        assert!(index.tagged.is_empty() && index.expiries.is_empty());
        assert!(names(&mut index).is_empty());
        assert_eq!((index.entries.bytes(), index.entries.len()), (0, 0));
    }

    // covers("F56", "F57")
    #[test]
    fn indexes_and_bounds_hold_whatever_comes() {
        let (mut index, mut seed) = (Index::new(40, 4_000), 1_u64);
        let mut below = |bound: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % bound
        };
        let (mut now, mut fullest) = (Timestamp::default(), 0);
        for _ in 0..20_000 {
            let name = format!("key {:02}", below(90));
            match below(9) {
                0 => drop(index.remove(&key(&name))),
                1 => now = now + Duration::from_millis(below(3)),
                2..5 => drop(index.get(&key(&name), |_| true).is_some()),
                5 => index.sort(usize::try_from(below(5)).unwrap()),
                _ => {
                    let heaviest = if below(20) == 0 { 3_980 } else { 150 };
                    let bytes = usize::try_from(below(heaviest)).unwrap();
                    let ttl = (below(2) == 0).then(|| now.as_millis() + 30);
                    insert(&mut index, &name, stored(bytes, ttl), now);
                    assert!(holds(&index, &name), "what came last is there");
                }
            }
            let held: Vec<_> = index
                .entries
                .slots()
                .map(|slot| &index.entries[slot])
                .collect();
            let bytes: usize = held.iter().map(|held| held.stored.weight(&held.key)).sum();
            let tagged: usize = index.tagged.values().map(BTreeSet::len).sum();
            let dying = held
                .iter()
                .filter(|held| held.stored.expires_at().is_some());
            assert_eq!(index.expiries.len(), dying.count());
            assert!(held.iter().all(|held| holds(&index, held.key.as_str())));
            let sorted = index.order.from(ops::Bound::Unbounded).count();
            assert_eq!(
                (held.len(), held.len()),
                (sorted + index.unsorted(), tagged)
            );
            assert_eq!(
                (held.len(), bytes),
                (index.entries.len(), index.entries.bytes())
            );
            assert!(held.len() <= 40 && bytes <= 4_000);
            fullest = fullest.max(held.len());
        }
        let found: Vec<_> = index
            .entries
            .slots()
            .map(|slot| index.key(slot).to_string())
            .collect();
        let found: BTreeSet<_> = found.into_iter().collect();
        assert_eq!(names(&mut index), found.into_iter().collect::<Vec<_>>());
        assert_eq!(fullest, 40);
    }
}
