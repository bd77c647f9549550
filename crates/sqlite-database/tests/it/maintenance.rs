//! Backups, integrity checks, vacuum and size.

use std::path::PathBuf;

use sqlite_database::{
    AccessMode, Component, DatabaseOptions, ErrorKind, Migration, SqliteDatabase,
};
use tempfile::TempDir;

use crate::support::{TestDatabase, count, files, insert};

async fn fill(database: &SqliteDatabase, titles: std::ops::Range<u32>) {
    let filled = database.write(move |tx| {
        for number in titles {
            insert(tx, &format!("{number:0>400}"))?;
        }
        Ok(())
    });
    filled.await.expect("a commit");
}

fn beside(test: &TestDatabase, name: &str) -> PathBuf {
    test.path().with_file_name(name)
}

#[tokio::test]
async fn a_backup_is_a_consistent_snapshot_and_opens_anywhere() {
    let test = TestDatabase::open().await;
    fill(&test.database, 0..100).await;
    let backup = beside(&test, "backup.db");
    test.database.backup(&backup).await.expect("a copy");
    fill(&test.database, 100..150).await;
    let elsewhere = TempDir::new().expect("a directory");
    let moved = elsewhere.path().join("comics.db");
    std::fs::rename(&backup, &moved).expect("one file, without a log beside it");
    let options = DatabaseOptions::default().with_access(AccessMode::ReadOnly);
    let copy = SqliteDatabase::open_with(&moved, options).await;
    let copy = copy.expect("a database");
    assert_eq!(count(&copy), 100);
    assert!(copy.check().await.expect("a check").is_ok());
    assert_eq!(files(elsewhere.path()), ["comics.db"]);
    assert_eq!(count(&test.database), 150);
}

#[tokio::test]
async fn a_backup_has_no_free_pages() {
    let test = TestDatabase::open().await;
    fill(&test.database, 0..4000).await;
    thin_out(&test.database).await;
    let original = test.database.size().await.expect("numbers");
    assert!(original.free_pages > 100, "{original:?}");
    let backup = beside(&test, "backup.db");
    test.database.backup(&backup).await.expect("a copy");
    let copy = SqliteDatabase::open(&backup).await.expect("a database");
    assert_eq!(copy.size().await.expect("numbers").free_pages, 0);
    assert_eq!(count(&copy), count(&test.database));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn backups_beside_a_writer_have_all_of_a_commit_or_nothing() {
    let test = TestDatabase::open().await;
    let other = SqliteDatabase::open(test.path()).await.expect("a handle");
    let (stop, is_stopped) = std::sync::mpsc::channel();
    let writing = tokio::spawn(async move {
        let mut pairs = 0;
        while pairs < 2_000 && is_stopped.try_recv().is_err() {
            fill(&other, 2 * pairs..2 * pairs + 2).await;
            pairs += 1;
        }
        pairs
    });
    let mut before = 0;
    for number in 0..5 {
        let backup = beside(&test, &format!("{number}.db"));
        test.database.backup(&backup).await.expect("a copy");
        let copy = SqliteDatabase::open(&backup).await.expect("a database");
        let titles = count(&copy);
        assert!(titles % 2 == 0 && titles >= before, "{titles} titles");
        assert!(copy.check().await.expect("a check").is_ok());
        copy.close().await.expect("a close");
        before = titles;
    }
    let _sent = stop.send(());
    let pairs = writing.await.expect("no panic");
    assert_eq!(count(&test.database), i64::from(2 * pairs));
}

#[tokio::test]
async fn a_database_in_memory_is_backed_up_to_a_file() {
    let directory = TempDir::new().expect("a directory");
    let database = SqliteDatabase::in_memory().await.expect("a database");
    let table = |tx: &rusqlite::Transaction<'_>| Ok(tx.execute_batch(crate::support::TABLE)?);
    database.write(table).await.expect("a table");
    fill(&database, 0..10).await;
    let path = directory.path().join("copy.db");
    database.backup(&path).await.expect("a copy");
    let copy = SqliteDatabase::open(&path).await.expect("a database");
    assert_eq!(count(&copy), 10);
}

#[tokio::test]
async fn a_backup_replaces_no_file() {
    let test = TestDatabase::open().await;
    let taken = beside(&test, "notes.txt");
    std::fs::write(&taken, "keep me").expect("a file");
    for target in [taken.clone(), test.path()] {
        let error = test.database.backup(&target).await.expect_err("a refusal");
        assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}");
        assert_eq!(error.operation(), "backup");
        assert!(error.to_string().contains("name another file"), "{error}");
    }
    assert_eq!(std::fs::read_to_string(taken).expect("the file"), "keep me");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_backups_to_one_name_exactly_one_is_made() {
    let test = TestDatabase::open().await;
    fill(&test.database, 0..500).await;
    let target = beside(&test, "backup.db");
    let copying: Vec<_> = (0..4)
        .map(|_| {
            let (database, target) = (test.database.clone(), target.clone());
            tokio::spawn(async move { database.backup(target).await })
        })
        .collect();
    let mut made = 0;
    for outcome in copying {
        match outcome.await.expect("no panic") {
            Ok(()) => made += 1,
            Err(error) => assert_eq!(error.kind(), ErrorKind::AlreadyExists, "{error}"),
        }
    }
    assert_eq!(made, 1);
    let left = files(target.parent().expect("a directory"));
    assert!(
        !left.iter().any(|name| name.ends_with(".partial")),
        "{left:?}"
    );
    let copy = SqliteDatabase::open(&target).await.expect("a database");
    assert_eq!(count(&copy), 500);
}

#[tokio::test]
async fn a_backup_that_cannot_be_written_leaves_nothing() {
    let test = TestDatabase::open().await;
    let missing = beside(&test, "no/such/backup.db");
    let error = test.database.backup(missing).await.expect_err("a refusal");
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert_eq!(error.database(), test.path().to_str());
}

#[cfg(unix)]
#[tokio::test]
async fn a_backup_has_the_permissions_of_the_original() {
    use std::os::unix::fs::PermissionsExt as _;

    let test = TestDatabase::open().await;
    for mode in [0o600, 0o640] {
        let permissions = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(test.path(), permissions).expect("own files");
        let target = beside(&test, &format!("{mode:o}.db"));
        test.database.backup(&target).await.expect("a copy");
        let copied = std::fs::metadata(target).expect("the copy").permissions();
        assert_eq!(copied.mode() & 0o777, mode);
    }
}

#[tokio::test]
async fn a_vacuum_frees_the_space_of_deleted_rows() {
    let test = TestDatabase::open().await;
    fill(&test.database, 0..4000).await;
    let delete = "DELETE FROM book WHERE rowid > 100";
    let deleted = test.database.write(move |tx| Ok(tx.execute(delete, [])?));
    deleted.await.expect("a commit");
    let before = test.database.size().await.expect("numbers");
    assert!(before.free_bytes() > before.bytes() / 2, "{before:?}");
    assert!(before.wal_bytes > 0, "{before:?}");
    let vacuumed = test.database.vacuum().await.expect("a vacuum");
    let after = test.database.size().await.expect("numbers");
    assert_eq!(vacuumed.bytes_before, before.bytes());
    assert_eq!(vacuumed.bytes_after, after.bytes());
    assert!(after.bytes() <= before.bytes() - before.free_bytes());
    assert_eq!((after.free_pages, after.wal_bytes), (0, 0));
    let file = std::fs::metadata(test.path()).expect("the file").len();
    assert_eq!(file, after.bytes());
}

/// Deletes most of what `fill` has written.
async fn thin_out(database: &SqliteDatabase) {
    let delete = "DELETE FROM book WHERE rowid % 20 > 0";
    let deleted = database.write(move |tx| Ok(tx.execute(delete, [])?));
    deleted.await.expect("a commit");
    // The titles of the rest are spread over all pages: only moved rows leave whole ones free.
    let rebuild = "CREATE TABLE kept (title TEXT PRIMARY KEY) STRICT;
        INSERT INTO kept SELECT title FROM book;
        DROP TABLE book;
        ALTER TABLE kept RENAME TO book";
    let moved = database.write(move |tx| Ok(tx.execute_batch(rebuild)?));
    moved.await.expect("a commit");
}

#[tokio::test]
async fn free_pages_are_released_up_to_a_number() {
    let test = TestDatabase::open().await;
    let database = &test.database;
    fill(database, 0..4000).await;
    thin_out(database).await;
    let before = database.size().await.expect("numbers");
    assert!(before.free_pages > 100, "{before:?}");
    assert_eq!(
        before.used_bytes(),
        (before.pages - before.free_pages) * before.page_bytes
    );
    for (asked, released) in [(0, 0), (1, 1), (64, 64)] {
        let outcome = database.release_free_pages(asked).await;
        assert_eq!(outcome.expect("a commit"), released);
    }
    let after = database.size().await.expect("numbers");
    assert_eq!(after.free_pages, before.free_pages - 65);
    // Some pages of bookkeeping at the end go with them.
    assert!(after.pages <= before.pages - 65, "{after:?}");
    let rest = database.release_free_pages(u32::MAX).await;
    assert_eq!(rest.expect("a commit"), after.free_pages);
    let last = database.size().await.expect("numbers");
    assert_eq!((last.free_pages, last.used_bytes()), (0, last.bytes()));
    assert_eq!(database.release_free_pages(1).await.expect("a commit"), 0);
    assert_eq!(count(database), 200);
    assert!(database.check().await.expect("a check").is_ok());
    database.close().await.expect("a close");
    let file = std::fs::metadata(test.path()).expect("the file").len();
    assert_eq!(file, last.bytes(), "the file system has the space back");
}

#[tokio::test]
async fn a_file_without_auto_vacuum_keeps_its_free_pages() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("foreign.db");
    let foreign = rusqlite::Connection::open(&path).expect("a connection");
    foreign
        .execute_batch(crate::support::TABLE)
        .expect("a table");
    let database = SqliteDatabase::open(&path).await.expect("a database");
    fill(&database, 0..1000).await;
    thin_out(&database).await;
    let released = database.release_free_pages(64).await;
    assert_eq!(released.expect("a commit"), 0);
    let size = database.size().await.expect("numbers");
    assert!(size.free_pages > 0, "{size:?}");
}

#[tokio::test]
async fn a_read_only_handle_releases_nothing() {
    let test = TestDatabase::open().await;
    let options = DatabaseOptions::default().with_access(AccessMode::ReadOnly);
    let database = SqliteDatabase::open_with(test.path(), options).await;
    let released = database.expect("a database").release_free_pages(1).await;
    assert_eq!(released.expect_err("no writer").kind(), ErrorKind::ReadOnly);
}

#[tokio::test]
async fn a_database_in_memory_can_be_maintained() {
    let database = SqliteDatabase::in_memory().await.expect("a database");
    let table = |tx: &rusqlite::Transaction<'_>| Ok(tx.execute_batch(crate::support::TABLE)?);
    database.write(table).await.expect("a table");
    fill(&database, 0..1000).await;
    thin_out(&database).await;
    let released = database.release_free_pages(8).await;
    assert_eq!(released.expect("a commit"), 8);
    database.vacuum().await.expect("a vacuum");
    assert!(database.check().await.expect("a check").is_ok());
    assert_eq!(database.size().await.expect("numbers").wal_bytes, 0);
}

#[tokio::test]
async fn a_check_names_references_to_rows_that_do_not_exist() {
    let test = TestDatabase::open().await;
    let table = "CREATE TABLE review (title TEXT REFERENCES book) STRICT";
    let written = test
        .database
        .write(move |tx| Ok(tx.execute_batch(table)?))
        .await;
    written.expect("a table");
    assert!(test.database.check().await.expect("a check").is_ok());
    let other = rusqlite::Connection::open(test.path()).expect("a connection");
    let careless = "PRAGMA foreign_keys = OFF; INSERT INTO review VALUES ('Saga')";
    other.execute_batch(careless).expect("a row");
    let report = test.database.check().await.expect("a check");
    assert!(!report.is_ok());
    assert_eq!(
        report.broken_references[0].to_string(),
        "row 1 of review refers to a row of book that does not exist"
    );
}

#[tokio::test]
async fn a_closed_database_is_not_maintained() {
    let test = TestDatabase::open().await;
    let database = &test.database;
    database.close().await.expect("a close");
    let errors = [
        database.backup(beside(&test, "b.db")).await.err(),
        database.check().await.err(),
        database.vacuum().await.err(),
        database.release_free_pages(1).await.err(),
        database.size().await.err(),
    ];
    for error in errors {
        assert_eq!(
            error.expect("a refusal").kind(),
            ErrorKind::Closed,
            "a closed database"
        );
    }
}

const REVIEWS: Component = Component {
    name: "reviews",
    migrations: &[Migration::new(
        1,
        "reviews",
        "CREATE TABLE review (title TEXT NOT NULL) STRICT",
        "DROP TABLE review",
    )],
};

const BROKEN: Component = Component {
    name: "broken",
    migrations: &[Migration::new(
        1,
        "broken",
        "CREATE TABLE note (title TEXT); INSERT INTO nowhere VALUES (1)",
        "DROP TABLE note",
    )],
};

#[tokio::test]
async fn a_migration_is_backed_up_once_and_only_if_there_is_one() {
    let test = TestDatabase::open().await;
    fill(&test.database, 0..10).await;
    let backup = beside(&test, "before.db");
    let migrated = test.database.migrate_after_backup(&[&REVIEWS], &backup);
    migrated.await.expect("a schema");
    let copy = rusqlite::Connection::open(&backup).expect("the backup");
    let table_exists = |db: &rusqlite::Connection| db.table_exists(None, "review");
    assert_eq!(table_exists(&copy), Ok(false));
    assert_eq!(
        test.database.blocking_read(|db| Ok(table_exists(db)?)).ok(),
        Some(true)
    );
    drop(copy);
    std::fs::remove_file(&backup).expect("the backup");
    let migrated = test.database.migrate_after_backup(&[&REVIEWS], &backup);
    migrated.await.expect("nothing to do");
    assert!(!backup.exists());
}

#[tokio::test]
async fn migrations_that_go_together_fail_together() {
    let test = TestDatabase::open().await;
    let backup = beside(&test, "before.db");
    let migrated = test
        .database
        .migrate_after_backup(&[&REVIEWS, &BROKEN], &backup);
    migrated.await.expect_err("a broken migration");
    let tables = "SELECT count(*) FROM sqlite_schema WHERE name IN ('review', 'note')";
    let left = test
        .database
        .blocking_read(|db| Ok(db.query_row(tables, [], |row| row.get::<_, i64>(0))?));
    assert_eq!(left.expect("a count"), 0);
}
