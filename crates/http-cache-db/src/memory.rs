//! Stored responses in memory.

mod contents;
mod fill;
mod in_progress;
mod state;
mod stored;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::Uri;
use store_core::{Clock, Error, ErrorKind, Result, SystemClock};

use self::fill::MemoryFill;
use self::state::State;
pub(crate) use self::stored::head_bytes;
use crate::events::{Event, Events};
use crate::keys::{Salt, TargetKey};
use crate::store::{
    ContentHash, ContentId, Counts, Evicted, Fill, FillingBytes, Health, Hit, Purge, ResponseId,
    ResponseStore, StoredBody, Variant, Version,
};

/// The part of the store that a single body may take.
const MAX_BODY_SHARE: u64 = 8;

/// Stored responses in memory, bounded by their bytes: those not used for the longest time are evicted. Clones
/// share them.
///
/// ```
/// use http::Uri;
/// use http_cache_db::MemoryStore;
/// use http_cache_db::store::ResponseStore;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), http_cache_db::Error> {
/// let store = MemoryStore::new(64 * 1024 * 1024);
/// let target = store.salt().target_key(&Uri::from_static("http://example.org/"));
/// assert!(store.variants(target).await?.is_empty());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct MemoryStore {
    inner: Arc<Inner>,
    max_versions: usize,
    events: Events,
    clock: Arc<dyn Clock>,
}

#[derive(Debug)]
struct Inner {
    salt: Salt,
    max_bytes: u64,
    filling_bytes: FillingBytes,
    is_closed: AtomicBool,
    state: Mutex<State>,
}

impl MemoryStore {
    /// A store of at most `max_bytes`, of which fills in progress may take as much again. Older versions of
    /// bodies are not kept.
    #[must_use]
    pub fn new(max_bytes: u64) -> Self {
        let inner = Inner {
            salt: Salt::random(),
            max_bytes,
            filling_bytes: FillingBytes::default(),
            is_closed: AtomicBool::new(false),
            state: Mutex::default(),
        };
        Self {
            inner: Arc::new(inner),
            max_versions: 0,
            events: Events::default(),
            clock: Arc::new(SystemClock::new()),
        }
    }

    /// Keeps so many older versions of each body.
    #[must_use]
    pub const fn with_max_versions(mut self, max_versions: usize) -> Self {
        self.max_versions = max_versions;
        self
    }

    /// Tells these listeners what happens.
    #[must_use]
    pub fn with_events(mut self, events: Events) -> Self {
        self.events = events;
        self
    }

    /// Takes the time of this clock.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    fn open(&self, operation: &'static str) -> Result<MutexGuard<'_, State>> {
        if self.inner.is_closed.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Closed, "memory", operation));
        }
        Ok(self.inner.state())
    }

    fn removed(&self, responses: u64) -> u64 {
        if responses > 0 {
            self.events.emit(|| Event::DeleteSuccess { responses });
        }
        responses
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl ResponseStore for MemoryStore {
    fn salt(&self) -> Salt {
        self.inner.salt
    }

    fn events(&self) -> &Events {
        &self.events
    }

    fn max_body_bytes(&self) -> u64 {
        self.inner.max_bytes / MAX_BODY_SHARE
    }

    async fn variants(&self, target: TargetKey) -> Result<Vec<Variant>> {
        Ok(self.open("variants")?.variants(target))
    }

    async fn find_equivalent(&self, target: &Uri) -> Result<Option<(TargetKey, String)>> {
        let salt = self.inner.salt;
        Ok(self.open("find_equivalent")?.find_equivalent(target, salt))
    }

    async fn body(&self, content: ContentId) -> Result<Option<StoredBody>> {
        Ok(self.open("body")?.body(content).map(StoredBody::Whole))
    }

    /// `None`: no body is chunked here.
    async fn chunk(&self, _: ContentId, _: u64) -> Result<Option<Bytes>> {
        self.open("chunk").map(|_| None)
    }

    async fn find_content(&self, hash: &ContentHash) -> Result<Option<ContentId>> {
        Ok(self.open("find_content")?.find_content(hash))
    }

    async fn begin(&self, target: TargetKey) -> Result<Box<dyn Fill>> {
        let begun = self.open("begin")?.begin(target);
        Ok(Box::new(MemoryFill::new(self.clone(), target, begun)))
    }

    async fn invalidate(&self, target: TargetKey) -> Result<u64> {
        let responses = self.open("invalidate")?.invalidate(target);
        Ok(self.removed(responses))
    }

    async fn purge(&self, purge: &Purge) -> Result<u64> {
        let (salt, now) = (self.inner.salt, self.clock.now());
        let responses = self.open("purge")?.purge(purge, salt, now);
        if purge.is_soft() {
            return Ok(responses);
        }
        Ok(self.removed(responses))
    }

    async fn remove(&self, response: ResponseId) -> Result<bool> {
        let is_removed = self.open("remove")?.remove(response);
        Ok(self.removed(is_removed.into()) > 0)
    }

    async fn release(&self, content: ContentId) -> Result<u64> {
        let responses = self.open("release")?.release(content);
        Ok(self.removed(responses))
    }

    async fn clear(&self) -> Result<u64> {
        let responses = self.open("clear")?.clear();
        self.events.emit(|| Event::Destroyed { responses });
        Ok(responses)
    }

    async fn evict(&self, bytes: u64) -> Result<Evicted> {
        let evicted = {
            let mut state = self.open("evict")?;
            let most = state.used_bytes().saturating_sub(bytes);
            state.evict_to(most)
        };
        self.events.emit_evicted(evicted);
        Ok(evicted)
    }

    async fn record_hits(&self, hits: Vec<Hit>) -> Result<()> {
        let counted = self.open("record_hits")?.record_hits(&hits);
        for (response, hits) in counted {
            self.events.emit(|| Event::Accessed { response, hits });
        }
        Ok(())
    }

    async fn counts(&self) -> Result<Counts> {
        Ok(self.open("counts")?.counts())
    }

    async fn history(&self, target: TargetKey) -> Result<Vec<Version>> {
        Ok(self.open("history")?.history(target))
    }

    async fn health(&self) -> Result<Health> {
        Ok(Health {
            used_bytes: self.open("health")?.used_bytes(),
            max_bytes: self.inner.max_bytes,
            latency: Duration::ZERO,
        })
    }

    fn is_open(&self) -> bool {
        !self.inner.is_closed.load(Ordering::Acquire)
    }

    async fn close(&self) -> Result<()> {
        if !self.inner.is_closed.swap(true, Ordering::AcqRel) {
            self.events.emit(|| Event::Disconnected);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use store_core::{ManualClock, Timestamp};

    use super::*;

    crate::store_cases!(MemoryStore::new(1 << 20).with_max_versions(2));

    #[tokio::test]
    async fn a_response_of_the_future_does_not_stay_for_ever() {
        let clock = ManualClock::at(Timestamp::from_millis(1_000_000));
        let store = MemoryStore::new(1 << 20).with_clock(Arc::new(clock));
        crate::store::cases::a_response_of_the_future_does_not_stay(&store).await;
    }

    #[tokio::test]
    async fn fills_in_progress_are_bounded() {
        let memory = MemoryStore::new(100_000);
        let target = memory
            .salt()
            .target_key(&"http://example.org/".parse().unwrap());
        let mut fills = Vec::new();
        for _ in 0..9 {
            let mut fill = memory.begin(target).await.unwrap();
            if fill.append(vec![0; 12_000].into()).await.is_ok() {
                fills.push(fill);
            }
        }
        let filling = || memory.inner.filling_bytes.get();
        assert_eq!((fills.len(), filling()), (8, 96_000));
        drop(fills);
        assert_eq!(filling(), 0);
    }
}
