//! Typed values over a cache of bytes.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::cache::{CacheStore, CacheStoreExt, NewEntry, SetOutcome};
use crate::codec::Codec;
use crate::error::Result;
use crate::key::Key;
use crate::tag::Tag;
use crate::ttl::Ttl;

/// A cache of `T`s, written with the codec `C`.
///
/// ```
/// # async fn example(store: std::sync::Arc<dyn store_core::CacheStore>) -> store_core::Result<()> {
/// use store_core::{HOUR, Json, Key, Ttl, TypedCache};
///
/// let names: TypedCache<String, Json> = TypedCache::new(store, Json);
/// let key = Key::new("comics:4000-1")?;
/// names.set(&key, &"Cry for the Moon".to_owned(), Ttl::After(HOUR)).await?;
/// assert_eq!(names.get(&key).await?.as_deref(), Some("Cry for the Moon"));
/// # Ok(())
/// # }
/// ```
pub struct TypedCache<T, C> {
    store: Arc<dyn CacheStore>,
    codec: C,
    values: PhantomData<fn() -> T>,
}

impl<T, C: Codec> TypedCache<T, C>
where
    T: Serialize + DeserializeOwned + Sync,
{
    /// Typed values over `store`.
    #[must_use]
    pub fn new(store: Arc<dyn CacheStore>, codec: C) -> Self {
        Self {
            store,
            codec,
            values: PhantomData,
        }
    }

    /// The value of `key`, if there is an unexpired one.
    ///
    /// # Errors
    /// `Codec` if the stored bytes are no `T`, and those of the backend.
    pub async fn get(&self, key: &Key) -> Result<Option<T>> {
        match self.store.value(key).await? {
            Some(bytes) => self
                .codec
                .decode(&bytes)
                .map(Some)
                .map_err(|error| error.with_key(key.as_str())),
            None => Ok(None),
        }
    }

    /// Stores a value without tags.
    ///
    /// # Errors
    /// `Codec`, `TooLarge`, and those of the backend.
    pub async fn set(&self, key: &Key, value: &T, ttl: Ttl) -> Result<SetOutcome> {
        self.set_with_tags(key, value, ttl, []).await
    }

    /// Stores a value with tags.
    ///
    /// # Errors
    /// `Codec`, `TooLarge`, and those of the backend.
    pub async fn set_with_tags(
        &self,
        key: &Key,
        value: &T,
        ttl: Ttl,
        tags: impl IntoIterator<Item = Tag> + Send,
    ) -> Result<SetOutcome> {
        let entry = NewEntry::new(key.clone(), self.codec.encode(value)?)
            .with_ttl(ttl)
            .with_tags(tags);
        self.store.set(entry).await
    }
}

impl<T, C: Clone> Clone for TypedCache<T, C> {
    fn clone(&self) -> Self {
        Self {
            store: Arc::clone(&self.store),
            codec: self.codec.clone(),
            values: PhantomData,
        }
    }
}

impl<T, C: fmt::Debug> fmt::Debug for TypedCache<T, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedCache")
            .field("store", &self.store)
            .field("codec", &self.codec)
            .finish()
    }
}
