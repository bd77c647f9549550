//! Values by key, in the file of an HTTP cache: [`ValueCache`], a [`CacheStore`].
//!
//! A value is the body of a response whose URL is `cache://SCOPE/REST`, so that it is compressed with the dictionary
//! of its scope, kept once if equal to another body, evicted, checked, recompressed and listed as all others.

mod housekeeping;
mod read;
mod removal;
mod uses;
mod value;
mod write;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use async_trait::async_trait;
use store_core::backend::FillMark;
use store_core::{
    CacheOptions, CacheStats, CacheStore, EntryInfo, Error, ErrorKind, FillToken, Key, Lookup,
    NewEntry, Page, PageRequest, Removal, Result, Selection, SetOutcome, Tag, Timestamp,
};

use self::read::Found;
use self::uses::Uses;
pub(super) use self::value::Value;
pub(super) use self::write::store;
use super::error::BACKEND;
use super::fill::SqliteFill;
use super::open::Opened;
use super::shared::Shared;
use super::store::SqliteStore;
use super::{evict, invalidations};

/// The statements that look values up.
#[cfg(test)]
pub(super) const STATEMENTS: [&str; 5] = [
    read::FIND,
    removal::OF_SCOPE,
    removal::OF_TAG,
    housekeeping::LIST,
    housekeeping::EXPIRED,
];

/// The most values that one cleanup removes.
const CLEANUP_BATCH: u32 = 1_000;

/// A [`CacheStore`] in the file of a [`SqliteStore`]: values by key beside the responses, shared by all processes that
/// open the file. Clones share it.
///
/// Values are bodies of the file: text among them is compressed, with a dictionary once there are fifty of a scope,
/// and [`max_bytes`](crate::SqliteStoreOptions::max_bytes) bounds values and responses together. Of a value that is
/// replaced, the file keeps as many older versions as of any body, until it is removed.
///
/// ```
/// use http_cache_db::{SqliteStore, SqliteStoreOptions};
/// use store_core::{CacheOptions, CacheStore, CacheStoreExt, HOUR, Key, NewEntry};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = SqliteStore::in_memory(SqliteStoreOptions::default()).await?;
/// let cache = store.values(CacheOptions::default());
///
/// let key = Key::new("comics:issue/4000-1")?;
/// let entry = NewEntry::unconditional(key.clone(), "{}").with_ttl(HOUR);
/// cache.set(entry).await?;
/// assert_eq!(cache.value(&key).await?.as_deref(), Some(&b"{}"[..]));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ValueCache {
    inner: Arc<Inner>,
}

struct Inner {
    shared: Arc<Shared>,
    options: CacheOptions,
    is_closed: AtomicBool,
    /// When expired values were last removed, in milliseconds.
    swept_at: AtomicI64,
    uses: Uses,
}

impl SqliteStore {
    /// A cache of values by key in this file. Its `max_entry_bytes` is by default the length of the
    /// [longest body](crate::SqliteStoreOptions::max_body_bytes), which bounds it in any case; its `cleanup_batch` is
    /// 1,000.
    ///
    /// Closing it leaves the store open.
    #[must_use]
    pub fn values(&self, options: CacheOptions) -> ValueCache {
        let now = options.clock.now().as_millis();
        ValueCache {
            inner: Arc::new(Inner {
                shared: Arc::clone(&self.shared),
                options,
                is_closed: AtomicBool::new(false),
                swept_at: AtomicI64::new(now),
                uses: Uses::default(),
            }),
        }
    }
}

impl fmt::Debug for ValueCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ValueCache")
            .field("path", &self.inner.shared.path)
            .finish_non_exhaustive()
    }
}

impl ValueCache {
    fn now(&self) -> Timestamp {
        self.inner.options.clock.now()
    }

    fn opened(&self, operation: &'static str) -> Result<Arc<Opened>> {
        if self.inner.is_closed.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Closed, BACKEND, operation));
        }
        self.inner.shared.opened(operation)
    }

    /// The longest value, in bytes.
    fn max_entry_bytes(&self) -> usize {
        let longest = self.inner.shared.options.longest_body();
        let longest = usize::try_from(longest).unwrap_or(usize::MAX);
        let most = self.inner.options.max_entry_bytes;
        most.map_or(longest, |most| most.min(longest))
    }

    fn cleanup_batch(&self) -> u32 {
        self.inner.options.cleanup_batch.unwrap_or(CLEANUP_BATCH)
    }

    /// A token of `epoch`, for a fill that begins now.
    fn token(&self, epoch: i64) -> FillToken {
        FillToken::from(FillMark {
            epoch: epoch.unsigned_abs(),
            began_at: self.now(),
        })
    }

    fn look_up(&self, operation: &'static str, keys: &[Key]) -> Result<Vec<Lookup>> {
        self.opened(operation)?;
        let (shared, now) = (&self.inner.shared, self.now());
        let found = shared.read(operation, |db, _| {
            // Value and epoch are of one moment.
            let snapshot = db.unchecked_transaction()?;
            let found = keys
                .iter()
                .map(|key| read::find(&snapshot, &shared.reader, key, now));
            let found = found.collect::<sqlite_database::Result<Vec<_>>>()?;
            Ok((found, invalidations::count(&snapshot)?))
        });
        let (found, epoch) = found?;
        let mut lookups = Vec::with_capacity(keys.len());
        for (key, found) in keys.iter().zip(found) {
            self.inner.uses.add(key, found.as_ref(), now);
            lookups.push(match found {
                Some(Found { entry, .. }) => Lookup::Hit(entry),
                None => Lookup::Miss(self.token(epoch)),
            });
        }
        self.count_uses_when_due();
        Ok(lookups)
    }

    async fn store(&self, entry: NewEntry) -> Result<SetOutcome> {
        const OPERATION: &str = "set";
        let opened = self.opened(OPERATION)?;
        let shared = &self.inner.shared;
        let len = entry.value.len();
        let mut value = Value::new(&entry, opened.salt, Arc::clone(&self.inner.options.clock));
        if len > self.max_entry_bytes() {
            let refused = opened
                .database
                .write(move |tx| write::remove_for_longer(tx, &mut value));
            let refused = refused
                .await
                .map_err(|error| shared.error(error, OPERATION))?;
            if refused == SetOutcome::Outdated {
                return Ok(refused);
            }
            let detail = format!(
                "the value has {len} bytes; at most {} are stored",
                self.max_entry_bytes()
            );
            let too_large = Error::new(ErrorKind::TooLarge, BACKEND, OPERATION);
            return Err(too_large.with_key(entry.key.as_str()).with_detail(detail));
        }
        let fill = SqliteFill::new(
            Arc::clone(shared),
            Arc::clone(&opened),
            value.row.target,
            value.row.begun,
        );
        let stored = fill.store_value(entry.value, value).await?;
        self.sweep_when_due();
        Ok(if stored {
            SetOutcome::Stored
        } else {
            SetOutcome::Outdated
        })
    }
}

#[async_trait]
impl CacheStore for ValueCache {
    async fn get(&self, key: &Key) -> Result<Lookup> {
        let found = self.look_up("get", std::slice::from_ref(key))?;
        let nothing = || Error::new(ErrorKind::Corrupt, BACKEND, "get");
        found.into_iter().next().ok_or_else(nothing)
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Lookup>> {
        self.look_up("get_many", keys)
    }

    async fn set(&self, entry: NewEntry) -> Result<SetOutcome> {
        self.store(entry).await
    }

    async fn set_many(&self, entries: Vec<NewEntry>) -> Result<Vec<SetOutcome>> {
        let mut outcomes = Vec::with_capacity(entries.len());
        for entry in entries {
            outcomes.push(self.store(entry).await?);
        }
        Ok(outcomes)
    }

    async fn fill_token(&self) -> Result<FillToken> {
        self.opened("fill_token")?;
        let epoch = self
            .inner
            .shared
            .read("fill_token", |db, _| invalidations::count(db))?;
        Ok(self.token(epoch))
    }

    async fn delete(&self, key: &Key) -> Result<Removal> {
        self.remove_key(key).await
    }

    async fn clear(&self, selection: &Selection) -> Result<Removal> {
        self.remove_selected(selection).await
    }

    async fn invalidate_tags(&self, tags: &[Tag]) -> Result<Removal> {
        self.remove_tagged(tags).await
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<EntryInfo>> {
        let opened = self.opened("list")?;
        let (request, now) = (page.clone(), self.now());
        let listed = opened
            .database
            .long_read(move |db| housekeeping::list(db, &request, now));
        let listed = listed.await;
        listed.map_err(|error| self.inner.shared.error(error, "list"))
    }

    async fn stats(&self) -> Result<CacheStats> {
        let opened = self.opened("stats")?;
        let now = self.now();
        let counted = opened.database.long_read(move |db| {
            let (total, expired) = housekeeping::count(db, now)?;
            Ok(CacheStats::new(total, expired, evict::used_bytes(db)?))
        });
        let counted = counted.await;
        counted.map_err(|error| self.inner.shared.error(error, "stats"))
    }

    async fn cleanup(&self) -> Result<u64> {
        let opened = self.opened("cleanup")?;
        self.count_uses(&opened).await?;
        self.sweep(&opened).await
    }

    async fn close(&self) -> Result<()> {
        if self.inner.is_closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        if self.inner.shared.is_closed() {
            return Ok(());
        }
        let opened = self.inner.shared.current();
        self.count_uses(&opened).await
    }
}
