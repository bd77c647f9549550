//! An application whose file fails: it goes on without a cache, and sends nothing without its
//! limiter.

use std::fs::{self, File};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use store_core::pipeline::{Answer, Failure, Fetched, Outcome, Pipeline, PipelineError, Request};
use store_core::{
    Acquire, CacheStore, Decision, ErrorKind, HOUR, Limit, NewEntry, RateLimitStore, Stores,
};
use store_sqlite::{
    AccessMode, DatabaseOptions, RateLimitOptions, SqliteCacheStore, SqliteDatabase,
    SqliteDedupeStore, SqliteRateLimitStore, StoreOptions, stores_with,
};

use sqlite_database::ErrorKind as DatabaseErrorKind;

use crate::support::{Folder, key, open, resource};

/// More than any test here uses.
const AMPLE: Limit = Limit::new(1_000_000, HOUR);

/// All three stores over `database`, with an ample limit.
fn stores(database: &SqliteDatabase) -> Stores {
    let limits = RateLimitOptions::default().with_default_config(AMPLE);
    let options = StoreOptions::default()
        .with_rate_limit(limits)
        .without_cleanup();
    stores_with(database, options)
}

/// Stores values of 4 kB.
async fn fill(database: &SqliteDatabase, values: u32) {
    let cache = SqliteCacheStore::new(database);
    for number in 0..values {
        let name = key(&format!("comics:{number}"));
        let stored =
            cache.set(NewEntry::unconditional(name.clone(), vec![7; 4_000]).with_ttl(HOUR));
        stored.await.expect("space");
    }
}

/// Overwrites everything after the first page, which has the schema.
fn damage(file: &Path) {
    const PAGE: u64 = 8192;
    let mut file = File::options().write(true).open(file).expect("the file");
    let length = file.metadata().expect("numbers").len();
    file.seek(SeekFrom::Start(PAGE)).expect("a place");
    let noise = vec![0xA5; usize::try_from(length - PAGE).expect("a small file")];
    file.write_all(&noise).expect("damage");
}

/// Fills the file with rows of another program, large ones first, until nothing fits at all.
async fn fill_up(database: &SqliteDatabase) {
    let create = "CREATE TABLE filler (value BLOB NOT NULL) STRICT";
    let created = database.write(move |tx| Ok(tx.execute(create, [])?));
    created.await.expect("a table");
    for bytes in [100_000, 1_000, 10] {
        loop {
            let insert = "INSERT INTO filler (value) VALUES (zeroblob(?1))";
            match database
                .write(move |tx| Ok(tx.execute(insert, [bytes])?))
                .await
            {
                Ok(_) => {}
                Err(error) => {
                    assert_eq!(error.kind(), DatabaseErrorKind::StorageFull, "{error}");
                    break;
                }
            }
        }
    }
}

async fn request(
    pipeline: &Pipeline,
    name: &str,
    sent: &AtomicUsize,
) -> Result<Answer, PipelineError<String>> {
    let request = Request::new(key(name), resource("issues"));
    pipeline
        .run(request, async |_attempt| {
            sent.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Failure<String>>(Fetched::new("fetched").fresh_for(HOUR))
        })
        .await
}

/// A working limiter in a file of its own.
async fn working_limiter(folder: &Folder) -> SqliteRateLimitStore {
    let file = folder.file().with_file_name("limits.db");
    SqliteRateLimitStore::new(&open(&file).await, AMPLE)
}

#[tokio::test]
async fn a_damaged_cache_costs_fetches_and_nothing_else() {
    let folder = Folder::new();
    let database = folder.open().await;
    fill(&database, 100).await;
    database.close().await.expect("a close");
    damage(&folder.file());
    let database = folder.open().await;
    let cache = SqliteCacheStore::new(&database);
    let error = cache.get(&key("comics:1")).await.expect_err("damage");
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    let stores = Stores::none()
        .with_cache(cache)
        .with_dedupe(SqliteDedupeStore::new(&database))
        .with_rate_limit(working_limiter(&folder).await);
    let pipeline = Pipeline::new(stores);
    let sent = AtomicUsize::new(0);
    for _ in 0..3 {
        let answer = request(&pipeline, "comics:1", &sent).await;
        assert_eq!(answer.expect("an answer").outcome, Outcome::Fetched);
    }
    assert_eq!(sent.into_inner(), 3);
}

#[tokio::test]
async fn a_damaged_limiter_admits_nothing() {
    let folder = Folder::new();
    let database = folder.open().await;
    let limits = SqliteRateLimitStore::new(&database, AMPLE);
    match limits
        .try_acquire(Acquire::one(&resource("issues")).background())
        .await
    {
        Ok(Decision::Granted(permit)) => drop(permit),
        other => panic!("{other:?}"),
    }
    database.close().await.expect("a close");
    damage(&folder.file());
    let database = folder.open().await;
    let pipeline = Pipeline::new(stores(&database));
    let sent = AtomicUsize::new(0);
    let error = request(&pipeline, "comics:1", &sent).await;
    let Err(PipelineError::Limiter(error)) = error else {
        panic!("{error:?}");
    };
    assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    assert_eq!(sent.into_inner(), 0);
}

#[tokio::test]
async fn a_full_file_serves_its_values_and_admits_nothing() {
    const BOUND: u64 = 512 * 1024;
    let folder = Folder::new();
    let options = DatabaseOptions::default().with_max_bytes(BOUND);
    let database = SqliteDatabase::open_with(folder.file(), options).await;
    let database = database.expect("a database");
    let pipeline = Pipeline::new(stores(&database));
    let sent = AtomicUsize::new(0);
    let answer = request(&pipeline, "comics:first", &sent).await;
    assert_eq!(answer.expect("an answer").outcome, Outcome::Fetched);

    let limits = SqliteRateLimitStore::new(&database, AMPLE);
    fill_up(&database).await;
    let refused = loop {
        match limits
            .try_acquire(Acquire::one(&resource("issues")).background())
            .await
        {
            Ok(Decision::Granted(permit)) => drop(permit),
            Ok(Decision::Denied { reason, .. }) => panic!("{reason}"),
            Err(error) => break error,
        }
    };
    assert_eq!(refused.kind(), ErrorKind::StorageFull, "{refused}");

    let before = sent.load(Ordering::Relaxed);
    let answer = request(&pipeline, "comics:first", &sent).await;
    assert_eq!(answer.expect("an answer").outcome, Outcome::Hit);
    let error = request(&pipeline, "comics:second", &sent).await;
    let Err(PipelineError::Limiter(error)) = error else {
        panic!("{error:?}");
    };
    assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
    assert_eq!(sent.load(Ordering::Relaxed), before);

    let freed = database.write(|tx| Ok(tx.execute("DROP TABLE filler", [])?));
    freed.await.expect("a full file can be emptied");
    let answer = request(&pipeline, "comics:second", &sent).await;
    assert_eq!(answer.expect("an answer").outcome, Outcome::Fetched);
}

#[tokio::test]
async fn a_read_only_file_serves_its_values() {
    let folder = Folder::new();
    let database = folder.open().await;
    let sent = AtomicUsize::new(0);
    let answer = request(&Pipeline::new(stores(&database)), "comics:first", &sent).await;
    answer.expect("an answer");
    database.close().await.expect("a close");

    let options = DatabaseOptions::default().with_access(AccessMode::ReadOnly);
    let database = SqliteDatabase::open_with(folder.file(), options).await;
    let database = database.expect("a database");
    let pipeline = Pipeline::new(stores(&database));
    let answer = request(&pipeline, "comics:first", &sent).await;
    assert_eq!(answer.expect("an answer").outcome, Outcome::Hit);
    let error = request(&pipeline, "comics:second", &sent).await;
    let Err(PipelineError::Limiter(error)) = error else {
        panic!("{error:?}");
    };
    assert_eq!(error.kind(), ErrorKind::ReadOnly, "{error}");
    assert_eq!(sent.load(Ordering::Relaxed), 1);

    let cacheless = Stores::none()
        .with_cache(SqliteCacheStore::new(&database))
        .with_rate_limit(working_limiter(&folder).await);
    let answer = request(&Pipeline::new(cacheless), "comics:second", &sent).await;
    assert_eq!(answer.expect("an answer").outcome, Outcome::Fetched);
}

#[tokio::test]
async fn a_file_of_another_kind_is_no_database() {
    let folder = Folder::new();
    fs::write(folder.file(), "not a database\n".repeat(1000)).expect("a file");
    let error = SqliteDatabase::open(folder.file()).await;
    let error = error.expect_err("no database");
    assert!(error.to_string().contains("restore a backup"), "{error}");
}
