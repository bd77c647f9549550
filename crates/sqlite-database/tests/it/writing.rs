//! The writer: no commit is lost, failed operations are rolled back, panics stay with their caller.

use std::pin::pin;
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};

use sqlite_database::{DatabaseOptions, Error, ErrorKind, Execution, SqliteDatabase};
use tokio::sync::oneshot;

use crate::support::{TestDatabase, count, insert};

/// An operation that keeps the writer busy until released, so that later ones are queued.
struct BusyWriter {
    release: mpsc::Sender<()>,
    done: tokio::task::JoinHandle<Result<(), Error>>,
}

impl BusyWriter {
    async fn start(database: &SqliteDatabase) -> Self {
        let (release, released) = mpsc::channel();
        let (started, has_started) = oneshot::channel();
        let writer = database.clone();
        let done = tokio::spawn(async move {
            let operation = move |_: &rusqlite::Transaction<'_>| {
                started.send(()).expect("the test waits");
                released.recv().expect("the test releases");
                Ok(())
            };
            writer.write(operation).await
        });
        has_started.await.expect("the operation starts");
        Self { release, done }
    }

    async fn release(self) {
        self.release.send(()).expect("the operation waits");
        self.done.await.expect("no panic").expect("a commit");
    }
}

/// Polls once, as a caller does before it is cancelled.
fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

async fn write_from_64_tasks(database: &SqliteDatabase) {
    let tasks: Vec<_> = (0..64)
        .map(|task| {
            let database = database.clone();
            tokio::spawn(async move {
                for number in 0..20 {
                    let title = format!("{task}-{number}");
                    database
                        .write(move |tx| insert(tx, &title))
                        .await
                        .expect("a commit");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no panic");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_writers_lose_nothing() {
    let test = TestDatabase::open().await;
    write_from_64_tasks(&test.database).await;
    assert_eq!(count(&test.database), 64 * 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn background_writers_lose_nothing() {
    let options = DatabaseOptions::default().with_execution(Execution::Background);
    let test = TestDatabase::open_with(options).await;
    write_from_64_tasks(&test.database).await;
    let sql = "SELECT count(*) FROM book";
    let fetch = |db: &rusqlite::Connection| Ok(db.query_row(sql, [], |row| row.get(0))?);
    let titles: i64 = test.database.read(fetch).await.expect("a count");
    assert_eq!(titles, 64 * 20);
}

// covers("F29")
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn queued_operations_commit_together() {
    let test = TestDatabase::open().await;
    let database = &test.database;
    let busy = BusyWriter::start(database).await;
    let mut writes: Vec<_> = (0..63)
        .map(|number: u32| Box::pin(database.write(move |tx| insert(tx, &number.to_string()))))
        .collect();
    for write in &mut writes {
        assert!(poll_once(write.as_mut()).is_pending(), "the writer is busy");
    }
    let reader = database.clone();
    let mut witness = pin!(database.write(move |tx| {
        let inside: i64 = tx.query_row("SELECT count(*) FROM book", [], |row| row.get(0))?;
        Ok((inside, count(&reader)))
    }));
    assert!(
        poll_once(witness.as_mut()).is_pending(),
        "the writer is busy"
    );
    busy.release().await;
    let (inside, committed) = witness.await.expect("a commit");
    assert_eq!(
        (inside, committed),
        (63, 0),
        "rows seen inside the transaction and outside it"
    );
    for write in writes {
        write.await.expect("a commit");
    }
    assert_eq!(count(database), 63);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn operations_are_queued_until_a_group_has_only_one() {
    let test = TestDatabase::open().await;
    let database = &test.database;
    let thread = || database.write(|_| Ok(std::thread::current().id()));
    let here = std::thread::current().id();
    assert_eq!(thread().await.expect("a commit"), here);
    let busy = BusyWriter::start(database).await;
    let (mut one, mut two) = (Box::pin(thread()), Box::pin(thread()));
    assert!(poll_once(one.as_mut()).is_pending(), "the writer is busy");
    assert!(poll_once(two.as_mut()).is_pending(), "the writer is busy");
    busy.release().await;
    assert_ne!(one.await.expect("a commit"), here);
    assert_ne!(two.await.expect("a commit"), here);
    assert_ne!(
        thread().await.expect("a commit"),
        here,
        "the last group had two"
    );
    assert_eq!(
        thread().await.expect("a commit"),
        here,
        "the last group had one"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_error_undoes_only_its_own_operation() {
    let test = TestDatabase::open().await;
    let database = &test.database;
    let busy = BusyWriter::start(database).await;
    let mut good = pin!(database.write(|tx| insert(tx, "Saga")));
    let mut bad = pin!(database.write(|tx| {
        insert(tx, "Fables")?;
        insert(tx, "Saga")
    }));
    let mut later = pin!(database.write(|tx| insert(tx, "Bone")));
    assert!(poll_once(good.as_mut()).is_pending());
    assert!(poll_once(bad.as_mut()).is_pending());
    assert!(poll_once(later.as_mut()).is_pending());
    busy.release().await;
    good.await.expect("a commit");
    assert_eq!(
        bad.await.expect_err("a duplicate").kind(),
        ErrorKind::Constraint
    );
    later.await.expect("a commit");
    assert_eq!(count(database), 2);
}

#[tokio::test]
async fn an_error_undoes_an_operation_that_runs_alone() {
    #[derive(Debug, PartialEq)]
    struct SoldOut;
    impl std::fmt::Display for SoldOut {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("sold out")
        }
    }
    impl std::error::Error for SoldOut {}

    let test = TestDatabase::open().await;
    let operation = |tx: &rusqlite::Transaction<'_>| {
        insert(tx, "Saga")?;
        Err::<(), _>(Error::aborted(SoldOut))
    };
    let error = test.database.write(operation).await.expect_err("an abort");
    assert_eq!(error.kind(), ErrorKind::Aborted);
    assert_eq!(error.downcast_ref(), Some(&SoldOut));
    assert_eq!(count(&test.database), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_panic_stays_with_its_caller() {
    let test = TestDatabase::open().await;
    let database = &test.database;
    let panicking = |tx: &rusqlite::Transaction<'_>| {
        insert(tx, "Fables")?;
        panic!("on purpose");
    };
    let alone: Result<(), _> = database.write(panicking).await;
    let error = alone.expect_err("a panic");
    assert_eq!(error.kind(), ErrorKind::Internal);
    assert!(
        error.to_string().ends_with("panicked: on purpose"),
        "{error}"
    );

    let busy = BusyWriter::start(database).await;
    let mut queued = pin!(database.write::<(), _>(panicking));
    let mut good = pin!(database.write(|tx| insert(tx, "Saga")));
    assert!(poll_once(queued.as_mut()).is_pending());
    assert!(poll_once(good.as_mut()).is_pending());
    busy.release().await;
    assert_eq!(
        queued.await.expect_err("a panic").kind(),
        ErrorKind::Internal
    );
    good.await.expect("a commit");
    assert_eq!(count(database), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_operation_that_ends_the_transaction_fails() {
    let test = TestDatabase::open().await;
    let database = &test.database;
    let ending = |tx: &rusqlite::Transaction<'_>| Ok(tx.execute_batch("ROLLBACK")?);
    let alone = database.write(ending).await;
    assert_eq!(alone.expect_err("a misuse").kind(), ErrorKind::InvalidInput);

    let busy = BusyWriter::start(database).await;
    let mut before = pin!(database.write(|tx| insert(tx, "Saga")));
    let mut queued = pin!(database.write(ending));
    let mut after = pin!(database.write(|tx| insert(tx, "Bone")));
    assert!(poll_once(before.as_mut()).is_pending());
    assert!(poll_once(queued.as_mut()).is_pending());
    assert!(poll_once(after.as_mut()).is_pending());
    busy.release().await;
    assert_eq!(
        before.await.expect_err("rolled back").kind(),
        ErrorKind::InvalidInput
    );
    assert_eq!(
        queued.await.expect_err("a misuse").kind(),
        ErrorKind::InvalidInput
    );
    after.await.expect("a transaction of its own");
    assert_eq!(count(database), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_dropped_caller_commits_and_its_result_is_dropped_after() {
    struct Guard(SqliteDatabase, Option<oneshot::Sender<i64>>);
    impl Drop for Guard {
        fn drop(&mut self) {
            let committed = count(&self.0);
            self.0.write_detached(|tx| insert(tx, "compensation"));
            let sender = self.1.take().expect("dropped once");
            sender.send(committed).expect("the test waits");
        }
    }

    let test = TestDatabase::open().await;
    let busy = BusyWriter::start(&test.database).await;
    let (dropped, is_dropped) = oneshot::channel();
    let guard = Guard(test.database.clone(), Some(dropped));
    let mut write = Box::pin(test.database.write(move |tx| {
        insert(tx, "Saga")?;
        Ok(guard)
    }));
    assert!(poll_once(write.as_mut()).is_pending());
    drop(write);
    busy.release().await;
    let committed = is_dropped.await.expect("the result is dropped");
    assert_eq!(committed, 1, "the result was dropped before the commit");
    test.database
        .write(|_| Ok(()))
        .await
        .expect("a commit after the compensation");
    assert_eq!(count(&test.database), 2);
}

#[test]
fn detached_writes_work_outside_a_runtime() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("tokio");
    let test = runtime.block_on(TestDatabase::open());
    let (written, is_written) = mpsc::channel();
    test.database.write_detached(move |tx| {
        insert(tx, "Saga")?;
        written.send(()).expect("the test waits");
        Ok(())
    });
    is_written.recv().expect("the operation ran");
    runtime.block_on(test.database.close()).expect("a close");
    let reopened = runtime
        .block_on(SqliteDatabase::open(test.path()))
        .expect("a database");
    assert_eq!(count(&reopened), 1);
}

#[tokio::test]
async fn a_failed_commit_fails_the_operation() {
    let test = TestDatabase::open().await;
    let schema = "CREATE TABLE page (book TEXT NOT NULL REFERENCES book DEFERRABLE INITIALLY DEFERRED) STRICT";
    test.database
        .write(|tx| Ok(tx.execute_batch(schema)?))
        .await
        .expect("a table");
    let operation =
        |tx: &rusqlite::Transaction<'_>| Ok(tx.execute("INSERT INTO page VALUES ('none')", [])?);
    let error = test
        .database
        .write(operation)
        .await
        .expect_err("a broken reference");
    assert_eq!(error.kind(), ErrorKind::Constraint);
    test.database
        .write(|tx| insert(tx, "Saga"))
        .await
        .expect("the writer goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_failed_commit_fails_the_whole_group() {
    let test = TestDatabase::open().await;
    let database = &test.database;
    let schema = "CREATE TABLE page (book TEXT NOT NULL REFERENCES book DEFERRABLE INITIALLY DEFERRED) STRICT";
    database
        .write(|tx| Ok(tx.execute_batch(schema)?))
        .await
        .expect("a table");
    let busy = BusyWriter::start(database).await;
    let mut good = pin!(database.write(|tx| insert(tx, "Saga")));
    let mut bad =
        pin!(database.write(|tx| Ok(tx.execute("INSERT INTO page VALUES ('none')", [])?)));
    assert!(poll_once(good.as_mut()).is_pending());
    assert!(poll_once(bad.as_mut()).is_pending());
    busy.release().await;
    assert_eq!(
        good.await.expect_err("not committed").kind(),
        ErrorKind::Constraint
    );
    assert_eq!(
        bad.await.expect_err("a broken reference").kind(),
        ErrorKind::Constraint
    );
    assert_eq!(count(database), 0);
}

#[tokio::test]
async fn the_wal_is_reset_under_a_writer_without_pauses() {
    let test = TestDatabase::open().await;
    let create = "CREATE TABLE page (data BLOB) STRICT";
    test.database
        .write(|tx| Ok(tx.execute_batch(create)?))
        .await
        .expect("a table");
    let observer = rusqlite::Connection::open(test.path()).expect("a connection");
    let wal_pages = || {
        let pages = |row: &rusqlite::Row<'_>| row.get::<_, i64>(1);
        observer
            .query_row("PRAGMA wal_checkpoint(NOOP)", [], pages)
            .expect("a length")
    };
    let mut longest = 0;
    for _ in 0..20_000 {
        let insert = "INSERT INTO page VALUES (zeroblob(131072))";
        test.database
            .write(move |tx| Ok(tx.execute(insert, [])?))
            .await
            .expect("a commit");
        let pages = wal_pages();
        if pages < longest {
            return;
        }
        longest = pages;
    }
    panic!("the WAL has grown to {longest} pages");
}
