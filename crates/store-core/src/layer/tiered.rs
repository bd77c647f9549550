//! Two caches as one: copies in the inner store, everything in the outer one.

mod copies;
mod copy_header;
mod follower;
mod options;
mod tiers;
mod validity;

use std::sync::Arc;

use async_trait::async_trait;

use self::copies::{Copies, Found};
use self::follower::Follower;
pub use self::options::TieredOptions;
use self::tiers::Tiers;
use crate::cache::{
    CacheStats, CacheStore, EntryInfo, FillToken, Lookup, NewEntry, Removal, SetOutcome,
};
use crate::change_feed::ChangeFeed;
use crate::error::Result;
use crate::key::{Key, Selection};
use crate::page::{Page, PageRequest};
use crate::tag::Tag;

/// A cache that keeps copies of what is read from a shared store, the outer one, in a store that is nearer, the inner
/// one: usually the memory of the process before a file or a table.
///
/// Everything is written to the outer store, which also decides: outcomes, fill tokens, listings and counts are its own.
/// A value that is read from it is promoted, as a copy with its own expiry, for at most
/// [`max_inner_ttl`](TieredOptions::max_inner_ttl).
///
/// # Promises
///
/// - A copy is an answer of the outer store of not long ago: with a feed of its changes
///   ([`following`](Self::following)) a lookup that began [`max_feed_age`](TieredOptions::max_feed_age), 50 ms, after a
///   change had returned, in whatever process, sees it; without one [`max_staleness`](TieredOptions::max_staleness), 2 s.
///   The feed is read by the lookups themselves, so this also holds for a process that was stopped for long, and while
///   the feed or the outer store fails: then no copy is served, and the outer store answers.
/// - A lookup sees each write of this instance and its clones that has returned. A write that fails, or whose call is
///   dropped, leaves no copy.
/// - A lookup that has read the outer store before a value was replaced or removed promotes nothing after it.
/// - The inner store may return errors, or lose anything, without another effect than lookups of the outer one.
///
/// Time is that of the monotonic clock, which on Linux stands still while the host is suspended: after that a copy of
/// what other hosts share may be older by the time of the suspension, until the bound has passed.
///
/// # Costs
///
/// A hit in the inner store allocates no copy of the value; with a feed it reads the feed once in 50 ms, which takes some
/// microseconds for a SQLite file. A miss costs the copying of the value. A write costs a deletion in the inner
/// store. An invalidation of tags reads the feed; without one it drops every copy, because copies have no tags.
///
/// # Place
///
/// Inside of whatever changes values or keys, so that copies are of the final form; outside of what protects the outer
/// store, such as retries. The inner store is for this instance alone: it does not serve the copies of another one. The
/// feed has to be that of the store that is read, and the outer store at least as current as its feed: no replica, and no
/// `Tiered` with a feed. One without a feed may be the outer store of one without a feed; their bounds add up.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use store_core::layer::Tiered;
/// use store_core::{CacheStore, CacheStoreExt, Key, NewEntry};
/// use store_memory::MemoryCacheStore;
///
/// let table = MemoryCacheStore::new(); // stands for a table that hosts share
/// let cache = Tiered::new(MemoryCacheStore::new(), table.clone());
/// let key = Key::new("comics:1")?;
/// table.set(NewEntry::unconditional(key.clone(), "Saga")).await?;
/// assert_eq!(cache.value(&key).await?.as_deref(), Some(&b"Saga"[..]));
///
/// // Another host deletes it: for up to 2 s the copy is served. Its own deletion is seen at once.
/// table.delete(&key).await?;
/// assert!(cache.value(&key).await?.is_some());
/// cache.delete(&key).await?;
/// assert!(cache.value(&key).await?.is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Tiered<I, O> {
    tiers: Arc<Tiers<I, O>>,
}

impl<I: CacheStore, O: CacheStore> Tiered<I, O> {
    /// `inner` before `outer`, without a feed: another process' change may go unseen for 2 s.
    #[must_use]
    pub fn new(inner: I, outer: O) -> Self {
        Self::with_options(inner, outer, TieredOptions::default())
    }

    /// `inner` before `outer`, which tells of its changes: another process' change may go unseen for 50 ms.
    #[must_use]
    pub fn following(inner: I, outer: O) -> Self
    where
        O: ChangeFeed + Clone,
    {
        let options = TieredOptions::default().with_feed(outer.clone());
        Self::with_options(inner, outer, options)
    }

    /// `inner` before `outer`, with options.
    #[must_use]
    pub fn with_options(inner: I, outer: O, options: TieredOptions) -> Self {
        let copies = Copies::new(inner, &options);
        let follower = options
            .feed
            .clone()
            .map(|feed| Follower::new(feed, &options));
        Self {
            tiers: Arc::new(Tiers {
                copies,
                outer,
                follower,
                clock: options.clock,
            }),
        }
    }

    /// The outer store.
    #[must_use]
    pub fn outer(&self) -> &O {
        &self.tiers.outer
    }
}

impl<I, O> Clone for Tiered<I, O> {
    fn clone(&self) -> Self {
        Self {
            tiers: Arc::clone(&self.tiers),
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<I: CacheStore, O: CacheStore> CacheStore for Tiered<I, O> {
    async fn get(&self, key: &Key) -> Result<Lookup> {
        let tiers = &*self.tiers;
        let began = tiers.clock.monotonic();
        match tiers.copy(key, began).await {
            Found::Copy(entry) => Ok(Lookup::Hit(entry)),
            Found::Missing(promotion) => Box::pin(tiers.look_up(key, promotion)).await,
        }
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Lookup>> {
        let tiers = &*self.tiers;
        let began = tiers.clock.monotonic();
        let found = tiers.copies(keys, began).await;
        let is_missing = |found: &Found| matches!(found, Found::Missing(_));
        let missing = keys.iter().zip(&found);
        let missing: Vec<Key> = missing
            .filter(|(_, found)| is_missing(found))
            .map(|(key, _)| key.clone())
            .collect();
        let mut looked_up = Vec::new();
        // A closed store refuses an empty list, too.
        if !missing.is_empty() || keys.is_empty() {
            looked_up = tiers.outer.get_many(&missing).await?;
        }
        let mut looked_up = looked_up.into_iter();
        let mut lookups = Vec::with_capacity(keys.len());
        for (key, found) in keys.iter().zip(found) {
            match found {
                Found::Copy(entry) => lookups.push(Lookup::Hit(entry)),
                Found::Missing(promotion) => {
                    let Some(lookup) = looked_up.next() else {
                        continue;
                    };
                    tiers.promote(key, &lookup, promotion).await;
                    lookups.push(lookup);
                }
            }
        }
        Ok(lookups)
    }

    async fn set(&self, entry: NewEntry) -> Result<SetOutcome> {
        let tiers = &*self.tiers;
        let keys = [entry.key.clone()];
        let write = tiers.copies.validity().writing(&keys);
        let outcome = tiers.outer.set(entry).await;
        tiers.copies.drop_each(&keys).await;
        write.complete();
        outcome
    }

    async fn set_many(&self, entries: Vec<NewEntry>) -> Result<Vec<SetOutcome>> {
        let tiers = &*self.tiers;
        let keys: Vec<Key> = entries.iter().map(|entry| entry.key.clone()).collect();
        let write = tiers.copies.validity().writing(&keys);
        let outcomes = tiers.outer.set_many(entries).await;
        tiers.copies.drop_each(&keys).await;
        write.complete();
        outcomes
    }

    async fn fill_token(&self) -> Result<FillToken> {
        self.tiers.outer.fill_token().await
    }

    async fn delete(&self, key: &Key) -> Result<Removal> {
        let tiers = &*self.tiers;
        let keys = std::slice::from_ref(key);
        let write = tiers.copies.validity().writing(keys);
        let removal = tiers.outer.delete(key).await;
        tiers.copies.drop_each(keys).await;
        write.complete();
        removal
    }

    async fn clear(&self, selection: &Selection) -> Result<Removal> {
        let tiers = &*self.tiers;
        let write = tiers.copies.validity().writing_any();
        let removal = tiers.outer.clear(selection).await;
        tiers.copies.drop_selected(selection).await;
        write.complete();
        removal
    }

    async fn invalidate_tags(&self, tags: &[Tag]) -> Result<Removal> {
        let tiers = &*self.tiers;
        if tags.is_empty() {
            return tiers.outer.invalidate_tags(tags).await;
        }
        let write = tiers.copies.validity().writing_any();
        let removal = tiers.outer.invalidate_tags(tags).await;
        let has_dropped = match &tiers.follower {
            Some(follower) => follower.catch_up(&tiers.copies).await,
            None => false,
        };
        if !has_dropped {
            tiers.copies.drop_selected(&Selection::All).await;
        }
        write.complete();
        removal
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<EntryInfo>> {
        self.tiers.outer.list(page).await
    }

    async fn stats(&self) -> Result<CacheStats> {
        self.tiers.outer.stats().await
    }

    async fn cleanup(&self) -> Result<u64> {
        self.tiers.copies.clean_up().await;
        self.tiers.outer.cleanup().await
    }

    async fn close(&self) -> Result<()> {
        self.tiers.copies.close().await;
        self.tiers.outer.close().await
    }

    fn stored_key(&self, key: &Key) -> Result<Key> {
        self.tiers.outer.stored_key(key)
    }
}
