//! The cache store: one item per key, checked at each read against later invalidations.
//!
//! A lookup is one request: for the head of the key ([`head`]) and for a copy of the epoch ([`epoch`]). A
//! set is one round trip: a conditional write of the head and, beside it, a read of the epoch.
//!
//! What must stay true: **a value whose fill began before an invalidation was called is never visible
//! once the invalidation has returned.** A fill's token tells the epoch that it began in, and its head
//! keeps it. Whatever is invalidated by tag, scope or as a whole moves the epoch, and returns when all
//! copies show it ([`invalidation`]); from then on every lookup reads it, and hides heads of earlier
//! epochs, whether they were there or arrive later. So the two items of a lookup may be read in any
//! order, the head of a late fill may be written at any time, and a set has nothing to undo. A key that
//! is deleted first moves the epoch and then leaves a tombstone of it, which heads of earlier epochs
//! cannot replace. An invalidation takes effect while it is under way, so a fill that begins meanwhile
//! may fall on either side of it.
//!
//! An epoch is given out by one item, after the call that it stands for has begun. So a token may be of
//! any epoch that is shown somewhere, in a copy or in a head: it claims no more than that the fill began
//! later than that call.
//!
//! **Of two fills the one that began later wins** ([`order`]). **A fill that is dropped changes nothing**:
//! it may write a head that is hidden, but only where nothing was visible that does not become hidden by
//! the same invalidation. Where that is not certain from the former head alone (a visible value with
//! other tags), set looks and then writes in one transaction with a check that nothing that concerns
//! either was invalidated in between ([`fill`]).

mod body;
mod epoch;
mod fill;
mod head;
mod invalidation;
mod known;
mod lookup;
mod order;
mod removal;
mod reports;
mod session;
mod sweep;

use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use store_core::{
    CacheOptions, CacheStats, CacheStore, EntryInfo, FillToken, Key, Lookup, NewEntry, Page,
    PageRequest, Removal, Result, Selection, SetOutcome, Tag,
};

use self::known::EpochCache;
use self::session::Session;
use self::sweep::Cursor;
use crate::handle::Handle;
use crate::options::{Settings, Tuning};
use crate::table::DynamoDbTable;

/// A response cache in a DynamoDB table, shared by all processes of all hosts that use the table.
///
/// Cloning is cheap; clones share one store. Values have at most 4 MiB, unless
/// [`CacheOptions::max_entry_bytes`] says otherwise. DynamoDB removes expired values itself, within days: no
/// cleanup runs unless `cleanup` is called, which removes at most 500 values, and
/// [`CacheOptions::cleanup_interval`] has no effect. Call it after a `clear` of more than about a thousand values, which
/// hides them at once and counts none. `stats` adds the lengths of values before compression.
///
/// ```
/// # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/doctest_table.rs.inc"));
/// # fn main() -> Result<(), Box<dyn std::error::Error>> { on_emulator(async |table| {
/// use store_dynamodb::{CacheStore, CacheStoreExt, DynamoDbCacheStore, Key, NewEntry};
///
/// let cache = DynamoDbCacheStore::new(&table);
/// let key = Key::new("comics:1")?;
/// cache.set(NewEntry::unconditional(key.clone(), "bytes")).await?;
/// assert_eq!(cache.value(&key).await?.as_deref(), Some(&b"bytes"[..]));
/// # Ok(())
/// # }) }
/// ```
#[derive(Clone)]
pub struct DynamoDbCacheStore {
    inner: Arc<Inner>,
}

struct Inner {
    handle: Handle,
    options: Settings<CacheOptions>,
    epochs: EpochCache,
    /// Where the next cleanup goes on.
    swept_to: Mutex<Cursor>,
}

impl DynamoDbCacheStore {
    /// A cache in `table` with default options.
    #[must_use]
    pub fn new(table: &DynamoDbTable) -> Self {
        Self::with_options(table, CacheOptions::default())
    }

    /// A cache in `table`.
    #[must_use]
    pub fn with_options(table: &DynamoDbTable, options: CacheOptions) -> Self {
        Self::with_tuning(table, options, Tuning::default())
    }

    /// A cache in `table`, with options and [`Tuning`].
    #[must_use]
    pub fn with_tuning(table: &DynamoDbTable, options: CacheOptions, tuning: Tuning) -> Self {
        let options = Settings::new(options, tuning);
        Self {
            inner: Arc::new(Inner {
                handle: Handle::new(table),
                options,
                epochs: EpochCache::default(),
                swept_to: Mutex::default(),
            }),
        }
    }

    fn session(&self, operation: &'static str) -> Result<Session<'_>> {
        let inner = &*self.inner;
        Ok(Session {
            requests: inner.handle.requests(operation)?,
            options: &inner.options,
            epochs: &inner.epochs,
            now: inner.options.clock.now(),
        })
    }
}

impl fmt::Debug for DynamoDbCacheStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamoDbCacheStore")
            .field("handle", &self.inner.handle)
            .field("options", &self.inner.options)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl CacheStore for DynamoDbCacheStore {
    async fn get(&self, key: &Key) -> Result<Lookup> {
        self.session("get")?
            .look_up(key)
            .await
            .map_err(|error| error.with_key(key.as_str()))
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Lookup>> {
        self.session("get_many")?.look_up_all(keys).await
    }

    async fn set(&self, entry: NewEntry) -> Result<SetOutcome> {
        let session = self.session("set")?;
        let key = entry.key.clone();
        let outcome = session.store(entry).await;
        outcome.map_err(|error| error.with_key(key.as_str()))
    }

    async fn set_many(&self, entries: Vec<NewEntry>) -> Result<Vec<SetOutcome>> {
        self.session("set_many")?.store_all(entries).await
    }

    async fn fill_token(&self) -> Result<FillToken> {
        let session = self.session("fill_token")?;
        Ok(session.authority().await?.token(session.now)?.into())
    }

    async fn delete(&self, key: &Key) -> Result<Removal> {
        let removed = self.session("delete")?.delete(key).await;
        removed.map_err(|error| error.with_key(key.as_str()))
    }

    async fn clear(&self, selection: &Selection) -> Result<Removal> {
        self.session("clear")?.clear(selection).await
    }

    async fn invalidate_tags(&self, tags: &[Tag]) -> Result<Removal> {
        self.session("invalidate_tags")?.invalidate_tags(tags).await
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<EntryInfo>> {
        self.session("list")?.list(page).await
    }

    async fn stats(&self) -> Result<CacheStats> {
        self.session("stats")?.stats().await
    }

    async fn cleanup(&self) -> Result<u64> {
        self.session("cleanup")?.sweep(&self.inner.swept_to).await
    }

    async fn close(&self) -> Result<()> {
        self.inner.handle.close();
        Ok(())
    }
}
