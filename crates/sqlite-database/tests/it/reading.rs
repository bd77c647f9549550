//! Reads, and the watch for commits.

use std::num::NonZeroUsize;
use std::pin::pin;
use std::task::{Context, Waker};

use sqlite_database::{DatabaseOptions, ErrorKind, Execution, SqliteDatabase};

use crate::support::{TABLE, TestDatabase, count, insert};

#[test]
fn the_sqlite_library_has_no_wal_reset_bug() {
    let parts: Vec<u32> = sqlite_database::sqlite_version()
        .split('.')
        .map(|part| part.parse().expect("a number"))
        .collect();
    assert!(
        parts >= vec![3, 51, 3],
        "SQLite {parts:?} can damage databases in WAL mode"
    );
}

#[tokio::test]
async fn a_read_cannot_write() {
    let test = TestDatabase::open().await;
    let error = test
        .database
        .blocking_read(|db| insert(db, "Saga"))
        .expect_err("a write");
    assert_eq!(error.kind(), ErrorKind::ReadOnly);
    assert_eq!(error.operation(), "read");
}

#[tokio::test]
async fn a_transaction_left_open_does_not_pin_the_snapshot_of_later_reads() {
    let test = TestDatabase::open().await;
    let leaky =
        |db: &rusqlite::Connection| Ok(db.execute_batch("BEGIN; SELECT count(*) FROM book")?);
    test.database.blocking_read(leaky).expect("a read");
    test.database
        .write(|tx| insert(tx, "Saga"))
        .await
        .expect("a commit");
    assert_eq!(count(&test.database), 1);
}

#[tokio::test]
async fn a_long_read_leaves_the_callers_thread_and_its_errors_have_a_context() {
    let test = TestDatabase::open().await;
    let database = &test.database;
    let caller = std::thread::current().id();
    let thread = |_: &rusqlite::Connection| Ok(std::thread::current().id());
    assert_eq!(database.read(thread).await.expect("a read"), caller);
    assert_ne!(database.long_read(thread).await.expect("a read"), caller);
    let broken = database
        .long_read(|db| Ok(db.execute_batch("SELECT nothing")?))
        .await
        .expect_err("no such column");
    assert_eq!(broken.operation(), "read");
    assert_eq!(broken.database(), test.path().to_str());
    database.close().await.expect("a close");
    let closed = database.long_read(thread).await.expect_err("closed");
    assert_eq!(closed.kind(), ErrorKind::Closed);
}

#[tokio::test]
async fn reads_nest() {
    let test = TestDatabase::open().await;
    let nested = test
        .database
        .blocking_read(|_| Ok(count(&test.database)))
        .expect("a read");
    assert_eq!(nested, 0);
}

#[tokio::test]
async fn more_reads_at_once_than_readers_open_connections() {
    let options = DatabaseOptions::default().with_readers(NonZeroUsize::MIN);
    let test = TestDatabase::open_with(options).await;
    let database = &test.database;
    let nested = database.blocking_read(|_| database.blocking_read(|_| Ok(count(database))));
    assert_eq!(nested.expect("three connections"), 0);
}

#[tokio::test]
async fn in_the_background_nothing_runs_on_the_callers_thread() {
    let options = DatabaseOptions::default().with_execution(Execution::Background);
    let test = TestDatabase::open_with(options).await;
    let caller = std::thread::current().id();
    let read = test.database.read(|_| Ok(std::thread::current().id()));
    assert_ne!(read.await.expect("a read"), caller);
    let written = test.database.write(|_| Ok(std::thread::current().id()));
    assert_ne!(written.await.expect("a commit"), caller);
}

#[tokio::test]
async fn both_libraries_see_one_database_in_memory() {
    let database = SqliteDatabase::in_memory().await.expect("a database");
    database
        .write(|tx| Ok(tx.execute_batch(TABLE)?))
        .await
        .expect("a table");
    database
        .write(|tx| insert(tx, "Saga"))
        .await
        .expect("a commit");
    let pool = database.pool().await.expect("a pool");
    sqlx::query("INSERT INTO book VALUES ('Bone')")
        .execute(&pool)
        .await
        .expect("a commit");
    assert_eq!(count(&database), 2);
    let other = SqliteDatabase::in_memory().await.expect("another database");
    let tables = "SELECT count(*) FROM sqlite_schema";
    let seen: i64 = other
        .blocking_read(|db| Ok(db.query_row(tables, [], |row| row.get(0))?))
        .expect("a count");
    assert_eq!(seen, 0, "databases in memory are private");
    database.close().await.expect("a close");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn databases_in_memory_serve_readers_and_writers_at_once() {
    let database = SqliteDatabase::in_memory().await.expect("a database");
    database
        .write(|tx| Ok(tx.execute_batch(TABLE)?))
        .await
        .expect("a table");
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let database = database.clone();
            tokio::spawn(async move {
                for number in 0..50 {
                    let title = format!("{task}-{number}");
                    database
                        .write(move |tx| insert(tx, &title))
                        .await
                        .expect("a commit");
                    assert!(count(&database) > number, "own writes are visible");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic");
    }
    assert_eq!(count(&database), 8 * 50);
}

#[tokio::test]
async fn a_watch_reports_commits_of_this_process() {
    let test = TestDatabase::open().await;
    let mut watch = test.database.watch_changes();
    test.database
        .write(|tx| insert(tx, "Saga"))
        .await
        .expect("a commit");
    watch.changed().await;
}

#[tokio::test]
async fn one_commit_wakes_a_watch_once() {
    let test = TestDatabase::open().await;
    let mut watch = test.database.watch_changes();
    test.database
        .write(|tx| insert(tx, "Saga"))
        .await
        .expect("a commit");
    watch.changed().await;
    let mut again = pin!(watch.changed());
    let idle = again.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(idle.is_pending(), "one commit counted twice");
}

#[tokio::test]
async fn a_change_outlives_a_dropped_wait() {
    let test = TestDatabase::open().await;
    let mut watch = test.database.watch_changes();
    let mut other = test.database.watch_changes();
    {
        let mut abandoned = pin!(watch.changed());
        let idle = abandoned
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        assert!(idle.is_pending(), "nothing was committed");
    }
    test.database
        .write(|tx| insert(tx, "Saga"))
        .await
        .expect("a commit");
    other.changed().await;
    watch.changed().await;
}

#[tokio::test]
async fn the_data_version_changes_with_commits_and_only_with_them() {
    let test = TestDatabase::open().await;
    let database = &test.database;
    let version = || database.data_version().expect("a number");
    let mut before = version();
    assert_eq!(count(database), 0);
    let rolled_back = database.write(|tx| {
        insert(tx, "Saga")?;
        Err::<(), _>(sqlite_database::Error::aborted(std::fmt::Error))
    });
    rolled_back.await.expect_err("the closure's error");
    assert_eq!(version(), before, "neither a read nor a rollback counts");
    let other = SqliteDatabase::open(test.path()).await.expect("a handle");
    let pool = database.pool().await.expect("a pool");
    for round in 0..5 {
        let title = format!("{round}");
        let owner = if round % 2 == 0 { database } else { &other };
        let written = owner.write(move |tx| insert(tx, &title)).await;
        written.expect("a commit");
        let after = version();
        assert_ne!(after, before, "commit {round}");
        assert_eq!(version(), after);
        before = after;
    }
    sqlx::query("DELETE FROM book")
        .execute(&pool)
        .await
        .expect("a commit");
    assert_ne!(version(), before, "a commit of the pool");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn rows_in_memory_are_never_older_than_their_data_version() {
    for database in [
        TestDatabase::open().await.into_parts(),
        (None, SqliteDatabase::in_memory().await.expect("a database")),
    ] {
        let (_directory, database) = database;
        let table = |tx: &rusqlite::Transaction<'_>| Ok(tx.execute_batch(TABLE)?);
        database.write(table).await.expect("a table");
        let writers: Vec<_> = (0..2)
            .map(|task| {
                let database = database.clone();
                tokio::spawn(async move {
                    for number in 0..200 {
                        let title = format!("{task}-{number}");
                        let before = database.data_version().expect("a number");
                        let written = database.write(move |tx| insert(tx, &title)).await;
                        written.expect("a commit");
                        let after = database.data_version().expect("a number");
                        assert_ne!(after, before, "own commits count at once");
                        let (version, rows) = (after, count(&database));
                        let again = count(&database);
                        let unchanged = database.data_version().expect("a number") == version;
                        assert!(!unchanged || rows == again, "{rows} became {again}");
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.expect("no panic");
        }
        assert_eq!(count(&database), 400);
    }
}

#[tokio::test]
async fn a_closed_database_has_no_data_version() {
    let test = TestDatabase::open().await;
    test.database.data_version().expect("a number");
    test.database.close().await.expect("a close");
    let error = test.database.data_version().expect_err("closed");
    assert_eq!(error.kind(), ErrorKind::Closed);
    assert_eq!(error.database(), test.path().to_str());
    let log = test.path().with_file_name("test.db-wal");
    assert!(!log.exists(), "a connection was left open");
}

#[tokio::test]
async fn a_watch_returns_when_the_database_closes() {
    let test = TestDatabase::open().await;
    let mut watch = test.database.watch_changes();
    test.database.close().await.expect("a close");
    watch.changed().await;
    watch.changed().await;
}
