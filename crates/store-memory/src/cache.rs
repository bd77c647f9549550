//! The cache: entries on a [`Shelf`], tokens of fills checked against the [`Invalidations`].
//!
//! What changes it has the lock alone, so that an invalidation and a fill are one after the other.
//! Reads share the lock: a hit keeps no other hit waiting.

mod engine;
mod invalidations;
mod shelf;

use std::sync::Arc;

use async_trait::async_trait;
use store_core::{
    CacheStats, CacheStore, EntryInfo, ErrorKind, FillToken, Key, Lookup, NewEntry, Page,
    PageRequest, Removal, Result, Selection, SetOutcome, Tag, Timestamp,
};

use self::invalidations::{Invalidations, Mark};
use self::shelf::{Shelf, Stored};
use crate::options::CacheOptions;
use crate::store::{Shared, error};

/// A response cache in memory, bounded in entries and bytes. Clones share their entries.
///
/// - Both bounds hold whenever a call has returned, and what was stored last is there.
/// - When room is needed, what has expired goes first; then what passed through once, before what was
///   asked for again. A crawl of everything leaves most of what is in use where it is.
/// - It needs no periodic cleanup.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use store_core::{CacheStore, CacheStoreExt, Key, NewEntry};
/// use store_memory::MemoryCacheStore;
///
/// let cache = MemoryCacheStore::new();
/// let key = Key::new("comics:1")?;
/// cache.set(NewEntry::new(key.clone(), "bytes")).await?;
/// assert_eq!(cache.value(&key).await?.as_deref(), Some(&b"bytes"[..]));
/// # Ok::<(), store_core::Error>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct MemoryCacheStore {
    shared: Arc<Shared<State>>,
    options: Arc<CacheOptions>,
}

#[derive(Debug)]
struct State {
    shelf: Shelf,
    invalidations: Invalidations,
}

impl MemoryCacheStore {
    /// An empty cache with default options.
    #[must_use]
    pub fn new() -> Self {
        Self::with_options(CacheOptions::default())
    }

    /// An empty cache.
    #[must_use]
    pub fn with_options(options: CacheOptions) -> Self {
        let state = State {
            shelf: Shelf::new(options.max_items, options.max_bytes),
            invalidations: Invalidations::default(),
        };
        Self {
            shared: Arc::new(Shared::new(state)),
            options: Arc::new(options),
        }
    }

    fn now(&self) -> Timestamp {
        self.options.clock.now()
    }

    fn store(&self, state: &mut State, entry: NewEntry, now: Timestamp) -> Result<SetOutcome> {
        let token = entry.token.unwrap_or_else(|| state.token(now));
        if state.is_outdated(&entry, token, now) {
            return Ok(SetOutcome::Outdated);
        }
        let stored = Stored {
            value: entry.value,
            tags: entry.tags,
            created_at: now,
            expires_at: entry.ttl.expires_at(now),
            began_at: token.began_at,
        };
        let (bytes, longest) = (stored.value.len(), self.options.max_entry_bytes);
        if bytes > longest || !state.shelf.could_hold(&entry.key, &stored) {
            state.remove(&entry.key, now);
            let detail =
                format!("{bytes} bytes; at most {longest} fit, and no more than the cache");
            return Err(error(ErrorKind::TooLarge, "set")
                .with_key(entry.key.as_str())
                .with_detail(detail));
        }
        state.shelf.put(entry.key, stored, now);
        Ok(SetOutcome::Stored)
    }
}

impl State {
    fn token(&self, now: Timestamp) -> FillToken {
        FillToken {
            epoch: self.invalidations.epoch(),
            began_at: now,
        }
    }

    fn look_up(&self, key: &Key, now: Timestamp) -> Lookup {
        match self.shelf.take_out(key, now) {
            Some(entry) => Lookup::Hit(entry),
            None => Lookup::Miss(self.token(now)),
        }
    }

    fn is_outdated(&self, entry: &NewEntry, token: FillToken, now: Timestamp) -> bool {
        // An entry stamped in the future tells that the clock was set back: which fill began later
        // is unknown, and refusing would freeze the entry until the clock is there again.
        let later = self.shelf.began_at(&entry.key, now);
        let is_older = later.is_some_and(|later| token.began_at < later && later <= now);
        is_older || self.invalidations.void(token, &entry.key, &entry.tags, now)
    }

    /// Removes one entry as an invalidation; whether it was unexpired.
    fn remove(&mut self, key: &Key, now: Timestamp) -> bool {
        self.invalidations.add(vec![Mark::Key(key.clone())], now);
        self.shelf.remove(key).is_some_and(|gone| gone.is_live(now))
    }

    /// Removes the entries; how many were unexpired.
    fn remove_all(&mut self, keys: &[Key], now: Timestamp) -> Removal {
        let gone = keys.iter().filter_map(|key| self.shelf.remove(key));
        let live = gone.filter(|gone| gone.is_live(now)).count();
        Removal::exactly(live as u64)
    }
}

impl Default for MemoryCacheStore {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl CacheStore for MemoryCacheStore {
    async fn get(&self, key: &Key) -> Result<Lookup> {
        let now = self.now();
        self.shared.look("get", |state| state.look_up(key, now))
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Lookup>> {
        let now = self.now();
        self.shared.look("get_many", |state| {
            keys.iter().map(|key| state.look_up(key, now)).collect()
        })
    }

    async fn set(&self, entry: NewEntry) -> Result<SetOutcome> {
        let now = self.now();
        self.shared
            .run("set", |state| self.store(state, entry, now))
    }

    async fn set_many(&self, entries: Vec<NewEntry>) -> Result<Vec<SetOutcome>> {
        let now = self.now();
        self.shared.run("set_many", |state| {
            let entries = entries.into_iter();
            entries.map(|entry| self.store(state, entry, now)).collect()
        })
    }

    async fn fill_token(&self) -> Result<FillToken> {
        let now = self.now();
        self.shared.look("fill_token", |state| state.token(now))
    }

    async fn delete(&self, key: &Key) -> Result<Removal> {
        let now = self.now();
        self.shared.run("delete", |state| {
            let was_there = state.remove(key, now);
            Ok(Removal::exactly(u64::from(was_there)))
        })
    }

    async fn clear(&self, selection: &Selection) -> Result<Removal> {
        let now = self.now();
        self.shared.run("clear", |state| {
            state.invalidations.add(vec![Mark::of(selection)], now);
            let keys = state.shelf.keys(selection);
            Ok(state.remove_all(&keys, now))
        })
    }

    async fn invalidate_tags(&self, tags: &[Tag]) -> Result<Removal> {
        let now = self.now();
        self.shared.run("invalidate_tags", |state| {
            let keys = state.shelf.keys_tagged(tags);
            // The entries are marked as well: a refresh that was fetched before may have lost the
            // tag, and must be dropped all the same.
            let marks = tags.iter().cloned().map(Mark::Tag);
            let marks = marks.chain(keys.iter().cloned().map(Mark::Key));
            state.invalidations.add(marks.collect(), now);
            Ok(state.remove_all(&keys, now))
        })
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<EntryInfo>> {
        let now = self.now();
        self.shared
            .look("list", |state| state.shelf.list(page, now))
    }

    async fn stats(&self) -> Result<CacheStats> {
        let now = self.now();
        self.shared.look("stats", |state| state.shelf.stats(now))
    }

    async fn cleanup(&self) -> Result<u64> {
        let now = self.now();
        self.shared.run("cleanup", |state| {
            state.invalidations.forget(now);
            Ok(state.shelf.sweep(self.options.cleanup_batch as usize, now))
        })
    }

    async fn close(&self) -> Result<()> {
        self.shared.close();
        Ok(())
    }
}
