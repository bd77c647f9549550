//! Damaged files that are moved aside.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use sqlite_database::{DamageCheck, DatabaseOptions, ErrorKind, SqliteDatabase};
use tempfile::TempDir;
use tokio::sync::Barrier;

use crate::support::{TABLE, TestDatabase, count, damage_middle, files, insert};

const BOTH: [DamageCheck; 2] = [DamageCheck::Schema, DamageCheck::Contents];

fn garbage_file() -> (TempDir, PathBuf) {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("test.db");
    std::fs::write(&path, "no database, but as long as one\n".repeat(1000)).expect("a file");
    (directory, path)
}

fn numbered(path: &Path, number: u32) -> PathBuf {
    path.with_file_name(format!("test.db.damaged-{number}"))
}

async fn set_aside(path: &Path, check: DamageCheck) -> Option<PathBuf> {
    let outcome = SqliteDatabase::set_aside(path, check).await;
    outcome.expect("a rename")
}

/// A closed file with a thousand rows.
async fn filled() -> TestDatabase {
    let test = TestDatabase::open().await;
    let filled = test.database.write(|tx| {
        for number in 0..1000 {
            insert(tx, &format!("{number:0>400}"))?;
        }
        Ok(())
    });
    filled.await.expect("a commit");
    test.database.close().await.expect("a close");
    test
}

#[tokio::test]
async fn a_file_that_is_no_database_moves_to_the_first_free_name() {
    let (directory, path) = garbage_file();
    let text = std::fs::read(&path).expect("the file");
    std::fs::write(numbered(&path, 1), "older").expect("a file");
    std::fs::write(directory.path().join("test.db.damaged-2-wal"), "older").expect("a file");
    let moved = set_aside(&path, DamageCheck::Schema).await;
    assert_eq!(moved, Some(numbered(&path, 3)));
    assert_eq!(std::fs::read(numbered(&path, 3)).expect("the file"), text);
    let older = std::fs::read_to_string(numbered(&path, 1)).expect("the file");
    assert_eq!(older, "older");
    assert!(!path.exists());
    let database = SqliteDatabase::open(&path).await.expect("a new database");
    assert!(database.check().await.expect("a check").is_ok());
}

#[tokio::test]
async fn a_truncated_file_is_set_aside_with_its_bytes() {
    for check in BOTH {
        let test = filled().await;
        let file = std::fs::File::options().write(true).open(test.path());
        let file = file.expect("the file");
        let length = file.metadata().expect("numbers").len();
        file.set_len(length / 2 + 100).expect("a shorter file");
        let bytes = std::fs::read(test.path()).expect("the file");
        let moved = set_aside(&test.path(), check).await.expect("damage");
        assert_eq!(std::fs::read(moved).expect("the file"), bytes);
    }
}

#[tokio::test]
async fn damage_behind_the_schema_takes_a_check_of_the_contents() {
    let test = filled().await;
    damage_middle(&test.path());
    assert_eq!(set_aside(&test.path(), DamageCheck::Schema).await, None);
    let moved = set_aside(&test.path(), DamageCheck::Contents).await;
    assert_eq!(moved, Some(numbered(&test.path(), 1)));
}

#[tokio::test]
async fn a_file_in_use_that_is_whole_stays() {
    let test = TestDatabase::open().await;
    let written = test.database.write(|tx| insert(tx, "Saga")).await;
    written.expect("a commit");
    for check in BOTH {
        assert_eq!(set_aside(&test.path(), check).await, None);
    }
    let written = test.database.write(|tx| insert(tx, "Bone")).await;
    written.expect("a commit");
    assert_eq!(count(&test.database), 2);
    assert!(test.wal_bytes() > 0, "the log is where it was");
    let empty = test.path().with_file_name("empty.db");
    std::fs::write(&empty, "").expect("a file");
    assert_eq!(set_aside(&empty, DamageCheck::Contents).await, None);
}

#[tokio::test]
async fn a_missing_file_is_nothing_to_move() {
    let directory = TempDir::new().expect("a directory");
    for check in BOTH {
        let path = directory.path().join("test.db");
        assert_eq!(set_aside(&path, check).await, None);
    }
    assert_eq!(files(directory.path()), [""; 0]);
}

#[tokio::test]
async fn what_is_no_regular_file_is_refused() {
    let (directory, path) = garbage_file();
    let error = SqliteDatabase::set_aside(directory.path(), DamageCheck::Schema).await;
    let error = error.expect_err("a directory");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(error.operation(), "set aside");
    assert_eq!(error.database(), directory.path().to_str());
    #[cfg(unix)]
    {
        let link = directory.path().join("link.db");
        std::os::unix::fs::symlink(&path, &link).expect("a link");
        let error = SqliteDatabase::set_aside(&link, DamageCheck::Schema).await;
        assert_eq!(error.expect_err("a link").kind(), ErrorKind::Unavailable);
        assert!(link.symlink_metadata().expect("the link").is_symlink());
    }
    assert!(path.exists());
    for name in ["", ":memory:"] {
        let error = SqliteDatabase::set_aside(name, DamageCheck::Schema).await;
        assert_eq!(error.expect_err("no file").kind(), ErrorKind::InvalidInput);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_that_find_the_same_damage_one_sets_it_aside() {
    for round in 0..10 {
        let (directory, path) = garbage_file();
        let barrier = Arc::new(Barrier::new(8));
        let tasks: Vec<_> = (0..8)
            .map(|task| {
                let (path, barrier) = (path.clone(), Arc::clone(&barrier));
                tokio::spawn(async move {
                    let error = SqliteDatabase::open(&path).await.expect_err("damage");
                    assert_eq!(error.kind(), ErrorKind::Corrupt);
                    barrier.wait().await;
                    let moved = set_aside(&path, DamageCheck::Contents).await;
                    let database = SqliteDatabase::open(&path).await.expect("a database");
                    let written = database.write(move |tx| {
                        tx.execute_batch(TABLE)?;
                        insert(tx, &task.to_string())
                    });
                    written.await.expect("a commit");
                    database.close().await.expect("a close");
                    moved
                })
            })
            .collect();
        let mut moved = Vec::new();
        for task in tasks {
            moved.extend(task.await.expect("no panic"));
        }
        assert_eq!(moved, [numbered(&path, 1)], "round {round}");
        let database = SqliteDatabase::open(&path).await.expect("a database");
        assert_eq!(count(&database), 8, "round {round}");
        database.close().await.expect("a close");
        assert_eq!(
            files(directory.path()),
            ["test.db", "test.db.damaged-1", "test.db.lock"]
        );
    }
}

#[cfg(unix)]
#[tokio::test]
async fn the_log_moves_along_and_open_handles_notice() {
    let test = filled().await;
    damage_middle(&test.path());
    let old = SqliteDatabase::open(test.path()).await.expect("a handle");
    let marked = old
        .write(|tx| Ok(tx.execute_batch("PRAGMA user_version = 7")?))
        .await;
    marked.expect("a commit to the first page");
    let log = test.path().with_file_name("test.db-wal");
    let bytes = std::fs::read(&log).expect("a log");
    let moved = set_aside(&test.path(), DamageCheck::Contents).await;
    let moved = moved.expect("damage");
    assert!(!log.exists());
    let moved_log = moved.with_file_name("test.db.damaged-1-wal");
    assert_eq!(std::fs::read(moved_log).expect("the log"), bytes);
    let new = SqliteDatabase::open(test.path()).await.expect("a database");
    let table = new.write(|tx| Ok(tx.execute_batch(TABLE)?)).await;
    table.expect("a table");
    let error = crate::failures::read_until_refused(&old);
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    old.close().await.expect("a close");
    assert_eq!(count(&new), 0);
    assert!(new.check().await.expect("a check").is_ok());
    let examined = rusqlite::Connection::open(moved).expect("a connection");
    let mark = examined.query_row("PRAGMA user_version", [], |row| row.get::<_, i64>(0));
    assert_eq!(mark.expect("a number"), 7);
}

/// What a crash after the first rename leaves behind.
#[tokio::test]
async fn companions_without_a_database_do_not_reach_a_new_one() {
    let test = TestDatabase::open().await;
    let written = test.database.write(|tx| insert(tx, "Saga")).await;
    written.expect("a commit");
    let directory = TempDir::new().expect("a directory");
    for name in ["test.db-wal", "test.db-shm"] {
        std::fs::copy(
            test.path().with_file_name(name),
            directory.path().join(name),
        )
        .expect("a copy");
    }
    let journal = directory.path().join("test.db-journal");
    std::fs::copy(test.path().with_file_name("test.db-wal"), &journal).expect("a copy");
    let path = directory.path().join("test.db");
    let database = SqliteDatabase::open(&path).await.expect("a database");
    let tables = "SELECT count(*) FROM sqlite_schema";
    let seen =
        database.blocking_read(|db| Ok(db.query_row(tables, [], |row| row.get::<_, i64>(0))?));
    assert_eq!(seen.expect("a count"), 0);
    assert!(!journal.exists());
    let written = database.write(|tx| Ok(tx.execute_batch(TABLE)?)).await;
    written.expect("a table");
    assert!(database.check().await.expect("a check").is_ok());
}

#[tokio::test]
async fn connections_are_not_opened_while_files_are_renamed() {
    let test = TestDatabase::open().await;
    let lock = std::fs::File::create(test.path().with_file_name("test.db.lock"));
    let lock = lock.expect("a lock file");
    lock.lock().expect("the lock");
    let options = DatabaseOptions::default().with_busy_timeout(Duration::from_millis(20));
    let refused = SqliteDatabase::open_with(test.path(), options.clone()).await;
    assert_eq!(refused.expect_err("locked").kind(), ErrorKind::Busy);
    let written = test.database.write(|tx| insert(tx, "Saga")).await;
    written.expect("open connections do not wait");
    lock.unlock().expect("no lock");
    let database = SqliteDatabase::open_with(test.path(), options).await;
    assert_eq!(count(&database.expect("a database")), 1);
}

#[tokio::test]
async fn a_file_that_was_cut_off_while_open_is_set_aside() {
    for check in BOTH {
        let test = TestDatabase::open().await;
        let file = std::fs::File::options().write(true).open(test.path());
        file.expect("the file").set_len(0).expect("an empty file");
        let moved = set_aside(&test.path(), check).await;
        assert_eq!(moved, Some(numbered(&test.path(), 1)));
        let new = SqliteDatabase::open(test.path()).await;
        let new = new.expect("a new database");
        assert!(new.check().await.expect("a check").is_ok());
    }
}
