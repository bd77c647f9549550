//! The entries with their indexes: by key, by expiry, by tag.
//!
//! What must stay true: an entry is in every index it belongs to, and in no other; so that leaving
//! by any way (replaced, removed, swept, evicted) takes one path, [`Shelf::forget`]. Both bounds hold
//! after every call.

use std::collections::{BTreeSet, HashMap};
use std::ops::Bound;

use bytes::Bytes;
use store_core::{CacheStats, Entry, EntryInfo, Key, Page, PageRequest, Selection, Tag, Timestamp};

use super::engine::Engine;

#[derive(Debug, Default)]
pub(super) struct Stored {
    pub(super) value: Bytes,
    pub(super) tags: Vec<Tag>,
    pub(super) created_at: Timestamp,
    pub(super) expires_at: Option<Timestamp>,
    /// When the fill began that brought it.
    pub(super) began_at: Timestamp,
}

impl Stored {
    pub(super) fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|at| now < at)
    }

    /// The bytes that count against the cache's bound.
    pub(super) fn weight(&self, key: &Key) -> usize {
        let tags: usize = self.tags.iter().map(|tag| tag.as_str().len()).sum();
        key.as_str().len() + self.value.len() + tags
    }
}

#[derive(Debug)]
pub(super) struct Shelf {
    engine: Engine,
    names: BTreeSet<Key>,
    expiries: BTreeSet<(Timestamp, Key)>,
    tagged: HashMap<Tag, BTreeSet<Key>>,
    bytes: usize,
    max_items: usize,
    max_bytes: usize,
}

impl Shelf {
    pub(super) fn new(max_items: usize, max_bytes: usize) -> Self {
        Self {
            engine: Engine::new(max_items, max_bytes),
            names: BTreeSet::new(),
            expiries: BTreeSet::new(),
            tagged: HashMap::new(),
            bytes: 0,
            max_items,
            max_bytes,
        }
    }

    /// The unexpired value of `key`, which counts as a use of it.
    pub(super) fn take_out(&self, key: &Key, now: Timestamp) -> Option<Entry> {
        let stored = self.engine.take_out(key)?;
        stored
            .is_live(now)
            .then(|| Entry::new(stored.value.clone(), stored.created_at, stored.expires_at))
    }

    /// When the fill of the unexpired value of `key` began.
    pub(super) fn began_at(&self, key: &Key, now: Timestamp) -> Option<Timestamp> {
        let stored = self.engine.peek(key);
        stored
            .filter(|stored| stored.is_live(now))
            .map(|stored| stored.began_at)
    }

    /// Whether an empty cache could hold the value.
    pub(super) fn could_hold(&self, key: &Key, stored: &Stored) -> bool {
        stored.weight(key) <= self.max_bytes
    }

    /// Stores a value that it could hold in place of whatever its key held.
    ///
    /// Expired values make room first, then those that are least useful.
    pub(super) fn put(&mut self, key: Key, mut stored: Stored, now: Timestamp) {
        if self.max_items == 0 {
            return;
        }
        stored.tags.sort();
        stored.tags.dedup();
        let weight = stored.weight(&key);
        while !self.has_room(&key, weight) {
            match self.first_expired(now) {
                Some(expired) => {
                    self.remove(&expired);
                }
                None => self.evict(),
            }
        }
        self.bytes += weight;
        let (expires_at, tags) = (stored.expires_at, stored.tags.clone());
        if let Some(replaced) = self.engine.insert(key.clone(), stored) {
            self.forget(&key, &replaced);
        }
        self.expiries.extend(expires_at.map(|at| (at, key.clone())));
        for tag in tags {
            self.tagged.entry(tag).or_default().insert(key.clone());
        }
        self.names.insert(key);
    }

    /// Removes a value, expired or not.
    pub(super) fn remove(&mut self, key: &Key) -> Option<Stored> {
        let stored = self.engine.remove(key)?;
        self.forget(key, &stored);
        Some(stored)
    }

    /// Whether both bounds hold once `key` has a value of this weight instead of its own.
    fn has_room(&self, key: &Key, weight: usize) -> bool {
        let own = self.engine.peek(key).map(|stored| stored.weight(key));
        let others = self.engine.len() - usize::from(own.is_some());
        let bytes = self.bytes - own.unwrap_or(0);
        others < self.max_items && bytes.saturating_add(weight) <= self.max_bytes
    }

    fn evict(&mut self) {
        let victims = self.engine.evict();
        if victims.is_empty()
            && let Some(first) = self.names.first().cloned()
        {
            // Were the engine ever to spare everything, the bounds would hold all the same.
            self.remove(&first);
        }
        for (key, gone) in victims {
            self.forget(&key, &gone);
        }
    }

    /// Takes a value that has left out of the indexes.
    fn forget(&mut self, key: &Key, gone: &Stored) {
        self.bytes -= gone.weight(key);
        self.names.remove(key);
        if let Some(at) = gone.expires_at {
            self.expiries.remove(&(at, key.clone()));
        }
        for tag in &gone.tags {
            if let Some(keys) = self.tagged.get_mut(tag) {
                keys.remove(key);
                if keys.is_empty() {
                    self.tagged.remove(tag);
                }
            }
        }
    }

    /// Removes at most `most` expired values; how many it were.
    pub(super) fn sweep(&mut self, most: usize, now: Timestamp) -> u64 {
        let mut swept = 0;
        while swept < most
            && let Some(key) = self.first_expired(now)
        {
            self.remove(&key);
            swept += 1;
        }
        swept as u64
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
            Selection::Scope(scope) => Key::new(&format!("{scope}:")).ok(),
        };
        let keys = self.names.range((start_at(first), Bound::Unbounded));
        keys.take_while(|key| selection.contains(key))
            .cloned()
            .collect()
    }

    /// The keys that carry one of `tags`, each once, expired ones included.
    pub(super) fn keys_tagged(&self, tags: &[Tag]) -> Vec<Key> {
        let keys = tags.iter().filter_map(|tag| self.tagged.get(tag)).flatten();
        let keys: BTreeSet<&Key> = keys.collect();
        keys.into_iter().cloned().collect()
    }

    pub(super) fn list(&self, page: &PageRequest, now: Timestamp) -> Page<EntryInfo> {
        let after = page.after.as_deref();
        let from = after.and_then(|name| Key::new(name).ok());
        let start = from.map_or(Bound::Unbounded, Bound::Excluded);
        let live = self
            .names
            .range((start, Bound::Unbounded))
            .filter_map(|key| Some((key, self.engine.peek(key)?)))
            .filter(|(_, stored)| stored.is_live(now))
            .map(|(key, stored)| {
                let size = stored.value.len() as u64;
                EntryInfo::new(key.clone(), size, stored.created_at)
                    .with_expires_at(stored.expires_at)
                    .with_tags(stored.tags.clone())
            });
        // One more than fits tells whether there is a next page.
        let items = live.take(page.limit as usize + 1).collect();
        Page::cut(items, page.limit, |info| info.key.as_str().to_owned())
    }

    pub(super) fn stats(&self, now: Timestamp) -> CacheStats {
        let expired = self.expiries.iter().take_while(|(at, _)| *at <= now);
        CacheStats::new(
            self.engine.len() as u64,
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

    fn put(shelf: &mut Shelf, name: &str, bytes: usize, expires_at: Option<i64>) {
        shelf.put(key(name), stored(bytes, expires_at), Timestamp::default());
    }

    fn names(shelf: &Shelf) -> Vec<&str> {
        shelf.names.iter().map(Key::as_str).collect()
    }

    // covers("M1", "F56")
    #[test]
    fn what_nobody_asked_for_again_goes_first() {
        let mut shelf = Shelf::new(3, NO_BOUND);
        for name in ["a", "b", "c"] {
            put(&mut shelf, name, 1, None);
        }
        for name in ["a", "c"] {
            assert!(shelf.take_out(&key(name), Timestamp::default()).is_some());
        }
        put(&mut shelf, "d", 1, None);
        put(&mut shelf, "e", 1, None);
        assert_eq!(names(&shelf), ["a", "c", "e"]);
    }

    // covers("M1", "F56")
    #[test]
    fn what_has_expired_goes_before_anything_that_has_not() {
        let mut shelf = Shelf::new(3, NO_BOUND);
        put(&mut shelf, "a", 1, None);
        put(&mut shelf, "b", 1, Some(5));
        put(&mut shelf, "c", 1, Some(9));
        shelf.put(key("d"), stored(1, None), Timestamp::from_millis(5));
        assert_eq!(names(&shelf), ["a", "c", "d"]);
    }

    // covers("M1", "F56")
    #[test]
    fn one_heavy_value_pushes_out_as_many_as_it_takes() {
        let mut shelf = Shelf::new(NO_BOUND, 56);
        for name in ["a", "b", "c", "d"] {
            put(&mut shelf, name, 10, None);
        }
        assert_eq!(shelf.bytes, 4 * 14);
        put(&mut shelf, "e", 24, None);
        assert_eq!(shelf.engine.len(), 3);
        assert_eq!(shelf.bytes, 14 + 14 + 28);
        put(&mut shelf, "f", 52, None);
        assert_eq!((names(&shelf), shelf.bytes), (vec!["f"], 56));
    }

    // covers("M1")
    #[test]
    fn nothing_goes_while_both_bounds_have_room() {
        let mut shelf = Shelf::new(100, 100 * 1_000);
        for n in 0..90 {
            put(&mut shelf, &format!("light {n}"), 1, None);
        }
        for n in 0..9 {
            put(&mut shelf, &format!("heavy {n}"), 10_000, None);
        }
        assert_eq!(shelf.engine.len(), 99);
        put(&mut shelf, "last", 1, None);
        assert_eq!(shelf.engine.len(), 100);
    }

    #[test]
    fn a_shelf_of_no_places_keeps_nothing() {
        let mut shelf = Shelf::new(0, NO_BOUND);
        put(&mut shelf, "a", 1, None);
        assert!(names(&shelf).is_empty() && shelf.engine.len() == 0);
    }

    // covers("F57")
    #[test]
    fn whatever_way_an_entry_leaves_every_index_forgets_it() {
        let mut shelf = Shelf::new(1, NO_BOUND);
        put(&mut shelf, "removed", 1, Some(5));
        shelf.remove(&key("removed"));
        put(&mut shelf, "swept", 1, Some(5));
        assert_eq!(shelf.sweep(10, Timestamp::from_millis(10)), 1);
        put(&mut shelf, "evicted", 1, Some(50));
        put(&mut shelf, "replaced", 1, Some(5));
        assert_eq!(names(&shelf), ["replaced"]);
        put(&mut shelf, "replaced", 1, Some(50));
        assert_eq!((shelf.expiries.len(), shelf.tagged.len()), (1, 1));
        shelf.remove(&key("replaced"));
        assert!(shelf.tagged.is_empty() && shelf.expiries.is_empty() && shelf.names.is_empty());
        assert_eq!((shelf.bytes, shelf.engine.len()), (0, 0));
    }

    // covers("F56", "F57")
    #[test]
    fn indexes_and_bounds_hold_whatever_comes() {
        let (mut shelf, mut dice) = (Shelf::new(40, 4_000), 1_u64);
        let mut roll = |sides: u64| {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (dice >> 33) % sides
        };
        let (mut now, mut fullest) = (Timestamp::default(), 0);
        for _ in 0..20_000 {
            let name = key(&format!("key {:02}", roll(90)));
            match roll(8) {
                0 => drop(shelf.remove(&name)),
                1 => now = now + Duration::from_millis(roll(3)),
                2..5 => drop(shelf.take_out(&name, now)),
                _ => {
                    let heaviest = if roll(20) == 0 { 3_980 } else { 150 };
                    let bytes = usize::try_from(roll(heaviest)).unwrap();
                    let ttl = (roll(2) == 0).then(|| now.as_millis() + 30);
                    shelf.put(name.clone(), stored(bytes, ttl), now);
                    assert!(
                        shelf.engine.peek(&name).is_some(),
                        "what came last is there"
                    );
                }
            }
            let held = shelf.names.iter().map(|key| (key, shelf.engine.peek(key)));
            let held: Vec<_> = held.filter_map(|(key, held)| Some((key, held?))).collect();
            let bytes = held.iter().map(|(key, held)| held.weight(key)).sum();
            let tagged = shelf.tagged.values().map(BTreeSet::len).sum();
            let dying = held.iter().filter(|(_, held)| held.expires_at.is_some());
            assert_eq!(shelf.expiries.len(), dying.count());
            assert_eq!((held.len(), held.len()), (shelf.names.len(), tagged));
            assert_eq!((held.len(), bytes), (shelf.engine.len(), shelf.bytes));
            assert!(held.len() <= 40 && bytes <= 4_000);
            fullest = fullest.max(held.len());
        }
        assert_eq!(fullest, 40);
    }
}
