//! Values in another form: compressed, encrypted.

use std::fmt::Debug;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use bytes::Bytes;

use crate::cache::{
    CacheStats, CacheStore, Entry, EntryInfo, FillToken, Lookup, NewEntry, Removal, SetOutcome,
};
use crate::error::Result;
use crate::key::{Key, Selection};
use crate::page::{Page, PageRequest};
use crate::tag::Tag;

/// A form in which values are stored.
///
/// What is stored must name its own form, so that a change of options leaves older values readable: usually the first
/// byte is the version of the form.
pub trait ValueTransform: Debug + Send + Sync + 'static {
    /// The bytes that are stored for `value` under `key`, which is the key that the backend knows
    /// ([`CacheStore::stored_key`]).
    ///
    /// # Errors
    /// `Codec` if there are none. Nothing is stored then.
    fn encode(&self, key: &Key, value: Bytes) -> Result<Bytes>;

    /// The value whose stored bytes under `key` are `stored`.
    ///
    /// # Errors
    /// `Corrupt` if there is none: the bytes are damaged, of another key, or of another form.
    fn decode(&self, key: &Key, stored: Bytes) -> Result<Bytes>;
}

/// A cache whose values are stored in the form of a [`ValueTransform`]: compressed by `store-compression`, encrypted by
/// `store-encryption`, or in a form of your own.
///
/// A stored value that cannot be decoded is a miss, is counted in [`unreadable`](Self::unreadable), and is replaced by
/// the next fill; it is not removed, because a process with other options may be able to read it.
///
/// - The bytes of [`EntryInfo::size_bytes`](crate::EntryInfo) and of [`stats`](CacheStore::stats) are those that are
///   stored, and so are the bytes that the store's largest entry bounds.
/// - The conversion takes place on the caller's thread.
///
/// Place it inside of [`Tiered`](crate::layer::Tiered), whose copies are then ready for use, and outside of all that is
/// about a connection, such as [`CircuitBreaker`](crate::layer::CircuitBreaker). Of two, encryption is the inner one:
/// what is encrypted cannot be compressed.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use bytes::Bytes;
/// use store_core::layer::{Transformed, ValueTransform};
/// use store_core::{CacheStore, CacheStoreExt, Error, ErrorKind, Key, NewEntry, Result};
/// use store_memory::MemoryCacheStore;
///
/// /// Adds one byte that tells whether the others are whole.
/// #[derive(Debug)]
/// struct Parity;
///
/// impl ValueTransform for Parity {
///     fn encode(&self, _key: &Key, value: Bytes) -> Result<Bytes> {
///         let parity = value.iter().fold(0, |parity, byte| parity ^ byte);
///         Ok([&[parity], &value[..]].concat().into())
///     }
///
///     fn decode(&self, _key: &Key, stored: Bytes) -> Result<Bytes> {
///         match stored.iter().fold(0, |parity, byte| parity ^ byte) {
///             0 if !stored.is_empty() => Ok(stored.slice(1..)),
///             _ => Err(Error::new(ErrorKind::Corrupt, "parity", "decode")),
///         }
///     }
/// }
///
/// let store = MemoryCacheStore::new();
/// let cache = Transformed::new(store.clone(), Parity);
/// let key = Key::new("comics:1")?;
/// cache.set(NewEntry::unconditional(key.clone(), "Saga")).await?;
/// assert_eq!(cache.value(&key).await?.as_deref(), Some(&b"Saga"[..]));
///
/// store.set(NewEntry::unconditional(key.clone(), "Sage")).await?;
/// assert!(cache.value(&key).await?.is_none());
/// assert_eq!(cache.unreadable(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Transformed<S, T> {
    store: S,
    transform: Arc<T>,
    unreadable: Arc<AtomicU64>,
}

impl<S: CacheStore, T: ValueTransform> Transformed<S, T> {
    /// `store` with values in the form of `transform`.
    #[must_use]
    pub fn new(store: S, transform: T) -> Self {
        Self {
            store,
            transform: Arc::new(transform),
            unreadable: Arc::default(),
        }
    }

    /// How many values that were asked for could not be decoded, by this instance and its clones.
    #[must_use]
    pub fn unreadable(&self) -> u64 {
        self.unreadable.load(Ordering::Relaxed)
    }

    fn entry(&self, mut entry: NewEntry) -> Result<NewEntry> {
        let key = self.store.stored_key(&entry.key)?;
        entry.value = self.transform.encode(&key, entry.value)?;
        Ok(entry)
    }

    /// The value of a stored entry.
    fn value(&self, key: &Key, entry: Entry) -> Result<Option<Entry>> {
        match self
            .transform
            .decode(&self.store.stored_key(key)?, entry.value)
        {
            Ok(value) => Ok(Some(Entry { value, ..entry })),
            Err(error) => {
                self.unreadable.fetch_add(1, Ordering::Relaxed);
                tracing::warn!(%key, %error, "a stored value cannot be decoded and counts as a miss");
                Ok(None)
            }
        }
    }

    /// What a lookup has found; `token` is that of earlier misses of the same call.
    async fn lookup(
        &self,
        key: &Key,
        lookup: Lookup,
        token: &mut Option<FillToken>,
    ) -> Result<Lookup> {
        let Lookup::Hit(entry) = lookup else {
            return Ok(lookup);
        };
        if let Some(entry) = self.value(key, entry)? {
            return Ok(Lookup::Hit(entry));
        }
        let begun = match *token {
            Some(token) => token,
            None => *token.insert(self.store.fill_token().await?),
        };
        Ok(Lookup::Miss(begun))
    }
}

impl<S: Clone, T> Clone for Transformed<S, T> {
    fn clone(&self) -> Self {
        Self {
            store: self.store.clone(),
            transform: Arc::clone(&self.transform),
            unreadable: Arc::clone(&self.unreadable),
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: CacheStore, T: ValueTransform> CacheStore for Transformed<S, T> {
    async fn get(&self, key: &Key) -> Result<Lookup> {
        let lookup = self.store.get(key).await?;
        self.lookup(key, lookup, &mut None).await
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Lookup>> {
        let stored = self.store.get_many(keys).await?;
        let mut token = None;
        let mut lookups = Vec::with_capacity(stored.len());
        for (key, lookup) in keys.iter().zip(stored) {
            lookups.push(self.lookup(key, lookup, &mut token).await?);
        }
        Ok(lookups)
    }

    async fn set(&self, entry: NewEntry) -> Result<SetOutcome> {
        self.store.set(self.entry(entry)?).await
    }

    async fn set_many(&self, entries: Vec<NewEntry>) -> Result<Vec<SetOutcome>> {
        let entries = entries.into_iter().map(|entry| self.entry(entry));
        self.store.set_many(entries.collect::<Result<_>>()?).await
    }

    async fn fill_token(&self) -> Result<FillToken> {
        self.store.fill_token().await
    }

    async fn delete(&self, key: &Key) -> Result<Removal> {
        self.store.delete(key).await
    }

    async fn clear(&self, selection: &Selection) -> Result<Removal> {
        self.store.clear(selection).await
    }

    async fn invalidate_tags(&self, tags: &[Tag]) -> Result<Removal> {
        self.store.invalidate_tags(tags).await
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<EntryInfo>> {
        self.store.list(page).await
    }

    async fn stats(&self) -> Result<CacheStats> {
        self.store.stats().await
    }

    async fn cleanup(&self) -> Result<u64> {
        self.store.cleanup().await
    }

    async fn close(&self) -> Result<()> {
        self.store.close().await
    }

    fn stored_key(&self, key: &Key) -> Result<Key> {
        self.store.stored_key(key)
    }
}
