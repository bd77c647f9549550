//! Typed values over a cache of bytes, with single flight.

mod single_flight;

use std::error::Error as StdError;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::warn;

use crate::cache::{CacheStore, FillToken, Lookup, NewEntry, SetOutcome};
use crate::codec::{Codec, Json};
use crate::error::{BoxError, Result};
use crate::key::Key;
use crate::tag::Tag;
use crate::ttl::Ttl;

use single_flight::{Flights, Shared};

/// A cache of `T`s over any [`CacheStore`], written with the codec `C`.
///
/// [`get_or_try_insert_with`](Self::get_or_try_insert_with) is all that most applications need: of the
/// tasks of a process that miss the same key one computes the value, and a value that was invalidated
/// while it was computed is not stored. Another process that misses computes the value as well; a
/// [`ReadThrough`](crate::layer::ReadThrough) loads it once over all processes, for loads that own what
/// they use, and a [`Pipeline`](crate::Pipeline) sends equal requests of all processes once.
///
/// Make one for each type, and give it keys of its own: clones wait for each other, but two caches over
/// one store do not, and caches of different types replace each other's values under the same key.
///
/// A stored value that does not decode as `T` is a miss, which is logged and counted
/// ([`decode_failures`](Self::decode_failures)). The default codec is JSON, which names fields, so
/// that a changed struct reads old values or misses. [`Bincode`](crate::Bincode) stores fields by
/// position: reordering fields of one type then swaps their values silently.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use store_core::{HOUR, Key, TypedCache};
/// use store_memory::MemoryCacheStore;
///
/// let names: TypedCache<String> = TypedCache::new(MemoryCacheStore::new());
/// let key = Key::new("comics:4000-1")?;
/// let name = names
///     .get_or_try_insert_with(&key, HOUR, async || {
///         Ok::<_, std::io::Error>("Cry for the Moon".to_owned())
///     })
///     .await?;
/// assert_eq!(name, "Cry for the Moon");
/// # Ok(())
/// # }
/// ```
pub struct TypedCache<T, C = Json> {
    store: Arc<dyn CacheStore>,
    codec: C,
    flights: Flights,
    decode_failures: Arc<AtomicU64>,
    values: PhantomData<fn() -> T>,
}

impl<T> TypedCache<T>
where
    T: Serialize + DeserializeOwned + Send + Sync,
{
    /// Values stored as JSON in `store`.
    #[must_use]
    pub fn new(store: impl CacheStore) -> Self {
        Self::with_codec(store, Json)
    }
}

impl<T, C: Codec> TypedCache<T, C>
where
    T: Serialize + DeserializeOwned + Send + Sync,
{
    /// Values stored with `codec` in `store`.
    #[must_use]
    pub fn with_codec(store: impl CacheStore, codec: C) -> Self {
        Self {
            store: Arc::new(store),
            codec,
            flights: Flights::default(),
            decode_failures: Arc::default(),
            values: PhantomData,
        }
    }

    /// The store of the values.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn CacheStore> {
        &self.store
    }

    /// How many stored values did not decode as `T` since the cache was made.
    #[must_use]
    pub fn decode_failures(&self) -> u64 {
        self.decode_failures.load(Ordering::Relaxed)
    }

    /// The cached value of `key`, or the output of `init`, which is cached for `ttl`.
    ///
    /// Of the callers that miss the same key at the same time one runs its `init`; the others wait and
    /// get its value, or its error. A caller that is dropped hands over to another. A store that fails
    /// is logged and costs a run of `init`.
    ///
    /// A caller that comes after an invalidation still joins an `init` that began before it: it gets
    /// that value, which is not stored. An `init` that asks the same cache for the same key waits for
    /// itself indefinitely, as two do that ask for each other's keys.
    ///
    /// # Errors
    /// [`LoadError`]: `init` failed, here or in the caller that was waited for. It is not cached.
    pub async fn get_or_try_insert_with<E, F, R>(
        &self,
        key: &Key,
        ttl: impl Into<Ttl> + Send,
        init: F,
    ) -> Result<T, LoadError>
    where
        E: Into<BoxError> + Send,
        F: FnOnce() -> R + Send,
        R: Future<Output = Result<T, E>> + Send,
    {
        let ttl = ttl.into();
        let mut init = Some(init);
        loop {
            if let Ok(Lookup::Hit(value)) = self.get(key).await {
                return Ok(value);
            }
            let mut own = None;
            let shared = self
                .flights
                .run(key, || async {
                    let (shared, value) = self.load(key, ttl, init.take()).await;
                    own = value;
                    shared
                })
                .await;
            if let Some(value) = own {
                return Ok(value);
            }
            match shared {
                Shared::Value(bytes) => match self.codec.decode(&bytes) {
                    Ok(value) => return Ok(value),
                    Err(error) => self.count_decode_failure(key, &error),
                },
                Shared::Failed(error) => return Err(error),
                Shared::Nothing => {}
            }
        }
    }

    /// Computes and stores the value of `key`, unless it is there by now.
    async fn load<E, F, R>(&self, key: &Key, ttl: Ttl, init: Option<F>) -> (Shared, Option<T>)
    where
        E: Into<BoxError> + Send,
        F: FnOnce() -> R + Send,
        R: Future<Output = Result<T, E>> + Send,
    {
        // An earlier flight may have stored it since this caller missed, and counted what does not decode.
        let token = match self.store.get(key).await {
            Ok(Lookup::Hit(entry)) => match self.codec.decode(&entry.value) {
                Ok(value) => return (Shared::Nothing, Some(value)),
                Err(_) => self.store.fill_token().await.ok(),
            },
            Ok(Lookup::Miss(token)) => Some(token),
            Err(error) => {
                warn!(%key, %error, "loading a value without the cache");
                None
            }
        };
        // A flight calls this once per caller.
        let Some(init) = init else {
            return (Shared::Nothing, None);
        };
        let value = match init().await {
            Ok(value) => value,
            Err(error) => return (Shared::Failed(LoadError::new(error)), None),
        };
        let bytes = match self.codec.encode(&value) {
            Ok(bytes) => bytes,
            Err(error) => {
                warn!(%key, %error, "a value is not cached");
                return (Shared::Nothing, Some(value));
            }
        };
        if let Some(token) = token {
            let entry = NewEntry::unconditional(key.clone(), bytes.clone())
                .with_ttl(ttl)
                .with_token(token);
            if let Err(error) = self.store.set(entry).await {
                warn!(%key, %error, "a value is not cached");
            }
        }
        (Shared::Value(bytes), Some(value))
    }

    /// The unexpired value of `key`, or a token for the [`set`](Self::set) that may follow.
    ///
    /// # Errors
    /// The kinds of [`CacheStore::get`].
    pub async fn get(&self, key: &Key) -> Result<Lookup<T>> {
        match self.store.get(key).await? {
            Lookup::Hit(entry) => match self.codec.decode(&entry.value) {
                Ok(value) => Ok(Lookup::Hit(value)),
                Err(error) => {
                    self.count_decode_failure(key, &error);
                    Ok(Lookup::Miss(self.store.fill_token().await?))
                }
            },
            Lookup::Miss(token) => Ok(Lookup::Miss(token)),
        }
    }

    /// Stores a value without tags. The token is that of the lookup that missed, or
    /// [`CacheStore::fill_token`] from before the value was computed.
    ///
    /// # Errors
    /// `Codec` if the codec cannot hold the value, and the kinds of [`CacheStore::set`].
    pub async fn set(
        &self,
        key: &Key,
        value: &T,
        ttl: impl Into<Ttl> + Send,
        token: FillToken,
    ) -> Result<SetOutcome> {
        self.set_with_tags(key, value, ttl, [], token).await
    }

    /// Stores a value with tags; otherwise as [`set`](Self::set).
    ///
    /// # Errors
    /// `Codec` if the codec cannot hold the value, and the kinds of [`CacheStore::set`].
    pub async fn set_with_tags(
        &self,
        key: &Key,
        value: &T,
        ttl: impl Into<Ttl> + Send,
        tags: impl IntoIterator<Item = Tag> + Send,
        token: FillToken,
    ) -> Result<SetOutcome> {
        let entry = NewEntry::unconditional(key.clone(), self.codec.encode(value)?)
            .with_ttl(ttl)
            .with_tags(tags)
            .with_token(token);
        self.store.set(entry).await
    }

    fn count_decode_failure(&self, key: &Key, error: &crate::error::Error) {
        self.decode_failures.fetch_add(1, Ordering::Relaxed);
        warn!(%key, %error, "a stored value does not decode: a miss");
    }
}

/// The error of the `init` that all its callers got.
#[derive(Clone, Debug)]
pub struct LoadError(Arc<dyn StdError + Send + Sync>);

impl LoadError {
    pub(crate) fn new(error: impl Into<BoxError>) -> Self {
        Self(Arc::from(error.into()))
    }

    /// The error as the type that `init` returned, if that was `E`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use store_core::{Key, TypedCache, HOUR};
    /// use store_memory::MemoryCacheStore;
    ///
    /// let cache: TypedCache<u32> = TypedCache::new(MemoryCacheStore::new());
    /// let error = cache
    ///     .get_or_try_insert_with(&Key::new("a:b")?, HOUR, async || "x".parse::<u32>())
    ///     .await
    ///     .unwrap_err();
    /// assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        self.0.downcast_ref()
    }
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for LoadError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        // The error is displayed in place of this one, so its cause is this one's.
        self.0.source()
    }
}

impl<T, C: Clone> Clone for TypedCache<T, C> {
    fn clone(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            codec: self.codec.clone(),
            flights: self.flights.clone(),
            decode_failures: Arc::clone(&self.decode_failures),
            values: PhantomData,
        }
    }
}

impl<T, C: fmt::Debug> fmt::Debug for TypedCache<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedCache")
            .field("store", &self.store)
            .field("codec", &self.codec)
            .finish_non_exhaustive()
    }
}
