//! The cache store: one row per value, one transaction per change, one prepared statement per hit.

mod evict;
mod feed;
mod hidden;
mod invalidations;
mod read;
mod removal;
mod sweep;
mod write;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use rusqlite::Transaction;
use sqlite_database::SqliteDatabase;
use store_core::{
    CacheOptions, CacheStats, CacheStore, ChangeFeed, Changes, EntryInfo, Error, ErrorKind,
    FeedPosition, FillToken, Key, Lookup, NewEntry, Page, PageRequest, Removal, Result, Selection,
    SetOutcome, Tag, Timestamp,
};

use self::feed::FeedState;
pub(crate) use self::read::StoredValue;
use self::write::WriteOutcome;
use crate::cleanup::{Cleanup, Step};
use crate::error::{BACKEND, TransactionError};
use crate::handle::StoreHandle;
use crate::migrate;
use crate::options::{DEFAULT_CLEANUP_BATCH, DEFAULT_MAX_ENTRY_BYTES};

/// A persistent cache in a SQLite file, shared by every process that opens it.
///
/// If [`DatabaseOptions::max_bytes`](crate::DatabaseOptions::max_bytes) bounds the file, the cache evicts
/// what expires first, and leaves an eighth of it to the other stores: at most 8192 pages, in small files up to a
/// quarter.
///
/// A removal of more than some hundred values hides them at once and leaves it to sweeps to free them; it does
/// not count them, and until then they count as stored.
///
/// It tells of its changes, whichever process makes them ([`ChangeFeed`]), to those who keep copies of values in memory
/// ([`Tiered`](store_core::layer::Tiered)). While somebody follows, and for a minute after that, a change also writes a
/// row of a log.
///
/// Cloning is cheap; clones are the same store.
///
/// ```
/// use store_sqlite::{HOUR, Key, SqliteCacheStore, SqliteDatabase, TypedCache};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let database = SqliteDatabase::in_memory().await?; // or `open("cache.db")`
/// let titles = TypedCache::new(SqliteCacheStore::new(&database));
/// let key = Key::new("issues:4000-1")?;
/// let title = titles
///     .get_or_try_insert_with(&key, HOUR, async || Ok::<_, std::io::Error>("Saga".to_owned()))
///     .await?;
/// assert_eq!(title, "Saga");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SqliteCacheStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    handle: StoreHandle,
    options: CacheOptions,
    damaged_values: AtomicU64,
    feed: FeedState,
}

impl SqliteCacheStore {
    /// A cache over `database`, with default options.
    #[must_use]
    pub fn new(database: &SqliteDatabase) -> Self {
        Self::with_options(database, CacheOptions::default())
    }

    /// A cache over `database`, with options.
    #[must_use]
    pub fn with_options(database: &SqliteDatabase, options: CacheOptions) -> Self {
        let handle = StoreHandle::new(
            database,
            &migrate::CACHE,
            Arc::clone(&options.clock),
            options.cleanup_interval,
        );
        Self {
            inner: Arc::new(Inner {
                handle,
                options,
                damaged_values: AtomicU64::new(0),
                feed: FeedState::default(),
            }),
        }
    }

    /// How often this store, or a clone of it, found a value that is not what was stored. Such a value is
    /// missing and is removed: a bit has flipped on the disk, or another program wrote to the file.
    #[must_use]
    pub fn damaged_values(&self) -> u64 {
        self.inner.damaged_values.load(Ordering::Relaxed)
    }

    /// Counts a damaged value and removes it, after the lookup that found it.
    fn remove_damaged(&self, key: &Key) {
        self.inner.damaged_values.fetch_add(1, Ordering::Relaxed);
        tracing::warn!(%key, "a cached value is damaged; it is not served");
        let (key, clock) = (key.clone(), Arc::clone(self.inner.handle.clock()));
        let database = self.inner.handle.database();
        database.write_detached(move |tx| Ok(write::remove_damaged(tx, &key, clock.now())?));
    }

    fn handle(&self) -> &StoreHandle {
        self.inner.handle.start_cleanup(&self.inner);
        &self.inner.handle
    }

    fn outcome(&self, key: &Key, written: &WriteOutcome) -> Result<SetOutcome> {
        match written {
            WriteOutcome::Stored => Ok(SetOutcome::Stored),
            WriteOutcome::Outdated => Ok(SetOutcome::Outdated),
            WriteOutcome::TooLarge { bytes } => {
                let limit = self.inner.max_entry_bytes();
                let detail = format!(
                    "{bytes} bytes exceed max_entry_bytes, {limit} bytes; raise the option"
                );
                Err(Error::new(ErrorKind::TooLarge, BACKEND, "set")
                    .with_key(key.as_str())
                    .with_detail(detail))
            }
            WriteOutcome::Full => {
                let detail = "the value does not fit into the part of max_bytes that the cache may use; \
                              raise the option";
                Err(Error::new(ErrorKind::StorageFull, BACKEND, "set")
                    .with_key(key.as_str())
                    .with_detail(detail))
            }
        }
    }
}

#[async_trait]
impl CacheStore for SqliteCacheStore {
    async fn get(&self, key: &Key) -> Result<Lookup> {
        let name = key.clone();
        let (lookup, is_damaged) = self
            .handle()
            .read("get", move |db, now| read::lookup(db, &name, now))
            .await
            .map_err(|error| error.with_key(key.as_str()))?;
        if is_damaged {
            self.remove_damaged(key);
        }
        Ok(lookup)
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Lookup>> {
        let names = keys.to_vec();
        let found: Vec<_> = self
            .handle()
            .read("get_many", move |db, now| {
                let each = names.iter().map(|key| read::lookup(db, key, now));
                each.collect()
            })
            .await?;
        let each = found.into_iter().zip(keys);
        let lookups = each.map(|((lookup, is_damaged), key)| {
            if is_damaged {
                self.remove_damaged(key);
            }
            lookup
        });
        Ok(lookups.collect())
    }

    async fn set(&self, entry: NewEntry) -> Result<SetOutcome> {
        let key = entry.key.clone();
        let inner = Arc::clone(&self.inner);
        let written = self
            .handle()
            .write("set", move |tx, now| inner.set(tx, &entry, now))
            .await
            .map_err(|error| error.with_key(key.as_str()))?;
        self.outcome(&key, &written)
    }

    async fn set_many(&self, entries: Vec<NewEntry>) -> Result<Vec<SetOutcome>> {
        let inner = Arc::clone(&self.inner);
        let written = self
            .handle()
            .write("set_many", move |tx, now| {
                let each = entries.into_iter().map(|entry| {
                    let written = inner.set(tx, &entry, now)?;
                    Ok((entry.key, written))
                });
                each.collect::<Result<Vec<_>, _>>()
            })
            .await?;
        let each = written.into_iter();
        each.map(|(key, written)| self.outcome(&key, &written))
            .collect()
    }

    async fn fill_token(&self) -> Result<FillToken> {
        self.handle()
            .read("fill_token", invalidations::current_token)
            .await
    }

    async fn delete(&self, key: &Key) -> Result<Removal> {
        let name = key.clone();
        self.handle()
            .write("delete", move |tx, now| write::delete(tx, &name, now))
            .await
            .map_err(|error| error.with_key(key.as_str()))
    }

    async fn clear(&self, selection: &Selection) -> Result<Removal> {
        let selection = selection.clone();
        self.handle()
            .write("clear", move |tx, now| removal::clear(tx, &selection, now))
            .await
    }

    async fn invalidate_tags(&self, tags: &[Tag]) -> Result<Removal> {
        let tags = tags.to_vec();
        self.handle()
            .write("invalidate_tags", move |tx, now| {
                removal::invalidate_tags(tx, &tags, now)
            })
            .await
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<EntryInfo>> {
        let page = page.clone();
        self.handle()
            .read("list", move |db, now| read::list(db, &page, now))
            .await
    }

    async fn stats(&self) -> Result<CacheStats> {
        self.handle().read("stats", read::stats).await
    }

    async fn cleanup(&self) -> Result<u64> {
        self.inner.cleanup().await
    }

    async fn close(&self) -> Result<()> {
        self.inner.handle.close();
        Ok(())
    }
}

#[async_trait]
impl ChangeFeed for SqliteCacheStore {
    async fn changes_since(&self, position: Option<FeedPosition>) -> Result<Changes> {
        let random = &*self.inner.options.random;
        feed::changes_since(self.handle(), &self.inner.feed, random, position).await
    }
}

impl Inner {
    fn set(
        &self,
        tx: &Transaction<'_>,
        entry: &NewEntry,
        now: Timestamp,
    ) -> std::result::Result<WriteOutcome, TransactionError> {
        write::set(
            tx,
            entry,
            self.max_entry_bytes(),
            self.handle.database().max_pages(),
            now,
        )
    }

    fn max_entry_bytes(&self) -> usize {
        self.options
            .max_entry_bytes
            .unwrap_or(DEFAULT_MAX_ENTRY_BYTES)
    }
}

impl Cleanup for Inner {
    async fn sweep(&self) -> Result<Step> {
        let batch = self
            .options
            .cleanup_batch
            .unwrap_or(DEFAULT_CLEANUP_BATCH)
            .max(1);
        self.handle
            .write_step(move |tx, now, time| sweep::step(tx, batch, now, time))
            .await
    }
}
