//! How long calls wait: not for idle readers, and no longer than the busy timeout.

use std::time::Duration;

use sqlite_database::{DatabaseOptions, ErrorKind, SqliteDatabase};

use crate::support::{TestDatabase, count, insert};

/// Small pages, so that a WAL of 4000 of them is soon written.
const PAGE_BYTES: u32 = 512;

/// A shell in which somebody has begun to read and then left.
fn idle_reader(test: &TestDatabase) -> rusqlite::Connection {
    let shell = rusqlite::Connection::open(test.path()).expect("a connection");
    let read = "BEGIN; SELECT count(*) FROM sqlite_schema";
    shell.execute_batch(read).expect("a read transaction");
    shell
}

async fn write_pages(database: &SqliteDatabase, pages: usize) {
    let body = format!("{}{}", count(database), " ".repeat(pages * 512));
    let written = database.write(move |tx| insert(tx, &body)).await;
    written.expect("a commit");
}

async fn open_again(test: &TestDatabase, busy_timeout: Duration) -> SqliteDatabase {
    let options = DatabaseOptions::default().with_busy_timeout(busy_timeout);
    let other = SqliteDatabase::open_with(test.path(), options).await;
    other.expect("a second handle, as of another process")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_reader_keeps_no_writer_waiting() {
    let options = DatabaseOptions::default().with_page_bytes(PAGE_BYTES);
    let test = TestDatabase::open_with(options).await;
    // Less than a checkpoint that waits for readers.
    let other = open_again(&test, Duration::from_millis(50)).await;
    let shell = idle_reader(&test);
    write_pages(&test.database, 4500).await;
    for number in 0..100 {
        write_pages(&test.database, 2).await;
        let title = number.to_string();
        let written = other.write(move |tx| insert(tx, &title)).await;
        written.expect("a commit without a wait for the reader");
    }
    // Once the reader is gone, the log is moved and written from its beginning again.
    let longest = test.wal_bytes();
    assert!(longest > 4500 * u64::from(PAGE_BYTES), "{longest} bytes");
    drop(shell);
    for _ in 0..100_000 {
        let frames = "PRAGMA wal_checkpoint(NOOP)";
        let read = |db: &rusqlite::Connection| Ok(db.query_row(frames, [], |row| row.get(1))?);
        let pages: i64 = test.database.blocking_read(read).expect("a length");
        if pages.unsigned_abs() * u64::from(PAGE_BYTES) < longest / 2 {
            return;
        }
        write_pages(&test.database, 2).await;
    }
    panic!("the log of {longest} bytes was not written from its beginning again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_a_vacuum_nor_a_close_waits_for_a_reader_with_the_lock() {
    let options = DatabaseOptions::default().with_page_bytes(PAGE_BYTES);
    let test = TestDatabase::open_with(options).await;
    // A vacuum holds the lock for as long as it works.
    let other = open_again(&test, Duration::from_secs(1)).await;
    write_pages(&test.database, 100).await;
    let _shell = idle_reader(&test);
    write_pages(&test.database, 100).await;
    let database = test.database.clone();
    let ending = tokio::spawn(async move {
        database.vacuum().await.expect("a vacuum");
        write_pages(&database, 100).await;
        database.close().await.expect("a close");
    });
    for number in 0.. {
        let title = number.to_string();
        let written = other.write(move |tx| insert(tx, &title)).await;
        written.expect("a commit without a wait for the reader");
        if ending.is_finished() {
            break;
        }
    }
    ending.await.expect("no panic");
}

#[expect(
    clippy::disallowed_methods,
    reason = "the promise is about the time that passes"
)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_of_a_crowd_waits_no_longer_than_the_first() {
    const TIMEOUT: Duration = Duration::from_millis(300);
    let options = DatabaseOptions::default().with_busy_timeout(TIMEOUT);
    let test = TestDatabase::open_with(options).await;
    let lock = rusqlite::Connection::open(test.path()).expect("a connection");
    lock.execute_batch("BEGIN IMMEDIATE").expect("the lock");
    let began = std::time::Instant::now();
    let crowd: Vec<_> = (0..1000)
        .map(|number: u32| {
            let database = test.database.clone();
            let title = number.to_string();
            tokio::spawn(async move { database.write(move |tx| insert(tx, &title)).await })
        })
        .collect();
    for caller in crowd {
        let outcome = caller.await.expect("no panic");
        assert_eq!(outcome.expect_err("locked").kind(), ErrorKind::Busy);
    }
    // A wait per group would be sixteen of them.
    assert!(began.elapsed() < 8 * TIMEOUT, "{:?}", began.elapsed());
    lock.execute_batch("ROLLBACK").expect("no lock");
    let written = test.database.write(|tx| insert(tx, "Saga")).await;
    written.expect("a commit");
    assert_eq!(count(&test.database), 1);
}
