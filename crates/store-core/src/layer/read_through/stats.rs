//! Counters of a read-through cache.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::answer::{Answer, ReadThroughError};
use crate::pipeline::Outcome;

/// Counters of a read-through cache of this process since it was made. Reading them takes no lock, so they may be
/// apart by the calls in progress.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use store_core::Key;
/// use store_core::layer::read_through::{Loaded, ReadThrough};
/// use store_memory::MemoryCacheStore;
///
/// let titles: ReadThrough<String> = ReadThrough::new(MemoryCacheStore::new());
/// let key = Key::new("comics:issue/4000-1")?;
/// for _ in 0..3 {
///     let ask = async |_| Ok::<_, std::io::Error>(Loaded::new("Cry for the Moon".to_owned()));
///     titles.get(&key, ask).await?;
/// }
/// let stats = titles.stats();
/// assert_eq!((stats.requests, stats.fetched, stats.hits, stats.loads), (3, 1, 2, 1));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadThroughStats {
    /// Calls of [`get`](super::ReadThrough::get).
    pub requests: u64,
    /// Answered from the cache, fresh.
    pub hits: u64,
    /// Answered by a load for the caller.
    pub fetched: u64,
    /// Answered by the load of another caller or process.
    pub joined: u64,
    /// Answered with a stale value.
    pub stale: u64,
    /// Not answered: calls that ended with an error.
    pub failed: u64,
    /// Loads that began, in the background or not.
    pub loads: u64,
    /// Loads that failed or were given up.
    pub load_failures: u64,
    /// Early refreshes that began: of them, those that another process does are no loads here.
    pub early_refreshes: u64,
    /// Stored values that did not decode.
    pub decode_failures: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    requests: AtomicU64,
    hits: AtomicU64,
    fetched: AtomicU64,
    joined: AtomicU64,
    stale: AtomicU64,
    failed: AtomicU64,
    loads: AtomicU64,
    load_failures: AtomicU64,
    early_refreshes: AtomicU64,
    decode_failures: AtomicU64,
}

impl Counters {
    pub(super) fn requested(&self) {
        self.requests.fetch_add(1, Relaxed);
    }

    pub(super) fn answered<T>(&self, result: &Result<Answer<T>, ReadThroughError>) {
        let counter = match result.as_ref().map(|answer| answer.outcome) {
            Ok(Outcome::Hit) => &self.hits,
            Ok(Outcome::Joined) => &self.joined,
            Ok(Outcome::Fetched) => &self.fetched,
            Ok(Outcome::Stale) => &self.stale,
            Err(_) => &self.failed,
        };
        counter.fetch_add(1, Relaxed);
    }

    pub(super) fn load_began(&self) {
        self.loads.fetch_add(1, Relaxed);
    }

    pub(super) fn load_failed(&self) {
        self.load_failures.fetch_add(1, Relaxed);
    }

    pub(super) fn refreshed_early(&self) {
        self.early_refreshes.fetch_add(1, Relaxed);
    }

    pub(super) fn decode_failed(&self) {
        self.decode_failures.fetch_add(1, Relaxed);
    }

    pub(super) fn read(&self) -> ReadThroughStats {
        ReadThroughStats {
            requests: self.requests.load(Relaxed),
            hits: self.hits.load(Relaxed),
            fetched: self.fetched.load(Relaxed),
            joined: self.joined.load(Relaxed),
            stale: self.stale.load(Relaxed),
            failed: self.failed.load(Relaxed),
            loads: self.loads.load(Relaxed),
            load_failures: self.load_failures.load(Relaxed),
            early_refreshes: self.early_refreshes.load(Relaxed),
            decode_failures: self.decode_failures.load(Relaxed),
        }
    }
}
