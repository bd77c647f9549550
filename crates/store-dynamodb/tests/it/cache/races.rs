//! Writers, invalidations and readers at the same time, on handles of their own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use store_core::{CacheStore, Lookup, Result, Scope, Selection};
use store_dynamodb::{CacheOptions, DynamoDbCacheStore, DynamoDbTable, Tuning};
use tokio::task::JoinSet;

use super::{key, tag};
use crate::support;

const KEYS: [&str; 3] = ["comics:1", "comics:2", "comics:3"];
const ROUNDS: u64 = 25;

/// Where values come from. What an invalidation is about changes before it is called.
#[derive(Debug, Default)]
struct Source {
    version: AtomicU64,
    /// Older versions must not be seen any more.
    floor: AtomicU64,
    is_done: AtomicBool,
}

/// A value that tells its version, long enough to be cut into chunks.
fn value_of(version: u64) -> Bytes {
    let seed = store_core::backend::SeededRandom::new(version);
    let words = std::iter::repeat_with(|| store_core::Random::next_u64(&seed));
    let noise = words.take(99).flat_map(u64::to_le_bytes);
    let value: Vec<u8> = version.to_le_bytes().into_iter().chain(noise).collect();
    value.into()
}

fn version_of(value: &Bytes) -> u64 {
    let first = value.first_chunk().expect("a version");
    u64::from_le_bytes(*first)
}

fn handle(table: &DynamoDbTable) -> DynamoDbCacheStore {
    let options = CacheOptions::default();
    let tuning = Tuning::default().with_chunk_bytes(300);
    DynamoDbCacheStore::with_tuning(table, options, tuning)
}

async fn write(cache: DynamoDbCacheStore, source: Arc<Source>, n: usize) -> Result<()> {
    let mut step = n;
    while !source.is_done.load(Ordering::SeqCst) {
        step += 1;
        let name = KEYS[step % KEYS.len()];
        let token = match cache.get(&key(name)).await? {
            Lookup::Miss(token) => token,
            Lookup::Hit(_) => cache.fill_token().await?,
        };
        let value = value_of(source.version.load(Ordering::SeqCst));
        // Sometimes it takes longer to fetch, and sometimes the tags change.
        for _ in 0..step % 3 {
            cache.fill_token().await?;
        }
        let entry = store_core::NewEntry::unconditional(key(name), value).with_token(token);
        let tags = if step.is_multiple_of(2) {
            &["t"][..]
        } else {
            &["t", "u"]
        };
        let entry = entry.with_tags(tags.iter().map(|name| tag(name)));
        cache.set(entry).await?;
    }
    Ok(())
}

async fn read(cache: DynamoDbCacheStore, source: Arc<Source>) -> Result<u64> {
    let mut hits = 0;
    while !source.is_done.load(Ordering::SeqCst) {
        for name in KEYS {
            let floor = source.floor.load(Ordering::SeqCst);
            if let Some(found) = cache.get(&key(name)).await?.hit() {
                hits += 1;
                let version = version_of(&found.value);
                assert!(found.value == value_of(version), "a torn value of {name}");
                assert!(version >= floor, "{name} is of {version}, before {floor}");
            }
        }
    }
    Ok(hits)
}

/// What `invalidate` does to every key must be seen by everybody once it has returned.
async fn race(invalidate: impl AsyncFn(&DynamoDbCacheStore) -> Result<()>) -> Result<()> {
    let table = support::table().await;
    let (one, other) = (handle(&table), handle(&table));
    let source = Arc::new(Source::default());
    let mut writers = JoinSet::new();
    let mut readers = JoinSet::new();
    for n in 0..4 {
        let cache = if n % 2 == 0 { &one } else { &other };
        writers.spawn(write(cache.clone(), Arc::clone(&source), n));
        readers.spawn(read(cache.clone(), Arc::clone(&source)));
    }
    for round in 0..ROUNDS {
        let version = source.version.fetch_add(1, Ordering::SeqCst) + 1;
        invalidate(if round % 3 == 0 { &one } else { &other }).await?;
        source.floor.store(version, Ordering::SeqCst);
        // Time for some fills.
        for _ in 0..100 {
            if one.get(&key(KEYS[0])).await?.hit().is_some() {
                break;
            }
        }
    }
    source.is_done.store(true, Ordering::SeqCst);
    let mut hits = 0;
    while let Some(read) = readers.join_next().await {
        hits += read.expect("a reader that ends")?;
    }
    while let Some(written) = writers.join_next().await {
        written.expect("a writer that ends")?;
    }
    assert!(hits > 0, "nothing was ever found");
    Ok(())
}

// covers("F48")
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_stale_is_read_after_a_tag_was_invalidated() -> Result<()> {
    race(async |cache| {
        cache.invalidate_tags(&[tag("t")]).await?;
        Ok(())
    })
    .await
}

// covers("F48")
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_stale_is_read_after_a_scope_was_cleared() -> Result<()> {
    race(async |cache| {
        let scope = Selection::Scope(Scope::new("comics")?);
        cache.clear(&scope).await?;
        Ok(())
    })
    .await
}

// covers("F48")
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_stale_is_read_after_everything_was_cleared() -> Result<()> {
    race(async |cache| {
        cache.clear(&Selection::All).await?;
        Ok(())
    })
    .await
}

// covers("F48")
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_stale_is_read_after_keys_were_deleted() -> Result<()> {
    race(async |cache| {
        for name in KEYS {
            cache.delete(&key(name)).await?;
        }
        Ok(())
    })
    .await
}
