//! A cache that fails on request, for tests of what stands before a cache.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use store_core::{
    CacheStats, CacheStore, EntryInfo, Error, ErrorKind, FillToken, Key, Lookup, NewEntry, Page,
    PageRequest, Removal, Result, Selection, SetOutcome, Tag,
};

/// A cache whose calls fail while it is told to; clones share the state.
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
    fault: Arc<Mutex<Option<ErrorKind>>>,
    calls: Arc<AtomicU64>,
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
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = Some(kind);
    }

    /// Lets calls through again.
    pub fn recover(&self) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// How many calls were made, those that failed included.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    fn store(&self, operation: &'static str) -> Result<&dyn CacheStore> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        match *self.fault.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(kind) => Err(Error::new(kind, "faulty", operation)),
            None => Ok(&*self.store),
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl CacheStore for FaultyCache {
    async fn get(&self, key: &Key) -> Result<Lookup> {
        self.store("get")?.get(key).await
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Lookup>> {
        self.store("get_many")?.get_many(keys).await
    }

    async fn set(&self, entry: NewEntry) -> Result<SetOutcome> {
        self.store("set")?.set(entry).await
    }

    async fn set_many(&self, entries: Vec<NewEntry>) -> Result<Vec<SetOutcome>> {
        self.store("set_many")?.set_many(entries).await
    }

    async fn fill_token(&self) -> Result<FillToken> {
        self.store("fill_token")?.fill_token().await
    }

    async fn delete(&self, key: &Key) -> Result<Removal> {
        self.store("delete")?.delete(key).await
    }

    async fn clear(&self, selection: &Selection) -> Result<Removal> {
        self.store("clear")?.clear(selection).await
    }

    async fn invalidate_tags(&self, tags: &[Tag]) -> Result<Removal> {
        self.store("invalidate_tags")?.invalidate_tags(tags).await
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<EntryInfo>> {
        self.store("list")?.list(page).await
    }

    async fn stats(&self) -> Result<CacheStats> {
        self.store("stats")?.stats().await
    }

    async fn cleanup(&self) -> Result<u64> {
        self.store("cleanup")?.cleanup().await
    }

    async fn close(&self) -> Result<()> {
        self.store("close")?.close().await
    }

    fn stored_key(&self, key: &Key) -> Result<Key> {
        self.store.stored_key(key)
    }
}
