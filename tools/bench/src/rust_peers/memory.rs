//! Caches in memory. Keys are made before the clock starts; a value is shared, not copied. A set gives the
//! cache a copy of its key, which is a reference in ours and a `String` in the others.

use bytes::Bytes;
use store_core::{CacheOptions, CacheStore, HOUR, Key, NewEntry};
use store_memory::{Capacity, MemoryCacheStore};

use super::trial::Trial;
use crate::error::Error;
use crate::figures::{Figures, measure};
use crate::ours::scattered;
use crate::scale::VALUE;

/// A value of words in no order, which compresses as prose does.
fn prose() -> Bytes {
    let words = [
        "volume", "issue", "cover", "writer", "penciler", "the", "of", "and", "a", "in", "first",
        "appears",
    ];
    let mut text = String::with_capacity(VALUE + 16);
    for number in 0.. {
        if text.len() >= VALUE {
            break;
        }
        let place = usize::try_from(scattered(number)).unwrap_or_default() % words.len();
        text.push_str(words.get(place).copied().unwrap_or_default());
        text.push(' ');
    }
    text.truncate(VALUE);
    text.into()
}

/// The work of every cache: fill it, then get and set entries that are there.
async fn work<K>(
    trial: &Trial,
    key: impl Fn(u64) -> Result<K, Error>,
    get: impl AsyncFn(&K) -> Result<bool, Error>,
    set: impl AsyncFn(K, Bytes) -> Result<(), Error>,
) -> Result<Vec<Figures>, Error>
where
    K: Clone,
{
    let value = prose();
    let keys = (0..trial.entries)
        .map(&key)
        .collect::<Result<Vec<K>, Error>>()?;
    // Stored under keys of its own: no lookup finds its own key in the cache of the processor.
    for number in 0..trial.entries {
        set(key(number)?, value.clone()).await?;
    }
    if trial.contender.keeps_copies() {
        for key in &keys {
            get(key).await?;
        }
    }
    let chosen = |number: u64| {
        let place = usize::try_from(scattered(number) % trial.entries).unwrap_or_default();
        keys.get(place).ok_or(Error::Missing)
    };
    let (get, set, value, chosen) = (&get, &set, &value, &chosen);
    let gets = measure(trial.calls, async |number| {
        get(chosen(number)?)
            .await?
            .then_some(())
            .ok_or(Error::Missing)
    });
    let gets = gets.await?;
    let sets = measure(trial.calls, async |number| {
        set(chosen(number)?.clone(), value.clone()).await
    });
    Ok(vec![gets, sets.await?])
}

/// Room for twice as many, so that nobody evicts.
fn room(trial: &Trial) -> usize {
    usize::try_from(trial.entries * 2).unwrap_or(usize::MAX)
}

#[expect(clippy::unnecessary_wraps, reason = "a key of ours can be refused")]
fn text(number: u64) -> Result<String, Error> {
    Ok(format!("bench:{number}"))
}

/// Our cache with that room.
pub(super) fn store(trial: &Trial) -> MemoryCacheStore {
    let capacity = Capacity::default()
        .with_max_items(room(trial))
        .with_max_bytes(usize::MAX);
    let options = CacheOptions::default().with_cleanup_interval(None);
    MemoryCacheStore::with_capacity(options, capacity)
}

pub(super) async fn ours(trial: &Trial) -> Result<Vec<Figures>, Error> {
    through(trial, store(trial)).await
}

/// A cache of the contract.
pub(super) async fn through(trial: &Trial, cache: impl CacheStore) -> Result<Vec<Figures>, Error> {
    work(
        trial,
        |number| Ok(Key::new(format!("bench:{number}"))?),
        async |key| Ok(std::hint::black_box(cache.get(key).await?).hit().is_some()),
        async |key, value| {
            let entry = NewEntry::unconditional(key, value).with_ttl(HOUR);
            cache.set(entry).await?;
            Ok(())
        },
    )
    .await
}

pub(super) async fn moka(trial: &Trial) -> Result<Vec<Figures>, Error> {
    let cache: moka::sync::Cache<String, Bytes> = moka::sync::Cache::builder()
        .max_capacity(trial.entries * 2)
        .time_to_live(HOUR)
        .build();
    work(
        trial,
        text,
        async |key| Ok(std::hint::black_box(cache.get(key)).is_some()),
        async |key, value| {
            cache.insert(key, value);
            Ok(())
        },
    )
    .await
}

pub(super) async fn quick_cache(trial: &Trial) -> Result<Vec<Figures>, Error> {
    let cache: quick_cache::sync::Cache<String, Bytes> = quick_cache::sync::Cache::new(room(trial));
    work(
        trial,
        text,
        async |key| Ok(std::hint::black_box(cache.get(key)).is_some()),
        async |key, value| {
            cache.insert(key, value);
            Ok(())
        },
    )
    .await
}

pub(super) async fn foyer(trial: &Trial) -> Result<Vec<Figures>, Error> {
    let cache: foyer_memory::Cache<String, Bytes> =
        foyer_memory::CacheBuilder::new(room(trial)).build();
    work(
        trial,
        text,
        async |key| {
            let value = cache.get(key).map(|entry| entry.value().clone());
            Ok(std::hint::black_box(value).is_some())
        },
        async |key, value| {
            cache.insert(key, value);
            Ok(())
        },
    )
    .await
}
