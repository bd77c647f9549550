//! Two caches as one: copies in the inner store, everything in the outer one.

mod cache;
mod copies;
mod copy_header;
mod follower;
mod options;
mod tiers;
mod validity;

use std::sync::Arc;

use self::copies::Copies;
use self::follower::Follower;
pub use self::options::TieredOptions;
use self::tiers::Tiers;
use crate::cache::CacheStore;
use crate::change_feed::ChangeFeed;

/// A cache that keeps copies of what is read from a shared store, the outer one, in a store that is nearer, the inner
/// one: usually the memory of the process before a file or a table.
///
/// Everything is written to the outer store, which also decides: outcomes, fill tokens, listings and counts are its own.
/// A value that is read from it is promoted, as a copy with its own expiry, for at most
/// [`max_inner_ttl`](TieredOptions::max_inner_ttl).
///
/// # Promises
///
/// - A copy is an answer of the outer store of not long ago: with a feed of its changes
///   ([`following`](Self::following)) a lookup that began [`max_feed_age`](TieredOptions::max_feed_age), 50 ms, after a
///   change had returned, in whatever process, sees it; without one [`max_staleness`](TieredOptions::max_staleness), 2 s.
///   The feed is read by the lookups themselves, so this also holds for a process that was stopped for long, and while
///   the feed or the outer store fails: then no copy is served, and the outer store answers.
/// - A lookup sees each write of this instance and its clones that has returned. A write that fails, or whose call is
///   dropped, leaves no copy.
/// - A lookup that has read the outer store before a value was replaced or removed promotes nothing after it.
/// - The inner store may return errors, or lose anything, without another effect than lookups of the outer one.
///
/// Time is that of the monotonic clock, which on Linux stands still while the host is suspended: after that a copy of
/// what other hosts share may be older by the time of the suspension, until the bound has passed.
///
/// # Costs
///
/// A hit in the inner store allocates no copy of the value; with a feed it reads the feed once in 50 ms, which takes some
/// microseconds for a SQLite file. A miss costs the copying of the value. A write costs a deletion in the inner
/// store. An invalidation of tags reads the feed; without one it drops every copy, because copies have no tags.
///
/// # Place
///
/// Inside of whatever changes values or keys, so that copies are of the final form; outside of what protects the outer
/// store, such as retries. The inner store is for this instance alone: it does not serve the copies of another one. The
/// feed has to be that of the store that is read, and the outer store at least as current as its feed: no replica, and no
/// `Tiered` with a feed. One without a feed may be the outer store of one without a feed; their bounds add up.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use store_core::layer::Tiered;
/// use store_core::{CacheStore, CacheStoreExt, Key, NewEntry};
/// use store_memory::MemoryCacheStore;
///
/// let table = MemoryCacheStore::new(); // stands for a table that hosts share
/// let cache = Tiered::new(MemoryCacheStore::new(), table.clone());
/// let key = Key::new("comics:1")?;
/// table.set(NewEntry::unconditional(key.clone(), "Saga")).await?;
/// assert_eq!(cache.value(&key).await?.as_deref(), Some(&b"Saga"[..]));
///
/// // Another host deletes it: for up to 2 s the copy is served. Its own deletion is seen at once.
/// table.delete(&key).await?;
/// assert!(cache.value(&key).await?.is_some());
/// cache.delete(&key).await?;
/// assert!(cache.value(&key).await?.is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Tiered<I, O> {
    tiers: Arc<Tiers<I, O>>,
}

impl<I: CacheStore, O: CacheStore> Tiered<I, O> {
    /// `inner` before `outer`, without a feed: another process' change may go unseen for 2 s.
    #[must_use]
    pub fn new(inner: I, outer: O) -> Self {
        Self::with_options(inner, outer, TieredOptions::default())
    }

    /// `inner` before `outer`, which tells of its changes: another process' change may go unseen for 50 ms.
    #[must_use]
    pub fn following(inner: I, outer: O) -> Self
    where
        O: ChangeFeed + Clone,
    {
        let options = TieredOptions::default().with_feed(outer.clone());
        Self::with_options(inner, outer, options)
    }

    /// `inner` before `outer`, with options.
    #[must_use]
    pub fn with_options(inner: I, outer: O, options: TieredOptions) -> Self {
        let copies = Copies::new(inner, &options);
        let follower = options
            .feed
            .clone()
            .map(|feed| Follower::new(feed, &options));
        Self {
            tiers: Arc::new(Tiers {
                copies,
                outer,
                follower,
                clock: options.clock,
            }),
        }
    }

    /// The outer store.
    #[must_use]
    pub fn outer(&self) -> &O {
        &self.tiers.outer
    }
}

impl<I, O> Clone for Tiered<I, O> {
    fn clone(&self) -> Self {
        Self {
            tiers: Arc::clone(&self.tiers),
        }
    }
}
