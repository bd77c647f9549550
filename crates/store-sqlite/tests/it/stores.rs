//! The three stores in one file: sharing, closing, cancelled callers, cleanup.

use store_core::{
    Acquire, AdaptiveConfig, CacheStore, CacheStoreExt, Claim, Clock, Decision, DedupeStore,
    ErrorKind, HOUR, Limit, MINUTE, ManualClock, NewEntry, PageRequest, Priority, RateLimitStore,
    Registration, Removal, ResourceConfig, SECOND, SystemClock, Tag,
};
use store_sqlite::{
    CacheOptions, RateLimitOptions, SqliteAdaptiveRateLimitStore, SqliteCacheStore, SqliteDatabase,
    SqliteDedupeStore, SqliteRateLimitStore, StoreOptions, admissions, stores, stores_with,
};

use crate::support::{Folder, hold_write_lock, is_pending, key, resource};

// covers("A16", "A21", "T18")
#[tokio::test]
async fn three_stores_share_one_file_and_have_the_npm_packages_defaults() {
    let folder = Folder::new();
    let database = folder.open().await;
    let stores = stores(&database);
    let cache = stores.cache.expect("a cache");
    cache
        .set(NewEntry::unconditional(key("comics:1"), "bytes"))
        .await
        .expect("space");
    let jobs = stores.dedupe.expect("jobs");
    let registration = jobs
        .register_or_join(&key("comics:1"), Priority::User)
        .await
        .expect("an answer");
    assert!(matches!(registration, Registration::Owner(_)));
    let limits = stores.rate_limit.expect("limits");
    let claim = Claim::new(resource("issues"));
    let status = limits.status(&claim, Priority::User).await.expect("status");
    assert_eq!(status.limit, Limit::new(200, HOUR));
    assert!(status.adaptive.is_some());
}

// covers("A6", "A20", "F16")
#[tokio::test]
async fn everything_survives_a_restart() {
    let folder = Folder::new();
    let database = folder.open().await;
    let cache = SqliteCacheStore::new(&database);
    cache
        .set(NewEntry::unconditional(key("comics:1"), "bytes").with_ttl(HOUR))
        .await
        .expect("space");
    let limits = SqliteAdaptiveRateLimitStore::adaptive(&database);
    let decision = limits
        .try_acquire(Acquire::one(&resource("issues")).user())
        .await;
    let Decision::Granted(permit) = decision.expect("a decision") else {
        panic!("nothing was used yet");
    };
    drop(permit);
    database.close().await.expect("a close");

    let database = folder.open().await;
    let value = SqliteCacheStore::new(&database)
        .value(&key("comics:1"))
        .await;
    assert_eq!(value.expect("an answer").as_deref(), Some(&b"bytes"[..]));
    let limits = SqliteRateLimitStore::adaptive(&database);
    let status = limits
        .status(&Claim::new(resource("issues")), Priority::User)
        .await
        .expect("status");
    assert_eq!(status.used, 1);
    let adaptive = status.adaptive.expect("an adaptive limit");
    assert_eq!(adaptive.recent_user_activity, 1);
}

#[tokio::test]
async fn a_new_file_has_an_empty_admission_log() {
    let folder = Folder::new();
    let log = admissions(&folder.open().await).await;
    assert_eq!(log.expect("a log"), []);
}

// covers("A21")
#[tokio::test]
async fn closing_a_store_leaves_the_database_to_the_others() {
    let folder = Folder::new();
    let database = folder.open().await;
    let (closed, open) = (
        SqliteCacheStore::new(&database),
        SqliteCacheStore::new(&database),
    );
    closed.close().await.expect("a close");
    let error = closed.get(&key("comics:1")).await.expect_err("closed");
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert!(open.get(&key("comics:1")).await.is_ok());
    database.close().await.expect("a close");
    let error = open.get(&key("comics:1")).await.expect_err("closed");
    assert_eq!(error.kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn a_waiter_fails_when_its_store_is_closed() {
    let folder = Folder::new();
    let jobs = SqliteDedupeStore::new(&folder.open().await);
    let job = match jobs
        .register_or_join(&key("comics:1"), Priority::User)
        .await
    {
        Ok(Registration::Owner(owner)) => {
            let job = *owner.job();
            std::mem::forget(owner);
            job
        }
        other => panic!("{other:?}"),
    };
    let waiting = tokio::spawn({
        let jobs = jobs.clone();
        async move { jobs.wait_for(&key("comics:1"), &job, MINUTE).await }
    });
    jobs.close().await.expect("a close");
    let error = waiting.await.expect("no panic").expect_err("closed");
    assert_eq!(error.kind(), ErrorKind::Closed);
}

async fn eventually(ask: impl AsyncFn() -> bool) {
    let clock = SystemClock::new();
    let until = clock.now() + SECOND * 10;
    while !ask().await {
        assert!(clock.now() < until, "it never happened");
        clock.sleep_until(clock.now() + SECOND / 1000).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_that_go_away_leave_no_permit_and_no_job_behind() {
    let folder = Folder::new();
    let database = folder.open().await;
    let limits = SqliteRateLimitStore::new(&database, Limit::new(1, HOUR));
    let jobs = SqliteDedupeStore::new(&database);
    store_sqlite::migrate(&database).await.expect("a schema");
    let claim = Claim::new(resource("issues"));
    let used = async || {
        let status = limits.status(&claim, Priority::User).await;
        status.expect("status").used
    };
    let is_busy = async || {
        let busy = jobs.is_in_progress(&key("comics:1")).await;
        busy.expect("an answer")
    };

    // Another task commits them; nobody polls them any more.
    let release = hold_write_lock(&database);
    let (issues, name) = (resource("issues"), key("comics:1"));
    let mut request = Box::pin(limits.try_acquire(Acquire::one(&issues).user()));
    let mut registration = Box::pin(jobs.register_or_join(&name, Priority::User));
    assert!(is_pending(request.as_mut()) && is_pending(registration.as_mut()));
    release.send(()).expect("somebody who holds the lock");
    eventually(async || used().await == 1).await;
    eventually(async || is_busy().await).await;

    drop((request, registration));
    eventually(async || used().await == 0).await;
    eventually(async || !is_busy().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_whose_caller_goes_away_removes_the_cached_denial() {
    let folder = Folder::new();
    let database = folder.open().await;
    // Its clock stands still, so that no cached denial expires.
    let options = RateLimitOptions::default()
        .with_default_config(Limit::new(1, HOUR))
        .with_clock(ManualClock::default())
        .with_cleanup_interval(None);
    let limits = SqliteRateLimitStore::with_options(&database, options);
    let issues = resource("issues");
    let is_granted = async || {
        let decision = limits.try_acquire(Acquire::one(&issues).user()).await;
        matches!(decision.expect("a decision"), Decision::Granted(_))
    };
    for mut reset in [limits.reset(&issues), limits.clear()] {
        assert!(is_granted().await);
        assert!(!is_granted().await);
        let release = hold_write_lock(&database);
        assert!(is_pending(reset.as_mut()));
        drop(reset);
        release.send(()).expect("somebody who holds the lock");
        // Writes are applied in order: the reset is done before this.
        database.write(|_| Ok(())).await.expect("a commit");
    }
    assert!(is_granted().await);
}

#[tokio::test]
async fn a_permit_given_back_late_removes_no_other_row() {
    let folder = Folder::new();
    let database = folder.open().await;
    let limits = SqliteRateLimitStore::new(&database, Limit::new(1, HOUR));
    let issues = resource("issues");
    let take = async || match limits.try_acquire(Acquire::one(&issues).user()).await {
        Ok(Decision::Granted(permit)) => Some(permit),
        Ok(Decision::Denied { .. }) => None,
        Err(error) => panic!("{error}"),
    };
    let late = take().await.expect("a permit");
    limits.reset(&issues).await.expect("a reset");
    drop(take().await.expect("a permit"));
    late.give_back();
    // Writes are applied in order: the refund is done before this.
    limits.cleanup().await.expect("a cleanup");
    database.write(|_| Ok(())).await.expect("a commit");
    assert!(take().await.is_none());
}

// covers("A2", "F55")
#[tokio::test]
async fn expired_values_are_removed_in_the_background() {
    let clock = ManualClock::default();
    let folder = Folder::new();
    let database = folder.open().await;
    let options = CacheOptions::default().with_clock(clock.clone());
    let cache = SqliteCacheStore::with_options(&database, options);
    cache
        .set(NewEntry::unconditional(key("comics:1"), "bytes").with_ttl(SECOND))
        .await
        .expect("space");
    eventually(async || {
        clock.advance(MINUTE);
        cache.stats().await.expect("counts").total_items == 0
    })
    .await;
}

#[tokio::test]
async fn admissions_are_removed_in_the_background() {
    let clock = ManualClock::default();
    let folder = Folder::new();
    let options = RateLimitOptions::default()
        .with_default_config(Limit::new(1, SECOND))
        .with_clock(clock.clone());
    let database = folder.open().await;
    let limits = SqliteRateLimitStore::with_options(&database, options);
    let decision = limits.try_acquire(Acquire::one(&resource("issues"))).await;
    drop(decision.expect("a decision"));
    let rows = async || admissions(&database).await.expect("a log").len();
    assert_eq!(rows().await, 1);
    eventually(async || {
        clock.advance(MINUTE);
        rows().await == 0
    })
    .await;
}

// covers("F53")
#[tokio::test]
async fn more_entries_than_a_statement_binds_are_removed_at_once() {
    /// SQLite binds at most 32,766 variables.
    const ENTRIES: u64 = 40_000;
    let folder = Folder::new();
    let database = folder.open().await;
    // Its time stands still, so that rows alone bound a step.
    let options = CacheOptions::default().with_clock(ManualClock::default());
    let cache = SqliteCacheStore::with_options(&database, options);
    store_sqlite::migrate(&database).await.expect("a schema");
    let fill = async || {
        // In two statements: one call per entry would take seconds.
        let filled = database.write(|tx| {
            tx.execute_batch(&format!(
                "INSERT INTO cache (hash, expires_at, created_at, fill_began_at, value)
                 WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n LIMIT {ENTRIES})
                 SELECT 'comics:' || n, 0, 0, 0, x'00' FROM n;
                 INSERT INTO cache_tags (tag, hash) SELECT 'volume:1', hash FROM cache;"
            ))?;
            Ok(())
        });
        filled.await.expect("space");
    };
    fill().await;
    let tag = Tag::new("volume:1").expect("a tag");
    let removed = cache.invalidate_tags(&[tag]).await;
    assert_eq!(removed.expect("an answer"), Removal::uncounted());
    let page = cache.list(&PageRequest::default()).await;
    assert_eq!(page.expect("a list").items, []);
    let (mut freed, mut steps) = (0, 0);
    while let Ok(some @ 1..) = cache.cleanup().await {
        freed += some;
        steps += 1;
    }
    assert_eq!((freed, steps), (ENTRIES, ENTRIES / 500));
    assert_eq!(cache.stats().await.expect("counts").total_items, 0);
}

// covers("F53")
#[tokio::test]
async fn more_names_than_a_statement_binds_fit_into_one_call() {
    const NAMES: usize = 40_000;
    let folder = Folder::new();
    let database = folder.open().await;
    let cache = SqliteCacheStore::new(&database);
    let keys: Vec<_> = (0..NAMES).map(|n| key(&format!("comics:{n}"))).collect();
    let tags: Vec<_> = (0..NAMES)
        .map(|n| Tag::new(format!("issue:{n}")).expect("a tag"))
        .collect();
    let last = NewEntry::unconditional(keys[NAMES - 1].clone(), "bytes")
        .with_tags([tags[NAMES - 1].clone()]);
    cache.set(last).await.expect("space");
    let found = cache.get_many(&keys).await.expect("answers");
    let hits: Vec<_> = found.into_iter().map(|one| one.hit().is_some()).collect();
    assert_eq!((hits.len(), hits[NAMES - 1]), (NAMES, true));
    let removed = cache.invalidate_tags(&tags).await.expect("an answer");
    assert_eq!(removed, Removal::exactly(1));
}

// covers("F15")
#[tokio::test]
async fn a_limiter_with_a_short_window_leaves_rows_to_one_with_a_long_one() {
    let clock = ManualClock::default();
    let folder = Folder::new();
    let database = folder.open().await;
    let limiter = |config: ResourceConfig| {
        let options = RateLimitOptions::default()
            .with_default_config(config)
            .with_cleanup_interval(None)
            .with_clock(clock.clone());
        SqliteRateLimitStore::with_options(&database, options)
    };
    let shared = ResourceConfig::from(Limit::new(200, HOUR)).adaptive(AdaptiveConfig::default());
    let (long, short) = (limiter(shared), limiter(Limit::SIXTY_PER_MINUTE.into()));
    let issues = resource("issues");
    for store in [&long, &short] {
        match store.try_acquire(Acquire::one(&issues).user()).await {
            Ok(Decision::Granted(permit)) => drop(permit),
            other => panic!("{other:?}"),
        }
    }
    clock.advance(MINUTE * 2);
    short.cleanup().await.expect("a cleanup");
    let status = long.status(&Claim::new(issues), Priority::User).await;
    assert_eq!(status.expect("status").used, 2);
}

#[tokio::test]
async fn options_reach_all_three_stores() {
    let clock = ManualClock::default();
    let database = SqliteDatabase::in_memory().await.expect("a database");
    let options = StoreOptions::default()
        .with_clock(clock.clone())
        .without_cleanup();
    let cache = stores_with(&database, options).cache.expect("a cache");
    cache
        .set(NewEntry::unconditional(key("comics:1"), "bytes").with_ttl(SECOND))
        .await
        .expect("space");
    clock.advance(SECOND);
    let value = cache.value(&key("comics:1")).await.expect("an answer");
    assert_eq!(value, None);
}
