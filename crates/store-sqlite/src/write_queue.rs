//! The queue of writes: a row per write and one per key, which has the lease of the oldest.

mod change;
mod read;
mod totals;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use sqlite_database::SqliteDatabase;
use store_core::{
    Delivery, DeliveryOutcome, Key, Page, PageRequest, QueuedKey, QueuedWrite, Receipt, Received,
    Result, WriteQueue, WriteQueueOptions, WriteQueueStats, WriteSequence,
};

pub(crate) use self::read::StoredWrite;
use crate::error::TransactionError;
use crate::handle::StoreHandle;
use crate::migrate;

/// A queue of writes in a SQLite file, shared by every process that opens it, for
/// [`WriteBehind`](store_core::layer::WriteBehind).
///
/// A write that was accepted survives the end of every process, also by `kill -9`. A loss of power may take the writes of
/// the last moments, unless the file is opened with [`Synchronous::Full`](crate::Synchronous::Full).
///
/// Queues of one file are known by their names: give each target one of its own. In a file of bounded size the queue
/// leaves space to the limiter, and refuses what does not fit beside it with `StorageFull`.
///
/// Cloning is cheap; clones are the same queue.
///
/// ```
/// use store_core::layer::WriteBehind;
/// use store_sqlite::{
///     BoxError, Delivery, Key, SECOND, SqliteCacheStore, SqliteDatabase, SqliteWriteQueue,
/// };
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let database = SqliteDatabase::in_memory().await?; // or `open("books.db")`
/// let queue = SqliteWriteQueue::new(&database, "books");
/// let save = async |delivery: Delivery| {
///     println!("save {:?}", delivery.write); // to the database or service that has the books
///     Ok::<_, BoxError>(())
/// };
/// let books = WriteBehind::start(SqliteCacheStore::new(&database), queue, save)?;
/// books.write(&Key::new("books:1")?, "Saga").await?;
/// assert_eq!(books.flush(SECOND * 10).await?, 0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SqliteWriteQueue {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    handle: StoreHandle,
    name: Arc<str>,
    options: WriteQueueOptions,
    damaged_writes: AtomicU64,
}

impl SqliteWriteQueue {
    /// The queue of `database` with this name, with default options.
    #[must_use]
    pub fn new(database: &SqliteDatabase, name: &str) -> Self {
        Self::with_options(database, name, WriteQueueOptions::default())
    }

    /// The queue of `database` with this name, with options.
    #[must_use]
    pub fn with_options(database: &SqliteDatabase, name: &str, options: WriteQueueOptions) -> Self {
        let clock = Arc::clone(&options.clock);
        Self {
            inner: Arc::new(Inner {
                handle: StoreHandle::new(database, &migrate::WRITE_QUEUE, clock, None),
                name: name.into(),
                options,
                damaged_writes: AtomicU64::new(0),
            }),
        }
    }

    /// How often this queue, or a clone of it, found that a write which is to be delivered is not what was queued: a bit
    /// has flipped on the disk. It is not delivered, and the later writes of its key wait until it is discarded
    /// ([`discard_oldest`](Self::discard_oldest)); it is looked at again every minute.
    #[must_use]
    pub fn damaged_writes(&self) -> u64 {
        self.inner.damaged_writes.load(Ordering::Relaxed)
    }

    /// Removes the oldest write of `key`, which is lost: for one that is damaged, or that the target can never take. A
    /// delivery of it that is under way is fenced. Returns whether there was one.
    ///
    /// # Errors
    /// The kinds of [`WriteQueue`].
    pub async fn discard_oldest(&self, key: &Key) -> Result<bool> {
        let (name, discarded) = (Arc::clone(&self.inner.name), key.clone());
        let changed = self.inner.handle.write("discard_oldest", move |tx, now| {
            change::discard_oldest(tx, &name, &discarded, now)
        });
        let is_discarded = changed
            .await
            .map_err(|error| error.with_key(key.as_str()))?;
        if is_discarded {
            tracing::warn!(%key, "a queued write was discarded");
        }
        Ok(is_discarded)
    }

    /// Runs a change of a key that `delivery` has leased.
    async fn settle(
        &self,
        operation: &'static str,
        delivery: &Delivery,
        change: change::Settlement,
    ) -> Result<DeliveryOutcome> {
        let (name, delivery) = (Arc::clone(&self.inner.name), delivery.clone());
        let key = delivery.write.key.clone();
        let settled = self.inner.handle.write(operation, move |tx, now| {
            change::settle(tx, &name, &delivery, change, now)
        });
        settled.await.map_err(|error| error.with_key(key.as_str()))
    }
}

#[async_trait]
impl WriteQueue for SqliteWriteQueue {
    async fn push(&self, key: &Key, value: Bytes) -> Result<WriteSequence> {
        let (inner, name) = (Arc::clone(&self.inner), key.clone());
        let pushed = self.inner.handle.write("push", move |tx, now| {
            let max_pages = inner.handle.database().max_pages();
            change::push(
                tx,
                &inner.name,
                &inner.options,
                max_pages,
                &name,
                &value,
                now,
            )
        });
        pushed.await.map_err(|error| error.with_key(key.as_str()))
    }

    async fn newest(&self, keys: &[Key]) -> Result<Vec<Option<QueuedWrite>>> {
        let (name, keys) = (Arc::clone(&self.inner.name), keys.to_vec());
        self.inner
            .handle
            .read("newest", move |db, _| {
                let each = keys.iter().map(|key| read::newest(db, &name, key));
                each.collect::<std::result::Result<Vec<_>, TransactionError>>()
            })
            .await
    }

    async fn receive(&self, limit: NonZeroUsize) -> Result<Received> {
        let name = Arc::clone(&self.inner.name);
        let looked = self
            .inner
            .handle
            .read("receive", move |db, now| read::when_due(db, &name, now))
            .await?;
        // No write transaction while nothing is due.
        if let read::Due::Later(next_in) = looked {
            return Ok(Received::new(Vec::new(), next_in));
        }
        let inner = Arc::clone(&self.inner);
        let (received, damaged) = self
            .inner
            .handle
            .write("receive", move |tx, now| {
                let receipt = || Receipt::new(inner.options.random.next_u64());
                change::receive(tx, &inner.name, limit, inner.options.lease, receipt, now)
            })
            .await?;
        for key in damaged {
            self.inner.damaged_writes.fetch_add(1, Ordering::Relaxed);
            tracing::error!(%key, "a queued write is damaged; it is not delivered, and the later ones of its key wait");
        }
        Ok(received)
    }

    async fn renew(&self, delivery: &Delivery) -> Result<DeliveryOutcome> {
        self.settle("renew", delivery, change::Settlement::Renew)
            .await
    }

    async fn acknowledge(&self, delivery: &Delivery) -> Result<DeliveryOutcome> {
        self.settle("acknowledge", delivery, change::Settlement::Acknowledge)
            .await
    }

    async fn postpone(&self, delivery: &Delivery, pause: Duration) -> Result<DeliveryOutcome> {
        self.settle("postpone", delivery, change::Settlement::Postpone(pause))
            .await
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<QueuedKey>> {
        let (name, page) = (Arc::clone(&self.inner.name), page.clone());
        self.inner
            .handle
            .read("list", move |db, _| read::list(db, &name, &page))
            .await
    }

    async fn stats(&self) -> Result<WriteQueueStats> {
        let name = Arc::clone(&self.inner.name);
        self.inner
            .handle
            .read("stats", move |db, _| read::stats(db, &name))
            .await
    }
}
