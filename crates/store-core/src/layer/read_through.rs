//! A read-through cache: values that are loaded once, refreshed before they expire, and served stale when they
//! cannot be loaded.
//!
//! - Of all callers that need the same value, over all processes that share the stores, one loads it.
//! - A hit waits for no load; a stale value is at hand within the soft timeout.
//! - A load goes on as long as somebody waits for it, or as it is needed in the background, whoever began it.
//! - Errors are not cached; that there is no value is.

mod answer;
mod builder;
mod failures;
mod flights;
mod get;
mod inner;
mod load;
mod loaded;
mod options;
mod share;
mod stats;
mod xfetch;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use answer::{Answer, ReadThroughError, StaleCause};
pub use builder::ReadThroughBuilder;
pub use loaded::{Loaded, Previous};
pub use options::ReadThroughOptions;
pub use stats::ReadThroughStats;

use crate::cache::CacheStore;
use crate::codec::{Codec, Json};
use crate::error::{BoxError, Result};
use crate::key::Key;
use crate::pipeline::Outcome;

use inner::{Found, Inner};

/// A read-through cache of `T`s over any [`CacheStore`], written with the codec `C`. Clones share it.
///
/// [`get`](Self::get) returns the cached value, or loads it:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use store_core::layer::read_through::{Loaded, ReadThrough, ReadThroughOptions};
/// use store_core::{DAY, HOUR, Key, SECOND};
/// use store_memory::{MemoryCacheStore, MemoryDedupeStore};
///
/// let titles: ReadThrough<String> = ReadThrough::builder(MemoryCacheStore::new())
///     .with_dedupe(MemoryDedupeStore::new())
///     .with_options(
///         ReadThroughOptions::default()
///             .with_ttl(HOUR)
///             .with_stale_for(DAY)
///             .with_soft_timeout(SECOND / 10),
///     )
///     .build();
/// let key = Key::new("comics:issue/4000-1")?;
/// let answer = titles
///     .get(&key, async |_previous| {
///         let title = "Cry for the Moon".to_owned(); // ask upstream here
///         Ok::<_, std::io::Error>(Loaded::new(title))
///     })
///     .await?;
/// assert_eq!(answer.value.as_deref(), Some("Cry for the Moon"));
/// # Ok(())
/// # }
/// ```
///
/// | protection | how | option |
/// |---|---|---|
/// | single flight | one load per key in the process, and over all processes with a [`DedupeStore`](crate::DedupeStore) | [`with_dedupe`](ReadThroughBuilder::with_dedupe) |
/// | early refresh (`XFetch`) | a hit shortly before the expiry loads in the background, the sooner the longer a load takes | [`beta`](ReadThroughOptions::beta) |
/// | jitter | values that were loaded together do not expire together | [`ttl_jitter`](ReadThroughOptions::ttl_jitter) |
/// | fail-safe | if a load fails, the stale value is given, and the next try is later | [`stale_for`](ReadThroughOptions::stale_for), [`retry_after`](ReadThroughOptions::retry_after) |
/// | soft timeout | if a load is slow, the stale value is given, and the load goes on | [`soft_timeout`](ReadThroughOptions::soft_timeout) |
/// | hard timeout | a caller does not wait longer, and the load goes on | [`hard_timeout`](ReadThroughOptions::hard_timeout) |
/// | negative caching | that there is no value is cached, and is not an error | [`Loaded::absent`] |
/// | adaptive time to live | a value says how long it is fresh | [`Loaded::with_ttl`] |
/// | conditional refresh | a load asks upstream whether the previous value is still right | [`Loaded::not_modified`] |
///
/// # Beside `TypedCache` and `Pipeline`
/// [`TypedCache`](crate::TypedCache) runs a load in its caller, so that the load may borrow; it has none of the
/// protections above but single flight in the process. A [`Pipeline`](crate::Pipeline) does requests to an API:
/// it takes permits of a rate limit, retries and cools down, and its answers are bytes. A `ReadThrough` loads
/// anything, and takes no permits; a load may call a pipeline that has no cache of its own.
///
/// # Keys
/// Give it keys of its own: a value that something else stored under the same key is a miss and is replaced.
/// To remove values, use [`store`](Self::store): a load in flight then does not store what it began before, and
/// its callers still get it, those included who come before it ends.
///
/// # Failing stores
/// A cache that fails costs a load per flight, a de-duplication that fails a load per process.
pub struct ReadThrough<T, C = Json> {
    inner: Arc<Inner<C>>,
    values: PhantomData<fn() -> T>,
}

impl<T> ReadThrough<T>
where
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    /// Values stored as JSON in `store`, with default options and without de-duplication over processes.
    #[must_use]
    pub fn new(store: impl CacheStore) -> Self {
        Self::builder(store).build()
    }

    /// A builder of a read-through cache of values in `store`.
    #[must_use]
    pub fn builder(store: impl CacheStore) -> ReadThroughBuilder<T> {
        ReadThroughBuilder::new(store)
    }
}

impl<T, C> ReadThrough<T, C>
where
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
    C: Codec,
{
    /// The value of `key`: cached, or loaded by `loader`.
    ///
    /// `loader` is called at most once, with the value that it is to replace, if there is one: here when nothing
    /// fresh is cached and nobody else loads it, and in the background when it is time for an early refresh. Its
    /// error is shared as text with other processes: no secrets. A load that asks the same cache for the same
    /// key waits for itself until it times out.
    ///
    /// # Cancel safety
    /// A dropped call stops a load that nobody else waits for; another process then takes over. A load that went
    /// to the background is not stopped.
    ///
    /// # Errors
    /// [`ReadThroughError`]: the load failed, or did not end in time, and nothing stale is cached.
    ///
    /// # Panics
    /// If a load begins outside a Tokio runtime.
    pub async fn get<E, F, R>(&self, key: &Key, loader: F) -> Result<Answer<T>, ReadThroughError>
    where
        E: Into<BoxError> + Send + 'static,
        F: FnOnce(Option<Previous<T>>) -> R + Send + 'static,
        R: Future<Output = Result<Loaded<T>, E>> + Send + 'static,
    {
        self.inner.counters.requested();
        let result = self.answer(key, loader).await;
        self.inner.counters.answered(&result);
        result
    }

    /// The cached value of `key`, fresh ([`Outcome::Hit`]) or stale ([`Outcome::Stale`]), or that there is known to be
    /// none; `None` if nothing is cached. Loads nothing and waits for nobody.
    pub async fn cached(&self, key: &Key) -> Option<Answer<T>> {
        match self.inner.look_up::<T>(key).await {
            Found::Fresh(read) => Some(read.into_answer(Outcome::Hit)),
            Found::Stale(read) => Some(read.into_answer(Outcome::Stale)),
            Found::Miss(_) | Found::Undecodable | Found::Failed => None,
        }
    }

    /// The store of the values.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn CacheStore> {
        &self.inner.store
    }

    /// Counters of this cache in this process since it was made.
    #[must_use]
    pub fn stats(&self) -> ReadThroughStats {
        self.inner.counters.read()
    }

    /// Completes once no load is in progress, in the background or not.
    pub async fn wait_idle(&self) {
        self.inner.flights.wait_idle().await;
    }

    /// Begins no further load, and completes once none is in progress. What is cached is still given. A caller
    /// who does not wait to the end leaves the loads to the runtime, which drops them when it ends.
    pub async fn close(&self) {
        self.inner.flights.close();
        self.wait_idle().await;
    }
}

impl<T, C> Clone for ReadThrough<T, C> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            values: PhantomData,
        }
    }
}

impl<T, C: fmt::Debug> fmt::Debug for ReadThrough<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadThrough")
            .field("store", &self.inner.store)
            .field("dedupe", &self.inner.dedupe)
            .field("codec", &self.inner.codec)
            .finish_non_exhaustive()
    }
}
