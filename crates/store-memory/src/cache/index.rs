//! The entries and their indexes: by key, by expiry, by tag.
//!
//! Invariants: an entry is in every index it belongs to, and in no other; every way out (replaced,
//! removed, expired, evicted) goes through [`Index::unindex`]. Both bounds hold after every call.

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;

use bytes::Bytes;
use store_core::{CacheStats, Entry, EntryInfo, Key, Page, PageRequest, Selection, Tag, Timestamp};

use super::eviction::Entries;
use crate::moment::{DRIFT, Moment};

#[derive(Debug, Default)]
pub(super) struct Stored {
    pub(super) value: Bytes,
    pub(super) tags: Vec<Tag>,
    pub(super) created_at: Timestamp,
    pub(super) expires_at: Option<Timestamp>,
    /// When it expires by the monotonic clock, in milliseconds.
    pub(super) lapses_at: u64,
    /// When the fill that stored it began.
    pub(super) began_at: Timestamp,
}

impl Stored {
    pub(super) fn is_live(&self, at: Moment) -> bool {
        self.expires_at.is_none_or(|expires_at| {
            let has_lapsed = u128::from(self.lapses_at) <= at.monotonic.as_millis();
            at.now < expires_at && (!has_lapsed || expires_at.since(at.now) <= DRIFT)
        })
    }

    /// The bytes that count against the cache's bound.
    pub(super) fn weight(&self, key: &Key) -> usize {
        let tags: usize = self.tags.iter().map(|tag| tag.as_str().len()).sum();
        key.as_str().len() + self.value.len() + tags
    }
}

#[derive(Debug)]
pub(super) struct Index {
    entries: Entries,
    keys: BTreeSet<Key>,
    expiries: BTreeSet<(Timestamp, Key)>,
    tagged: HashMap<Tag, BTreeSet<Key>>,
    bytes: usize,
    max_items: usize,
    max_bytes: usize,
}

impl Index {
    pub(super) fn new(max_items: usize, max_bytes: usize) -> Self {
        Self {
            entries: Entries::new(max_items, max_bytes),
            keys: BTreeSet::new(),
            expiries: BTreeSet::new(),
            tagged: HashMap::new(),
            bytes: 0,
            max_items,
            max_bytes,
        }
    }

    /// The unexpired value of `key`; counts as a read.
    pub(super) fn get(&self, key: &Key, at: Moment) -> Option<Entry> {
        let stored = self.entries.get(key)?;
        stored
            .is_live(at)
            .then(|| Entry::new(stored.value.clone(), stored.created_at, stored.expires_at))
    }

    /// When the fill of the unexpired value of `key` began.
    pub(super) fn began_at(&self, key: &Key, at: Moment) -> Option<Timestamp> {
        let stored = self.entries.peek(key);
        stored
            .filter(|stored| stored.is_live(at))
            .map(|stored| stored.began_at)
    }

    /// Whether an empty cache could hold the value.
    pub(super) fn could_hold(&self, key: &Key, stored: &Stored) -> bool {
        stored.weight(key) <= self.max_bytes
    }

    /// Inserts a value that an empty cache could hold, in place of the one that its key has.
    ///
    /// Expired values are evicted first, then the least useful ones.
    pub(super) fn insert(&mut self, key: Key, mut stored: Stored, now: Timestamp) {
        if self.max_items == 0 {
            return;
        }
        stored.tags.sort();
        stored.tags.dedup();
        let weight = stored.weight(&key);
        while !self.fits(&key, weight) {
            match self.first_expired(now) {
                Some(expired) => {
                    self.remove(&expired);
                }
                None => self.evict(),
            }
        }
        self.bytes += weight;
        let (expires_at, tags) = (stored.expires_at, stored.tags.clone());
        if let Some(replaced) = self.entries.insert(key.clone(), stored) {
            self.unindex(&key, &replaced);
        }
        self.expiries.extend(expires_at.map(|at| (at, key.clone())));
        for tag in tags {
            self.tagged.entry(tag).or_default().insert(key.clone());
        }
        self.keys.insert(key);
    }

    /// Removes a value, expired or not.
    pub(super) fn remove(&mut self, key: &Key) -> Option<Stored> {
        let stored = self.entries.remove(key)?;
        self.unindex(key, &stored);
        Some(stored)
    }

    /// Whether both bounds hold once `key` has a value of this weight instead of its own.
    fn fits(&self, key: &Key, weight: usize) -> bool {
        let own = self.entries.peek(key).map(|stored| stored.weight(key));
        let others = self.entries.len() - usize::from(own.is_some());
        let bytes = self.bytes - own.unwrap_or(0);
        others < self.max_items && bytes.saturating_add(weight) <= self.max_bytes
    }

    fn evict(&mut self) {
        let victims = self.entries.evict();
        if victims.is_empty()
            && let Some(first) = self.keys.first().cloned()
        {
            // Should `quick_cache` ever spare everything, the bounds hold all the same.
            self.remove(&first);
        }
        for (key, left) in victims {
            self.unindex(&key, &left);
        }
    }

    /// Removes a value that has left from the indexes.
    fn unindex(&mut self, key: &Key, left: &Stored) {
        self.bytes -= left.weight(key);
        self.keys.remove(key);
        if let Some(at) = left.expires_at {
            self.expiries.remove(&(at, key.clone()));
        }
        for tag in &left.tags {
            if let Some(keys) = self.tagged.get_mut(tag) {
                keys.remove(key);
                if keys.is_empty() {
                    self.tagged.remove(tag);
                }
            }
        }
    }

    /// Removes at most `most` expired values; returns how many.
    pub(super) fn remove_expired(&mut self, most: usize, now: Timestamp) -> u64 {
        let mut removed = 0;
        while removed < most
            && let Some(key) = self.first_expired(now)
        {
            self.remove(&key);
            removed += 1;
        }
        removed as u64
    }

    fn first_expired(&self, now: Timestamp) -> Option<Key> {
        let (at, key) = self.expiries.first()?;
        (*at <= now).then(|| key.clone())
    }

    /// The selected keys, expired ones included.
    pub(super) fn keys(&self, selection: &Selection) -> Vec<Key> {
        // The keys of a scope share the prefix `scope:`, and so stand together.
        let first = match selection {
            Selection::All => None,
            Selection::Scope(scope) => Key::new(format!("{scope}:")).ok(),
        };
        let keys = self.keys.range((start_at(first), Bound::Unbounded));
        keys.take_while(|key| selection.contains(key))
            .cloned()
            .collect()
    }

    /// The keys with one of `tags`, each once, expired ones included.
    pub(super) fn keys_tagged(&self, tags: &[Tag]) -> Vec<Key> {
        let keys = tags.iter().filter_map(|tag| self.tagged.get(tag)).flatten();
        let keys: BTreeSet<&Key> = keys.collect();
        keys.into_iter().cloned().collect()
    }

    pub(super) fn list(&self, page: &PageRequest, at: Moment) -> Page<EntryInfo> {
        let after = page.after.as_deref();
        let from = after.and_then(|name| Key::new(name).ok());
        let start = from.map_or(Bound::Unbounded, Bound::Excluded);
        let live = self
            .keys
            .range((start, Bound::Unbounded))
            .filter_map(|key| Some((key, self.entries.peek(key)?)))
            .filter(|(_, stored)| stored.is_live(at))
            .map(|(key, stored)| {
                let size = stored.value.len() as u64;
                EntryInfo::new(key.clone(), size, stored.created_at)
                    .with_expires_at(stored.expires_at)
                    .with_tags(stored.tags.clone())
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
            self.bytes as u64,
        )
    }
}

fn start_at(key: Option<Key>) -> Bound<Key> {
    key.map_or(Bound::Unbounded, Bound::Included)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const NO_BOUND: usize = usize::MAX;

    fn key(name: &str) -> Key {
        Key::new(name).unwrap()
    }

    fn stored(bytes: usize, expires_at: Option<i64>) -> Stored {
        Stored {
            value: Bytes::from(vec![0; bytes]),
            tags: vec![Tag::new("tag").unwrap()],
            expires_at: expires_at.map(Timestamp::from_millis),
            ..Stored::default()
        }
    }

    fn put(index: &mut Index, name: &str, bytes: usize, expires_at: Option<i64>) {
        index.insert(key(name), stored(bytes, expires_at), Timestamp::default());
    }

    fn names(index: &Index) -> Vec<&str> {
        index.keys.iter().map(Key::as_str).collect()
    }

    // covers("M1", "F56")
    #[test]
    fn an_entry_that_was_not_read_again_is_evicted_first() {
        let mut index = Index::new(3, NO_BOUND);
        for name in ["a", "b", "c"] {
            put(&mut index, name, 1, None);
        }
        for name in ["a", "c"] {
            assert!(index.get(&key(name), Moment::default()).is_some());
        }
        put(&mut index, "d", 1, None);
        put(&mut index, "e", 1, None);
        assert_eq!(names(&index), ["a", "c", "e"]);
    }

    // covers("M1", "F56")
    #[test]
    fn expired_entries_are_evicted_before_live_ones() {
        let mut index = Index::new(3, NO_BOUND);
        put(&mut index, "a", 1, None);
        put(&mut index, "b", 1, Some(5));
        put(&mut index, "c", 1, Some(9));
        index.insert(key("d"), stored(1, None), Timestamp::from_millis(5));
        assert_eq!(names(&index), ["a", "c", "d"]);
    }

    // covers("M1", "F56")
    #[test]
    fn a_large_value_evicts_as_many_as_it_needs() {
        let mut index = Index::new(NO_BOUND, 56);
        for name in ["a", "b", "c", "d"] {
            put(&mut index, name, 10, None);
        }
        assert_eq!(index.bytes, 4 * 14);
        put(&mut index, "e", 24, None);
        assert_eq!(index.entries.len(), 3);
        assert_eq!(index.bytes, 14 + 14 + 28);
        put(&mut index, "f", 52, None);
        assert_eq!((names(&index), index.bytes), (vec!["f"], 56));
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
        assert!(names(&index).is_empty() && index.entries.len() == 0);
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
        assert_eq!(names(&index), ["replaced"]);
        put(&mut index, "replaced", 1, Some(50));
        assert_eq!((index.expiries.len(), index.tagged.len()), (1, 1));
        index.remove(&key("replaced"));
        assert!(index.tagged.is_empty() && index.expiries.is_empty() && index.keys.is_empty());
        assert_eq!((index.bytes, index.entries.len()), (0, 0));
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
            let name = key(&format!("key {:02}", below(90)));
            match below(8) {
                0 => drop(index.remove(&name)),
                1 => now = now + Duration::from_millis(below(3)),
                2..5 => drop(index.get(
                    &name,
                    Moment {
                        now,
                        ..Moment::default()
                    },
                )),
                _ => {
                    let heaviest = if below(20) == 0 { 3_980 } else { 150 };
                    let bytes = usize::try_from(below(heaviest)).unwrap();
                    let ttl = (below(2) == 0).then(|| now.as_millis() + 30);
                    index.insert(name.clone(), stored(bytes, ttl), now);
                    assert!(
                        index.entries.peek(&name).is_some(),
                        "what came last is there"
                    );
                }
            }
            let held = index.keys.iter().map(|key| (key, index.entries.peek(key)));
            let held: Vec<_> = held.filter_map(|(key, held)| Some((key, held?))).collect();
            let bytes = held.iter().map(|(key, held)| held.weight(key)).sum();
            let tagged = index.tagged.values().map(BTreeSet::len).sum();
            let dying = held.iter().filter(|(_, held)| held.expires_at.is_some());
            assert_eq!(index.expiries.len(), dying.count());
            assert_eq!((held.len(), held.len()), (index.keys.len(), tagged));
            assert_eq!((held.len(), bytes), (index.entries.len(), index.bytes));
            assert!(held.len() <= 40 && bytes <= 4_000);
            fullest = fullest.max(held.len());
        }
        assert_eq!(fullest, 40);
    }
}
