//! Stores of which each call fails with a probability, before it does anything or after.

use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use store_core::{
    CacheStats, DedupeStats, EndOutcome, EntryInfo, Heartbeat, JobId, JobInfo, JobOutcome,
    JobResult, Ownership, Page, PageRequest, Random, Registration, Removal, Tag,
};
use store_memory::{
    CacheStore, DedupeStore, Error, ErrorKind, FillToken, Lookup, NewEntry, Priority, Result,
    Selection, SetOutcome,
};

use super::*;

/// Whether and when a call fails. Clones share the switch.
#[derive(Clone, Debug)]
pub(super) struct Faults {
    random: Arc<SeededRandom>,
    is_on: Arc<AtomicBool>,
    /// The operation that always fails, in place of all that fail at random.
    only: Option<&'static str>,
}

impl Faults {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            random: Arc::new(SeededRandom::new(seed)),
            is_on: Arc::new(AtomicBool::new(true)),
            only: None,
        }
    }

    pub(super) fn always(operation: &'static str) -> Self {
        Self {
            only: Some(operation),
            ..Self::new(1)
        }
    }

    pub(super) fn end(&self) {
        self.is_on.store(false, Ordering::SeqCst);
    }

    /// Fails a third of the calls, or every call of one operation.
    fn roll(&self, operation: &'static str) -> Result<()> {
        let fails = match self.only {
            Some(only) => only == operation,
            None => self.random.next_u64().is_multiple_of(3),
        };
        if fails && self.is_on.load(Ordering::SeqCst) {
            return Err(Error::new(ErrorKind::Unavailable, "faulty", operation));
        }
        Ok(())
    }
}

#[derive(Debug)]
pub(super) struct Faulty<S> {
    pub(super) store: S,
    pub(super) faults: Faults,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl CacheStore for Faulty<MemoryCacheStore> {
    async fn get(&self, key: &Key) -> Result<Lookup> {
        self.faults.roll("get")?;
        self.store.get(key).await
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Lookup>> {
        self.store.get_many(keys).await
    }

    async fn set(&self, entry: NewEntry) -> Result<SetOutcome> {
        self.faults.roll("set")?;
        let outcome = self.store.set(entry).await?;
        self.faults.roll("set").map(|()| outcome)
    }

    async fn set_many(&self, entries: Vec<NewEntry>) -> Result<Vec<SetOutcome>> {
        self.store.set_many(entries).await
    }

    async fn fill_token(&self) -> Result<FillToken> {
        self.faults.roll("fill_token")?;
        self.store.fill_token().await
    }

    async fn delete(&self, key: &Key) -> Result<Removal> {
        self.store.delete(key).await
    }

    async fn clear(&self, selection: &Selection) -> Result<Removal> {
        self.store.clear(selection).await
    }

    async fn invalidate_tags(&self, tags: &[Tag]) -> Result<Removal> {
        self.store.invalidate_tags(tags).await
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<EntryInfo>> {
        self.store.list(page).await
    }

    async fn stats(&self) -> Result<CacheStats> {
        self.store.stats().await
    }

    async fn cleanup(&self) -> Result<u64> {
        self.store.cleanup().await
    }

    async fn close(&self) -> Result<()> {
        self.store.close().await
    }

    fn stored_key(&self, key: &Key) -> Result<Key> {
        self.store.stored_key(key)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl DedupeStore for Faulty<MemoryDedupeStore> {
    async fn register_or_join(&self, key: &Key, priority: Priority) -> Result<Registration> {
        self.faults.roll("register_or_join")?;
        let registration = self.store.register_or_join(key, priority).await?;
        self.faults.roll("register_or_join").map(|()| registration)
    }

    async fn wait_for(&self, key: &Key, job: &JobId, timeout: Duration) -> Result<JobOutcome> {
        self.faults.roll("wait_for")?;
        self.store.wait_for(key, job, timeout).await
    }

    async fn heartbeat(&self, key: &Key, job: &JobId) -> Result<Heartbeat> {
        self.faults.roll("heartbeat")?;
        self.store.heartbeat(key, job).await
    }

    async fn complete(&self, owner: &mut Ownership, result: JobResult) -> Result<EndOutcome> {
        self.faults.roll("complete")?;
        self.store.complete(owner, result).await
    }

    async fn fail(&self, owner: &mut Ownership, error: &str) -> Result<EndOutcome> {
        self.faults.roll("fail")?;
        self.store.fail(owner, error).await
    }

    async fn is_in_progress(&self, key: &Key) -> Result<bool> {
        self.store.is_in_progress(key).await
    }

    async fn lease_left(&self, key: &Key) -> Result<Option<Duration>> {
        self.store.lease_left(key).await
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<JobInfo>> {
        self.store.list(page).await
    }

    async fn stats(&self) -> Result<DedupeStats> {
        self.store.stats().await
    }

    async fn clear(&self, selection: &Selection) -> Result<u64> {
        self.store.clear(selection).await
    }

    async fn cleanup(&self) -> Result<u64> {
        self.store.cleanup().await
    }

    async fn close(&self) -> Result<()> {
        self.store.close().await
    }
}
