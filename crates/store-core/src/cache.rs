//! The cache contract: values that expire, carry tags, and cannot be undone by late fills.

use std::fmt::Debug;

use async_trait::async_trait;
use bytes::Bytes;

use crate::error::Result;
use crate::key::{Key, Selection};
use crate::page::{Page, PageRequest};
use crate::tag::Tag;
use crate::time::Timestamp;
use crate::ttl::Ttl;

/// A response cache, shared by everyone who opens the same store.
///
/// Every method is atomic. An expired value is never returned, whether it was swept or not.
///
/// Conveniences (storing with defaults, typed values) are in [`CacheStoreExt`] and
/// [`TypedCache`](crate::TypedCache).
#[async_trait]
pub trait CacheStore: Debug + Send + Sync + 'static {
    /// Looks up one value.
    ///
    /// # Behavior
    /// - present and unexpired: [`Lookup::Hit`];
    /// - absent or expired: [`Lookup::Miss`] with a token for the fill that may follow.
    ///
    /// # Errors
    /// Those of the backend.
    async fn get(&self, key: &Key) -> Result<Lookup>;

    /// Looks up several values; the answers are in the order of `keys`.
    ///
    /// # Errors
    /// Those of the backend.
    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Lookup>>;

    /// Stores one value with its tags, replacing value, expiry and tags of its key.
    ///
    /// # Behavior
    /// - without a token the fill counts as begun now;
    /// - the key was deleted, cleared or invalidated by a tag after the token was handed out, or a
    ///   fill that began later is stored already: [`SetOutcome::Outdated`], nothing changes,
    ///   however large the value;
    /// - too large: `TooLarge`, and the key's older value is gone.
    ///
    /// # Errors
    /// `TooLarge`, and those of the backend.
    async fn set(&self, entry: NewEntry) -> Result<SetOutcome>;

    /// Stores several values, each as [`set`](Self::set) does; the outcomes are in their order.
    ///
    /// # Errors
    /// `TooLarge`, and those of the backend; then none or some are stored.
    async fn set_many(&self, entries: Vec<NewEntry>) -> Result<Vec<SetOutcome>>;

    /// A token for a fill that begins now, whatever is stored: for a forced refresh.
    ///
    /// # Errors
    /// Those of the backend.
    async fn fill_token(&self) -> Result<FillToken>;

    /// Removes one value and voids the tokens handed out for it.
    ///
    /// # Behavior
    /// - absent or expired: `Removal::none()`, and tokens are void all the same.
    ///
    /// # Errors
    /// Those of the backend.
    async fn delete(&self, key: &Key) -> Result<Removal>;

    /// Removes every selected value and voids the tokens handed out for them.
    ///
    /// # Errors
    /// Those of the backend.
    async fn clear(&self, selection: &Selection) -> Result<Removal>;

    /// Removes every value that carries one of `tags` and voids the tokens handed out for them.
    ///
    /// # Errors
    /// Those of the backend.
    async fn invalidate_tags(&self, tags: &[Tag]) -> Result<Removal>;

    /// Lists unexpired values by key, without their bytes.
    ///
    /// # Errors
    /// Those of the backend.
    async fn list(&self, page: &PageRequest) -> Result<Page<EntryInfo>>;

    /// Counts what is stored.
    ///
    /// # Errors
    /// Those of the backend.
    async fn stats(&self) -> Result<CacheStats>;

    /// Frees the room of expired values, and of those that were hidden when they were removed, a
    /// bounded number per run; returns how many.
    ///
    /// # Errors
    /// Those of the backend.
    async fn cleanup(&self) -> Result<u64>;

    /// Stops the store's own work. The store refuses calls from then on.
    ///
    /// # Errors
    /// Those of the backend.
    async fn close(&self) -> Result<()>;
}

/// What a lookup found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// An unexpired value.
    Hit(Entry),
    /// Nothing, or nothing unexpired. The token lets a fill notice invalidations meanwhile.
    Miss(FillToken),
}

impl Lookup {
    /// The value, if there is one.
    #[must_use]
    pub fn hit(self) -> Option<Entry> {
        match self {
            Self::Hit(entry) => Some(entry),
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
/// use store_core::{HOUR, Key, NewEntry, Tag, Ttl};
///
/// let entry = NewEntry::new(Key::new("comics:1")?, "bytes")
///     .with_ttl(Ttl::After(HOUR))
///     .with_tags([Tag::new("issue:1")?]);
/// assert_eq!(entry.tags.len(), 1);
/// # Ok::<(), store_core::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewEntry {
    /// Its name.
    pub key: Key,
    /// Its bytes.
    pub value: Bytes,
    /// How long it lives. Default: for ever.
    pub ttl: Ttl,
    /// Its tags. Default: none.
    pub tags: Vec<Tag>,
    /// What the lookup handed out before the value was fetched. Default: none, begun now.
    pub token: Option<FillToken>,
}

impl NewEntry {
    /// A value that lives for ever and carries no tags.
    #[must_use]
    pub fn new(key: Key, value: impl Into<Bytes>) -> Self {
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
    pub fn with_ttl(mut self, ttl: Ttl) -> Self {
        self.ttl = ttl;
        self
    }

    /// Sets the value's tags.
    #[must_use]
    pub fn with_tags(mut self, tags: impl IntoIterator<Item = Tag>) -> Self {
        self.tags = tags.into_iter().collect();
        self
    }

    /// States when the fill began.
    #[must_use]
    pub fn with_token(mut self, token: FillToken) -> Self {
        self.token = Some(token);
        self
    }
}

/// When a fill began, as the store counts: the number of invalidations before it, and the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FillToken {
    /// The store's count of invalidations when the token was handed out.
    pub epoch: u64,
    /// When the token was handed out.
    pub began_at: Timestamp,
}

/// What became of a value to store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetOutcome {
    /// It is stored.
    Stored,
    /// It was fetched before an invalidation or before what is stored now, and was dropped.
    Outdated,
}

/// How many values were removed.
///
/// ```
/// use store_core::Removal;
/// assert_eq!(Removal::exactly(2).count(), Some(2));
/// assert_eq!(Removal::lazily().count(), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Removal(Option<u64>);

impl Removal {
    /// Nothing was there.
    #[must_use]
    pub const fn none() -> Self {
        Self(Some(0))
    }

    /// This many unexpired values were there.
    #[must_use]
    pub const fn exactly(count: u64) -> Self {
        Self(Some(count))
    }

    /// The backend hides the values without looking for them, so nobody knows how many.
    #[must_use]
    pub const fn lazily() -> Self {
        Self(None)
    }

    /// The number, where the backend knows it.
    #[must_use]
    pub const fn count(self) -> Option<u64> {
        self.0
    }
}

/// A listed value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct EntryInfo {
    /// Its name.
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
    /// Expired values that have not been swept yet.
    pub expired_items: u64,
    /// Room that the store takes, in bytes: of the whole database where values share one file.
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

/// Conveniences over any [`CacheStore`].
#[async_trait]
pub trait CacheStoreExt: CacheStore {
    /// The value of `key`, if there is an unexpired one.
    ///
    /// # Errors
    /// Those of the backend.
    async fn value(&self, key: &Key) -> Result<Option<Bytes>> {
        Ok(self.get(key).await?.hit().map(|entry| entry.value))
    }

    /// Stores bytes without tags, counting the fill as begun now.
    ///
    /// # Errors
    /// `TooLarge`, and those of the backend.
    async fn put(&self, key: &Key, value: Bytes, ttl: Ttl) -> Result<()> {
        self.set(NewEntry::new(key.clone(), value).with_ttl(ttl))
            .await?;
        Ok(())
    }
}

impl<S: CacheStore + ?Sized> CacheStoreExt for S {}
