//! The cache: small values, list pages, and many writers.

use std::process;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use store_core::layer::Tiered;
use store_core::{
    Bincode, CacheStore, CacheStoreExt as _, Clock as _, Codec, ErrorKind, HOUR, Json, Key,
    NewEntry, Result, SystemClock, Timestamp, TypedCache,
};
use store_memory::MemoryCacheStore;
use store_sqlite::{SqliteCacheStore, SqliteDatabase};

use super::timing::{scattered, timed};
use super::value::value;
use crate::error::Error;
use crate::job::{Job, Timing, WriterStats};
use crate::page;

/// Small values that reads choose from.
const KEYS: u64 = 1_000;
/// Pages that reads and writes choose from.
const PAGES: u64 = 20;

/// The calls on list pages, by the form in which they are stored.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PageCall {
    GetValue,
    GetRecord,
    GetBytes,
    SetValue,
    SetRecord,
    SetBytes,
}

pub(crate) async fn get(
    database: &SqliteDatabase,
    job: &Job,
) -> std::result::Result<Timing, Error> {
    let (cache, value) = (SqliteCacheStore::new(database), Bytes::from(value(job)?));
    get_bytes(cache, value, KEYS, job).await
}

pub(crate) async fn get_tiered(
    database: &SqliteDatabase,
    job: &Job,
) -> std::result::Result<Timing, Error> {
    let file = SqliteCacheStore::new(database);
    let cache = Tiered::following(MemoryCacheStore::new(), file);
    get_bytes(cache, Bytes::from(value(job)?), KEYS, job).await
}

pub(crate) async fn set(
    database: &SqliteDatabase,
    job: &Job,
) -> std::result::Result<Timing, Error> {
    let (cache, value) = (SqliteCacheStore::new(database), Bytes::from(value(job)?));
    timed(job, move |number| {
        let (cache, value) = (cache.clone(), value.clone());
        async move { store(&cache, key(number)?, value).await }
    })
    .await
}

pub(crate) async fn page(
    database: &SqliteDatabase,
    job: &Job,
    page: PageCall,
) -> std::result::Result<Timing, Error> {
    let cache = SqliteCacheStore::new(database);
    let record = page::page();
    let json = Json.encode(&record)?;
    match page {
        PageCall::GetValue => get_typed(cache, Json, Json.decode::<Value>(&json)?, job).await,
        PageCall::SetValue => set_typed(cache, Json, Json.decode::<Value>(&json)?, job).await,
        PageCall::GetRecord => get_typed(cache, Bincode, record, job).await,
        PageCall::SetRecord => set_typed(cache, Bincode, record, job).await,
        PageCall::GetBytes => get_bytes(cache, json, PAGES, job).await,
        PageCall::SetBytes => {
            timed(job, move |number| {
                let (cache, json) = (cache.clone(), json.clone());
                async move { store(&cache, key(number % PAGES)?, json).await }
            })
            .await
        }
    }
}

async fn get_bytes(
    cache: impl CacheStore + Clone,
    value: Bytes,
    keys: u64,
    job: &Job,
) -> std::result::Result<Timing, Error> {
    for number in 0..keys {
        store(&cache, key(number)?, value.clone()).await?;
    }
    timed(job, move |number| {
        let cache = cache.clone();
        async move {
            let key = key(scattered(number) % keys)?;
            found(cache.value(&key).await?.is_some())
        }
    })
    .await
}

async fn get_typed<T, C>(
    cache: SqliteCacheStore,
    codec: C,
    value: T,
    job: &Job,
) -> std::result::Result<Timing, Error>
where
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
    C: Codec,
{
    for number in 0..PAGES {
        store(&cache, key(number)?, codec.encode(&value)?).await?;
    }
    let cache = TypedCache::with_codec(cache, codec);
    timed(job, move |number| {
        let cache: TypedCache<T, C> = cache.clone();
        async move {
            let key = key(scattered(number) % PAGES)?;
            found(cache.get(&key).await?.hit().is_some())
        }
    })
    .await
}

async fn set_typed<T, C>(
    cache: SqliteCacheStore,
    codec: C,
    value: T,
    job: &Job,
) -> std::result::Result<Timing, Error>
where
    T: Serialize + DeserializeOwned + Send + Sync + 'static,
    C: Codec,
{
    let shared = Arc::new((codec, value));
    timed(job, move |number| {
        let (cache, shared) = (cache.clone(), Arc::clone(&shared));
        async move {
            let (codec, value) = &*shared;
            store(&cache, key(number % PAGES)?, codec.encode(value)?).await
        }
    })
    .await
}

/// Writes from many tasks until the time is over, beside another process that does the same.
pub(crate) async fn contend(
    database: &SqliteDatabase,
    job: &Job,
) -> std::result::Result<WriterStats, Error> {
    let (cache, value) = (SqliteCacheStore::new(database), Bytes::from(value(job)?));
    store_sqlite::migrate(database).await?;
    let clock = SystemClock::new();
    clock
        .sleep_until(Timestamp::from_millis(job.begins_at))
        .await;
    let ends = clock.monotonic() + Duration::from_millis(job.millis);
    let tasks: Vec<_> = (0..job.tasks)
        .map(|number| {
            let scope = format!("bench:{}-{number}", process::id());
            tokio::spawn(write_until(
                cache.clone(),
                scope,
                value.clone(),
                clock,
                ends,
            ))
        })
        .collect();
    let mut all = WriterStats {
        writes: 0,
        locked: 0,
        longest_millis: 0.0,
    };
    for task in tasks {
        let one = task.await.map_err(|source| Error::LostTask { source })??;
        all.writes += one.writes;
        all.locked += one.locked;
        all.longest_millis = all.longest_millis.max(one.longest_millis);
    }
    Ok(all)
}

async fn write_until(
    cache: SqliteCacheStore,
    scope: String,
    value: Bytes,
    clock: SystemClock,
    ends: Duration,
) -> Result<WriterStats> {
    let (mut writes, mut locked, mut longest) = (0, 0, Duration::ZERO);
    loop {
        let asked = clock.monotonic();
        if asked >= ends {
            return Ok(WriterStats {
                writes,
                locked,
                longest_millis: longest.as_secs_f64() * 1e3,
            });
        }
        let key = Key::new(format!("{scope}-{writes}"))?;
        match store(&cache, key, value.clone()).await {
            Ok(()) => writes += 1,
            Err(error) if error.kind() == ErrorKind::Busy => locked += 1,
            Err(error) => return Err(error),
        }
        longest = longest.max(clock.monotonic().saturating_sub(asked));
    }
}

pub(crate) async fn store(cache: &dyn CacheStore, key: Key, value: Bytes) -> Result<()> {
    let entry = NewEntry::unconditional(key, value).with_ttl(HOUR);
    cache.set(entry).await?;
    Ok(())
}

pub(crate) fn key(number: u64) -> Result<Key> {
    Key::new(format!("bench:{number}"))
}

/// A benchmark that reads what is not there would look fast.
fn found(is_found: bool) -> Result<()> {
    if is_found {
        return Ok(());
    }
    let missing = store_core::Error::new(ErrorKind::Corrupt, "bench", "get");
    Err(missing.with_detail("a value that was stored is not there"))
}
