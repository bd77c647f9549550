//! A store in memory with faults on demand.

use std::collections::HashSet;

use async_trait::async_trait;
use bytes::Bytes;
use store_core::{Error, ErrorKind};

use super::*;
use crate::keys::{Salt, TargetKey};
use crate::store::{
    ContentHash, ContentId, Counts, Evicted, Fill, Health, NewResponse, Purge, ResponseId,
    StoredBody, Variant, Version,
};

#[derive(Clone, Debug)]
pub(super) struct Faulty {
    inner: MemoryStore,
    faults: Arc<Mutex<Faults>>,
    /// A permit for each piece of a body, and for each commit.
    pub(super) gate: Arc<Semaphore>,
    /// A permit for each lookup that fails by being late.
    pub(super) late: Arc<Semaphore>,
}

#[derive(Debug, Default)]
struct Faults {
    failing: HashSet<&'static str>,
    chunk_bytes: Option<u64>,
    missing_chunk: Option<u64>,
    hits: Vec<Hit>,
}

impl Faulty {
    pub(super) fn new() -> Self {
        Self {
            inner: MemoryStore::new(1 << 20),
            faults: Arc::default(),
            gate: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
            late: Arc::new(Semaphore::new(0)),
        }
    }

    /// Takes pieces of bodies and commits only by permits.
    pub(super) fn gated(mut self) -> Self {
        self.gate = Arc::new(Semaphore::new(0));
        self
    }

    /// Yields bodies in chunks of this length, in bytes.
    pub(super) fn chunked(self, chunk_bytes: u64) -> Self {
        self.faults.lock().unwrap().chunk_bytes = Some(chunk_bytes);
        self
    }

    pub(super) fn lose_chunk(&self, index: u64) {
        self.faults.lock().unwrap().missing_chunk = Some(index);
    }

    pub(super) fn fail(&self, operation: &'static str) {
        self.faults.lock().unwrap().failing.insert(operation);
    }

    pub(super) fn recover(&self) {
        self.faults.lock().unwrap().failing.clear();
    }

    pub(super) fn hits(&self) -> Vec<Hit> {
        self.faults.lock().unwrap().hits.clone()
    }

    pub(super) fn fails(&self, operation: &'static str) -> bool {
        self.faults.lock().unwrap().failing.contains(operation)
    }

    fn check(&self, operation: &'static str) -> Result<()> {
        if self.fails(operation) {
            return Err(Error::new(ErrorKind::Unavailable, "faulty", operation));
        }
        Ok(())
    }
}

#[async_trait]
impl ResponseStore for Faulty {
    fn salt(&self) -> Salt {
        self.inner.salt()
    }

    fn events(&self) -> &Events {
        self.inner.events()
    }

    fn max_body_bytes(&self) -> u64 {
        self.inner.max_body_bytes()
    }

    async fn variants(&self, target: TargetKey) -> Result<Vec<Variant>> {
        self.check("variants")?;
        let mut variants = self.inner.variants(target).await?;
        for variant in &mut variants {
            variant.body = None;
        }
        if self.fails("late") {
            self.recover();
            self.late.acquire().await.unwrap().forget();
        }
        Ok(variants)
    }

    async fn find_equivalent(&self, target: &http::Uri) -> Result<Option<(TargetKey, String)>> {
        self.check("find_equivalent")?;
        self.inner.find_equivalent(target).await
    }

    async fn body(&self, content: ContentId) -> Result<Option<StoredBody>> {
        self.check("body")?;
        if self.fails("gone") {
            return Ok(None);
        }
        let body = self.inner.body(content).await?;
        let chunk_bytes = self.faults.lock().unwrap().chunk_bytes;
        Ok(match (body, chunk_bytes) {
            (Some(StoredBody::Whole(bytes)), Some(chunk_bytes)) => Some(StoredBody::Chunked {
                len: bytes.len() as u64,
                chunk_bytes,
            }),
            (body, _) => body,
        })
    }

    async fn chunk(&self, content: ContentId, index: u64) -> Result<Option<Bytes>> {
        self.check("chunk")?;
        let (size, missing) = {
            let faults = self.faults.lock().unwrap();
            (faults.chunk_bytes.unwrap(), faults.missing_chunk)
        };
        let Some(StoredBody::Whole(bytes)) = self.inner.body(content).await? else {
            return Ok(None);
        };
        let start = usize::try_from(index * size).unwrap();
        let end = bytes.len().min(start + usize::try_from(size).unwrap());
        Ok((missing != Some(index)).then(|| bytes.slice(start..end)))
    }

    async fn find_content(&self, hash: &ContentHash) -> Result<Option<ContentId>> {
        self.inner.find_content(hash).await
    }

    async fn begin(&self, target: TargetKey) -> Result<Box<dyn Fill>> {
        self.check("begin")?;
        let inner = self.inner.begin(target).await?;
        Ok(Box::new(FaultyFill {
            store: self.clone(),
            inner,
        }))
    }

    async fn invalidate(&self, target: TargetKey) -> Result<u64> {
        self.check("invalidate")?;
        self.inner.invalidate(target).await
    }

    async fn purge(&self, purge: &Purge) -> Result<u64> {
        self.check("purge")?;
        self.inner.purge(purge).await
    }

    async fn remove(&self, response: ResponseId) -> Result<bool> {
        self.inner.remove(response).await
    }

    async fn release(&self, content: ContentId) -> Result<u64> {
        self.inner.release(content).await
    }

    async fn clear(&self) -> Result<u64> {
        self.inner.clear().await
    }

    async fn evict(&self, bytes: u64) -> Result<Evicted> {
        self.inner.evict(bytes).await
    }

    async fn record_hits(&self, hits: Vec<Hit>) -> Result<()> {
        self.check("record_hits")?;
        self.faults.lock().unwrap().hits.extend(hits);
        Ok(())
    }

    async fn counts(&self) -> Result<Counts> {
        self.inner.counts().await
    }

    async fn history(&self, target: TargetKey) -> Result<Vec<Version>> {
        self.inner.history(target).await
    }

    async fn health(&self) -> Result<Health> {
        self.inner.health().await
    }

    fn is_open(&self) -> bool {
        self.inner.is_open()
    }

    async fn close(&self) -> Result<()> {
        self.inner.close().await
    }
}

#[derive(Debug)]
struct FaultyFill {
    store: Faulty,
    inner: Box<dyn Fill>,
}

#[async_trait]
impl Fill for FaultyFill {
    fn describe(&mut self, headers: &http::HeaderMap) {
        self.inner.describe(headers);
    }

    async fn append(&mut self, bytes: Bytes) -> Result<()> {
        self.store.check("append")?;
        self.store.gate.acquire().await.unwrap().forget();
        self.inner.append(bytes).await
    }

    fn body_len(&self) -> u64 {
        self.inner.body_len()
    }

    async fn commit(self: Box<Self>, response: NewResponse) -> Result<Option<ResponseId>> {
        self.store.check("commit")?;
        self.store.gate.acquire().await.unwrap().forget();
        self.inner.commit(response).await
    }

    async fn freshen(
        self: Box<Self>,
        id: ResponseId,
        content: ContentId,
        response: NewResponse,
    ) -> Result<bool> {
        self.store.check("freshen")?;
        self.inner.freshen(id, content, response).await
    }
}
