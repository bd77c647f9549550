//! The keys that were used most, in a bounded number of counters: what to warm a cache with at the next start.

use std::collections::{BTreeMap, HashMap};
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::warn;

use crate::cache::{CacheStore, CacheStoreExt, NewEntry};
use crate::codec::{Codec, Json};
use crate::error::Result;
use crate::key::Key;

/// Counts how often keys are used, and keeps the count over restarts in an entry of a cache. Clones share it.
///
/// It has a fixed number of counters (the Space-Saving algorithm): a key that has none takes over the smallest one. A key
/// that is more than one of `counters` of all uses is among them, however many others were used once.
///
/// A count that is loaded is half of what was saved, so that earlier runs count less and less.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::num::NonZeroUsize;
///
/// use store_core::Key;
/// use store_core::layer::{MostUsed, WarmOptions, warm};
/// use store_memory::MemoryCacheStore; // a store that survives the program
///
/// let cache = MemoryCacheStore::new();
/// let (entry, counters) = (Key::new("usage:issues")?, NonZeroUsize::MIN.saturating_add(999));
///
/// let used = MostUsed::load(&cache, &entry, counters).await?; // at the start
/// warm(used.top(100), WarmOptions::default(), async |_key| Ok(())).await; // load `_key` here
///
/// used.record(&Key::new("issues:4000-1")?); // at each use
///
/// used.save(&cache, &entry).await?; // now and then, and at the end
/// let next = MostUsed::load(&cache, &entry, counters).await?;
/// assert_eq!(next.top(100), [Key::new("issues:4000-1")?]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct MostUsed {
    counters: Arc<Mutex<Counters>>,
}

#[derive(Debug)]
struct Counters {
    most: usize,
    /// The place of each key in `by_count`.
    places: HashMap<Key, Place>,
    by_count: BTreeMap<Place, Key>,
    last_use: u64,
}

/// The count, and the number of the last use: of equal counts the one that was used longer ago is smaller.
type Place = (u64, u64);

impl MostUsed {
    /// Counters that have counted nothing, and how many there are.
    #[must_use]
    pub fn new(counters: NonZeroUsize) -> Self {
        Self {
            counters: Arc::new(Mutex::new(Counters {
                most: counters.get(),
                places: HashMap::new(),
                by_count: BTreeMap::new(),
                last_use: 0,
            })),
        }
    }

    /// Counts a use of `key`.
    pub fn record(&self, key: &Key) {
        self.lock().add(key, 1);
    }

    /// The keys that were used most, at most so many, the most used first.
    #[must_use]
    pub fn top(&self, most: usize) -> Vec<Key> {
        let counters = self.lock();
        let falling = counters.by_count.values().rev();
        falling.take(most).cloned().collect()
    }

    /// The counters that were saved under `entry`, with half of each count; those that have counted nothing if there are
    /// none, or if something else is stored there.
    ///
    /// # Errors
    /// The kinds of [`CacheStore::get`].
    pub async fn load(cache: &dyn CacheStore, entry: &Key, counters: NonZeroUsize) -> Result<Self> {
        let loaded = Self::new(counters);
        let Some(bytes) = cache.value(entry).await? else {
            return Ok(loaded);
        };
        let saved: Vec<(String, u64)> = Json.decode(&bytes).unwrap_or_else(|error| {
            warn!(%entry, %error, "what was used most before is not known");
            Vec::new()
        });
        {
            let mut counters = loaded.lock();
            // The least used first, so that it is what gives way if there are fewer counters now.
            for (key, count) in saved.into_iter().rev() {
                if let Ok(key) = Key::new(key) {
                    counters.add(&key, (count / 2).max(1));
                }
            }
        }
        Ok(loaded)
    }

    /// Saves the counters under `entry`, without an expiry. Of several processes the last one to save is loaded.
    ///
    /// # Errors
    /// The kinds of [`CacheStore::set`].
    pub async fn save(&self, cache: &dyn CacheStore, entry: &Key) -> Result<()> {
        // The most used first, of equal counts the one that was used last.
        let saved: Vec<(String, u64)> = {
            let counters = self.lock();
            let each = counters.by_count.iter().rev();
            each.map(|((count, _), key)| (key.as_str().to_owned(), *count))
                .collect()
        };
        let bytes = Json.encode(&saved)?;
        cache
            .set(NewEntry::unconditional(entry.clone(), bytes))
            .await?;
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, Counters> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counters {
    fn add(&mut self, key: &Key, uses: u64) {
        let counted = match self.places.get(key) {
            Some(place) => {
                self.by_count.remove(place);
                place.0
            }
            None if self.places.len() < self.most => 0,
            None => match self.by_count.pop_first() {
                Some(((count, _), smallest)) => {
                    self.places.remove(&smallest);
                    count
                }
                None => 0,
            },
        };
        self.last_use += 1;
        let place = (counted.saturating_add(uses), self.last_use);
        self.places.insert(key.clone(), place);
        self.by_count.insert(place, key.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counters(count: usize) -> NonZeroUsize {
        NonZeroUsize::new(count).unwrap()
    }

    fn key(name: impl std::fmt::Display) -> Key {
        Key::new(format!("issues:{name}")).unwrap()
    }

    // covers("D11", "D12")
    #[test]
    fn what_is_used_most_is_known_among_any_number_of_others() {
        let used = MostUsed::new(counters(10));
        for n in 0..10_000 {
            used.record(&key(n));
            for (popular, every) in [("a", 4), ("b", 6)] {
                if n % every == 0 {
                    used.record(&key(popular));
                }
            }
        }
        assert_eq!(used.top(2), [key("a"), key("b")]);
        assert_eq!(used.top(100).len(), 10);
        let counters = used.lock();
        assert_eq!((counters.places.len(), counters.by_count.len()), (10, 10));
    }
}
