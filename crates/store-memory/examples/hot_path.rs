//! How long the calls of the hot path take, and how that grows with what is stored.
//!
//! ```sh
//! cargo run --release -p store-memory --example hot_path
//! ```
//!
//! Nanoseconds per call, medians of five rounds; only ratios of one run mean anything. Values have 112 bytes and a TTL
//! of an hour; each acquisition is granted.

#![expect(clippy::print_stdout, reason = "an example shows its output")]

use std::hint::black_box;
use std::time::Duration;

use store_memory::store_core::{Clock, PageRequest, SystemClock};
use store_memory::{
    Acquire, CacheOptions, CacheStore, Capacity, Decision, HOUR, Key, Limit, MINUTE,
    MemoryCacheStore, MemoryRateLimitStore, NewEntry, RateLimitStore, Resource, Result,
};

const ROUNDS: usize = 5;
const CALLS: u32 = 100_000;

#[tokio::main(flavor = "current_thread")]
pub(crate) async fn main() -> Result<()> {
    println!(
        "{:>9}  {:>7}  {:>9}  {:>7}  {:>7}  {:>10}  {:>7}",
        "entries", "set new", "set again", "evict", "get", "first list", "acquire"
    );
    for count in [1_000, 10_000, 100_000, 1_000_000] {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let cache = cache(count).await?;
            rounds.push([
                cache[0],
                cache[1],
                cache[2],
                cache[3],
                cache[4],
                acquire(count).await?,
            ]);
        }
        let [new, again, evict, get, list, acquire] = medians(&rounds);
        println!(
            "{count:>9}  {new:>7}  {again:>9}  {evict:>7}  {get:>7}  {list:>10}  {acquire:>7}"
        );
    }
    Ok(())
}

/// A cache that holds `count` entries: filling it, replacing, evicting, getting, and listing all for the
/// first time.
async fn cache(count: u32) -> Result<[u64; 5]> {
    let capacity = Capacity::default()
        .with_max_items(count as usize)
        .with_max_bytes(usize::MAX);
    let cache = MemoryCacheStore::with_capacity(CacheOptions::default(), capacity);
    let entries = (0..count).map(|n| entry(scattered(n, count)));
    let new = timed(&cache, entries.collect::<Result<_>>()?).await?;
    let calls = CALLS.max(count / 4);
    let keys = (0..calls).map(|n| key(scattered(n % count, count)));
    let keys = keys.collect::<Result<Vec<_>>>()?;
    let watch = Watch::start();
    for key in &keys {
        black_box(cache.get(key).await?);
    }
    let get = watch.per_call(calls);
    let entries = (0..calls).map(|n| entry(scattered(n % count, count)));
    let again = timed(&cache, entries.collect::<Result<_>>()?).await?;
    let entries = (0..calls).map(|n| entry(count + scattered(n, calls)));
    let evict = timed(&cache, entries.collect::<Result<_>>()?).await?;
    let (watch, mut page) = (Watch::start(), PageRequest::default());
    while let Some(next) = cache.list(&page).await?.next {
        page = page.with_after(next);
    }
    Ok([new, again, evict, get, watch.per_call(count)])
}

async fn timed(cache: &MemoryCacheStore, entries: Vec<NewEntry>) -> Result<u64> {
    let calls = u32::try_from(entries.len()).unwrap_or(u32::MAX);
    let watch = Watch::start();
    for entry in entries {
        cache.set(entry).await?;
    }
    Ok(watch.per_call(calls))
}

/// A limiter of `count` resources, none of which has its limit used up.
async fn acquire(count: u32) -> Result<u64> {
    let limit = Limit::new(2 * CALLS.max(count), MINUTE);
    let limiter = MemoryRateLimitStore::new(limit);
    let resources = (0..count).map(|n| Resource::new(name(scattered(n, count))));
    let resources = resources.collect::<Result<Vec<_>>>()?;
    for resource in &resources {
        grant(&limiter, resource).await?;
    }
    let calls = CALLS.max(count / 4);
    let watch = Watch::start();
    for resource in resources.iter().cycle().take(calls as usize) {
        grant(&limiter, resource).await?;
    }
    Ok(watch.per_call(calls))
}

async fn grant(limiter: &MemoryRateLimitStore, resource: &Resource) -> Result<()> {
    let decision = limiter.try_acquire(Acquire::one(resource)).await?;
    assert!(matches!(black_box(decision), Decision::Granted(_)));
    Ok(())
}

fn name(n: u32) -> String {
    format!("comics:issue/{n:07}")
}

fn key(n: u32) -> Result<Key> {
    Key::new(name(n))
}

fn entry(n: u32) -> Result<NewEntry> {
    Ok(NewEntry::unconditional(key(n)?, vec![7; 112]).with_ttl(HOUR))
}

/// The numbers below `count`, each once, in an order that no cache of the processor foresees.
fn scattered(n: u32, count: u32) -> u32 {
    let far = u64::from(n) * 7_368_787 % u64::from(count);
    u32::try_from(far).unwrap_or(n)
}

/// The median of each column.
fn medians<const N: usize>(rounds: &[[u64; N]]) -> [u64; N] {
    std::array::from_fn(|column| {
        let mut values: Vec<u64> = rounds.iter().map(|round| round[column]).collect();
        values.sort_unstable();
        values[values.len() / 2]
    })
}

struct Watch(SystemClock);

impl Watch {
    fn start() -> Self {
        Self(SystemClock::new())
    }

    /// Nanoseconds for each of so many calls.
    fn per_call(&self, calls: u32) -> u64 {
        let taken: Duration = self.0.monotonic() / calls.max(1);
        u64::try_from(taken.as_nanos()).unwrap_or(u64::MAX)
    }
}
