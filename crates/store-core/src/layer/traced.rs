//! Spans and a log of slow operations.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tracing::{Instrument, debug_span, warn};

use crate::cache::{
    CacheStats, CacheStore, EntryInfo, FillToken, Lookup, NewEntry, Removal, SetOutcome,
};
use crate::clock::{Clock, SystemClock};
use crate::error::Result;
use crate::key::{Key, Selection};
use crate::page::{Page, PageRequest};
use crate::tag::Tag;

/// The time from which an operation is slow, unless another is set.
const SLOW: Duration = Duration::from_millis(100);

/// Gives every operation of a cache a span, and logs those that were slow or failed.
///
/// The span `cache` is of level `debug` and carries the label of this layer, the operation, and the key if
/// there is one. An operation that took at least [`with_slow_threshold`](Self::with_slow_threshold), and one
/// that failed, is logged as a warning with the same fields and its duration. No value is logged.
///
/// It costs two readings of the clock per call, and what the subscriber does. Place it around the store or
/// layer whose time is of interest; several with different labels show where the time goes.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::time::Duration;
///
/// use store_core::layer::Traced;
/// use store_core::{CacheStore, Key};
/// use store_memory::MemoryCacheStore;
///
/// let cache = Traced::new("answers", MemoryCacheStore::new())
///     .with_slow_threshold(Duration::from_millis(20));
/// cache.get(&Key::new("issue:1")?).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Traced<S> {
    label: Cow<'static, str>,
    store: S,
    slow: Duration,
    clock: Arc<dyn Clock>,
}

impl<S: CacheStore> Traced<S> {
    /// A layer whose spans and log lines carry `label`. Operations from 100 ms on are slow.
    #[must_use]
    pub fn new(label: impl Into<Cow<'static, str>>, store: S) -> Self {
        Self {
            label: label.into(),
            store,
            slow: SLOW,
            clock: Arc::new(SystemClock::new()),
        }
    }

    /// Sets the time from which an operation is slow. Default: 100 ms.
    #[must_use]
    pub fn with_slow_threshold(mut self, slow: Duration) -> Self {
        self.slow = slow;
        self
    }

    /// Sets the clock. Default: the system's.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    async fn watch<T>(
        &self,
        operation: &'static str,
        key: Option<&Key>,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let (label, key) = (&*self.label, key.map(Key::as_str));
        let began = self.clock.monotonic();
        let span = debug_span!("cache", label, operation, key);
        let answer = call.instrument(span).await;
        let took = self.clock.monotonic().saturating_sub(began);
        if let Err(error) = &answer {
            warn!(label, operation, key, ?took, %error, "a cache operation failed");
        } else if took >= self.slow {
            warn!(label, operation, key, ?took, "a cache operation was slow");
        }
        answer
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: CacheStore> CacheStore for Traced<S> {
    async fn get(&self, key: &Key) -> Result<Lookup> {
        self.watch("get", Some(key), self.store.get(key)).await
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Lookup>> {
        self.watch("get_many", None, self.store.get_many(keys))
            .await
    }

    async fn set(&self, entry: NewEntry) -> Result<SetOutcome> {
        let key = entry.key.clone();
        self.watch("set", Some(&key), self.store.set(entry)).await
    }

    async fn set_many(&self, entries: Vec<NewEntry>) -> Result<Vec<SetOutcome>> {
        self.watch("set_many", None, self.store.set_many(entries))
            .await
    }

    async fn fill_token(&self) -> Result<FillToken> {
        self.watch("fill_token", None, self.store.fill_token())
            .await
    }

    async fn delete(&self, key: &Key) -> Result<Removal> {
        self.watch("delete", Some(key), self.store.delete(key))
            .await
    }

    async fn clear(&self, selection: &Selection) -> Result<Removal> {
        self.watch("clear", None, self.store.clear(selection)).await
    }

    async fn invalidate_tags(&self, tags: &[Tag]) -> Result<Removal> {
        self.watch("invalidate_tags", None, self.store.invalidate_tags(tags))
            .await
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<EntryInfo>> {
        self.watch("list", None, self.store.list(page)).await
    }

    async fn stats(&self) -> Result<CacheStats> {
        self.watch("stats", None, self.store.stats()).await
    }

    async fn cleanup(&self) -> Result<u64> {
        self.watch("cleanup", None, self.store.cleanup()).await
    }

    async fn close(&self) -> Result<()> {
        self.watch("close", None, self.store.close()).await
    }

    fn stored_key(&self, key: &Key) -> Result<Key> {
        self.store.stored_key(key)
    }
}
