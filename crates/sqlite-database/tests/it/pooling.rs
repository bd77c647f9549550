//! Bounds of the read connections and of the time of a read, and the health check.

use std::num::NonZeroUsize;
use std::sync::mpsc;
use std::time::Duration;

use rusqlite::Connection;
use sqlite_database::{DatabaseOptions, ErrorKind, Execution, Result, SqliteDatabase};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::support::{TestDatabase, count, insert};

/// A read that lasts until it is released.
struct Reader {
    release: mpsc::Sender<()>,
    done: JoinHandle<Result<()>>,
}

impl Reader {
    async fn start(database: &SqliteDatabase) -> Self {
        let (release, released) = mpsc::channel();
        let (started, has_started) = oneshot::channel();
        let database = database.clone();
        let done = tokio::spawn(async move {
            let read = move |_: &Connection| {
                let _sent = started.send(());
                let _released = released.recv();
                Ok(())
            };
            database.read(read).await
        });
        has_started.await.expect("it reads");
        Self { release, done }
    }

    async fn release(self) {
        self.release.send(()).expect("it waits");
        self.done.await.expect("no panic").expect("a read");
    }
}

async fn with_two_readers(busy_timeout: Duration) -> TestDatabase {
    let options = DatabaseOptions::default()
        .with_execution(Execution::Background)
        .with_busy_timeout(busy_timeout)
        .with_max_readers(NonZeroUsize::MIN.saturating_add(1));
    TestDatabase::open_with(options).await
}

// covers("D14")
#[tokio::test]
async fn a_read_above_the_bound_is_busy_and_passes() {
    let test = with_two_readers(Duration::from_millis(20)).await;
    let first = Reader::start(&test.database).await;
    let second = Reader::start(&test.database).await;
    let error = test.database.read(|_| Ok(())).await.expect_err("a third");
    assert_eq!(error.kind(), ErrorKind::Busy);
    assert!(error.to_string().contains("max_readers"), "{error}");
    // The writer has a connection of its own.
    let written = test.database.write(|tx| insert(tx, "Saga")).await;
    written.expect("a commit");
    first.release().await;
    assert_eq!(count(&test.database), 1);
    second.release().await;
}

// covers("D14")
#[tokio::test]
async fn a_read_above_the_bound_waits_for_its_turn() {
    let test = with_two_readers(Duration::from_mins(1)).await;
    let first = Reader::start(&test.database).await;
    let second = Reader::start(&test.database).await;
    let waiting: Vec<_> = (0..8)
        .map(|_| {
            let database = test.database.clone();
            tokio::spawn(async move { database.read(|_| Ok(())).await })
        })
        .collect();
    first.release().await;
    for read in waiting {
        read.await.expect("no panic").expect("a read");
    }
    second.release().await;
}

// covers("D14")
#[tokio::test]
async fn a_read_that_fails_or_panics_takes_no_connection_with_it() {
    let options = DatabaseOptions::default()
        .with_busy_timeout(Duration::from_millis(20))
        .with_max_readers(NonZeroUsize::MIN);
    let test = TestDatabase::open_with(options).await;
    let failing = test.database.read(|db| Ok(db.execute_batch("no SQL")?));
    failing.await.expect_err("a syntax error");
    let database = test.database.clone();
    let panicking = tokio::spawn(async move {
        let read: Result<()> = database.read(|_| panic!("on purpose")).await;
        read
    });
    assert!(panicking.await.is_err_and(|error| error.is_panic()));
    assert_eq!(count(&test.database), 0);
}

/// Enough instructions for many looks at the clock.
fn long(db: &Connection) -> Result<i64> {
    let sql = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000)
         SELECT count(*) FROM n";
    Ok(db.query_row(sql, [], |row| row.get(0))?)
}

// covers("D14")
#[tokio::test]
async fn a_read_ends_at_its_timeout_and_a_long_read_does_not() {
    for execution in [Execution::CallerThread, Execution::Background] {
        let options = DatabaseOptions::default()
            .with_execution(execution)
            .with_read_timeout(Duration::ZERO);
        let test = TestDatabase::open_with(options).await;
        let database = &test.database;
        let error = database.read(long).await.expect_err("too long");
        assert_eq!(error.kind(), ErrorKind::Timeout);
        assert!(error.is_retryable());
        let short = database.read(|db| Ok(db.execute_batch("SELECT 1")?));
        short.await.expect("a short one");
        assert_eq!(database.long_read(long).await.expect("a count"), 100_000);
        let written = database.write(|tx| long(tx)).await;
        assert_eq!(written.expect("a commit"), 100_000);
    }
    let unlimited = DatabaseOptions::default().with_read_timeout(None);
    let test = TestDatabase::open_with(unlimited).await;
    assert_eq!(test.database.read(long).await.expect("a count"), 100_000);
}

// covers("D15")
#[tokio::test]
async fn a_health_check_reads_the_file() {
    let test = TestDatabase::open().await;
    test.database.ping().await.expect("a file that is well");
    let other = rusqlite::Connection::open(test.path()).expect("a connection");
    other.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    test.database.ping().await.expect("no wait for a writer");
    other.execute_batch("ROLLBACK").expect("the end");
    std::fs::remove_file(test.path()).expect("a file");
    let lost = test.database.ping().await.expect_err("no file");
    assert_eq!(
        (lost.kind(), lost.operation()),
        (ErrorKind::Unavailable, "ping")
    );
    test.database.close().await.expect("a close");
    let closed = test.database.ping().await.expect_err("closed");
    assert_eq!(closed.kind(), ErrorKind::Closed);
}

// covers("D15")
#[tokio::test]
async fn a_health_check_sees_what_open_connections_have_in_memory() {
    let test = TestDatabase::open().await;
    let path = test.path();
    test.database.close().await.expect("an empty log");
    let database = SqliteDatabase::open(&path).await.expect("a database");
    assert_eq!(count(&database), 0);
    let mut bytes = std::fs::read(&path).expect("the file");
    bytes[..100].fill(0xA5);
    std::fs::write(&path, bytes).expect("damage");
    assert_eq!(count(&database), 0, "from memory");
    let damaged = database.ping().await.expect_err("no database");
    assert_eq!(damaged.kind(), ErrorKind::Corrupt);
}
