//! A file of bounded size: the cache evicts what expires first, and the limiter and the jobs go on.

use std::time::Duration;

use store_core::backend::SeededRandom;
use store_core::{
    Acquire, CacheStore, CacheStoreExt, Decision, DedupeStore, ErrorKind, HOUR, JobOutcome,
    JobResult, Limit, MINUTE, NewEntry, Priority, Random, RateLimitStore, Registration, SECOND,
    SetOutcome, Tag,
};
use store_sqlite::{
    CacheOptions, DatabaseOptions, RateLimitOptions, SqliteCacheStore, SqliteDatabase,
    SqliteDedupeStore, SqliteRateLimitStore,
};

use crate::support::{Folder, key, resource};

const BOUND: u64 = 2 * 1024 * 1024;

async fn bounded(folder: &Folder) -> SqliteDatabase {
    let options = DatabaseOptions::default().with_max_bytes(BOUND);
    let database = SqliteDatabase::open_with(folder.file(), options).await;
    database.expect("a database")
}

fn cache(database: &SqliteDatabase) -> SqliteCacheStore {
    let options = CacheOptions::default().with_cleanup_interval(None);
    SqliteCacheStore::with_options(database, options)
}

async fn store(cache: &SqliteCacheStore, n: u64, bytes: usize, ttl: Duration) {
    let entry = NewEntry::unconditional(key(&format!("comics:{n}")), vec![7; bytes]);
    let entry = entry
        .with_ttl(ttl)
        .with_tags([Tag::new("t").expect("a tag")]);
    let stored = cache.set(entry).await;
    assert_eq!(stored.expect("the cache makes room"), SetOutcome::Stored);
}

/// Admits many requests and runs a job.
async fn others_go_on(database: &SqliteDatabase) {
    let options = RateLimitOptions::default().with_default_config(Limit::new(1_000_000, HOUR));
    let limits = SqliteRateLimitStore::with_options(database, options.with_cleanup_interval(None));
    for _ in 0..500 {
        let decision = limits
            .try_acquire(Acquire::one(&resource("issues")).user())
            .await;
        assert!(matches!(decision, Ok(Decision::Granted(_))), "{decision:?}");
    }
    let jobs = SqliteDedupeStore::new(database);
    let name = key("comics:job");
    let Ok(Registration::Owner(mut owner)) = jobs.register_or_join(&name, Priority::User).await
    else {
        panic!("nobody else asks");
    };
    let ended = jobs
        .complete(&mut owner, JobResult::Value("result".into()))
        .await;
    ended.expect("ended");
    let outcome = jobs.wait_for(&name, owner.job(), SECOND).await;
    assert_eq!(
        outcome.expect("an outcome"),
        JobOutcome::Value("result".into())
    );
}

async fn live(cache: &SqliteCacheStore, among: u64) -> Vec<u64> {
    let mut live = Vec::new();
    for n in 0..among {
        let found = cache.value(&key(&format!("comics:{n}"))).await;
        if found.expect("an answer").is_some() {
            live.push(n);
        }
    }
    live
}

#[tokio::test]
async fn a_full_cache_evicts_what_expires_first() {
    const VALUES: u64 = 1_500;
    let folder = Folder::new();
    let database = bounded(&folder).await;
    let cache = cache(&database);
    for n in 0..VALUES {
        store(
            &cache,
            n,
            4_000,
            HOUR + MINUTE * u32::try_from(n).expect("few"),
        )
        .await;
    }
    let live = live(&cache, VALUES).await;
    // 1.75 MiB hold 458 of them; two fit in a page.
    assert!(live.len() > 300, "{} values", live.len());
    let expected: Vec<_> = (VALUES - live.len() as u64..VALUES).collect();
    assert_eq!(live, expected, "the last ones");
    others_go_on(&database).await;
    assert!(database.size().await.expect("a size").bytes() <= BOUND);
}

#[tokio::test]
async fn small_values_in_any_order_use_the_space_of_those_they_evict() {
    const VALUES: u64 = 8_000;
    let folder = Folder::new();
    let database = bounded(&folder).await;
    let cache = cache(&database);
    let random = SeededRandom::new(1);
    for n in 0..VALUES {
        let minutes = u32::try_from(random.next_u64() % 10_000).expect("few");
        store(&cache, n, 400, HOUR + MINUTE * minutes).await;
    }
    let live = live(&cache, VALUES).await.len();
    // 1.75 MiB are 4,400 values without keys, tags and indexes.
    assert!(live > 1_200, "{live} values");
    others_go_on(&database).await;
}

#[tokio::test]
async fn values_that_never_expire_make_way_too() {
    let folder = Folder::new();
    let database = bounded(&folder).await;
    let cache = cache(&database);
    for n in 0..1_000 {
        let entry = NewEntry::unconditional(key(&format!("comics:{n}")), vec![7; 20_000]);
        cache.set(entry).await.expect("the cache makes room");
    }
    let live = live(&cache, 1_000).await;
    assert!(live.len() > 50 && live.last() == Some(&999), "{live:?}");
    others_go_on(&database).await;
}

#[tokio::test]
async fn a_value_of_more_than_the_cache_may_use_is_refused_and_evicts_nothing() {
    let folder = Folder::new();
    let database = bounded(&folder).await;
    let cache = cache(&database);
    store(&cache, 1, 1_000, HOUR).await;
    let large = NewEntry::unconditional(key("comics:2"), vec![7; 1_900_000]);
    let error = cache
        .set(large)
        .await
        .expect_err("too large a part of the file");
    assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
    assert_eq!(live(&cache, 3).await, [1]);
}

#[tokio::test]
async fn results_of_jobs_leave_room_for_the_limiter() {
    let folder = Folder::new();
    let database = bounded(&folder).await;
    let jobs = SqliteDedupeStore::new(&database);
    for n in 0..60 {
        let name = key(&format!("comics:{n}"));
        let Ok(Registration::Owner(mut owner)) = jobs.register_or_join(&name, Priority::User).await
        else {
            panic!("nobody else asks");
        };
        let result = JobResult::Value(vec![7; 100_000].into());
        let ended = jobs.complete(&mut owner, result.clone()).await;
        ended.expect("ended");
        let outcome = jobs.wait_for(&name, owner.job(), SECOND).await;
        let JobOutcome::Value(value) = outcome.expect("an outcome") else {
            panic!("the process shares what the file does not hold");
        };
        assert_eq!(JobResult::Value(value), result);
    }
    others_go_on(&database).await;
}
