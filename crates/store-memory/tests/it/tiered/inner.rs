//! An inner store of which some calls fail.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use store_conformance::async_trait;
use store_core::{
    CacheStats, CacheStore, EntryInfo, Error, ErrorKind, FillToken, Key, Lookup, NewEntry, Page,
    PageRequest, Removal, Result, Selection, SetOutcome, Tag,
};
use store_memory::MemoryCacheStore;

use super::outer::Gate;

/// A store in memory of which some calls fail.
#[derive(Clone, Debug)]
pub(crate) struct Broken {
    store: MemoryCacheStore,
    pub(crate) removals_fail: Arc<AtomicBool>,
    pub(crate) all_fail: Arc<AtomicBool>,
    /// Where removals wait.
    pub(crate) before_removal: Arc<Gate>,
}

impl Broken {
    pub(crate) fn new(store: MemoryCacheStore) -> Self {
        Self {
            store,
            removals_fail: Arc::default(),
            all_fail: Arc::default(),
            before_removal: Arc::default(),
        }
    }

    fn works(&self) -> Result<&MemoryCacheStore> {
        fails(&self.all_fail).map(|()| &self.store)
    }

    async fn removes(&self) -> Result<&MemoryCacheStore> {
        self.before_removal.pass().await;
        fails(&self.removals_fail)?;
        self.works()
    }
}

fn fails(flag: &AtomicBool) -> Result<()> {
    if flag.load(Ordering::SeqCst) {
        return Err(Error::new(ErrorKind::Unavailable, "inner", "call"));
    }
    Ok(())
}

#[async_trait]
impl CacheStore for Broken {
    async fn get(&self, key: &Key) -> Result<Lookup> {
        self.works()?.get(key).await
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Lookup>> {
        self.works()?.get_many(keys).await
    }

    async fn set(&self, entry: NewEntry) -> Result<SetOutcome> {
        self.works()?.set(entry).await
    }

    async fn set_many(&self, entries: Vec<NewEntry>) -> Result<Vec<SetOutcome>> {
        self.works()?.set_many(entries).await
    }

    async fn fill_token(&self) -> Result<FillToken> {
        self.works()?.fill_token().await
    }

    async fn delete(&self, key: &Key) -> Result<Removal> {
        self.removes().await?.delete(key).await
    }

    async fn clear(&self, selection: &Selection) -> Result<Removal> {
        self.removes().await?.clear(selection).await
    }

    async fn invalidate_tags(&self, tags: &[Tag]) -> Result<Removal> {
        self.removes().await?.invalidate_tags(tags).await
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<EntryInfo>> {
        self.works()?.list(page).await
    }

    async fn stats(&self) -> Result<CacheStats> {
        self.works()?.stats().await
    }

    async fn cleanup(&self) -> Result<u64> {
        self.works()?.cleanup().await
    }

    async fn close(&self) -> Result<()> {
        self.works()?.close().await
    }
}
