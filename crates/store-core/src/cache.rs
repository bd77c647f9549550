//! The cache contract: values that expire, have tags, and are never replaced by outdated fills.

mod fill;

use std::fmt::Debug;

use async_trait::async_trait;
use bytes::Bytes;

pub use fill::{FillMark, FillToken};

use crate::error::Result;
use crate::key::{Key, Selection};
use crate::page::{Page, PageRequest};
use crate::tag::Tag;
use crate::time::Timestamp;
use crate::ttl::Ttl;

/// A cache of bytes, shared by everyone who opens the same store.
///
/// Every method is atomic. An expired value is never returned, whether it was removed or not.
///
/// Applications use it through [`TypedCache`](crate::TypedCache) or the
/// [`Pipeline`](crate::Pipeline), which keep the fill token.
///
/// Every method can fail with the kinds of a backend that does not work: `Busy`, `Throttled`,
/// `Timeout`, `Unavailable`, `CircuitOpen`, `Corrupt`, `SchemaNewer`, `SchemaMissing`, `ReadOnly`,
/// `StorageFull`, `Closed`. `# Errors` names further kinds.
#[async_trait]
pub trait CacheStore: Debug + Send + Sync + 'static {
    /// Looks up one value.
    ///
    /// # Behavior
    /// - present and unexpired: [`Lookup::Hit`];
    /// - absent or expired: [`Lookup::Miss`] with a token for the fill that may follow.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn get(&self, key: &Key) -> Result<Lookup>;

    /// Looks up several values; the answers are in the order of `keys`.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Lookup>>;

    /// Stores one value with its tags, replacing value, expiry and tags of its key.
    ///
    /// # Behavior
    /// - without a token the fill begins now;
    /// - the key was deleted, cleared or invalidated by a tag after the token was handed out, or a
    ///   fill that began later is stored already: [`SetOutcome::Outdated`], nothing changes,
    ///   however large the value;
    /// - too large: `TooLarge`, and the key's older value is gone.
    ///
    /// # Errors
    /// `TooLarge` if the value exceeds the largest entry.
    async fn set(&self, entry: NewEntry) -> Result<SetOutcome>;

    /// Stores several values, each as [`set`](Self::set) does; the outcomes are in their order.
    ///
    /// # Errors
    /// `TooLarge`; then none or some are stored.
    async fn set_many(&self, entries: Vec<NewEntry>) -> Result<Vec<SetOutcome>>;

    /// A token for a fill that begins now, whatever is stored: for a forced refresh.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn fill_token(&self) -> Result<FillToken>;

    /// Removes one value and voids the tokens handed out for it.
    ///
    /// # Behavior
    /// - absent or expired: `Removal::none()`, and tokens are void all the same.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn delete(&self, key: &Key) -> Result<Removal>;

    /// Removes every selected value and voids the tokens handed out for them.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn clear(&self, selection: &Selection) -> Result<Removal>;

    /// Removes every value that carries one of `tags` and voids the tokens handed out for them.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn invalidate_tags(&self, tags: &[Tag]) -> Result<Removal>;

    /// Lists unexpired values by key, without their bytes.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn list(&self, page: &PageRequest) -> Result<Page<EntryInfo>>;

    /// Counts the values.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn stats(&self) -> Result<CacheStats>;

    /// Removes expired values, and those that were only hidden when they were invalidated, a bounded
    /// number per run; returns how many.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn cleanup(&self) -> Result<u64>;

    /// Stops the store's own tasks. Every later call fails with `Closed`.
    ///
    /// # Errors
    /// Only the kinds of a backend that does not work.
    async fn close(&self) -> Result<()>;

    /// The key under which the backend holds what this store calls `key`: another one only in a store that is a part of
    /// a larger one, such as [`Scoped`](crate::layer::Scoped). Jobs that fill the store are named by it, so that
    /// the parts of a store do not get each other's results.
    ///
    /// # Errors
    /// `InvalidInput` if the backend's key would break an invariant of [`Key`].
    fn stored_key(&self, key: &Key) -> Result<Key> {
        Ok(key.clone())
    }
}

/// The result of a lookup.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup<T = Entry> {
    /// An unexpired value.
    Hit(T),
    /// No value, or only an expired one. The token lets the store recognise a fill that an
    /// invalidation has overtaken.
    Miss(FillToken),
}

impl<T> Lookup<T> {
    /// The value, if there is one.
    #[must_use]
    pub fn hit(self) -> Option<T> {
        match self {
            Self::Hit(value) => Some(value),
            Self::Miss(_) => None,
        }
    }
}

/// A stored value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The bytes.
    pub value: Bytes,
    /// When they were stored.
    pub created_at: Timestamp,
    /// When they expire, if ever.
    pub expires_at: Option<Timestamp>,
}

impl Entry {
    /// A stored value.
    #[must_use]
    pub const fn new(value: Bytes, created_at: Timestamp, expires_at: Option<Timestamp>) -> Self {
        Self {
            value,
            created_at,
            expires_at,
        }
    }
}

/// A value to store.
///
/// ```
/// use store_core::{HOUR, Key, NewEntry, Tag};
///
/// let entry = NewEntry::unconditional(Key::new("comics:1")?, "bytes")
///     .with_ttl(HOUR)
///     .with_tags([Tag::new("issue:1")?]);
/// assert_eq!(entry.tags.len(), 1);
/// # Ok::<(), store_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewEntry {
    /// Its key.
    pub key: Key,
    /// Its bytes.
    pub value: Bytes,
    /// How long it lives. Default: indefinitely.
    pub ttl: Ttl,
    /// Its tags. Default: none.
    pub tags: Vec<Tag>,
    /// The token of the lookup that missed before the value was fetched. Default: none, the fill begins
    /// now, and nothing can have overtaken it.
    pub token: Option<FillToken>,
}

impl NewEntry {
    /// A value fetched for the miss that handed out `token`: an invalidation since then drops it.
    #[must_use]
    pub fn fill(key: Key, value: impl Into<Bytes>, token: FillToken) -> Self {
        Self::unconditional(key, value).with_token(token)
    }

    /// A value that is stored whatever was invalidated before: for one that was not fetched. It lives
    /// indefinitely and has no tags.
    #[must_use]
    pub fn unconditional(key: Key, value: impl Into<Bytes>) -> Self {
        Self {
            key,
            value: value.into(),
            ttl: Ttl::Never,
            tags: Vec::new(),
            token: None,
        }
    }

    /// Sets how long the value lives.
    #[must_use]
    pub fn with_ttl(mut self, ttl: impl Into<Ttl>) -> Self {
        self.ttl = ttl.into();
        self
    }

    /// Sets the value's tags.
    #[must_use]
    pub fn with_tags(mut self, tags: impl IntoIterator<Item = Tag>) -> Self {
        self.tags = tags.into_iter().collect();
        self
    }

    /// Sets the token of the lookup that missed.
    #[must_use]
    pub fn with_token(mut self, token: FillToken) -> Self {
        self.token = Some(token);
        self
    }
}

/// The result of a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetOutcome {
    /// The value is stored.
    Stored,
    /// The value was dropped: an invalidation, or a fill that began later, has overtaken it.
    Outdated,
}

/// The number of values that were removed.
///
/// ```
/// use store_core::Removal;
/// assert_eq!(Removal::exactly(2).count(), Some(2));
/// assert_eq!(Removal::uncounted().count(), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removal(Option<u64>);

impl Removal {
    /// Nothing was removed.
    #[must_use]
    pub const fn none() -> Self {
        Self(Some(0))
    }

    /// This many unexpired values were removed.
    #[must_use]
    pub const fn exactly(count: u64) -> Self {
        Self(Some(count))
    }

    /// Values were hidden without counting them, as backends do that remove them later.
    #[must_use]
    pub const fn uncounted() -> Self {
        Self(None)
    }

    /// The number, where the backend counts.
    #[must_use]
    pub const fn count(self) -> Option<u64> {
        self.0
    }
}

/// A listed value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EntryInfo {
    /// Its key.
    pub key: Key,
    /// Its length in bytes.
    pub size_bytes: u64,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When it expires, if ever.
    pub expires_at: Option<Timestamp>,
    /// Its tags, sorted.
    pub tags: Vec<Tag>,
}

impl EntryInfo {
    /// A listed value without tags.
    #[must_use]
    pub const fn new(key: Key, size_bytes: u64, created_at: Timestamp) -> Self {
        Self {
            key,
            size_bytes,
            created_at,
            expires_at: None,
            tags: Vec::new(),
        }
    }

    /// Sets when the value expires.
    #[must_use]
    pub const fn with_expires_at(mut self, expires_at: Option<Timestamp>) -> Self {
        self.expires_at = expires_at;
        self
    }

    /// Sets the value's tags.
    #[must_use]
    pub fn with_tags(mut self, mut tags: Vec<Tag>) -> Self {
        tags.sort();
        self.tags = tags;
        self
    }
}

/// Counts of what a cache holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheStats {
    /// Values in the store, expired ones included.
    pub total_items: u64,
    /// Expired values that have not been removed yet.
    pub expired_items: u64,
    /// The store's size in bytes; of the whole database where values share one file.
    pub size_bytes: u64,
}

impl CacheStats {
    /// Counts of what a cache holds.
    #[must_use]
    pub const fn new(total_items: u64, expired_items: u64, size_bytes: u64) -> Self {
        Self {
            total_items,
            expired_items,
            size_bytes,
        }
    }
}

/// Extension methods of every [`CacheStore`].
#[async_trait]
pub trait CacheStoreExt: CacheStore {
    /// The bytes of `key`, if there are unexpired ones: for reading only. To fill a miss, use
    /// [`get`](CacheStore::get), which hands out the token.
    ///
    /// # Errors
    /// The kinds of [`CacheStore::get`].
    async fn value(&self, key: &Key) -> Result<Option<Bytes>> {
        Ok(self.get(key).await?.hit().map(|entry| entry.value))
    }
}

impl<S: CacheStore + ?Sized> CacheStoreExt for S {}
