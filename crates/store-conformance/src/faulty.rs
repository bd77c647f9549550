//! A cache that fails or hangs on request, for tests of what stands before a cache.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use store_core::{
    CacheStats, CacheStore, EntryInfo, Error, ErrorKind, FillToken, Key, Lookup, NewEntry, Page,
    PageRequest, Removal, Result, Selection, SetOutcome, Tag,
};

/// A cache whose calls fail, or never end, while it is told to; clones share the state.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use store_conformance::FaultyCache;
/// use store_core::{CacheStore, ErrorKind, Key};
/// use store_memory::MemoryCacheStore;
///
/// let cache = FaultyCache::new(MemoryCacheStore::new());
/// cache.fail_with(ErrorKind::Unavailable);
/// assert!(cache.get(&Key::new("issue:1")?).await.is_err());
/// cache.recover();
/// assert!(cache.get(&Key::new("issue:1")?).await.is_ok());
/// assert_eq!(cache.calls(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FaultyCache {
    store: Arc<dyn CacheStore>,
    fault: Arc<Mutex<Option<Fault>>>,
    calls: Arc<AtomicU64>,
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    Error(ErrorKind),
    NoAnswer,
}

impl FaultyCache {
    /// A cache that works.
    #[must_use]
    pub fn new(store: impl CacheStore) -> Self {
        Self {
            store: Arc::new(store),
            fault: Arc::default(),
            calls: Arc::default(),
        }
    }

    /// Lets every call fail from now on.
    pub fn fail_with(&self, kind: ErrorKind) {
        *self.lock() = Some(Fault::Error(kind));
    }

    /// Lets no call from now on ever end; those stay without an answer also after [`recover`](Self::recover).
    pub fn hang(&self) {
        *self.lock() = Some(Fault::NoAnswer);
    }

    /// Lets calls through again.
    pub fn recover(&self) {
        *self.lock() = None;
    }

    /// How many calls were made, those that failed included.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Fault>> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn store(&self, operation: &'static str) -> Result<&dyn CacheStore> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let fault = *self.lock();
        match fault {
            Some(Fault::Error(kind)) => Err(Error::new(kind, "faulty", operation)),
            Some(Fault::NoAnswer) => std::future::pending().await,
            None => Ok(&*self.store),
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl CacheStore for FaultyCache {
    async fn get(&self, key: &Key) -> Result<Lookup> {
        self.store("get").await?.get(key).await
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Lookup>> {
        self.store("get_many").await?.get_many(keys).await
    }

    async fn set(&self, entry: NewEntry) -> Result<SetOutcome> {
        self.store("set").await?.set(entry).await
    }

    async fn set_many(&self, entries: Vec<NewEntry>) -> Result<Vec<SetOutcome>> {
        self.store("set_many").await?.set_many(entries).await
    }

    async fn fill_token(&self) -> Result<FillToken> {
        self.store("fill_token").await?.fill_token().await
    }

    async fn delete(&self, key: &Key) -> Result<Removal> {
        self.store("delete").await?.delete(key).await
    }

    async fn clear(&self, selection: &Selection) -> Result<Removal> {
        self.store("clear").await?.clear(selection).await
    }

    async fn invalidate_tags(&self, tags: &[Tag]) -> Result<Removal> {
        self.store("invalidate_tags")
            .await?
            .invalidate_tags(tags)
            .await
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<EntryInfo>> {
        self.store("list").await?.list(page).await
    }

    async fn stats(&self) -> Result<CacheStats> {
        self.store("stats").await?.stats().await
    }

    async fn cleanup(&self) -> Result<u64> {
        self.store("cleanup").await?.cleanup().await
    }

    async fn close(&self) -> Result<()> {
        self.store("close").await?.close().await
    }

    fn stored_key(&self, key: &Key) -> Result<Key> {
        self.store.stored_key(key)
    }
}
