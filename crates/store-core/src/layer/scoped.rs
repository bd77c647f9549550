//! A part of a cache: the keys and tags of one scope.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;

use crate::cache::{
    CacheStats, CacheStore, EntryInfo, FillToken, Lookup, NewEntry, Removal, SetOutcome,
};
use crate::error::{Error, ErrorKind, Result};
use crate::key::{Key, Scope, Selection};
use crate::page::{Page, PageRequest};
use crate::tag::Tag;

/// The part of a cache that belongs to one scope, such as a tenant: a store of its own, which can neither
/// read nor remove what belongs to another.
///
/// `issue:1` of the scope `acme` is `acme:issue:1` in the store, and the tag `volume:1` is `acme:t:volume:1`. Keys
/// and tags are shorter by that than [`MAX_KEY_BYTES`](crate::MAX_KEY_BYTES). Each value carries one tag
/// more, that of its own scope (`acme:s:issue`), by which [`clear`](CacheStore::clear) removes a scope within
/// the scope.
///
/// - [`stats`](CacheStore::stats) and [`cleanup`](CacheStore::cleanup) are about the whole store: to count a part
///   would take longer with each value in it. [`list`](CacheStore::list) shows the values of the part.
/// - [`close`](CacheStore::close) closes this part and its clones. The store stays open for others.
///
/// It costs the allocation of a longer key per call. Place it outside of every other layer, so that they see
/// the keys of the store.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use store_core::layer::Scoped;
/// use store_core::{CacheStore, CacheStoreExt, Key, NewEntry, Scope, Selection};
/// use store_memory::MemoryCacheStore;
///
/// let shared = MemoryCacheStore::new();
/// let acme = Scoped::new(shared.clone(), Scope::new("acme")?);
/// let other = Scoped::new(shared, Scope::new("other")?);
///
/// let key = Key::new("issue:1")?;
/// acme.set(NewEntry::unconditional(key.clone(), "Saga")).await?;
/// other.clear(&Selection::All).await?;
/// assert!(acme.value(&key).await?.is_some());
/// assert!(other.value(&key).await?.is_none());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Scoped<S> {
    store: S,
    scope: Scope,
    is_closed: Arc<AtomicBool>,
}

impl<S: CacheStore> Scoped<S> {
    /// The part of `store` that belongs to `scope`.
    #[must_use]
    pub fn new(store: S, scope: Scope) -> Self {
        Self {
            store,
            scope,
            is_closed: Arc::default(),
        }
    }

    /// The scope.
    #[must_use]
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    fn open(&self, operation: &'static str) -> Result<&S> {
        if self.is_closed.load(Ordering::Acquire) {
            return Err(Error::new(ErrorKind::Closed, "scoped", operation));
        }
        Ok(&self.store)
    }

    fn key(&self, key: &Key) -> Result<Key> {
        self.scope.key(key.as_str())
    }

    fn tag(&self, tag: &Tag) -> Result<Tag> {
        Tag::new(format!("{}:t:{tag}", self.scope))
    }

    /// The tag of every value whose key is in `scope`.
    fn scope_tag(&self, scope: &str) -> Result<Tag> {
        Tag::new(format!("{}:s:{scope}", self.scope))
    }

    fn entry(&self, mut entry: NewEntry) -> Result<NewEntry> {
        let mut tags = Vec::with_capacity(entry.tags.len() + 1);
        for tag in &entry.tags {
            tags.push(self.tag(tag)?);
        }
        if let Some(scope) = entry.key.scope() {
            tags.push(self.scope_tag(scope)?);
        }
        entry.key = self.key(&entry.key)?;
        entry.tags = tags;
        Ok(entry)
    }

    /// A listed value as this part names it; `None` if it belongs to another.
    fn info(&self, info: EntryInfo) -> Result<Option<EntryInfo>> {
        if !info.key.is_in(&self.scope) {
            return Ok(None);
        }
        let own = format!("{}:t:", self.scope);
        let tags = info
            .tags
            .iter()
            .filter_map(|tag| tag.as_str().strip_prefix(&own));
        let tags = tags.map(Tag::new).collect::<Result<_>>()?;
        Ok(Some(EntryInfo {
            key: Key::new(self.name(info.key.as_str()))?,
            ..info
        })
        .map(|info| info.with_tags(tags)))
    }

    /// The name of a key within this part.
    fn name<'a>(&self, key: &'a str) -> &'a str {
        key.get(self.scope.as_str().len() + 1..).unwrap_or_default()
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<S: CacheStore> CacheStore for Scoped<S> {
    async fn get(&self, key: &Key) -> Result<Lookup> {
        self.open("get")?.get(&self.key(key)?).await
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Lookup>> {
        let store = self.open("get_many")?;
        let keys = keys.iter().map(|key| self.key(key));
        store.get_many(&keys.collect::<Result<Vec<_>>>()?).await
    }

    async fn set(&self, entry: NewEntry) -> Result<SetOutcome> {
        self.open("set")?.set(self.entry(entry)?).await
    }

    async fn set_many(&self, entries: Vec<NewEntry>) -> Result<Vec<SetOutcome>> {
        let store = self.open("set_many")?;
        let entries = entries.into_iter().map(|entry| self.entry(entry));
        store.set_many(entries.collect::<Result<_>>()?).await
    }

    async fn fill_token(&self) -> Result<FillToken> {
        self.open("fill_token")?.fill_token().await
    }

    async fn delete(&self, key: &Key) -> Result<Removal> {
        self.open("delete")?.delete(&self.key(key)?).await
    }

    async fn clear(&self, selection: &Selection) -> Result<Removal> {
        let store = self.open("clear")?;
        match selection {
            Selection::All => store.clear(&Selection::Scope(self.scope.clone())).await,
            Selection::Scope(scope) => {
                let tag = self.scope_tag(scope.as_str())?;
                store.invalidate_tags(&[tag]).await
            }
        }
    }

    async fn invalidate_tags(&self, tags: &[Tag]) -> Result<Removal> {
        let store = self.open("invalidate_tags")?;
        let tags = tags.iter().map(|tag| self.tag(tag));
        store
            .invalidate_tags(&tags.collect::<Result<Vec<_>>>()?)
            .await
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<EntryInfo>> {
        let store = self.open("list")?;
        let after = page.after.as_deref().unwrap_or_default();
        let page = PageRequest::default()
            .with_after(format!("{}:{after}", self.scope))
            .with_limit(page.limit);
        let listed = store.list(&page).await?;
        let mut items = Vec::with_capacity(listed.items.len());
        for info in listed.items {
            // What follows the scope's keys is not of this part, and neither is the page behind it.
            let Some(info) = self.info(info)? else {
                return Ok(Page { items, next: None });
            };
            items.push(info);
        }
        let next = listed
            .next
            .filter(|name| name.starts_with(&format!("{}:", self.scope)));
        let next = next.map(|name| self.name(&name).to_owned());
        Ok(Page { items, next })
    }

    async fn stats(&self) -> Result<CacheStats> {
        self.open("stats")?.stats().await
    }

    async fn cleanup(&self) -> Result<u64> {
        self.open("cleanup")?.cleanup().await
    }

    async fn close(&self) -> Result<()> {
        self.is_closed.store(true, Ordering::Release);
        Ok(())
    }

    fn stored_key(&self, key: &Key) -> Result<Key> {
        self.store.stored_key(&self.key(key)?)
    }
}
