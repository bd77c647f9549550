//! The promises of `docs/operations.md` about files, options and restoring.

use std::fs;
use std::path::Path;

use store_core::layer::TieredOptions;
use store_core::{
    Acquire, CacheStore, CacheStoreExt, Claim, Clock, Decision, DedupeStore, ErrorKind, HOUR,
    JobState, Limit, MINUTE, ManualClock, NewEntry, PageRequest, Priority, RateLimitStore,
    Registration, SECOND, Ttl,
};
use store_sqlite::{
    CacheOptions, DEFAULT_CLEANUP_BATCH, DEFAULT_INLINE_LIMIT_BYTES, DEFAULT_MAX_ENTRY_BYTES,
    DatabaseOptions, DedupeOptions, RateLimitOptions, SqliteCacheStore, SqliteDatabase,
    SqliteDedupeStore, SqliteRateLimitStore, StoreOptions, stores_with,
};

use crate::support::{Folder, key, open, resource};

fn page() -> String {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/operations.md");
    fs::read_to_string(page).expect("the page")
}

/// The fields of `options` by name, from its `Debug` output.
fn defaults(options: &impl std::fmt::Debug) -> Vec<(String, String)> {
    let text = format!("{options:#?}");
    let lines = text
        .lines()
        .filter_map(|line| line.strip_prefix("    ")?.strip_suffix(','));
    lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

// covers("A26")
#[test]
fn the_page_lists_every_option_of_a_file_with_its_default() {
    let page = page();
    let options = defaults(&DatabaseOptions::default());
    assert!(options.len() > 10, "{options:?}");
    for (name, value) in options {
        let row = format!("| `{name}` | {value} |");
        assert!(page.contains(&row), "the page lacks {row}");
    }
    let (cache, jobs) = (CacheOptions::default(), DedupeOptions::default());
    for (name, value) in [
        ("max_entry_bytes", DEFAULT_MAX_ENTRY_BYTES.to_string()),
        ("cleanup_interval", "60s".to_owned()),
        ("cleanup_batch", DEFAULT_CLEANUP_BATCH.to_string()),
        ("lease", format!("{:?}", jobs.lease)),
        ("inline_limit_bytes", DEFAULT_INLINE_LIMIT_BYTES.to_string()),
        ("result_retention", format!("{:?}", jobs.result_retention)),
    ] {
        let row = format!("| `{name}` | {value} |");
        assert!(page.contains(&row), "the page lacks {row}");
    }
    let copies = defaults(&TieredOptions::default());
    for name in ["max_feed_age", "max_inner_ttl", "feed_timeout"] {
        let value = copies.iter().find(|(option, _)| option == name);
        let (_, value) = value.expect("an option");
        let row = format!("| `{name}` | {value} |");
        assert!(page.contains(&row), "the page lacks {row}");
    }
    let limits = RateLimitOptions::default();
    for interval in [
        cache.cleanup_interval,
        jobs.cleanup_interval,
        limits.cleanup_interval,
    ] {
        assert_eq!(interval, Some(MINUTE));
    }
}

// covers("A26")
#[tokio::test]
async fn a_backup_is_restored_as_the_page_describes() {
    let folder = Folder::new();
    let database = folder.open().await;
    let cache = SqliteCacheStore::new(&database);
    let limits = SqliteRateLimitStore::new(&database, Limit::new(2, HOUR));
    let name = key("comics:1");
    let put = cache
        .set(NewEntry::unconditional(name.clone(), "then"))
        .await;
    put.expect("space");
    let issues = resource("issues");
    let admit = async || match limits.try_acquire(Acquire::one(&issues)).await {
        Ok(Decision::Granted(permit)) => drop(permit),
        other => panic!("{other:?}"),
    };
    admit().await;
    let copy = folder.file().with_file_name("copy.db");
    database.backup(&copy).await.expect("a copy");
    admit().await;
    let put = cache
        .set(NewEntry::unconditional(name.clone(), "later"))
        .await;
    put.expect("space");
    database.close().await.expect("a close");

    for suffix in ["-wal", "-shm"] {
        let mut beside = folder.file().into_os_string();
        beside.push(suffix);
        // The last close has removed or truncated them.
        let _gone = fs::remove_file(beside);
    }
    fs::rename(&copy, folder.file()).expect("in its place");
    let database = folder.open().await;
    let value = SqliteCacheStore::new(&database).value(&name).await;
    assert_eq!(value.expect("an answer").as_deref(), Some(&b"then"[..]));
    let limits = SqliteRateLimitStore::new(&database, Limit::new(2, HOUR));
    let status = limits.status(&Claim::new(issues), Priority::User).await;
    let used = status.expect("status").used;
    assert_eq!(used, 1, "the later one is not known");
}

// covers("A7", "A9")
#[tokio::test]
async fn a_job_that_is_not_ended_expires_over_a_restart_and_is_cleaned_up() {
    let clock = ManualClock::default();
    let folder = Folder::new();
    let options = DedupeOptions::default()
        .with_clock(clock.clone())
        .with_lease(SECOND * 30)
        .with_cleanup_interval(Some(MINUTE));
    let database = folder.open().await;
    let jobs = SqliteDedupeStore::with_options(&database, options.clone());
    let name = key("comics:1");
    match jobs.register_or_join(&name, Priority::User).await {
        // As after a crash: the job is not ended.
        Ok(Registration::Owner(owner)) => std::mem::forget(owner),
        other => panic!("{other:?}"),
    }
    jobs.close().await.expect("a close");
    database.close().await.expect("a close");

    let jobs = SqliteDedupeStore::with_options(&folder.open().await, options);
    clock.advance(SECOND * 29);
    let joined = jobs.register_or_join(&name, Priority::User).await;
    assert!(matches!(joined, Ok(Registration::Joined(_))), "{joined:?}");
    clock.advance(SECOND * 2);
    let listed = jobs.list(&PageRequest::default()).await.expect("a list");
    assert_eq!(listed.items[0].state, JobState::Lapsed);
    let counts = jobs.stats().await.expect("counts");
    assert_eq!((counts.total_jobs, counts.lapsed_jobs), (1, 1));
    let real = store_core::SystemClock::new();
    let until = real.now() + SECOND * 10;
    while jobs.stats().await.expect("counts").total_jobs > 0 {
        assert!(real.now() < until, "no background cleanup");
        clock.advance(MINUTE);
        real.sleep_until(real.now() + SECOND / 1000).await;
    }
}

// covers("A27")
#[tokio::test]
async fn each_store_obeys_its_options() {
    let clock = ManualClock::default();
    let options = StoreOptions::default()
        .with_cache(CacheOptions::default().with_max_entry_bytes(4))
        .with_dedupe(DedupeOptions::default().with_lease(MINUTE))
        .with_rate_limit(
            RateLimitOptions::default()
                .with_default_config(Limit::new(1, HOUR))
                .with_resource(resource("volumes"), Limit::new(2, HOUR)),
        )
        .with_clock(clock.clone())
        .without_cleanup();
    let database = SqliteDatabase::in_memory().await.expect("a database");
    let stores = stores_with(&database, options);
    let name = key("comics:1");
    let cache = stores.cache.expect("a cache");
    let put = cache.set(NewEntry::unconditional(name.clone(), "bytes"));
    let error = put.await.expect_err("five bytes");
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    let jobs = stores.dedupe.expect("jobs");
    let registration = jobs.register_or_join(&name, Priority::User);
    let Ok(Registration::Owner(owner)) = registration.await else {
        panic!("no other process asks");
    };
    clock.advance(SECOND * 59);
    let is_held = jobs.is_in_progress(&name).await;
    assert!(is_held.expect("an answer"));
    drop(owner);
    let limits = stores.rate_limit.expect("limits");
    for (name, expected) in [("issues", 1), ("volumes", 2)] {
        let claim = Claim::new(resource(name));
        let status = limits.status(&claim, Priority::User).await;
        assert_eq!(status.expect("status").limit.count(), expected);
    }
}

// covers("A21")
#[tokio::test]
async fn stores_may_have_a_file_each() {
    let folder = Folder::new();
    let beside = |name: &str| folder.file().with_file_name(name);
    let (cache, limits) = (
        open(&beside("cache.db")).await,
        open(&beside("limits.db")).await,
    );
    let name = key("comics:1");
    let stored = SqliteCacheStore::new(&cache);
    let put = stored.set(NewEntry::unconditional(name.clone(), "bytes"));
    put.await.expect("space");
    let limiter = SqliteRateLimitStore::new(&limits, Limit::new(1, HOUR));
    let decision = limiter
        .try_acquire(Acquire::one(&resource("issues")).background())
        .await;
    assert!(matches!(decision, Ok(Decision::Granted(_))));
    cache.close().await.expect("a close");
    let stats = limiter.stats().await;
    stats.expect("the other file is still open");
}

// covers("A4")
#[tokio::test]
async fn the_size_in_stats_is_that_of_the_file() {
    let folder = Folder::new();
    let database = folder.open().await;
    let cache = SqliteCacheStore::new(&database);
    for (name, ttl) in [("comics:1", Ttl::Never), ("comics:2", Ttl::After(SECOND))] {
        let put = cache
            .set(NewEntry::unconditional(key(name), vec![7; 100_000]).with_ttl(ttl))
            .await;
        put.expect("space");
    }
    let stats = cache.stats().await.expect("counts");
    database.close().await.expect("a close");
    let file = fs::metadata(folder.file()).expect("the file").len();
    assert_eq!(stats.size_bytes, file);
}

// covers("A11", "A16", "T23")
#[tokio::test]
async fn default_limits_are_those_of_the_page() {
    let database = SqliteDatabase::in_memory().await.expect("a database");
    for (limits, limit) in [
        (
            SqliteRateLimitStore::with_options(&database, RateLimitOptions::default()),
            Limit::new(60, MINUTE),
        ),
        (
            SqliteRateLimitStore::adaptive(&database),
            Limit::new(200, HOUR),
        ),
    ] {
        let claim = Claim::new(resource("issues"));
        let status = limits.status(&claim, Priority::User).await;
        assert_eq!(status.expect("status").limit, limit);
    }
    assert!(page().contains("60 per minute, or adaptive 200 per hour"));
}
