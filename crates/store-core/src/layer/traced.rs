//! Spans, a log of slow operations, and metrics.

mod metrics;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tracing::{Instrument, debug_span, warn};

use self::metrics::{Measurement, Outcomes};
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

/// Gives every operation of a cache a span, logs those that were slow or failed, and counts and times them all.
///
/// The span `cache` is of level `debug` and carries the label of this layer, the operation, and the key or the number of
/// keys, if there are any. An operation that took at least [`with_slow_threshold`](Self::with_slow_threshold), and one
/// that failed, is logged as a warning with the same fields and its duration. No value is logged.
///
/// # Metrics
///
/// With the feature `metrics` of this crate, which is off by default, each operation is also counted and timed by the
/// recorder that the application has installed for the `metrics` facade:
///
/// | metric | kind, unit | labels |
/// |---|---|---|
/// | `cache_operations_total` | counter: one per call, of `get_many` and `set_many` one per key | `label`, `operation`, `outcome` |
/// | `cache_operation_seconds` | histogram: seconds, one per call | `label`, `operation` |
///
/// `operation` is the name of the method. `outcome` is `hit` or `miss` of a lookup, `stored` or `outdated` of a value
/// that was to be stored, `ok` of anything else; of a call that failed the kind of its error in lower case, such as
/// `timeout` or `circuit_open`; and `dropped` of one whose caller did not wait for its end. A stale value is a hit
/// here: what [`ReadThrough`](super::ReadThrough) makes of it is in its
/// [`stats`](super::ReadThrough::stats). No label contains a key, a tag or a value.
///
/// # Costs
///
/// Two readings of the clock per call, and what the subscriber and the recorder do. Place it around the store or
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
    label: Arc<str>,
    store: S,
    slow: Duration,
    clock: Arc<dyn Clock>,
}

impl<S: CacheStore> Traced<S> {
    /// A layer whose spans and log lines carry `label`. Operations from 100 ms on are slow.
    #[must_use]
    pub fn new(label: impl Into<Cow<'static, str>>, store: S) -> Self {
        Self {
            label: Arc::from(label.into()),
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

    async fn watch<T: Outcomes>(
        &self,
        operation: &'static str,
        subject: Subject<'_>,
        call: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let label = &*self.label;
        let (key, keys) = match subject {
            Subject::Key(key) => (Some(key.as_str()), None),
            Subject::Keys(keys) => (None, Some(keys)),
            Subject::Store => (None, None),
        };
        let measurement =
            Measurement::begin(&self.label, operation, keys.unwrap_or(1), &*self.clock);
        let span = debug_span!("cache", label, operation, key, keys);
        let answer = call.instrument(span).await;
        let took = measurement.end(&answer);
        if let Err(error) = &answer {
            warn!(label, operation, key, keys, ?took, %error, "a cache operation failed");
        } else if took >= self.slow {
            warn!(
                label,
                operation,
                key,
                keys,
                ?took,
                "a cache operation was slow"
            );
        }
        answer
    }
}

/// What an operation is about.
#[derive(Clone, Copy, Debug)]
enum Subject<'a> {
    Key(&'a Key),
    /// So many keys.
    Keys(usize),
    /// What the operation finds.
    Store,
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: CacheStore> CacheStore for Traced<S> {
    async fn get(&self, key: &Key) -> Result<Lookup> {
        self.watch("get", Subject::Key(key), self.store.get(key))
            .await
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Lookup>> {
        let subject = Subject::Keys(keys.len());
        self.watch("get_many", subject, self.store.get_many(keys))
            .await
    }

    async fn set(&self, entry: NewEntry) -> Result<SetOutcome> {
        let key = entry.key.clone();
        let subject = Subject::Key(&key);
        self.watch("set", subject, self.store.set(entry)).await
    }

    async fn set_many(&self, entries: Vec<NewEntry>) -> Result<Vec<SetOutcome>> {
        let subject = Subject::Keys(entries.len());
        self.watch("set_many", subject, self.store.set_many(entries))
            .await
    }

    async fn fill_token(&self) -> Result<FillToken> {
        self.watch("fill_token", Subject::Store, self.store.fill_token())
            .await
    }

    async fn delete(&self, key: &Key) -> Result<Removal> {
        self.watch("delete", Subject::Key(key), self.store.delete(key))
            .await
    }

    async fn clear(&self, selection: &Selection) -> Result<Removal> {
        self.watch("clear", Subject::Store, self.store.clear(selection))
            .await
    }

    async fn invalidate_tags(&self, tags: &[Tag]) -> Result<Removal> {
        self.watch(
            "invalidate_tags",
            Subject::Store,
            self.store.invalidate_tags(tags),
        )
        .await
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<EntryInfo>> {
        self.watch("list", Subject::Store, self.store.list(page))
            .await
    }

    async fn stats(&self) -> Result<CacheStats> {
        self.watch("stats", Subject::Store, self.store.stats())
            .await
    }

    async fn cleanup(&self) -> Result<u64> {
        self.watch("cleanup", Subject::Store, self.store.cleanup())
            .await
    }

    async fn close(&self) -> Result<()> {
        self.watch("close", Subject::Store, self.store.close())
            .await
    }

    fn stored_key(&self, key: &Key) -> Result<Key> {
        self.store.stored_key(key)
    }
}
