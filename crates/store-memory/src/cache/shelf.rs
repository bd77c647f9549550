//! The entries with their indexes: by key, by last use, by expiry, by tag.
//!
//! What must stay true: an entry is in every index it belongs to, and in no other; so that leaving
//! by any way (replaced, removed, swept, evicted) takes one path, [`Shelf::remove`].

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

use bytes::Bytes;
use store_core::{CacheStats, Entry, EntryInfo, Key, Page, PageRequest, Selection, Tag, Timestamp};

#[derive(Debug)]
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

#[derive(Debug, Default)]
pub(super) struct Shelf {
    slots: BTreeMap<Key, Slot>,
    /// The number of a slot's last use, least recent first.
    uses: BTreeMap<u64, Key>,
    expiries: BTreeSet<(Timestamp, Key)>,
    tagged: HashMap<Tag, BTreeSet<Key>>,
    bytes: usize,
    last_use: u64,
}

#[derive(Debug)]
struct Slot {
    stored: Stored,
    used: u64,
}

impl Shelf {
    /// The unexpired value of `key`, which counts as a use of it.
    pub(super) fn take_out(&mut self, key: &Key, now: Timestamp) -> Option<Entry> {
        let slot = self.slots.get_mut(key)?;
        if !slot.stored.is_live(now) {
            return None;
        }
        self.last_use += 1;
        if let Some(name) = self.uses.remove(&slot.used) {
            self.uses.insert(self.last_use, name);
        }
        slot.used = self.last_use;
        let stored = &slot.stored;
        Some(Entry::new(
            stored.value.clone(),
            stored.created_at,
            stored.expires_at,
        ))
    }

    /// When the fill of the unexpired value of `key` began.
    pub(super) fn began_at(&self, key: &Key, now: Timestamp) -> Option<Timestamp> {
        let stored = self.slots.get(key).map(|slot| &slot.stored);
        stored
            .filter(|stored| stored.is_live(now))
            .map(|stored| stored.began_at)
    }

    /// Stores a value in place of whatever its key held.
    pub(super) fn put(&mut self, key: Key, mut stored: Stored) {
        self.remove(&key);
        stored.tags.sort();
        stored.tags.dedup();
        self.last_use += 1;
        self.bytes += stored.weight(&key);
        self.uses.insert(self.last_use, key.clone());
        if let Some(at) = stored.expires_at {
            self.expiries.insert((at, key.clone()));
        }
        for tag in &stored.tags {
            let keys = self.tagged.entry(tag.clone()).or_default();
            keys.insert(key.clone());
        }
        let used = self.last_use;
        self.slots.insert(key, Slot { stored, used });
    }

    /// Removes a value, expired or not.
    pub(super) fn remove(&mut self, key: &Key) -> Option<Stored> {
        let Slot { stored, used } = self.slots.remove(key)?;
        self.bytes -= stored.weight(key);
        self.uses.remove(&used);
        if let Some(at) = stored.expires_at {
            self.expiries.remove(&(at, key.clone()));
        }
        for tag in &stored.tags {
            if let Some(keys) = self.tagged.get_mut(tag) {
                keys.remove(key);
                if keys.is_empty() {
                    self.tagged.remove(tag);
                }
            }
        }
        Some(stored)
    }

    /// Keeps the bounds: expired values go first, then the least recently used.
    pub(super) fn make_room(&mut self, max_items: usize, max_bytes: usize, now: Timestamp) {
        while self.slots.len() > max_items || self.bytes > max_bytes {
            let victim = self.first_expired(now).or_else(|| self.least_used());
            let Some(victim) = victim else { return };
            self.remove(&victim);
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

    fn least_used(&self) -> Option<Key> {
        self.uses.first_key_value().map(|(_, key)| key.clone())
    }

    /// The selected keys, expired ones included.
    pub(super) fn keys(&self, selection: &Selection) -> Vec<Key> {
        // The keys of a scope share the prefix `scope:`, and so stand together.
        let first = match selection {
            Selection::All => None,
            Selection::Scope(scope) => Key::new(&format!("{scope}:")).ok(),
        };
        let keys = self.slots.range((start_at(first), Bound::Unbounded));
        let keys = keys.map(|(key, _)| key);
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
            .slots
            .range((start, Bound::Unbounded))
            .filter(|(_, slot)| slot.stored.is_live(now))
            .map(|(key, Slot { stored, .. })| {
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
            self.slots.len() as u64,
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
    use super::*;

    fn key(name: &str) -> Key {
        Key::new(name).unwrap()
    }

    fn put(shelf: &mut Shelf, name: &str, bytes: usize, expires_at: Option<i64>) {
        let stored = Stored {
            value: Bytes::from(vec![0; bytes]),
            tags: vec![Tag::new("tag").unwrap()],
            created_at: Timestamp::default(),
            expires_at: expires_at.map(Timestamp::from_millis),
            began_at: Timestamp::default(),
        };
        shelf.put(key(name), stored);
    }

    fn names(shelf: &Shelf) -> Vec<&str> {
        shelf.slots.keys().map(Key::as_str).collect()
    }

    // covers("M1", "F56")
    #[test]
    fn the_least_recently_used_goes_first() {
        let mut shelf = Shelf::default();
        let now = Timestamp::from_millis(0);
        for name in ["a", "b", "c"] {
            put(&mut shelf, name, 1, None);
        }
        assert!(shelf.take_out(&key("a"), now).is_some());
        shelf.make_room(2, usize::MAX, now);
        assert_eq!(names(&shelf), ["a", "c"]);
    }

    // covers("M1", "F56")
    #[test]
    fn what_has_expired_goes_before_anything_that_has_not() {
        let mut shelf = Shelf::default();
        put(&mut shelf, "a", 1, None);
        put(&mut shelf, "b", 1, Some(5));
        put(&mut shelf, "c", 1, Some(9));
        shelf.make_room(2, usize::MAX, Timestamp::from_millis(5));
        assert_eq!(names(&shelf), ["a", "c"]);
    }

    // covers("M1", "F56")
    #[test]
    fn one_heavy_value_pushes_out_as_many_as_it_takes() {
        let mut shelf = Shelf::default();
        for name in ["a", "b", "c"] {
            put(&mut shelf, name, 10, None);
        }
        put(&mut shelf, "d", 30, None);
        shelf.make_room(usize::MAX, 48, Timestamp::from_millis(0));
        assert_eq!(names(&shelf), ["c", "d"]);
        assert_eq!(shelf.bytes, 10 + 30 + 2 * ("c".len() + "tag".len()));
    }

    // covers("F57")
    #[test]
    fn whatever_way_an_entry_leaves_every_index_forgets_it() {
        let mut shelf = Shelf::default();
        let late = Timestamp::from_millis(10);
        put(&mut shelf, "removed", 1, Some(5));
        shelf.remove(&key("removed"));
        put(&mut shelf, "swept", 1, Some(5));
        assert_eq!(shelf.sweep(10, late), 1);
        put(&mut shelf, "evicted", 1, Some(50));
        shelf.make_room(0, 0, late);
        put(&mut shelf, "replaced", 1, Some(5));
        put(&mut shelf, "replaced", 1, Some(50));
        assert_eq!((shelf.uses.len(), shelf.expiries.len()), (1, 1));
        shelf.remove(&key("replaced"));
        assert!(shelf.tagged.is_empty() && shelf.uses.is_empty() && shelf.expiries.is_empty());
        assert_eq!(shelf.bytes, 0);
    }
}
