//! The cache: entries in an [`Index`], fill tokens checked against the [`Invalidations`].
//!
//! Writers hold the lock exclusively, so that an invalidation and a fill never overlap. Readers share
//! it: no hit waits for another.

mod entries;
mod eviction;
mod index;
mod invalidations;
mod order;
mod slab;
mod stored;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use store_core::backend::FillMark;
use store_core::{
    CacheOptions, CacheStats, CacheStore, Clock, EntryInfo, ErrorKind, FillToken, Key, Lookup,
    NewEntry, Page, PageRequest, Removal, Result, Selection, SetOutcome, Tag, Timestamp, Ttl,
};

use self::entries::Found;
use self::index::Index;
use self::invalidations::{Invalidations, Target};
use self::stored::Stored;
use crate::moment::Moment;
use crate::options::{CLEANUP_BATCH, Capacity, MAX_ENTRY_BYTES};
use crate::shared::{Shared, error};

/// How many keys are sorted under one lock.
const SORT_BATCH: usize = 2_000;

/// A cache in memory, bounded in entries and bytes. Clones share their entries.
///
/// - Both bounds hold after every call, and the last stored entry is present.
/// - Expired entries are evicted first, then entries that were read once, then those that were read
///   again: a scan over everything leaves most of the entries in use.
/// - It needs no periodic cleanup.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// use store_memory::{CacheStore, CacheStoreExt, Key, MemoryCacheStore, NewEntry};
///
/// let cache = MemoryCacheStore::new();
/// let key = Key::new("comics:1")?;
/// cache.set(NewEntry::unconditional(key.clone(), "bytes")).await?;
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
    index: Index,
    invalidations: Invalidations,
}

impl MemoryCacheStore {
    /// An empty cache with default options.
    #[must_use]
    pub fn new() -> Self {
        Self::with_options(CacheOptions::default())
    }

    /// An empty cache of the default capacity.
    #[must_use]
    pub fn with_options(options: CacheOptions) -> Self {
        Self::with_capacity(options, Capacity::default())
    }

    /// An empty cache.
    ///
    /// ```
    /// use store_memory::{CacheOptions, Capacity, MemoryCacheStore};
    ///
    /// let capacity = Capacity::default().with_max_items(50);
    /// let cache = MemoryCacheStore::with_capacity(CacheOptions::default(), capacity);
    /// # drop(cache);
    /// ```
    #[must_use]
    pub fn with_capacity(options: CacheOptions, capacity: Capacity) -> Self {
        let state = State {
            index: Index::new(capacity.max_items, capacity.max_bytes),
            invalidations: Invalidations::default(),
        };
        Self {
            shared: Arc::new(Shared::new(state)),
            options: Arc::new(options),
        }
    }

    fn moment(&self) -> Moment {
        Moment::of(&*self.options.clock)
    }

    /// Sorts the keys that were stored since the last call, a few at a time: whoever else uses the cache does not
    /// wait for all of them. What is stored meanwhile is left.
    async fn sort(&self, operation: &'static str) -> Result<()> {
        let unsorted = self
            .shared
            .read(operation, |state| state.index.unsorted())?;
        for _ in 0..unsorted.div_ceil(SORT_BATCH) {
            self.shared.write(operation, |state| {
                state.index.sort(SORT_BATCH);
                Ok(())
            })?;
            tokio::task::yield_now().await;
        }
        Ok(())
    }

    fn store(&self, state: &mut State, entry: NewEntry, at: Moment) -> Result<SetOutcome> {
        let now = at.now;
        let found = state.index.find(&entry.key);
        let token = entry.token.unwrap_or_else(|| state.token(now));
        if state.is_outdated(&entry, found, token, at) {
            return Ok(SetOutcome::Outdated);
        }
        let stored = Stored::new(entry.value, now)
            .began(FillMark::from(token).began_at)
            .tagged(entry.tags);
        let stored = match entry.ttl {
            Ttl::Never => stored,
            Ttl::After(ttl) => stored.expiring(now + ttl, millis(at.monotonic.saturating_add(ttl))),
        };
        let limit = self.options.max_entry_bytes.unwrap_or(MAX_ENTRY_BYTES);
        let bytes = stored.value.len();
        if bytes > limit || !state.index.could_hold(&entry.key, &stored) {
            state.remove(&entry.key, at);
            let detail = if bytes > limit {
                format!("{bytes} bytes exceed max_entry_bytes, {limit} bytes; raise the option")
            } else {
                format!("{bytes} bytes exceed the whole cache; raise Capacity::max_bytes")
            };
            return Err(error(ErrorKind::TooLarge, "set")
                .with_key(entry.key.as_str())
                .with_detail(detail));
        }
        state.index.insert(entry.key, found, stored, now);
        Ok(SetOutcome::Stored)
    }
}

/// Rounded up.
fn millis(duration: Duration) -> u64 {
    let millis = u64::from(duration.subsec_nanos().div_ceil(1_000_000));
    duration
        .as_secs()
        .saturating_mul(1_000)
        .saturating_add(millis)
}

impl State {
    fn token(&self, now: Timestamp) -> FillToken {
        FillToken::from(FillMark {
            epoch: self.invalidations.epoch(),
            began_at: now,
        })
    }

    fn look_up(&self, key: &Key, at: Moment) -> Lookup {
        match self.index.get(key, |stored| stored.is_live(at)) {
            Some(stored) => Lookup::Hit(stored.entry()),
            None => Lookup::Miss(self.token(at.now)),
        }
    }

    /// As [`look_up`](Self::look_up), for one key: the clocks are read as far as the answer depends on them.
    fn look_up_by(&self, key: &Key, clock: &dyn Clock) -> Lookup {
        let (now, monotonic) = (|| clock.now(), || clock.monotonic().as_millis());
        match self
            .index
            .get(key, |stored| stored.is_live_by(now, monotonic))
        {
            Some(stored) => Lookup::Hit(stored.entry()),
            None => Lookup::Miss(self.token(clock.now())),
        }
    }

    fn is_outdated(&self, entry: &NewEntry, found: Found, token: FillToken, at: Moment) -> bool {
        let now = at.now;
        // An entry of the future means that the clock was set back: which fill began later is unknown,
        // and dropping this one would freeze the entry until the clock is there again.
        let mark = FillMark::from(token);
        let stored = self.index.peek(found).filter(|stored| stored.is_live(at));
        let later = stored.map(|stored| stored.began_at);
        let is_older = later.is_some_and(|later| mark.began_at < later && later <= now);
        is_older || self.invalidations.voids(mark, &entry.key, &entry.tags, now)
    }

    /// Invalidates one entry; returns whether it was unexpired.
    fn remove(&mut self, key: &Key, at: Moment) -> bool {
        self.invalidations
            .add(vec![Target::Key(key.clone())], at.now);
        self.index
            .remove(key)
            .is_some_and(|removed| removed.is_live(at))
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
        let clock = &*self.options.clock;
        self.shared
            .read("get", |state| state.look_up_by(key, clock))
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Lookup>> {
        let at = self.moment();
        self.shared.read("get_many", |state| {
            keys.iter().map(|key| state.look_up(key, at)).collect()
        })
    }

    async fn set(&self, entry: NewEntry) -> Result<SetOutcome> {
        let at = self.moment();
        self.shared
            .write("set", |state| self.store(state, entry, at))
    }

    async fn set_many(&self, entries: Vec<NewEntry>) -> Result<Vec<SetOutcome>> {
        let at = self.moment();
        self.shared.write("set_many", |state| {
            let entries = entries.into_iter();
            entries.map(|entry| self.store(state, entry, at)).collect()
        })
    }

    async fn fill_token(&self) -> Result<FillToken> {
        let at = self.moment();
        self.shared.read("fill_token", |state| state.token(at.now))
    }

    async fn delete(&self, key: &Key) -> Result<Removal> {
        let at = self.moment();
        self.shared.write("delete", |state| {
            let existed = state.remove(key, at);
            Ok(Removal::exactly(u64::from(existed)))
        })
    }

    async fn clear(&self, selection: &Selection) -> Result<Removal> {
        if matches!(selection, Selection::Scope(_)) {
            self.sort("clear").await?;
        }
        let at = self.moment();
        self.shared.write("clear", |state| {
            state.invalidations.add(vec![Target::of(selection)], at.now);
            let selected = state.index.selected(selection);
            Ok(Removal::exactly(state.index.remove_all(selected, at)))
        })
    }

    async fn invalidate_tags(&self, tags: &[Tag]) -> Result<Removal> {
        let at = self.moment();
        self.shared.write("invalidate_tags", |state| {
            let tagged = state.index.tagged(tags);
            let keys = tagged.iter().map(|slot| state.index.key(*slot).clone());
            // The keys are invalidated as well: a refresh that was fetched before may come without the
            // tag, and must be dropped all the same.
            let targets = tags.iter().cloned().map(Target::Tag);
            let targets = targets.chain(keys.map(Target::Key)).collect();
            state.invalidations.add(targets, at.now);
            Ok(Removal::exactly(state.index.remove_all(tagged, at)))
        })
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<EntryInfo>> {
        self.sort("list").await?;
        let at = self.moment();
        let list = |index: &Index| index.list(page, at);
        let listed = self.shared.read("list", |state| {
            (state.index.unsorted() == 0).then(|| list(&state.index))
        })?;
        match listed {
            Some(listed) => Ok(listed),
            None => self.shared.write("list", |state| {
                state.index.sort(usize::MAX);
                Ok(list(&state.index))
            }),
        }
    }

    async fn stats(&self) -> Result<CacheStats> {
        let at = self.moment();
        self.shared.read("stats", |state| state.index.stats(at.now))
    }

    async fn cleanup(&self) -> Result<u64> {
        let at = self.moment();
        self.shared.write("cleanup", |state| {
            state.invalidations.remove_old(at.now);
            let most = self.options.cleanup_batch.unwrap_or(CLEANUP_BATCH);
            Ok(state.index.remove_expired(most as usize, at.now))
        })
    }

    async fn close(&self) -> Result<()> {
        self.shared.close();
        Ok(())
    }
}
