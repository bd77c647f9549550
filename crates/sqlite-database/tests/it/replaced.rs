//! Files that were removed or replaced while they were open, without their log.

use sqlite_database::SqliteDatabase;

use crate::support::{TABLE, TestDatabase, count, files, insert};

async fn open_table(test: &TestDatabase) -> SqliteDatabase {
    let opened = SqliteDatabase::open(test.path()).await;
    let opened = opened.expect("a database");
    let table = opened.write(|tx| Ok(tx.execute_batch(TABLE)?)).await;
    table.expect("a table");
    opened
}

async fn holding_a_title() -> TestDatabase {
    let test = TestDatabase::open().await;
    let written = test.database.write(|tx| insert(tx, "Saga")).await;
    written.expect("a commit");
    assert_eq!(count(&test.database), 1);
    test
}

#[tokio::test]
async fn the_path_of_a_file_in_its_place_keeps_its_log() {
    let test = holding_a_title().await;
    assert!(!test.database.release_path().await.expect("an answer"));
    assert!(test.wal_bytes() > 0);
    let memory = SqliteDatabase::in_memory().await.expect("a database");
    assert!(!memory.release_path().await.expect("an answer"));
}

#[cfg(unix)]
#[tokio::test]
async fn the_log_of_a_removed_file_does_not_reach_the_next() {
    let test = holding_a_title().await;
    std::fs::remove_file(test.path()).expect("no file");
    let new = open_table(&test).await;
    assert_eq!(count(&new), 0);
    for number in 0..100 {
        // The old handle is open still, and has not noticed.
        let lost = test
            .database
            .write(move |tx| insert(tx, &number.to_string()));
        let _lost = lost.await;
        let written = new.write(move |tx| insert(tx, &number.to_string())).await;
        written.expect("a commit");
    }
    assert!(test.database.release_path().await.expect("an answer"));
    test.database.close().await.expect("a close");
    assert_eq!(count(&new), 100);
    assert!(new.check().await.expect("a check").is_ok());
}

#[cfg(unix)]
#[tokio::test]
async fn the_log_of_a_replaced_file_does_not_reach_the_next() {
    let (test, other) = (holding_a_title().await, TestDatabase::open().await);
    other.database.close().await.expect("a close");
    std::fs::rename(other.path(), test.path()).expect("another file");
    assert!(test.database.release_path().await.expect("an answer"));
    assert_eq!(
        files(test.path().parent().expect("a folder")),
        ["test.db", "test.db.lock"]
    );
    let new = open_table(&test).await;
    assert_eq!(count(&new), 0);
    let written = new.write(|tx| insert(tx, "Bone")).await;
    written.expect("a commit");
    // What lies there now is of the new file.
    assert!(test.database.release_path().await.expect("an answer"));
    assert!(test.wal_bytes() > 0);
    test.database.close().await.expect("a close");
    assert!(new.check().await.expect("a check").is_ok());
}
