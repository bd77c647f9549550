//! What the clones of a write-behind cache share: accepting writes, and what lookups and fills see of the queue.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{Notify, watch};
use tracing::debug;

use super::options::WriteBehindOptions;
use super::stats::{Counters, WriteBehindStats};
use crate::backend::Deadline;
use crate::cache::{CacheStore, Entry, NewEntry, SetOutcome};
use crate::error::{BoxError, Error, ErrorKind, Result};
use crate::key::Key;
use crate::layer::within::within;
use crate::write_queue::{Delivery, WriteQueue, WriteSequence};

const LAYER: &str = "write-behind";

/// How often the cache is asked to drop a value, and the first pause between two tries, which doubles.
const DROP_ATTEMPTS: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(25);

/// How often a flush looks for what other processes have delivered.
const FLUSH_INTERVAL: Duration = Duration::from_millis(50);

/// A delivery to the target under way.
pub(super) type Delivering = Pin<Box<dyn Future<Output = Result<(), BoxError>> + Send>>;
pub(super) type Target = Box<dyn Fn(Delivery) -> Delivering + Send + Sync>;

pub(super) struct Inner<S> {
    pub(super) cache: S,
    pub(super) queue: Arc<dyn WriteQueue>,
    pub(super) options: WriteBehindOptions,
    pub(super) target: Target,
    pub(super) counters: Counters,
    /// Told of each write that was accepted here.
    pub(super) accepted: Notify,
    /// Told of each write that left the queue.
    pub(super) removed: watch::Sender<()>,
    refuses_writes: AtomicBool,
}

impl<S: fmt::Debug> fmt::Debug for Inner<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner")
            .field("cache", &self.cache)
            .field("queue", &self.queue)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// Queues a write and drops what the cache has of its key, in a task of its own: a caller who stops waiting leaves no
/// cached value from before.
pub(super) async fn write<S: CacheStore>(
    inner: &Arc<Inner<S>>,
    key: Key,
    value: Bytes,
) -> Result<WriteSequence> {
    if inner.refuses_writes.load(Ordering::Acquire) {
        return Err(failed(ErrorKind::Closed, &key).with_detail("it was closed; create another"));
    }
    let name = key.clone();
    let accepting = {
        let inner = Arc::clone(inner);
        async move {
            let sequence = inner.queue.push(&key, value).await?;
            inner.counters.accepted.count();
            // After the push: what was loaded before it must not be stored after it. The next lookup finds the write.
            let dropped = inner.drop_cached(&key).await;
            inner.accepted.notify_one();
            // The kinds with which the queue refuses a write say that nothing was accepted; this one does not.
            dropped.map_err(|error| {
                let detail = "the write is queued and will be delivered, but the cache may have an older value until then";
                failed(ErrorKind::Unavailable, &key).with_detail(detail).with_source(error)
            })?;
            Ok(sequence)
        }
    };
    let lost = |error| failed(ErrorKind::Unavailable, &name).with_source(error);
    tokio::spawn(accepting).await.map_err(lost)?
}

fn failed(kind: ErrorKind, key: &Key) -> Error {
    Error::new(kind, LAYER, "write").with_key(key.as_str())
}

impl<S: CacheStore> Inner<S> {
    pub(super) fn new(
        cache: S,
        queue: Arc<dyn WriteQueue>,
        options: WriteBehindOptions,
        target: Target,
    ) -> Self {
        Self {
            cache,
            queue,
            options,
            target,
            counters: Counters::default(),
            accepted: Notify::new(),
            removed: watch::Sender::new(()),
            refuses_writes: AtomicBool::new(false),
        }
    }

    pub(super) fn refuse_writes(&self) {
        self.refuses_writes.store(true, Ordering::Release);
    }

    /// What is queued of each of `keys`, as entries.
    pub(super) async fn queued(&self, keys: &[Key]) -> Result<Vec<Option<Entry>>> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let newest = self.queue.newest(keys).await?.into_iter();
        let entries =
            newest.map(|write| Some(write?).map(|it| Entry::new(it.value, it.queued_at, None)));
        Ok(entries.collect())
    }

    /// Removes what the cache has of `key`, and voids fills of it that are under way.
    pub(super) async fn drop_cached(&self, key: &Key) -> Result<()> {
        let mut pause = FIRST_PAUSE;
        let mut attempt = 1;
        loop {
            match self.cache.delete(key).await {
                Ok(_) => return Ok(()),
                Err(error) if error.is_retryable() && attempt < DROP_ATTEMPTS => {
                    debug!(%key, %error, "removing a cached value again");
                }
                Err(error) => return Err(error),
            }
            self.options.clock.sleep(pause).await;
            pause *= 2;
            attempt += 1;
        }
    }

    /// Stores values in the cache, but those whose keys have a queued write.
    pub(super) async fn set_many(&self, mut entries: Vec<NewEntry>) -> Result<Vec<SetOutcome>> {
        if self.refuses_writes.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Closed, LAYER, "set"));
        }
        // Before the queue is looked at: a write after that voids the token.
        if entries.iter().any(|entry| entry.token.is_none()) {
            let token = self.cache.fill_token().await?;
            for entry in &mut entries {
                entry.token.get_or_insert(token);
            }
        }
        let keys: Vec<Key> = entries.iter().map(|entry| entry.key.clone()).collect();
        let queued = self.queued(&keys).await?;
        let (mut stored, mut places) = (Vec::new(), Vec::new());
        for (place, (entry, queued)) in entries.into_iter().zip(&queued).enumerate() {
            if queued.is_none() {
                stored.push(entry);
                places.push(place);
            }
        }
        let mut outcomes = vec![SetOutcome::Outdated; keys.len()];
        // A closed store refuses an empty list, too.
        if !stored.is_empty() || keys.is_empty() {
            let each = self.cache.set_many(stored).await?;
            for (place, outcome) in places.into_iter().zip(each) {
                if let Some(slot) = outcomes.get_mut(place) {
                    *slot = outcome;
                }
            }
        }
        Ok(outcomes)
    }

    /// Waits until the queue is empty; returns how many writes are left when the time is over.
    pub(super) async fn flush(&self, timeout: Duration) -> Result<u64> {
        let clock = &*self.options.clock;
        let deadline = Deadline::after(timeout, clock);
        let mut removed = self.removed.subscribe();
        loop {
            let delivered = self.counters.delivered.get();
            let left = self.queue.stats().await?.writes;
            if left == 0 || deadline.is_over(clock) {
                return Ok(left);
            }
            // The queue is looked at when this instance may have delivered everything, not after each write: that
            // walks all keys.
            let all_delivered = async {
                while self.counters.delivered.get() < delivered + left {
                    // The sender lives in `self`.
                    let _ = removed.changed().await;
                }
            };
            let pause = deadline.left(clock).min(FLUSH_INTERVAL);
            within(clock, pause, all_delivered).await;
        }
    }

    pub(super) async fn stats(&self) -> Result<WriteBehindStats> {
        let queue = self.queue.stats().await?;
        Ok(self.counters.with_queue(queue, self.options.clock.now()))
    }
}
