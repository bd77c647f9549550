//! The migration of a file of the npm package: one backup, one transaction.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::Connection;
use serde_json::{Value, json};
use store_core::{CacheStore, ErrorKind, TypedCache};
use store_sqlite::{
    BACKUP_SUFFIX, COMPONENTS, CacheOptions, Component, MigrationState, SqliteCacheStore,
    SqliteDatabase,
};

use crate::children::{self, send_to_parent};
use crate::npm_file::{ADAPTIVE_LIMITS, PLAIN_LIMITS, clock, contents, enlarge, write_npm_file};
use crate::support::{Folder, key, open};

pub(crate) fn with_suffix(file: &Path, suffix: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

pub(crate) fn backup_of(file: &Path) -> PathBuf {
    with_suffix(file, BACKUP_SUFFIX)
}

async fn is_applied(database: &SqliteDatabase, component: &Component) -> bool {
    let migrations = database.migration_status(component).await;
    migrations
        .expect("a list")
        .iter()
        .all(|migration| migration.state == MigrationState::Applied)
}

// covers("A20")
#[tokio::test]
async fn the_backup_is_the_file_as_it_was() {
    for limits in [PLAIN_LIMITS, ADAPTIVE_LIMITS] {
        let folder = Folder::new();
        write_npm_file(&folder.file(), limits);
        let before = contents(&folder.file());
        let database = folder.open().await;
        store_sqlite::migrate(&database).await.expect("a schema");
        database.close().await.expect("a close");
        let backup = backup_of(&folder.file());
        assert_eq!(contents(&backup), before);
        let (schema, rows) = contents(&folder.file());
        assert_ne!(schema, before.0);
        assert_eq!(rows, before.1, "no row is lost");

        let bytes = fs::read(&backup).expect("the backup");
        let database = folder.open().await;
        store_sqlite::migrate(&database).await.expect("only reads");
        assert_eq!(fs::read(&backup).expect("the backup"), bytes);
    }
}

/// As in an application whose requests have deadlines: a large file is not migrated within any.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_file_is_migrated_though_each_caller_gives_up() {
    let folder = Folder::new();
    write_npm_file(&folder.file(), PLAIN_LIMITS);
    enlarge(&folder.file(), 5000);
    let database = folder.open().await;
    let options = CacheOptions::default().with_cleanup_interval(None);
    let cache = SqliteCacheStore::with_options(&database, options);
    let key = key("issues:1");
    let mut given_up = 0;
    while given_up < 50_000 {
        match tokio::time::timeout(Duration::from_millis(1), cache.get(&key)).await {
            Ok(read) => {
                read.expect("a migrated file");
                break;
            }
            Err(_) => given_up += 1,
        }
    }
    assert!((1..50_000).contains(&given_up), "{given_up}");
    for component in with_npm_tables() {
        assert!(is_applied(&database, component).await, "{}", component.name);
    }
    assert!(backup_of(&folder.file()).exists());
}

#[tokio::test]
async fn a_backup_that_exists_is_kept() {
    let folder = Folder::new();
    write_npm_file(&folder.file(), PLAIN_LIMITS);
    fs::write(backup_of(&folder.file()), "the first one").expect("a file");
    let database = folder.open().await;
    store_sqlite::migrate(&database).await.expect("a schema");
    let kept = fs::read_to_string(backup_of(&folder.file()));
    assert_eq!(kept.expect("the backup"), "the first one");
}

#[tokio::test]
async fn new_and_empty_files_and_memory_need_no_backup() {
    let folder = Folder::new();
    let new = folder.open().await;
    store_sqlite::migrate(&new).await.expect("a schema");
    let empty = folder.file().with_file_name("empty.db");
    fs::write(&empty, "").expect("a file");
    store_sqlite::migrate(&open(&empty).await)
        .await
        .expect("a schema");
    let memory = SqliteDatabase::in_memory().await.expect("a database");
    store_sqlite::migrate(&memory).await.expect("a schema");
    for entry in fs::read_dir(folder.file().parent().expect("a folder")).expect("a folder") {
        let name = entry.expect("an entry").file_name();
        let name = name.to_string_lossy().into_owned();
        assert!(!name.contains(BACKUP_SUFFIX), "{name}");
    }
}

#[tokio::test]
async fn without_a_backup_nothing_is_migrated() {
    let folder = Folder::new();
    write_npm_file(&folder.file(), ADAPTIVE_LIMITS);
    let before = contents(&folder.file());
    let obstacle = with_suffix(&backup_of(&folder.file()), ".partial");
    fs::create_dir(&obstacle).expect("an obstacle");
    let database = folder.open().await;
    let error = store_sqlite::migrate(&database).await;
    let error = error.expect_err("no backup, no migration");
    assert!(
        matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::ReadOnly),
        "{error}"
    );
    assert_eq!(contents(&folder.file()), before);
    fs::remove_dir(obstacle).expect("the obstacle");
    store_sqlite::migrate(&database).await.expect("a schema");
    assert_eq!(contents(&backup_of(&folder.file())), before);
}

/// The packages had no queue of writes.
fn with_npm_tables() -> [&'static Component; 3] {
    let [cache, jobs, limits, _queue] = COMPONENTS;
    [cache, jobs, limits]
}

#[tokio::test]
async fn the_first_store_migrates_the_whole_file() {
    let folder = Folder::new();
    write_npm_file(&folder.file(), PLAIN_LIMITS);
    let database = folder.open().await;
    let cache = SqliteCacheStore::new(&database);
    cache.get(&key("k0001")).await.expect("an answer");
    for component in with_npm_tables() {
        assert!(is_applied(&database, component).await, "{}", component.name);
    }
}

#[tokio::test]
async fn missing_tables_are_left_to_the_store_that_needs_them() {
    let folder = Folder::new();
    write_npm_file(&folder.file(), PLAIN_LIMITS);
    let db = Connection::open(folder.file()).expect("the file");
    db.execute_batch("DROP TABLE dedupe_jobs; DROP TABLE rate_limits")
        .expect("a file of the cache alone");
    let database = folder.open().await;
    let [cache, jobs, limits, ..] = COMPONENTS;
    let migrated = store_sqlite::migrate_component(&database, cache).await;
    migrated.expect("a schema");
    assert!(is_applied(&database, cache).await);
    assert!(!is_applied(&database, jobs).await);
    assert!(!is_applied(&database, limits).await);
    assert!(backup_of(&folder.file()).exists());
}

// covers("A6", "A23")
#[tokio::test]
async fn every_live_value_is_found_by_its_literal_key() {
    const VALUES: u32 = 300;
    let folder = Folder::new();
    write_npm_file(&folder.file(), PLAIN_LIMITS);
    enlarge(&folder.file(), VALUES);
    let options = CacheOptions::default().with_clock(clock());
    let cache = SqliteCacheStore::with_options(&folder.open().await, options);
    let typed: TypedCache<Value> = TypedCache::new(cache);
    for number in 0..VALUES {
        let value = typed.get(&key(&format!("issue:{number}"))).await;
        let expected = json!({"id": number, "text": format!("{number:0>4000}")});
        assert_eq!(value.expect("an answer").hit(), Some(expected));
    }
}

// covers("D19")
#[tokio::test]
async fn processes_that_start_at_once_create_one_backup() {
    let folder = Folder::new();
    write_npm_file(&folder.file(), ADAPTIVE_LIMITS);
    enlarge(&folder.file(), 500);
    let before = contents(&folder.file());
    let test = "npm_migration::child_migrates";
    let mut children: Vec<_> = (0..4)
        .map(|_| children::start(test, &folder.file(), ""))
        .collect();
    let mut starters: Vec<_> = children.iter_mut().collect();
    for child in &mut starters {
        assert_eq!(child.receive(), "ready");
    }
    for child in &mut starters {
        child.send("go");
    }
    for child in &mut starters {
        assert_eq!(child.receive(), "done");
    }
    for child in children {
        child.wait();
    }
    assert_eq!(contents(&backup_of(&folder.file())), before);
    assert_eq!(contents(&folder.file()).1, before.1);
    let partial = with_suffix(&backup_of(&folder.file()), ".partial");
    assert!(!partial.exists());
}

#[tokio::test]
#[ignore = "child process of tests that migrate a file"]
async fn child_migrates() {
    let database = open(&children::file()).await;
    send_to_parent("ready");
    assert_eq!(children::receive_from_parent(), "go");
    store_sqlite::migrate(&database).await.expect("a schema");
    database.close().await.expect("a close");
    send_to_parent("done");
}
