//! The cache: one row per value, one transaction per change, one prepared statement per hit.

mod read;
mod tokens;
mod write;

use std::sync::Arc;

use async_trait::async_trait;
use sqlite_database::SqliteDatabase;
use store_core::{
    CacheStats, CacheStore, EntryInfo, Error, ErrorKind, FillToken, Key, Lookup, NewEntry, Page,
    PageRequest, Removal, Result, Selection, SetOutcome, Tag,
};

use self::write::Written;
use crate::error::BACKEND;
use crate::migrate;
use crate::options::CacheOptions;
use crate::store::Handle;
use crate::sweeper::{Sweep, Sweeper};

/// A response cache in a SQLite file, shared by every process that opens it.
///
/// Cloning is cheap; clones are the same store.
#[derive(Clone, Debug)]
pub struct SqliteCacheStore {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    handle: Handle,
    options: CacheOptions,
    sweeper: Sweeper,
}

impl SqliteCacheStore {
    /// A cache in `database`, with default options.
    #[must_use]
    pub fn new(database: &SqliteDatabase) -> Self {
        Self::with_options(database, CacheOptions::default())
    }

    /// A cache in `database`.
    #[must_use]
    pub fn with_options(database: &SqliteDatabase, options: CacheOptions) -> Self {
        let handle = Handle::new(database, &migrate::CACHE, Arc::clone(&options.clock));
        Self {
            inner: Arc::new(Inner {
                handle,
                options,
                sweeper: Sweeper::default(),
            }),
        }
    }

    fn handle(&self) -> &Handle {
        let Inner {
            handle,
            options,
            sweeper,
        } = &*self.inner;
        sweeper.start(&self.inner, handle.clock(), options.cleanup_interval);
        handle
    }

    fn outcome(&self, key: &Key, written: &Written) -> Result<SetOutcome> {
        match written {
            Written::Stored => Ok(SetOutcome::Stored),
            Written::Outdated => Ok(SetOutcome::Outdated),
            Written::TooLarge { bytes } => {
                let most = self.inner.options.max_entry_bytes;
                let detail = format!("{bytes} bytes exceed the largest entry of {most} bytes");
                Err(Error::new(ErrorKind::TooLarge, BACKEND, "set")
                    .with_key(key.as_str())
                    .with_detail(detail))
            }
        }
    }
}

#[async_trait]
impl CacheStore for SqliteCacheStore {
    async fn get(&self, key: &Key) -> Result<Lookup> {
        let (name, now) = (key.clone(), self.handle().now());
        self.handle()
            .read("get", move |db| read::lookup(db, &name, now))
            .await
            .map_err(|error| error.with_key(key.as_str()))
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Lookup>> {
        let (keys, now) = (keys.to_vec(), self.handle().now());
        self.handle()
            .read("get_many", move |db| {
                keys.iter().map(|key| read::lookup(db, key, now)).collect()
            })
            .await
    }

    async fn set(&self, entry: NewEntry) -> Result<SetOutcome> {
        let key = entry.key.clone();
        let (clock, most) = (
            Arc::clone(self.handle().clock()),
            self.inner.options.max_entry_bytes,
        );
        let written = self
            .handle()
            .write("set", move |tx| write::set(tx, &entry, most, clock.now()))
            .await
            .map_err(|error| error.with_key(key.as_str()))?;
        self.outcome(&key, &written)
    }

    async fn set_many(&self, entries: Vec<NewEntry>) -> Result<Vec<SetOutcome>> {
        let (clock, most) = (
            Arc::clone(self.handle().clock()),
            self.inner.options.max_entry_bytes,
        );
        let written = self
            .handle()
            .write("set_many", move |tx| {
                let now = clock.now();
                let each = entries.into_iter().map(|entry| {
                    let written = write::set(tx, &entry, most, now)?;
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
        let now = self.handle().now();
        self.handle()
            .read("fill_token", move |db| tokens::current(db, now))
            .await
    }

    async fn delete(&self, key: &Key) -> Result<Removal> {
        let (name, clock) = (key.clone(), Arc::clone(self.handle().clock()));
        self.handle()
            .write("delete", move |tx| write::delete(tx, &name, clock.now()))
            .await
            .map_err(|error| error.with_key(key.as_str()))
    }

    async fn clear(&self, selection: &Selection) -> Result<Removal> {
        let (selection, clock) = (selection.clone(), Arc::clone(self.handle().clock()));
        self.handle()
            .write("clear", move |tx| write::clear(tx, &selection, clock.now()))
            .await
    }

    async fn invalidate_tags(&self, tags: &[Tag]) -> Result<Removal> {
        let (tags, clock) = (tags.to_vec(), Arc::clone(self.handle().clock()));
        self.handle()
            .write("invalidate_tags", move |tx| {
                write::invalidate_tags(tx, &tags, clock.now())
            })
            .await
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<EntryInfo>> {
        let (page, now) = (page.clone(), self.handle().now());
        self.handle()
            .read("list", move |db| read::list(db, &page, now))
            .await
    }

    async fn stats(&self) -> Result<CacheStats> {
        let now = self.handle().now();
        self.handle()
            .read("stats", move |db| read::stats(db, now))
            .await
    }

    async fn cleanup(&self) -> Result<u64> {
        self.inner.sweep().await
    }

    async fn close(&self) -> Result<()> {
        self.inner.sweeper.stop();
        self.inner.handle.close();
        Ok(())
    }
}

impl Sweep for Inner {
    fn batch(&self) -> u32 {
        self.options.cleanup_batch
    }

    async fn sweep(&self) -> Result<u64> {
        let (clock, batch) = (Arc::clone(self.handle.clock()), self.batch());
        self.handle
            .write("cleanup", move |tx| write::sweep(tx, batch, clock.now()))
            .await
    }
}
