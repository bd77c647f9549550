//! Reads and writes on separate ways: reads from replicas, writes to the primary.

mod options;
mod routes;
mod written;

use std::sync::Arc;

use async_trait::async_trait;
use tracing::warn;

pub use self::options::RoutedOptions;
use self::routes::Routes;
use self::written::Written;
use crate::cache::{
    CacheStats, CacheStore, EntryInfo, FillToken, Lookup, NewEntry, Removal, SetOutcome,
};
use crate::error::Result;
use crate::key::{Key, Selection};
use crate::page::{Page, PageRequest};
use crate::tag::Tag;

/// A cache that is written to a primary store and read from its replicas, in turn.
///
/// - A key that was written here is read from the primary for [`read_your_writes`](RoutedOptions::read_your_writes), and
///   after a `clear` or `invalidate_tags` every key is. That has to be longer than a replica lags behind.
/// - Fill tokens are the primary's: a value that the replica does not have is looked up in the primary, which may have
///   it by now.
/// - A replica that fails costs a lookup in the primary. Without replicas the primary answers.
/// - Listings, counts and cleanups are the primary's. `close` closes all of them.
///
/// It costs the lookup of a recently written key in a map, and the clone of a key per write. Place it outside of what
/// protects a single store, such as retries, and do not put a [`Tiered`](super::Tiered) with a feed before it: a
/// replica may be behind the feed of its primary.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use store_core::layer::Routed;
/// use store_core::{CacheStore, CacheStoreExt, Key, NewEntry};
/// use store_memory::MemoryCacheStore;
///
/// let (primary, replica) = (MemoryCacheStore::new(), MemoryCacheStore::new());
/// let cache = Routed::new(primary, vec![replica]);
/// let key = Key::new("comics:1")?;
/// cache.set(NewEntry::unconditional(key.clone(), "Saga")).await?;
/// // The replica does not have it yet.
/// assert!(cache.value(&key).await?.is_some());
/// assert!(cache.primary().value(&key).await?.is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Routed<P, R> {
    routes: Arc<Routes<P, R>>,
}

impl<P: CacheStore, R: CacheStore> Routed<P, R> {
    /// Writes to `primary`, reads from `replicas`.
    #[must_use]
    pub fn new(primary: P, replicas: Vec<R>) -> Self {
        Self::with_options(primary, replicas, RoutedOptions::default())
    }

    /// Writes to `primary`, reads from `replicas`, with options.
    #[must_use]
    pub fn with_options(primary: P, replicas: Vec<R>, options: RoutedOptions) -> Self {
        Self {
            routes: Arc::new(Routes::new(primary, replicas, options)),
        }
    }

    /// The primary, for a lookup that has to see the writes of other processes.
    #[must_use]
    pub fn primary(&self) -> &P {
        &self.routes.primary
    }

    /// What a replica has of those of `keys` that it may be asked for; `None` is for the primary.
    async fn read_replica(&self, keys: &[Key]) -> Vec<Option<Lookup>> {
        let routes = &*self.routes;
        let now = routes.options.clock.monotonic();
        let is_here = |written: &mut Written| {
            let each = keys.iter().map(|key| written.has(key, now));
            each.collect::<Vec<_>>()
        };
        let is_here = is_here(&mut routes.written());
        let mut answers: Vec<_> = keys.iter().map(|_| None).collect();
        let elsewhere = (0..keys.len()).filter(|index| !is_here[*index]);
        let elsewhere: Vec<usize> = elsewhere.collect();
        let asked: Vec<Key> = elsewhere.iter().map(|index| keys[*index].clone()).collect();
        let (false, Some(replica)) = (asked.is_empty(), routes.replica()) else {
            return answers;
        };
        match replica.get_many(&asked).await {
            Ok(lookups) => {
                for (index, lookup) in elsewhere.into_iter().zip(lookups) {
                    answers[index] = matches!(lookup, Lookup::Hit(_)).then_some(lookup);
                }
            }
            Err(error) => warn!(%error, "a replica has failed; the primary is asked"),
        }
        answers
    }
}

impl<P, R> Clone for Routed<P, R> {
    fn clone(&self) -> Self {
        Self {
            routes: Arc::clone(&self.routes),
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<P: CacheStore, R: CacheStore> CacheStore for Routed<P, R> {
    async fn get(&self, key: &Key) -> Result<Lookup> {
        let routes = &*self.routes;
        let now = routes.options.clock.monotonic();
        let is_here = routes.written().has(key, now);
        if !is_here && let Some(replica) = routes.replica() {
            match replica.get(key).await {
                Ok(Lookup::Hit(entry)) => return Ok(Lookup::Hit(entry)),
                Ok(Lookup::Miss(_)) => {}
                Err(error) => warn!(%error, "a replica has failed; the primary is asked"),
            }
        }
        routes.primary.get(key).await
    }

    async fn get_many(&self, keys: &[Key]) -> Result<Vec<Lookup>> {
        let mut answers = self.read_replica(keys).await;
        let missing = keys.iter().zip(&answers);
        let missing = missing.filter(|(_, answer)| answer.is_none());
        let missing: Vec<Key> = missing.map(|(key, _)| key.clone()).collect();
        if !missing.is_empty() || keys.is_empty() {
            let found = self.routes.primary.get_many(&missing).await?;
            let unanswered = answers.iter_mut().filter(|answer| answer.is_none());
            for (answer, lookup) in unanswered.zip(found) {
                *answer = Some(lookup);
            }
        }
        Ok(answers.into_iter().flatten().collect())
    }

    async fn set(&self, entry: NewEntry) -> Result<SetOutcome> {
        let keys = [entry.key.clone()];
        let _window = self.routes.write(Some(&keys));
        self.routes.primary.set(entry).await
    }

    async fn set_many(&self, entries: Vec<NewEntry>) -> Result<Vec<SetOutcome>> {
        let keys: Vec<Key> = entries.iter().map(|entry| entry.key.clone()).collect();
        let _window = self.routes.write(Some(&keys));
        self.routes.primary.set_many(entries).await
    }

    async fn fill_token(&self) -> Result<FillToken> {
        self.routes.primary.fill_token().await
    }

    async fn delete(&self, key: &Key) -> Result<Removal> {
        let _window = self.routes.write(Some(std::slice::from_ref(key)));
        self.routes.primary.delete(key).await
    }

    async fn clear(&self, selection: &Selection) -> Result<Removal> {
        let _window = self.routes.write(None);
        self.routes.primary.clear(selection).await
    }

    async fn invalidate_tags(&self, tags: &[Tag]) -> Result<Removal> {
        let _window = self.routes.write(None);
        self.routes.primary.invalidate_tags(tags).await
    }

    async fn list(&self, page: &PageRequest) -> Result<Page<EntryInfo>> {
        self.routes.primary.list(page).await
    }

    async fn stats(&self) -> Result<CacheStats> {
        self.routes.primary.stats().await
    }

    async fn cleanup(&self) -> Result<u64> {
        self.routes.primary.cleanup().await
    }

    async fn close(&self) -> Result<()> {
        for replica in &self.routes.replicas {
            if let Err(error) = replica.close().await {
                warn!(%error, "a replica was not closed");
            }
        }
        self.routes.primary.close().await
    }

    fn stored_key(&self, key: &Key) -> Result<Key> {
        self.routes.primary.stored_key(key)
    }
}
