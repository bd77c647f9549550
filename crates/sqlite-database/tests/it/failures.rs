//! Full disks, and read-only, damaged and deleted files.

use sqlite_database::{
    AccessMode, Component, DatabaseOptions, ErrorKind, Migration, SqliteDatabase,
};

use crate::support::{TABLE, TestDatabase, count, damage_middle, insert};

/// A maximum size that a few hundred titles reach.
const BOUND: u64 = 256 * 1024;

/// Writes until the database is full; returns the number of acknowledged writes.
async fn fill_up(database: &SqliteDatabase) -> i64 {
    for number in 0.. {
        let title = format!("{number:0>400}");
        let written = database.write(move |tx| insert(tx, &title)).await;
        if let Err(error) = written {
            assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
            assert!(!error.is_retryable());
            return number;
        }
    }
    unreachable!("the numbers do not end");
}

#[tokio::test]
async fn a_full_database_refuses_writes_and_keeps_what_it_has() {
    let options = DatabaseOptions::default().with_max_bytes(BOUND);
    let test = TestDatabase::open_with(options).await;
    let database = &test.database;
    let acknowledged = fill_up(database).await;
    assert!(acknowledged > 100);
    assert_eq!(count(database), acknowledged);
    assert!(database.size().await.expect("numbers").bytes() <= BOUND);
    let delete = "DELETE FROM book WHERE title < (SELECT title FROM book LIMIT 1 OFFSET 100)";
    let deleted = database.write(move |tx| Ok(tx.execute(delete, [])?)).await;
    assert_eq!(deleted.expect("free pages"), 100);
    let written = database.write(|tx| insert(tx, "Saga")).await;
    written.expect("space");
    assert!(database.check().await.expect("a check").is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_write_that_does_not_fit_takes_no_other_with_it() {
    let options = DatabaseOptions::default().with_max_bytes(BOUND);
    let test = TestDatabase::open_with(options).await;
    let writing: Vec<_> = (0..200)
        .map(|number| {
            let database = test.database.clone();
            let is_large = number % 50 == 7;
            let title = if is_large {
                "large ".repeat(400_000)
            } else {
                number.to_string()
            };
            let write = async move { database.write(move |tx| insert(tx, &title)).await };
            (is_large, tokio::spawn(write))
        })
        .collect();
    let mut written = 0;
    for (is_large, outcome) in writing {
        match outcome.await.expect("no panic") {
            Ok(()) if is_large => panic!("two megabytes fit into a quarter of one"),
            Ok(()) => written += 1,
            Err(error) => assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}"),
        }
    }
    assert!(written > 0);
    assert_eq!(
        count(&test.database),
        written,
        "exactly the acknowledged rows exist"
    );
}

#[tokio::test]
async fn the_bound_holds_in_both_libraries_and_for_migrations() {
    const LARGE: Component = Component {
        name: "large",
        migrations: &[Migration::new(
            1,
            "large",
            "CREATE TABLE large (body BLOB NOT NULL) STRICT;
                 INSERT INTO large VALUES (zeroblob(1048576))",
            "DROP TABLE large",
        )],
    };
    let options = DatabaseOptions::default().with_max_bytes(BOUND);
    let test = TestDatabase::open_with(options).await;
    let pool = test.database.pool().await.expect("a pool");
    let written = sqlx::query("INSERT INTO book VALUES (hex(zeroblob(524288)))")
        .execute(&pool)
        .await;
    let error = sqlite_database::Error::from(written.expect_err("too large"));
    assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
    let error = test.database.migrate(&LARGE).await.expect_err("too large");
    assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
    let states = test.database.migration_status(&LARGE).await;
    assert_eq!(
        states.expect("a list")[0].state,
        sqlite_database::MigrationState::Pending
    );
}

#[tokio::test]
async fn a_file_above_its_bound_is_kept_and_grows_no_more() {
    let test = TestDatabase::open().await;
    for number in 0..1000 {
        let title = format!("{number:0>400}");
        let written = test.database.write(move |tx| insert(tx, &title)).await;
        written.expect("no bound");
    }
    test.database.close().await.expect("a close");
    let options = DatabaseOptions::default().with_max_bytes(BOUND);
    let database = SqliteDatabase::open_with(test.path(), options).await;
    let database = database.expect("a database");
    assert_eq!(count(&database), 1000);
    let before = database.size().await.expect("numbers").bytes();
    assert!(before > BOUND);
    let written = database
        .write(|tx| insert(tx, &"long ".repeat(100_000)))
        .await;
    let error = written.expect_err("no space");
    assert_eq!(error.kind(), ErrorKind::StorageFull);
    assert_eq!(database.size().await.expect("numbers").bytes(), before);
}

#[tokio::test]
async fn a_read_only_handle_changes_nothing() {
    let test = TestDatabase::open().await;
    let written = test.database.write(|tx| insert(tx, "Saga")).await;
    written.expect("a commit");
    test.database.close().await.expect("a close");
    let bytes = std::fs::read(test.path()).expect("the file");
    let options = DatabaseOptions::default().with_access(AccessMode::ReadOnly);
    let database = SqliteDatabase::open_with(test.path(), options).await;
    let database = database.expect("a database");
    assert_eq!(count(&database), 1);
    let error = database.write(|tx| insert(tx, "Bone")).await;
    assert_eq!(error.expect_err("a refusal").kind(), ErrorKind::ReadOnly);
    let error = database.vacuum().await.expect_err("a refusal");
    assert_eq!(error.kind(), ErrorKind::ReadOnly);
    let pool = database.pool().await.expect("a pool");
    let error = sqlx::query("DELETE FROM book").execute(&pool).await;
    let error = sqlite_database::Error::from(error.expect_err("a refusal"));
    assert_eq!(error.kind(), ErrorKind::ReadOnly);
    assert!(database.check().await.expect("a check").is_ok());
    database.close().await.expect("a close");
    assert_eq!(std::fs::read(test.path()).expect("the file"), bytes);
}

#[tokio::test]
async fn a_missing_file_is_not_opened_read_only() {
    let directory = tempfile::TempDir::new().expect("a directory");
    let path = directory.path().join("a.db");
    let options = DatabaseOptions::default().with_access(AccessMode::ReadOnly);
    let error = SqliteDatabase::open_with(&path, options).await;
    assert_eq!(error.expect_err("no file").kind(), ErrorKind::Unavailable);
    assert!(!path.exists());
}

#[tokio::test]
async fn damage_in_the_middle_is_an_error_and_reported() {
    let test = TestDatabase::open().await;
    for number in 0..1000 {
        let title = format!("{number:0>400}");
        let written = test.database.write(move |tx| insert(tx, &title)).await;
        written.expect("a commit");
    }
    test.database.close().await.expect("a close");
    damage_middle(&test.path());
    let database = SqliteDatabase::open(test.path()).await;
    let database = database.expect("the first page is whole");
    let read = database
        .blocking_read(|db| Ok(db.query_row("SELECT max(title) FROM book", [], |_| Ok(()))?));
    assert_eq!(read.expect_err("damage").kind(), ErrorKind::Corrupt);
    let written = database.write(|tx| insert(tx, "Saga")).await;
    assert_eq!(written.expect_err("damage").kind(), ErrorKind::Corrupt);
    let report = database.check().await.expect("a report");
    assert!(!report.damage.is_empty());
    let target = test.path().with_file_name("backup.db");
    let error = database.backup(&target).await.expect_err("damage");
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(!target.exists(), "no copy of a damaged file");
}

/// Writes until the loss is noticed; the commits until then are lost with the file.
#[cfg(unix)]
async fn write_until_refused(database: &SqliteDatabase) -> sqlite_database::Error {
    for number in 0..10_000_000 {
        let title = format!("late {number}");
        if let Err(error) = database.write(move |tx| insert(tx, &title)).await {
            return error;
        }
    }
    unreachable!("that takes minutes, and noticing takes a second");
}

/// Reads until the loss is noticed.
#[cfg(unix)]
pub(crate) fn read_until_refused(database: &SqliteDatabase) -> sqlite_database::Error {
    let sql = "SELECT count(*) FROM sqlite_schema";
    (0..10_000_000)
        .find_map(|_| {
            let read = database.blocking_read(|db| Ok(db.query_row(sql, [], |_| Ok(()))?));
            read.err()
        })
        .expect("noticing takes a second")
}

/// On Unix an unlinked file stays usable for those who have it open.
#[cfg(unix)]
#[tokio::test]
async fn a_file_that_is_deleted_while_open_is_noticed_and_left_alone() {
    let test = TestDatabase::open().await;
    let database = &test.database;
    for name in ["test.db", "test.db-wal", "test.db-shm"] {
        std::fs::remove_file(test.path().with_file_name(name)).expect("a file");
    }
    let new = SqliteDatabase::open(test.path()).await.expect("a database");
    let table = |tx: &rusqlite::Transaction<'_>| Ok(tx.execute_batch(TABLE)?);
    new.write(table).await.expect("a table");
    new.write(|tx| insert(tx, "Saga")).await.expect("a commit");
    let error = write_until_refused(database).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(error.to_string().ends_with("open it again"), "{error}");
    let errors = [
        database.blocking_read(|_| Ok(())).err(),
        database.read(|_| Ok(())).await.err(),
        database.check().await.err(),
        database.vacuum().await.err(),
        database.pool().await.err(),
    ];
    for error in errors {
        assert_eq!(error.expect("a refusal").kind(), ErrorKind::Unavailable);
    }
    database.close().await.expect("a close");
    let third = SqliteDatabase::open(test.path()).await;
    let third = third.expect("a database");
    assert_eq!(count(&third), 1, "the new file keeps what is in its log");
    assert_eq!(count(&new), 1, "and gets nothing from the old one");
    assert!(new.check().await.expect("a check").is_ok());
}

/// Puts a copy in the place of the file.
#[cfg(unix)]
async fn replace_file(test: &TestDatabase) {
    let restored = test.path().with_file_name("restored.db");
    test.database.backup(&restored).await.expect("a copy");
    std::fs::rename(&restored, test.path()).expect("a new file under the old name");
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_is_replaced_while_open_is_noticed() {
    let test = TestDatabase::open().await;
    replace_file(&test).await;
    let error = write_until_refused(&test.database).await;
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_read_only_handle_notices_that_the_file_is_deleted() {
    let test = TestDatabase::open().await;
    let options = DatabaseOptions::default().with_access(AccessMode::ReadOnly);
    let database = SqliteDatabase::open_with(test.path(), options).await;
    let database = database.expect("a database");
    std::fs::remove_file(test.path()).expect("a file");
    let error = read_until_refused(&database);
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    database.close().await.expect("a close");
}

#[cfg(unix)]
#[tokio::test]
async fn a_read_only_handle_notices_that_the_file_is_replaced() {
    let test = TestDatabase::open().await;
    let options = DatabaseOptions::default().with_access(AccessMode::ReadOnly);
    let database = SqliteDatabase::open_with(test.path(), options).await;
    let database = database.expect("a database");
    replace_file(&test).await;
    let error = read_until_refused(&database);
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    database.close().await.expect("a close");
}
