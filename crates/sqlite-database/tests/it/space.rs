//! A disk that is almost full: what is kept is read and can be deleted, and its space used again.

use std::sync::atomic::{AtomicU32, Ordering};

use sqlite_database::{DatabaseOptions, ErrorKind, SqliteDatabase};

use crate::support::{TestDatabase, count, insert};

/// Leaves more free than any disk has.
fn full() -> DatabaseOptions {
    DatabaseOptions::default().with_min_free_bytes(u64::MAX)
}

async fn add(database: &SqliteDatabase) -> sqlite_database::Result<()> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let title = format!("{:0>400}", NEXT.fetch_add(1, Ordering::Relaxed));
    database.write(move |tx| insert(tx, &title)).await
}

/// Adds rows until there is no space for another.
async fn fill_up(database: &SqliteDatabase) {
    let error = loop {
        if let Err(error) = add(database).await {
            break error;
        }
    };
    assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}");
}

async fn delete(database: &SqliteDatabase, rows: u32) {
    let sql = "DELETE FROM book WHERE rowid IN (SELECT rowid FROM book LIMIT ?1)";
    let deleted = database.write(move |tx| Ok(tx.execute(sql, [rows])?)).await;
    assert_eq!(deleted.expect("a deletion"), rows as usize);
}

#[tokio::test]
async fn on_a_full_disk_rows_are_deleted_and_their_space_is_used_again() {
    let test = TestDatabase::open().await;
    for _ in 0..500 {
        add(&test.database).await.expect("space");
    }
    test.database.close().await.expect("a close");
    let database = SqliteDatabase::open_with(test.path(), full()).await;
    let database = database.expect("a database");
    let bytes = database.size().await.expect("numbers").bytes();
    fill_up(&database).await;
    assert!(count(&database) >= 500, "what is kept is read");
    for _ in 0..20 {
        delete(&database, 100).await;
        fill_up(&database).await;
    }
    delete(&database, 400).await;
    assert_eq!(database.size().await.expect("numbers").bytes(), bytes);
    let vacuumed = database.vacuum().await.expect("a vacuum");
    assert!(vacuumed.bytes_after < vacuumed.bytes_before, "{vacuumed:?}");
    assert!(database.check().await.expect("a check").is_ok());
    // What a vacuum has given back is not taken again.
    fill_up(&database).await;
    let bytes = database.size().await.expect("numbers").bytes();
    assert_eq!(bytes, vacuumed.bytes_after);
}

#[tokio::test]
async fn the_log_is_reset_at_once_while_there_is_little_space() {
    let test = TestDatabase::open().await;
    add(&test.database).await.expect("space");
    test.database.close().await.expect("a close");
    let database = SqliteDatabase::open_with(test.path(), full()).await;
    let database = database.expect("a database");
    for _ in 0..2000 {
        let update = "UPDATE book SET title = title || ''";
        let updated = database.write(move |tx| Ok(tx.execute(update, [])?)).await;
        updated.expect("a change needs no space");
    }
    let wal = database.size().await.expect("numbers").wal_bytes;
    // Without a reset it is above 16 MB. On a busy machine the thread that copies the log may be interrupted while it
    // does so, and commits go on meanwhile.
    assert!(
        wal < 4_000_000,
        "{wal} bytes of log for changes of one page"
    );
}
