//! Sweeps go on until nothing is left that is not needed, in steps of bounded length.

use store_core::{
    Acquire, AdaptiveConfig, CacheStore, Clock, DAY, Decision, DedupeStore, HOUR, JobResult, Limit,
    ManualClock, NewEntry, PageRequest, Priority, RateLimitStore, Registration, ResourceConfig,
    Result, SECOND,
};
use store_sqlite::{
    CacheOptions, DedupeOptions, RateLimitOptions, SqliteCacheStore, SqliteDatabase,
    SqliteDedupeStore, SqliteRateLimitStore,
};

use crate::support::{key, resource};

async fn in_memory() -> SqliteDatabase {
    SqliteDatabase::in_memory().await.expect("a database")
}

/// The number of rows in `table`.
async fn rows(database: &SqliteDatabase, table: &'static str) -> u64 {
    let count = database.read(move |db| {
        let sql = format!("SELECT count(*) FROM {table}");
        Ok(db.query_row(&sql, [], |row| row.get::<_, i64>(0))?)
    });
    count.await.expect("a count").unsigned_abs()
}

/// The sum of what cleanups report, until one reports nothing.
async fn clean_up(mut cleanup: impl AsyncFnMut() -> Result<u64>) -> u64 {
    let mut sum = 0;
    loop {
        match cleanup().await.expect("a cleanup") {
            0 => return sum,
            removed => sum += removed,
        }
    }
}

#[tokio::test]
async fn results_of_replaced_jobs_are_removed_and_reported() {
    const JOBS: u64 = 1_200;
    let clock = ManualClock::default();
    let database = in_memory().await;
    let options = DedupeOptions::default().with_cleanup_interval(None);
    let options = options.with_clock(clock.clone());
    let jobs = SqliteDedupeStore::with_options(&database, options);
    let name = key("comics:1");
    for _ in 0..JOBS {
        let registered = jobs.register_or_join(&name, Priority::User);
        let Ok(Registration::Owner(mut owner)) = registered.await else {
            panic!("nobody else asks");
        };
        let ended = jobs.complete(&mut owner, JobResult::Value("result".into()));
        ended.await.expect("ended");
    }
    assert_eq!(rows(&database, "dedupe_results").await, JOBS - 1);
    clock.advance(SECOND * 5);
    assert_eq!(clean_up(async || jobs.cleanup().await).await, JOBS);
    assert_eq!(rows(&database, "dedupe_results").await, 0);
}

#[tokio::test]
async fn old_invalidations_are_removed_though_no_value_expires() {
    let clock = ManualClock::default();
    let database = in_memory().await;
    let options = CacheOptions::default().with_cleanup_interval(None);
    let cache = SqliteCacheStore::with_options(&database, options.with_clock(clock.clone()));
    for n in 0..1_200 {
        let deleted = cache.delete(&key(&format!("comics:{n}"))).await;
        deleted.expect("an answer");
    }
    clock.advance(HOUR);
    assert_eq!(clean_up(async || cache.cleanup().await).await, 0);
    assert_eq!(rows(&database, "cache_invalidations").await, 0);
}

#[tokio::test]
async fn a_step_is_bounded_by_bytes_too() {
    const VALUES: u64 = 12;
    let clock = ManualClock::default();
    let database = in_memory().await;
    let options = CacheOptions::default().with_cleanup_interval(None);
    let cache = SqliteCacheStore::with_options(&database, options.with_clock(clock.clone()));
    for n in 0..VALUES {
        let value = NewEntry::unconditional(key(&format!("comics:{n}")), vec![7; 1024 * 1024]);
        cache.set(value.with_ttl(SECOND)).await.expect("space");
    }
    clock.advance(SECOND);
    let first = cache.cleanup().await.expect("a cleanup");
    assert!((1..=5).contains(&first), "{first} values of 1 MiB");
    let rest = clean_up(async || cache.cleanup().await).await;
    assert_eq!(first + rest, VALUES);
}

async fn spend(limits: &impl RateLimitStore, name: &str) {
    let request = Acquire::one(&resource(name)).user();
    match limits.try_acquire(request).await.expect("a decision") {
        Decision::Granted(permit) => drop(permit),
        Decision::Denied { reason, .. } => panic!("{reason}"),
    }
}

fn limiter(database: &SqliteDatabase, clock: &ManualClock) -> SqliteRateLimitStore {
    let shared = ResourceConfig::from(Limit::new(200, HOUR)).adaptive(AdaptiveConfig::default());
    let options = RateLimitOptions::default()
        .with_default_config(shared)
        .with_cleanup_interval(None)
        .with_clock(clock.clone());
    SqliteRateLimitStore::with_options(database, options)
}

#[tokio::test]
async fn idle_resources_are_removed() {
    const RESOURCES: u64 = 1_100;
    let clock = ManualClock::default();
    let database = in_memory().await;
    let limits = limiter(&database, &clock);
    for n in 0..RESOURCES {
        spend(&limits, &format!("issue/{n}")).await;
    }
    let search = resource("search");
    let blocked = limits.set_cooldown(&search, clock.now() + HOUR);
    blocked.await.expect("a cooldown");

    clock.advance(HOUR);
    assert_eq!(clean_up(async || limits.cleanup().await).await, RESOURCES);
    assert_eq!(
        rows(&database, "rate_resources").await,
        RESOURCES,
        "the share of users is still known"
    );
    clock.advance(DAY);
    assert_eq!(
        limits.cleanup().await.expect("a cleanup"),
        0,
        "no admission"
    );
    for table in [
        "rate_limits",
        "rate_resources",
        "rate_activity",
        "server_cooldowns",
    ] {
        assert_eq!(rows(&database, table).await, 0, "{table}");
    }
    spend(&limits, "issue/1").await;
}

#[tokio::test]
async fn a_resource_stays_that_a_window_a_cooldown_or_a_configuration_needs() {
    let clock = ManualClock::default();
    let database = in_memory().await;
    let limits = limiter(&database, &clock);
    let name = resource("configured");
    let configured = limits.set_resource_config(&name, Limit::new(1, HOUR).into());
    configured.await.expect("a configuration");
    for name in ["blocked", "configured", "forgotten"] {
        spend(&limits, name).await;
    }
    let until = clock.now() + 3 * DAY;
    let name = resource("blocked");
    let blocked = limits.set_cooldown(&name, until);
    blocked.await.expect("a cooldown");
    clock.advance(2 * DAY);
    spend(&limits, "used").await;
    clean_up(async || limits.cleanup().await).await;

    let listed = limits.list(&PageRequest::default()).await.expect("a list");
    let names: Vec<_> = listed
        .items
        .iter()
        .map(|item| item.resource.as_str())
        .collect();
    assert_eq!(names, ["blocked", "configured", "used"]);
}
