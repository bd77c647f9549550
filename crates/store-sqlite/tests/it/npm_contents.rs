//! The contents of files of the npm package after their migration.

use rusqlite::Connection;
use serde_json::{Value, json};
use store_core::{
    Acquire, CacheStore, Claim, Codec, Decision, DedupeStore, HOUR, JobState, Json, Limit,
    PageRequest, Priority, RateLimitStore, Registration, Timestamp,
};
use store_sqlite::{
    CacheOptions, DedupeOptions, RateLimitOptions, SqliteCacheStore, SqliteDedupeStore,
    SqliteRateLimitStore, StoreOptions,
};

use crate::children::{self, send_to_parent};
use crate::npm_file::{ADAPTIVE_LIMITS, PLAIN_LIMITS, WRITTEN, clock, write_npm_file};
use crate::support::{Folder, key, open, resource};

// covers("A6", "A23", "F54")
#[tokio::test]
async fn cached_values_are_served_by_their_literal_key() {
    for limits in [PLAIN_LIMITS, ADAPTIVE_LIMITS] {
        let folder = Folder::new();
        write_npm_file(&folder.file(), limits);
        let options = CacheOptions::default().with_clock(clock());
        let cache = SqliteCacheStore::with_options(&folder.open().await, options);
        for (name, expected) in [
            ("k0001", json!({"id": 1, "name": "Issue 1 — ½"})),
            ("null", Value::Null),
            ("a'b:%_", json!("just a string")),
            ("forever", json!({"ttl": "none"})),
        ] {
            let found = cache.get(&key(name)).await.expect("an answer");
            let entry = found.hit().expect("a value");
            assert_eq!(entry.created_at, Timestamp::from_millis(WRITTEN));
            let value: Value = Json.decode(&entry.value).expect("JSON in JSON");
            assert_eq!(value, expected);
        }
        for name in ["expired", "ttl 0"] {
            let expired = cache.get(&key(name)).await.expect("an answer");
            assert_eq!(expired.hit(), None, "the package had forgotten {name}, too");
        }
        assert_eq!(cache.stats().await.expect("counts").total_items, 6);
    }
}

// covers("A20", "A24", "F33")
#[tokio::test]
async fn jobs_that_were_left_pending_get_a_new_owner() {
    let folder = Folder::new();
    write_npm_file(&folder.file(), PLAIN_LIMITS);
    let options = DedupeOptions::default().with_clock(clock());
    let jobs = SqliteDedupeStore::with_options(&folder.open().await, options);
    let listed = jobs.list(&PageRequest::default()).await.expect("a list");
    let states: Vec<_> = listed.items.iter().map(|job| job.state).collect();
    assert_eq!(
        states,
        [JobState::Completed, JobState::Failed, JobState::Lapsed]
    );
    for name in ["done", "failed", "pending"] {
        let registration = jobs.register_or_join(&key(name), Priority::User).await;
        let Registration::Owner(owner) = registration.expect("an answer") else {
            panic!("{name} has no owner");
        };
        drop(owner);
    }
}

// covers("A20", "A25")
#[tokio::test]
async fn admissions_keep_counting_with_or_without_a_priority() {
    for (limits, users) in [(PLAIN_LIMITS, 0), (ADAPTIVE_LIMITS, 10)] {
        let folder = Folder::new();
        write_npm_file(&folder.file(), limits);
        let clock = clock();
        let options =
            RateLimitOptions::adaptive(Limit::TWO_HUNDRED_PER_HOUR).with_clock(clock.clone());
        let store = SqliteRateLimitStore::with_options(&folder.open().await, options);
        let issues = Claim::new(resource("issues"));
        let status = store.status(&issues, Priority::User).await.expect("status");
        assert_eq!((status.used, status.remaining), (30, 170));
        let adaptive = status.adaptive.expect("an adaptive limit");
        assert_eq!(adaptive.recent_user_activity, users);

        let tight = issues.with_config(Limit::new(30, HOUR));
        let decision = store.try_acquire(Acquire::of(tight).user()).await;
        let Decision::Denied { retry_at, .. } = decision.expect("a decision") else {
            panic!("the window is full");
        };
        assert_eq!(retry_at, Timestamp::from_millis(WRITTEN) + HOUR);
        clock.advance(HOUR);
        store.cleanup().await.expect("a cleanup");
        let counts = store.stats().await.expect("counts");
        assert_eq!(counts.total_requests, 0);
    }
}

// covers("D19")
#[tokio::test]
async fn processes_that_start_at_once_migrate_a_file_once() {
    for limits in [PLAIN_LIMITS, ADAPTIVE_LIMITS] {
        let folder = Folder::new();
        write_npm_file(&folder.file(), limits);
        let test = "npm_contents::child_counts_rows";
        let mut children: Vec<_> = (0..4)
            .map(|_| children::start(test, &folder.file(), ""))
            .collect();
        for child in &mut children {
            assert_eq!(child.receive(), "6 3 30");
        }
        for child in children {
            child.wait();
        }
    }
}

#[tokio::test]
#[ignore = "child process of processes_that_start_at_once_migrate_a_file_once"]
async fn child_counts_rows() {
    let database = open(&children::file()).await;
    let options = StoreOptions::default()
        .with_clock(clock())
        .without_cleanup();
    let stores = store_sqlite::stores_with(&database, options);
    let cache = stores.cache.expect("a cache").stats().await;
    let jobs = stores.dedupe.expect("jobs").stats().await;
    let limits = stores.rate_limit.expect("limits").stats().await;
    send_to_parent(format!(
        "{} {} {}",
        cache.expect("counts").total_items,
        jobs.expect("counts").total_jobs,
        limits.expect("counts").total_requests
    ));
}

#[tokio::test]
async fn a_migrated_file_can_be_reverted() {
    let folder = Folder::new();
    write_npm_file(&folder.file(), ADAPTIVE_LIMITS);
    let database = folder.open().await;
    store_sqlite::migrate(&database).await.expect("a schema");
    for component in store_sqlite::COMPONENTS {
        let back = database.migrate_to(component, 1).await;
        back.expect("a step down");
    }
    database.close().await.expect("a close");
    let db = Connection::open(folder.file()).expect("the file");
    let count = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0));
    assert_eq!(count("SELECT count(*) FROM cache"), Ok(6));
    assert_eq!(
        count("SELECT count(*) FROM rate_limits WHERE priority = 'user'"),
        Ok(10)
    );
    assert_eq!(
        count("SELECT count(*) FROM dedupe_jobs WHERE error = 'boom'"),
        Ok(1)
    );
}
