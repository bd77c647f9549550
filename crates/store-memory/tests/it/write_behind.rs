//! Writes that are accepted at once and delivered later: what lookups see, what is delivered when the target or the cache
//! fails, and what is left when an instance ends.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is how a test fails")]

mod deliveries;
mod endings;
mod lookups;
mod source;

use store_conformance::FaultyCache;
use store_core::layer::{WriteBehind, WriteBehindOptions};
use store_core::{ManualClock, QueuedWrite};
use store_memory::{
    CacheOptions, CacheStore, CacheStoreExt, Key, MemoryCacheStore, MemoryWriteQueue, NewEntry,
    WriteQueue, WriteQueueOptions,
};

use self::source::Source;

/// A cache, a queue and a source under one clock.
struct Fixture {
    clock: ManualClock,
    cache: FaultyCache,
    queue: MemoryWriteQueue,
    source: Source,
}

fn key(name: &str) -> Key {
    Key::new(format!("books:{name}")).unwrap()
}

impl Fixture {
    fn new() -> Self {
        Self::with_queue(WriteQueueOptions::default())
    }

    fn with_queue(options: WriteQueueOptions) -> Self {
        let clock = ManualClock::default();
        let cache = CacheOptions::default().with_clock(clock.clone());
        Self {
            cache: FaultyCache::new(MemoryCacheStore::with_options(cache)),
            queue: MemoryWriteQueue::with_options(options.with_clock(clock.clone())),
            source: Source::default(),
            clock,
        }
    }

    fn options(&self) -> WriteBehindOptions {
        WriteBehindOptions::default().with_clock(self.clock.clone())
    }

    /// An instance that delivers to the source.
    fn start(&self) -> WriteBehind<FaultyCache> {
        self.start_with(self.options())
    }

    fn start_with(&self, options: WriteBehindOptions) -> WriteBehind<FaultyCache> {
        let source = self.source.clone();
        let target = move |delivery| source.clone().take(delivery);
        WriteBehind::start_with(self.cache.clone(), self.queue.clone(), options, target).unwrap()
    }

    /// Lets other tasks run until the queue is empty; time passes if it has to.
    async fn until_delivered(&self) {
        self.until(async || self.queue.stats().await.unwrap().writes == 0)
            .await;
    }

    async fn until(&self, is_so: impl AsyncFn() -> bool) {
        for round in 0_u32.. {
            if is_so().await {
                return;
            }
            assert!(round < 100_000, "it never comes");
            tokio::task::yield_now().await;
            if round % 64 == 63 {
                self.clock.advance(std::time::Duration::from_millis(10));
            }
        }
    }

    async fn cached(&self, name: &str) -> Option<bytes::Bytes> {
        self.cache.value(&key(name)).await.unwrap()
    }

    async fn cache_value(&self, name: &str, value: &'static str) {
        let entry = NewEntry::unconditional(key(name), value);
        self.cache.set(entry).await.unwrap();
    }

    async fn queued(&self, name: &str) -> Option<QueuedWrite> {
        self.queue.newest(&[key(name)]).await.unwrap().remove(0)
    }
}
