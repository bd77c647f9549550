//! The cache: what is queued is read from the queue.

use async_trait::async_trait;

use super::WriteBehind;
use crate::cache::{
    CacheStats, CacheStore, EntryInfo, FillToken, Lookup, NewEntry, Removal, SetOutcome,
};
use crate::error::{ErrorKind, Result};
use crate::key::{Key, Selection};
use crate::page::{Page, PageRequest};
use crate::tag::Tag;

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: CacheStore> CacheStore for WriteBehind<S> {
    /// A queued write is a hit, as a value that does not expire.
    async fn get(&self, key: &Key) -> Result<Lookup> {
        let cached = self.inner.cache.get(key).await;
        match &cached {
            Ok(Lookup::Hit(_)) => return cached,
            Err(error) if error.kind() == ErrorKind::Closed => return cached,
            Ok(Lookup::Miss(_)) | Err(_) => {}
        }
        let queued = self.inner.queued(std::slice::from_ref(key)).await?;
        match queued.into_iter().next().flatten() {
            Some(entry) => Ok(Lookup::Hit(entry)),
            None => cached,
        }
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Lookup>> {
        let mut lookups = self.inner.cache.get_many(keys).await?;
        let is_miss = |lookup: &Lookup| matches!(lookup, Lookup::Miss(_));
        let each = keys.iter().zip(&lookups);
        let missing = each.filter(|(_, lookup)| is_miss(lookup));
        let missing: Vec<Key> = missing.map(|(key, _)| key.clone()).collect();
        let queued = self.inner.queued(&missing).await?;
        let misses = lookups.iter_mut().filter(|lookup| is_miss(lookup));
        for (lookup, queued) in misses.zip(queued) {
            if let Some(entry) = queued {
                *lookup = Lookup::Hit(entry);
            }
        }
        Ok(lookups)
    }

    /// Stores a value in the cache alone, unless a write of its key is queued: then it is outdated.
    async fn set(&self, entry: NewEntry) -> Result<SetOutcome> {
        let outcomes = self.set_many(vec![entry]).await?;
        Ok(outcomes.first().copied().unwrap_or(SetOutcome::Outdated))
    }

    async fn set_many(&self, entries: Vec<NewEntry>) -> Result<Vec<SetOutcome>> {
        self.inner.set_many(entries).await
    }

    async fn fill_token(&self) -> Result<FillToken> {
        self.inner.cache.fill_token().await
    }

    async fn delete(&self, key: &Key) -> Result<Removal> {
        self.inner.cache.delete(key).await
    }

    async fn clear(&self, selection: &Selection) -> Result<Removal> {
        self.inner.cache.clear(selection).await
    }

    async fn invalidate_tags(&self, tags: &[Tag]) -> Result<Removal> {
        self.inner.cache.invalidate_tags(tags).await
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<EntryInfo>> {
        self.inner.cache.list(page).await
    }

    async fn stats(&self) -> Result<CacheStats> {
        self.inner.cache.stats().await
    }

    async fn cleanup(&self) -> Result<u64> {
        self.inner.cache.cleanup().await
    }

    /// Accepts no more writes, delivers what is queued for [`close_timeout`](super::WriteBehindOptions::close_timeout) at most,
    /// and closes the cache. What is left stays in the queue, which is not closed, and is logged. A write that is under way
    /// meanwhile may still be accepted, and is delivered by another process, or after the next start.
    async fn close(&self) -> Result<()> {
        self.inner.refuse_writes();
        if !self.worker.is_stopped() {
            let left = self.inner.flush(self.inner.options.close_timeout).await;
            self.worker.stop();
            match left {
                Ok(0) => {}
                Ok(left) => tracing::warn!(left, "writes stay in the queue for later"),
                Err(error) => tracing::warn!(%error, "whether writes are left is not known"),
            }
        }
        self.inner.cache.close().await
    }

    fn stored_key(&self, key: &Key) -> Result<Key> {
        self.inner.cache.stored_key(key)
    }
}
