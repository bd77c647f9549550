//! Transactions in each mode: when they lock, that they are isolated, and that they roll back on an error, a
//! panic, a drop and a crash.

use std::pin::pin;
use std::sync::mpsc;
use std::task::{Context, Waker};
use std::time::Duration;

use rusqlite::{Connection, Transaction};
use sqlite_database::{
    DatabaseOptions, Error, ErrorKind, Execution, Result, SqliteDatabase, TransactionMode,
};
use tokio::sync::oneshot;

use crate::support::{
    ChildProcess, TestDatabase, child, child_file, count, insert, receive_from_parent,
    send_to_parent,
};

const MODES: [TransactionMode; 3] = [
    TransactionMode::Deferred,
    TransactionMode::Immediate,
    TransactionMode::Exclusive,
];

/// Another program's connection, which waits for no lock.
fn other_program(test: &TestDatabase) -> Connection {
    let other = Connection::open(test.path()).expect("a connection");
    other.busy_timeout(Duration::ZERO).expect("a setting");
    other
}

fn titles(db: &Connection) -> Result<i64> {
    Ok(db.query_row("SELECT count(*) FROM book", [], |row| row.get(0))?)
}

/// A database per way to run statements.
async fn each_execution() -> [TestDatabase; 2] {
    let open = async |execution| {
        TestDatabase::open_with(DatabaseOptions::default().with_execution(execution)).await
    };
    [
        open(Execution::CallerThread).await,
        open(Execution::Background).await,
    ]
}

// covers("D20")
#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_of_each_mode_commits_all_of_it() {
    for test in each_execution().await {
        for mode in MODES {
            let before = count(&test.database);
            let seen = test.database.transaction(mode, move |tx| {
                insert(tx, &format!("{mode:?} one"))?;
                insert(tx, &format!("{mode:?} two"))?;
                titles(tx)
            });
            assert_eq!(seen.await.expect("a commit"), before + 2);
            assert_eq!(count(&test.database), before + 2);
        }
    }
}

// covers("D20")
#[tokio::test(flavor = "multi_thread")]
async fn an_error_rolls_back_a_transaction_of_each_mode() {
    for test in each_execution().await {
        for mode in MODES {
            let failing = |tx: &Transaction<'_>| {
                insert(tx, "Saga")?;
                insert(tx, "Saga")
            };
            let failed = test.database.transaction(mode, failing).await;
            assert_eq!(
                failed.expect_err("a duplicate").kind(),
                ErrorKind::Constraint
            );
            let aborting = |tx: &Transaction<'_>| {
                insert(tx, "Saga")?;
                Err::<(), _>(Error::aborted(std::fmt::Error))
            };
            let aborted = test.database.transaction(mode, aborting).await;
            assert_eq!(aborted.expect_err("an abort").kind(), ErrorKind::Aborted);
            assert_eq!(count(&test.database), 0, "{mode:?}");
        }
        let next = test.database.write(|tx| insert(tx, "Saga")).await;
        next.expect("the writer goes on");
    }
}

// covers("D20")
#[tokio::test(flavor = "multi_thread")]
async fn a_panic_rolls_back_a_transaction_of_each_mode() {
    for test in each_execution().await {
        for mode in MODES {
            let panicking = |tx: &Transaction<'_>| {
                insert(tx, "Saga")?;
                panic!("on purpose");
            };
            let panicked: Result<()> = test.database.transaction(mode, panicking).await;
            let error = panicked.expect_err("a panic");
            assert_eq!(error.kind(), ErrorKind::Internal);
            assert_eq!(error.operation(), "transaction");
            assert_eq!(count(&test.database), 0, "{mode:?}");
        }
        let next = test.database.write(|tx| insert(tx, "Saga")).await;
        next.expect("the writer goes on");
    }
}

// covers("D20")
#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_caller_rolls_back_a_transaction_of_each_mode() {
    let options = DatabaseOptions::default().with_execution(Execution::Background);
    let test = TestDatabase::open_with(options).await;
    for mode in MODES {
        let (started, has_started) = oneshot::channel();
        let (release, released) = mpsc::channel::<()>();
        let database = test.database.clone();
        let caller = tokio::spawn(async move {
            let slow = move |tx: &Transaction<'_>| {
                insert(tx, "in the middle")?;
                let _sent = started.send(());
                let _released = released.recv();
                Ok(())
            };
            database.transaction(mode, slow).await
        });
        has_started.await.expect("it runs");
        // Another is queued behind it and dropped before it begins.
        {
            let mut queued = pin!(test.database.transaction(mode, |tx| insert(tx, "queued")));
            let polled = queued
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()));
            assert!(polled.is_pending());
        }
        caller.abort();
        assert!(caller.await.is_err_and(|error| error.is_cancelled()));
        release.send(()).expect("it waits");
        // In order, so that both are over.
        let next = test.database.write(|tx| titles(tx)).await;
        assert_eq!(next.expect("a count"), 0, "{mode:?}");
    }
}

// covers("D20")
#[tokio::test]
async fn a_killed_process_rolls_back_a_transaction_of_each_mode() {
    let test = TestDatabase::open().await;
    for mode in MODES {
        let mut command = child("transactions::process_that_is_killed", &test.path());
        command.env("TRANSACTION_MODE", format!("{mode:?}"));
        let mut process = ChildProcess::spawn(command);
        assert_eq!(process.receive(), "inside");
        process.kill();
        assert_eq!(count(&test.database), 0, "{mode:?}");
        let next = test
            .database
            .transaction(mode, titles_of_a_transaction)
            .await;
        assert_eq!(next.expect("the lock is free"), 0);
    }
}

fn titles_of_a_transaction(tx: &Transaction<'_>) -> Result<i64> {
    titles(tx)
}

#[tokio::test]
#[ignore = "child process of a_killed_process_rolls_back_a_transaction_of_each_mode"]
async fn process_that_is_killed() {
    let name = std::env::var("TRANSACTION_MODE").expect("started by a parent");
    let mode = MODES.into_iter().find(|mode| format!("{mode:?}") == name);
    let database = SqliteDatabase::open(child_file())
        .await
        .expect("a database");
    let inside = |tx: &Transaction<'_>| {
        insert(tx, "Saga")?;
        send_to_parent("inside");
        assert_eq!(receive_from_parent(), "never");
        Ok(())
    };
    let ended = database.transaction(mode.expect("a mode"), inside).await;
    panic!("{ended:?}");
}

// covers("D20")
#[tokio::test]
async fn modes_lock_when_sqlite_says_they_do() {
    let test = TestDatabase::open().await;
    for mode in MODES {
        let other = other_program(&test);
        let inside = move |tx: &Transaction<'_>| {
            // A deferred one has no lock before its first write.
            let is_free = other.execute_batch("BEGIN IMMEDIATE; ROLLBACK").is_ok();
            insert(tx, &format!("{mode:?}"))?;
            let is_locked = other.execute_batch("BEGIN IMMEDIATE; ROLLBACK").is_err();
            // What is not committed is seen by nobody.
            Ok((is_free, is_locked, titles(tx)? - titles(&other)?))
        };
        let seen = test.database.transaction(mode, inside).await;
        let is_deferred = mode == TransactionMode::Deferred;
        assert_eq!(seen.expect("a commit"), (is_deferred, true, 1), "{mode:?}");
    }
}

// covers("D20")
#[tokio::test]
async fn a_deferred_transaction_reads_one_snapshot_and_refuses_to_write_over_a_newer_one() {
    let test = TestDatabase::open().await;
    let stale = |tx: &Transaction<'_>, other: &Connection| {
        let before = titles(tx)?;
        insert(other, "of another")?;
        assert_eq!(titles(tx)?, before);
        insert(tx, "Saga")
    };
    let other = other_program(&test);
    let deferred = TransactionMode::Deferred;
    let refused = test
        .database
        .transaction(deferred, move |tx| stale(tx, &other));
    let error = refused.await.expect_err("a newer snapshot");
    assert_eq!(error.kind(), ErrorKind::Busy);
    let again = test.database.transaction(deferred, |tx| {
        assert_eq!(titles(tx)?, 1);
        insert(tx, "Saga")
    });
    again.await.expect("a second try");
    assert_eq!(count(&test.database), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_shares_no_commit_with_queued_writes() {
    let options = DatabaseOptions::default().with_execution(Execution::Background);
    let test = TestDatabase::open_with(options).await;
    let database = &test.database;
    let (release, released) = mpsc::channel::<()>();
    let mut first = pin!(database.write(move |_| {
        let _released = released.recv();
        Ok(())
    }));
    let mut before = pin!(database.write(|tx| insert(tx, "before")));
    let seen_by_all = |tx: &Transaction<'_>, other: &Connection| {
        insert(tx, "within")?;
        titles(other)
    };
    let other = other_program(&test);
    let immediate = TransactionMode::Immediate;
    let mut within = pin!(database.transaction(immediate, move |tx| seen_by_all(tx, &other)));
    let mut after = pin!(database.write(|tx| titles(tx)));
    let mut context = Context::from_waker(Waker::noop());
    assert!(first.as_mut().poll(&mut context).is_pending());
    assert!(before.as_mut().poll(&mut context).is_pending());
    assert!(within.as_mut().poll(&mut context).is_pending());
    assert!(after.as_mut().poll(&mut context).is_pending());
    release.send(()).expect("it waits");
    first.await.expect("a commit");
    before.await.expect("a commit");
    assert_eq!(
        within.await.expect("a commit"),
        1,
        "the one before is committed"
    );
    assert_eq!(after.await.expect("a commit"), 2);
}

#[tokio::test]
async fn a_database_in_memory_has_transactions_of_each_mode() {
    let database = SqliteDatabase::in_memory().await.expect("a database");
    let made = database.transaction(TransactionMode::Exclusive, |tx| {
        Ok(tx.execute_batch("CREATE TABLE book (title TEXT PRIMARY KEY) STRICT")?)
    });
    made.await.expect("a table");
    for mode in MODES {
        let added = database.transaction(mode, move |tx| insert(tx, &format!("{mode:?}")));
        added.await.expect("a commit");
    }
    assert_eq!(count(&database), 3);
    database.close().await.expect("a close");
    let closed = database.transaction(TransactionMode::Immediate, titles_of_a_transaction);
    assert_eq!(closed.await.expect_err("closed").kind(), ErrorKind::Closed);
}
