//! A store whose calls fail, wait or are counted as a test says, and which tells of its changes.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use store_conformance::async_trait;
use store_core::backend::FeedMark;
use store_core::{
    CacheStats, CacheStore, ChangeFeed, Changed, Changes, EntryInfo, Error, ErrorKind,
    FeedPosition, FillToken, Key, Lookup, NewEntry, Page, PageRequest, Removal, Result, Selection,
    SetOutcome, Tag,
};
use store_memory::MemoryCacheStore;
use tokio::sync::Notify;

/// A place where calls wait while it is closed.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    is_closed: AtomicBool,
    waiting: AtomicUsize,
    opened: Notify,
}

impl Gate {
    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::SeqCst);
    }

    pub(crate) fn open(&self) {
        self.is_closed.store(false, Ordering::SeqCst);
        self.opened.notify_waiters();
    }

    /// Lets other tasks run until so many calls wait here.
    pub(crate) async fn until_waiting(&self, count: usize) {
        while self.waiting.load(Ordering::SeqCst) < count {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) async fn pass(&self) {
        loop {
            let opened = self.opened.notified();
            if !self.is_closed.load(Ordering::SeqCst) {
                return;
            }
            self.waiting.fetch_add(1, Ordering::SeqCst);
            opened.await;
            self.waiting.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

/// Clones are the same store.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outer {
    pub(crate) store: MemoryCacheStore,
    pub(crate) script: Arc<Script>,
}

#[derive(Debug, Default)]
pub(crate) struct Script {
    /// Where lookups wait that have their answer.
    pub(crate) after_get: Gate,
    /// Where writes wait that have not begun.
    pub(crate) before_write: Gate,
    /// Where writes wait that have been done.
    pub(crate) after_write: Gate,
    /// Where readings of the feed wait that have not begun.
    pub(crate) before_feed: Gate,
    /// Where readings of the feed wait that have their answer.
    pub(crate) after_feed: Gate,
    /// Whether writes are done and reported as failed.
    pub(crate) writes_fail: AtomicBool,
    /// Whether every call fails.
    pub(crate) is_down: AtomicBool,
    pub(crate) feed_fails: AtomicBool,
    pub(crate) gets: AtomicUsize,
    pub(crate) feed_readings: AtomicUsize,
    log: Mutex<Vec<Option<Key>>>,
}

pub(crate) fn set(flag: &AtomicBool, to: bool) {
    flag.store(to, Ordering::SeqCst);
}

fn down() -> Error {
    Error::new(ErrorKind::Unavailable, "outer", "call").with_detail("the test says so")
}

impl Outer {
    pub(crate) fn new(store: MemoryCacheStore) -> Self {
        Self {
            store,
            script: Arc::default(),
        }
    }

    pub(crate) fn gets(&self) -> usize {
        self.script.gets.load(Ordering::SeqCst)
    }

    pub(crate) fn feed_readings(&self) -> usize {
        self.script.feed_readings.load(Ordering::SeqCst)
    }

    fn read_log(&self, position: Option<FeedPosition>) -> Changes {
        let log = &self.script.log;
        let log = log.lock().unwrap_or_else(PoisonError::into_inner);
        let sequence = log.len() as u64;
        let next = FeedPosition::from(FeedMark {
            follower: 1,
            sequence,
        });
        let Some(position) = position else {
            return Changes::new(Changed::Everything, next);
        };
        let read = usize::try_from(FeedMark::from(position).sequence).expect("a position");
        let keys: Option<Vec<Key>> = log[read..].iter().cloned().collect();
        let changed = keys.map_or(Changed::Everything, Changed::Keys);
        Changes::new(changed, next)
    }

    fn up(&self) -> Result<()> {
        if self.script.is_down.load(Ordering::SeqCst) {
            return Err(down());
        }
        Ok(())
    }

    /// Logs a change and passes the gate.
    async fn wrote<T>(
        &self,
        keys: impl IntoIterator<Item = Option<Key>>,
        outcome: Result<T>,
    ) -> Result<T> {
        let log = &self.script.log;
        log.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend(keys);
        self.script.after_write.pass().await;
        if self.script.writes_fail.load(Ordering::SeqCst) {
            return Err(down());
        }
        outcome
    }
}

#[async_trait]
impl CacheStore for Outer {
    async fn get(&self, key: &Key) -> Result<Lookup> {
        self.up()?;
        self.script.gets.fetch_add(1, Ordering::SeqCst);
        let found = self.store.get(key).await;
        self.script.after_get.pass().await;
        found
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Lookup>> {
        self.up()?;
        self.script.gets.fetch_add(keys.len(), Ordering::SeqCst);
        let found = self.store.get_many(keys).await;
        self.script.after_get.pass().await;
        found
    }

    async fn set(&self, entry: NewEntry) -> Result<SetOutcome> {
        self.up()?;
        let key = entry.key.clone();
        self.script.before_write.pass().await;
        let outcome = self.store.set(entry).await;
        self.wrote([Some(key)], outcome).await
    }

    async fn set_many(&self, entries: Vec<NewEntry>) -> Result<Vec<SetOutcome>> {
        self.up()?;
        let keys: Vec<_> = entries
            .iter()
            .map(|entry| Some(entry.key.clone()))
            .collect();
        self.script.before_write.pass().await;
        let outcome = self.store.set_many(entries).await;
        self.wrote(keys, outcome).await
    }

    async fn fill_token(&self) -> Result<FillToken> {
        self.up()?;
        self.store.fill_token().await
    }

    async fn delete(&self, key: &Key) -> Result<Removal> {
        self.up()?;
        self.script.before_write.pass().await;
        let outcome = self.store.delete(key).await;
        self.wrote([Some(key.clone())], outcome).await
    }

    async fn clear(&self, selection: &Selection) -> Result<Removal> {
        self.up()?;
        self.script.before_write.pass().await;
        let outcome = self.store.clear(selection).await;
        self.wrote([None], outcome).await
    }

    async fn invalidate_tags(&self, tags: &[Tag]) -> Result<Removal> {
        self.up()?;
        self.script.before_write.pass().await;
        let outcome = self.store.invalidate_tags(tags).await;
        self.wrote([None], outcome).await
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<EntryInfo>> {
        self.up()?;
        self.store.list(page).await
    }

    async fn stats(&self) -> Result<CacheStats> {
        self.up()?;
        self.store.stats().await
    }

    async fn cleanup(&self) -> Result<u64> {
        self.up()?;
        self.store.cleanup().await
    }

    async fn close(&self) -> Result<()> {
        self.store.close().await
    }
}

#[async_trait]
impl ChangeFeed for Outer {
    async fn changes_since(&self, position: Option<FeedPosition>) -> Result<Changes> {
        self.script.feed_readings.fetch_add(1, Ordering::SeqCst);
        self.script.before_feed.pass().await;
        if self.script.feed_fails.load(Ordering::SeqCst) {
            return Err(down());
        }
        let changes = self.read_log(position);
        self.script.after_feed.pass().await;
        Ok(changes)
    }
}
