//! Writes that are accepted at once and reach their source later.

mod cache;
mod deliver;
mod inner;
mod options;
mod stats;
mod worker;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use self::inner::Inner;
pub use self::options::WriteBehindOptions;
pub use self::stats::WriteBehindStats;
use self::worker::Worker;
use crate::cache::CacheStore;
use crate::error::{BoxError, Result};
use crate::key::Key;
use crate::write_queue::{Delivery, WriteQueue, WriteSequence};

/// A cache whose writes are accepted at once, kept in a queue, and delivered to their source in the background: the
/// database or the service whose values the cache holds. Clones share it.
///
/// [`write`](Self::write) puts a write into the [`WriteQueue`] and removes what the cache has of its key. While it is
/// queued, lookups get it from the queue; once the source has it, from the source. The values of a
/// [`TypedCache`](crate::TypedCache) over this are written in its codec:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::{Arc, Mutex};
///
/// use store_core::layer::WriteBehind;
/// use store_core::{Codec, Delivery, HOUR, Json, Key, SECOND, TypedCache};
/// use store_memory::{MemoryCacheStore, MemoryWriteQueue}; // or a `SqliteWriteQueue`, which survives a crash
///
/// let book = Arc::new(Mutex::new(None::<String>)); // stands for a table
/// let table = Arc::clone(&book);
/// let save = move |Delivery { write, .. }: Delivery| {
///     let table = Arc::clone(&table);
///     async move {
///         // UPDATE book SET title = $1, written = $3 WHERE id = $2 AND written < $3
///         *table.lock().unwrap() = Json.decode(&write.value)?;
///         Ok(())
///     }
/// };
/// let store = WriteBehind::start(MemoryCacheStore::new(), MemoryWriteQueue::new(), save)?;
/// let titles: TypedCache<Option<String>> = TypedCache::new(store.clone());
///
/// let key = Key::new("books:1")?;
/// store.write(&key, Json.encode(&Some("Saga"))?).await?; // `None` would remove the book
/// let load = async || Ok::<_, std::io::Error>(book.lock().unwrap().clone()); // SELECT
/// let title = titles.get_or_try_insert_with(&key, HOUR, load).await?;
/// assert_eq!(title.as_deref(), Some("Saga"));
///
/// assert_eq!(store.flush(SECOND * 10).await?, 0); // nothing is left
/// # Ok(())
/// # }
/// ```
///
/// # Promises
///
/// - What [`write`](Self::write) has accepted is delivered at least once, also if every process is killed, as far as the
///   queue's writes are durable. None is ever given up: a delivery that fails is tried again, after pauses that grow.
/// - The writes of a key are delivered in the order of their numbers, one at a time, by whichever process shares the
///   queue. A delivery that fails holds up its own key and no other.
/// - A lookup through this layer, in any process that shares cache and queue, sees a write that has returned, or a newer
///   one, until the source has it. No older value replaces it: a fill that began before is not stored.
/// - Before a write leaves the queue, the cache has dropped what it had of the key, so that the next load finds what the
///   source has then. A caller of a `TypedCache` who joins a load that began before the write gets what that load found,
///   which is not stored.
///
/// # What the target has to do
///
/// A write may be delivered again: a process has died between its delivery and its acknowledgement, the cache or the queue
/// has failed after the delivery, or the target took longer than
/// [`delivery_timeout`](WriteBehindOptions::delivery_timeout). And an attempt that was given up may take effect after later
/// writes: what was sent to a database goes on without its caller, and so does a process that was stopped for longer than its
/// lease. So wherever an older value would do harm, the target keeps the number of the last write of each key, and refuses
/// what is not greater ([`WriteSequence`]).
///
/// A target that blocks its thread for longer than the lease loses it: move it to `spawn_blocking`. Its error is logged: no
/// secrets. A write that it can never take is its own decision: it sees the number of the
/// [`attempt`](Delivery::attempt), may put the write aside, and returns `Ok`.
///
/// Whatever else shows the source's values, such as cached lists, is invalidated by the target, after the source has the
/// write and before it returns: earlier, a list would be loaded without it.
///
/// # A full queue
///
/// A write that does not fit is refused with `Throttled` at once, and nothing has changed: a queue is full because its
/// target is down or too slow, and waiting would only move the queue to the callers. The error is retryable for those who
/// want to wait.
///
/// # Several processes
///
/// They share a queue, and each delivers what any of them has accepted. Give each target a queue of its own. The cache has
/// to be shared as well, and filled through this layer alone: a cache in the memory of another process does not hear of a
/// write, and what fills the cache past the layer does not see that one is queued. A queue that fails makes
/// lookups that miss fail; what goes on without its cache, as `TypedCache` does, then gets what the source has.
///
/// # Place
///
/// Directly within what is typed, and outside of all other layers: copies in a [`Tiered`](super::Tiered) around it would
/// miss its writes. Through one within it other processes see a write within its bound, and over
/// [`Routed`](super::Routed) with the lag of the replicas. A
/// [`ReadThrough`](super::ReadThrough) keeps records of its own and does not read what is queued; use a
/// [`TypedCache`](crate::TypedCache). What is removed from the cache, or cleared or invalidated, stays in the queue.
#[derive(Debug)]
pub struct WriteBehind<S> {
    inner: Arc<Inner<S>>,
    worker: Arc<Worker>,
}

impl<S> Clone for WriteBehind<S> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            worker: Arc::clone(&self.worker),
        }
    }
}

impl<S: CacheStore> WriteBehind<S> {
    /// Starts delivering what is queued to `target`, with default options.
    ///
    /// The deliveries end when the last clone is dropped, or the runtime ends; what is queued then stays there.
    ///
    /// # Errors
    /// `InvalidInput` outside of a Tokio runtime.
    pub fn start<F, R>(cache: S, queue: impl WriteQueue, target: F) -> Result<Self>
    where
        F: Fn(Delivery) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        Self::start_with(cache, queue, WriteBehindOptions::default(), target)
    }

    /// Starts delivering what is queued to `target`, with options.
    ///
    /// # Errors
    /// `InvalidInput` outside of a Tokio runtime.
    pub fn start_with<F, R>(
        cache: S,
        queue: impl WriteQueue,
        options: WriteBehindOptions,
        target: F,
    ) -> Result<Self>
    where
        F: Fn(Delivery) -> R + Send + Sync + 'static,
        R: Future<Output = Result<(), BoxError>> + Send + 'static,
    {
        let target = Box::new(move |delivery| Box::pin(target(delivery)) as inner::Delivering);
        let inner = Arc::new(Inner::new(cache, Arc::new(queue), options, target));
        let worker = Arc::new(Worker::start(&inner)?);
        Ok(Self { inner, worker })
    }

    /// Accepts a write of `key`: when this returns it is in the queue, and lookups see it.
    ///
    /// # Cancel safety
    /// Once polled it goes on if its caller stops waiting.
    ///
    /// # Errors
    /// `Throttled` if the queue is full, `InvalidInput` if the write alone is more than it may hold, `Closed` after
    /// [`close`](CacheStore::close): nothing was accepted. The other kinds of the queue: it is not known whether the write was
    /// accepted. `Unavailable` if the cache fails after that: the write is queued and will be delivered, but until then the cache
    /// may have an older value, which the error says.
    pub async fn write(&self, key: &Key, value: impl Into<Bytes>) -> Result<WriteSequence> {
        inner::write(&self.inner, key.clone(), value.into()).await
    }

    /// Waits until nothing is queued, for `timeout` at most; returns how many writes are left. It waits for the writes of
    /// other processes, too.
    ///
    /// # Errors
    /// The kinds of the queue.
    pub async fn flush(&self, timeout: Duration) -> Result<u64> {
        self.inner.flush(timeout).await
    }

    /// Counts what is queued, and what this instance and its clones have delivered.
    ///
    /// # Errors
    /// The kinds of the queue.
    pub async fn write_stats(&self) -> Result<WriteBehindStats> {
        self.inner.stats().await
    }

    /// The queue, to list what waits.
    #[must_use]
    pub fn queue(&self) -> &Arc<dyn WriteQueue> {
        &self.inner.queue
    }
}
