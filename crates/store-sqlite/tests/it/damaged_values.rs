//! Values that are not what was stored: a bit has flipped on the disk. They are missing, counted and
//! removed, and a check finds them.

use std::fs;

use store_core::backend::SeededRandom;
use store_core::{
    CacheStore, CacheStoreExt, DedupeStore, HOUR, JobOutcome, JobResult, Key, NewEntry, Priority,
    Random, Registration, SECOND,
};
use store_sqlite::{
    CacheOptions, DedupeOptions, SqliteCacheStore, SqliteDatabase, SqliteDedupeStore, check,
};

use crate::support::{Folder, hold_write_lock, is_pending, key, open};

fn cache(database: &SqliteDatabase) -> SqliteCacheStore {
    let options = CacheOptions::default().with_cleanup_interval(None);
    SqliteCacheStore::with_options(database, options)
}

fn jobs(database: &SqliteDatabase) -> SqliteDedupeStore {
    let options = DedupeOptions::default().with_cleanup_interval(None);
    SqliteDedupeStore::with_options(database, options.with_result_retention(HOUR))
}

async fn run(database: &SqliteDatabase, sql: &'static str) {
    let run = database.write(move |tx| Ok(tx.execute_batch(sql)?));
    run.await.expect("a change");
}

async fn number(database: &SqliteDatabase, sql: &'static str) -> i64 {
    let read = database.read(move |db| Ok(db.query_row(sql, [], |row| row.get(0))?));
    read.await.expect("a number")
}

/// A value of which every byte tells whose it is.
fn value(n: u8) -> Vec<u8> {
    vec![n; if n.is_multiple_of(8) { 30_000 } else { 300 }]
}

fn name(n: u8) -> Key {
    key(&format!("comics:{n:03}"))
}

async fn store(cache: &SqliteCacheStore, n: u8) {
    let entry = NewEntry::unconditional(name(n), value(n)).with_ttl(HOUR);
    cache.set(entry).await.expect("space");
}

#[tokio::test]
async fn a_damaged_value_is_missing_counted_and_removed() {
    let folder = Folder::new();
    let database = folder.open().await;
    let cache = cache(&database);
    for n in 1..=4 {
        store(&cache, n).await;
    }
    for damage in [
        "UPDATE cache SET value = CAST('x' || substr(value, 2) AS BLOB) WHERE hash = 'comics:001'",
        "UPDATE cache SET expires_at = expires_at + 1 WHERE hash = 'comics:002'",
        "UPDATE cache SET hash = 'comics:009' WHERE hash = 'comics:003'",
    ] {
        run(&database, damage).await;
    }
    assert_eq!(cache.value(&name(1)).await.expect("an answer"), None);
    let rest = [name(2), name(9), name(4)];
    let found = cache.get_many(&rest).await.expect("answers");
    let found: Vec<_> = found.into_iter().map(|one| one.hit().is_some()).collect();
    assert_eq!(found, [false, false, true]);
    assert_eq!(cache.damaged_values(), 3);

    // The removals were queued before this write.
    store(&cache, 5).await;
    assert_eq!(number(&database, "SELECT count(*) FROM cache").await, 2);
    store(&cache, 1).await;
    assert_eq!(
        cache.value(&name(1)).await.expect("an answer").as_deref(),
        Some(&value(1)[..])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_was_replaced_meanwhile_stays() {
    let folder = Folder::new();
    let database = folder.open().await;
    let cache = cache(&database);
    store(&cache, 1).await;
    run(&database, "UPDATE cache SET value = x'00'").await;
    let release = hold_write_lock(&database);
    let mut replacement = Box::pin(store(&cache, 1));
    assert!(is_pending(replacement.as_mut()), "the lock is held");
    assert_eq!(cache.value(&name(1)).await.expect("an answer"), None);
    release.send(()).expect("the lock is held");
    replacement.await;
    store(&cache, 2).await;
    let found = cache.value(&name(1)).await.expect("an answer");
    assert!(found.is_some() && cache.damaged_values() == 1);
}

#[tokio::test]
async fn a_damaged_result_has_lapsed() {
    let folder = Folder::new();
    let database = folder.open().await;
    let jobs = jobs(&database);
    let own = async || match jobs.register_or_join(&name(1), Priority::User).await {
        Ok(Registration::Owner(owner)) => owner,
        other => panic!("{other:?}"),
    };
    let mut replaced = own().await;
    let result = || JobResult::Value("result".into());
    jobs.complete(&mut replaced, result()).await.expect("ended");
    let mut current = own().await;
    jobs.complete(&mut current, result()).await.expect("ended");
    for owner in [&replaced, &current] {
        let outcome = jobs.wait_for(&name(1), owner.job(), SECOND).await;
        assert_eq!(
            outcome.expect("an outcome"),
            JobOutcome::Value("result".into())
        );
    }
    for table in [
        "UPDATE dedupe_jobs SET result = x'00'",
        "UPDATE dedupe_results SET status = 'failed'",
    ] {
        run(&database, table).await;
    }
    for owner in [&replaced, &current] {
        let outcome = jobs.wait_for(&name(1), owner.job(), SECOND).await;
        assert_eq!(outcome.expect("an outcome"), JobOutcome::Lapsed);
    }
    assert_eq!(jobs.damaged_results(), 2);
    run(&database, "SELECT 1").await;
    let left = "SELECT (SELECT count(*) FROM dedupe_jobs) + (SELECT count(*) FROM dedupe_results)";
    assert_eq!(number(&database, left).await, 0);
}

#[tokio::test]
async fn a_check_finds_damaged_values_and_results() {
    let folder = Folder::new();
    let database = folder.open().await;
    let (cache, jobs) = (cache(&database), jobs(&database));
    for n in 0..=254 {
        store(&cache, n).await;
    }
    let Ok(Registration::Owner(mut owner)) = jobs.register_or_join(&name(1), Priority::User).await
    else {
        panic!("nobody else asks");
    };
    let ended = jobs
        .complete(&mut owner, JobResult::Value("result".into()))
        .await;
    ended.expect("ended");
    let report = check(&database).await.expect("a report");
    assert!(report.is_ok(), "{report:?}");
    assert_eq!((report.checked, report.without_checksum), (256, 0));

    run(
        &database,
        "UPDATE cache SET checksum = NULL WHERE hash = 'comics:005'",
    )
    .await;
    run(
        &database,
        "UPDATE cache SET value = x'01' WHERE hash IN ('comics:003', 'comics:250')",
    )
    .await;
    run(&database, "UPDATE dedupe_jobs SET updated_at = 1").await;
    let report = check(&database).await.expect("a report");
    assert!(!report.is_ok() && report.file.is_ok(), "{report:?}");
    assert_eq!(report.damaged_values, ["comics:003", "comics:250"]);
    assert_eq!(report.damaged_jobs, ["comics:001"]);
    assert_eq!((report.checked, report.without_checksum), (255, 1));
    assert_eq!(
        number(&database, "SELECT count(*) FROM cache").await,
        255,
        "nothing is changed"
    );
}

#[tokio::test]
async fn no_flipped_bit_is_served() {
    const FLIPS: usize = 200;
    let folder = Folder::new();
    let database = folder.open().await;
    let values = cache(&database);
    for n in 1..=40 {
        store(&values, n).await;
    }
    database.close().await.expect("a close");
    let intact = fs::read(folder.file()).expect("the file");
    let random = SeededRandom::new(3);
    let (mut damaged, mut found) = (0, 0);
    for _ in 0..FLIPS {
        // Beyond the first page, which has the schema.
        let bits = (intact.len() as u64 - 8192) * 8;
        let bit = usize::try_from(random.next_u64() % bits).expect("a small file") + 8192 * 8;
        let mut bytes = intact.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(folder.file(), bytes).expect("a file");
        let database = open(&folder.file()).await;
        let cache = cache(&database);
        for n in 1..=40 {
            // Damaged pages are errors of SQLite.
            if let Ok(Some(bytes)) = cache.value(&name(n)).await {
                assert_eq!(bytes, value(n), "bit {bit}");
                found += 1;
            }
        }
        damaged += cache.damaged_values();
        database.close().await.expect("a close");
    }
    assert!(
        damaged > 100 && found > 35 * FLIPS,
        "{damaged} damaged, {found} found"
    );
}
