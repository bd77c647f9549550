//! A file that is opened as it is.

use sqlite_database::{DatabaseOptions, SqliteDatabase};
use store_core::ErrorKind;

use super::*;

async fn kind_and_text(path: &std::path::Path) -> (ErrorKind, String) {
    let error = SqliteStore::open_read_only(path).await.unwrap_err();
    (error.kind(), store_core::ErrorChain(&error).to_string())
}

#[tokio::test]
async fn a_file_is_looked_at_while_another_store_writes_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let store = SqliteStore::open(&path, SqliteStoreOptions::default())
        .await
        .unwrap();
    let looking = SqliteStore::open_read_only(&path).await.unwrap();
    let case = Case::default();
    case.store(&store).await;
    assert_eq!(case.bodies(&looking).await, ["body"]);
    assert!(looking.verify().await.unwrap().is_ok());
    let refused = looking.clear().await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ReadOnly);
    assert_eq!(case.bodies(&store).await, ["body"]);
    looking.close().await.unwrap();
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_missing_file_is_not_made() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing.db");
    let (kind, text) = kind_and_text(&path).await;
    assert_eq!(kind, ErrorKind::Unavailable);
    assert!(text.contains("missing.db"), "{text}");
    let opened = SqliteStore::open_existing(&path, SqliteStoreOptions::default()).await;
    assert_eq!(opened.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_file_without_the_tables_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    let database = SqliteDatabase::open_with(&path, DatabaseOptions::default())
        .await
        .unwrap();
    let sql = "CREATE TABLE mine (a)";
    database
        .write(move |tx| Ok(tx.execute_batch(sql)?))
        .await
        .unwrap();
    database.close().await.unwrap();
    let (kind, text) = kind_and_text(&path).await;
    assert_eq!(kind, ErrorKind::SchemaMissing);
    assert!(text.contains("no tables of an HTTP cache"), "{text}");
    let opened = SqliteStore::open_existing(&path, SqliteStoreOptions::default()).await;
    assert_eq!(opened.unwrap_err().kind(), ErrorKind::SchemaMissing);
}

#[tokio::test]
async fn a_newer_schema_is_not_guessed_at() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let store = SqliteStore::open(&path, SqliteStoreOptions::default())
        .await
        .unwrap();
    let newer = "INSERT INTO _migrations_http_cache
        SELECT 99, 'later', installed_on, success, checksum, execution_time FROM _migrations_http_cache
        LIMIT 1";
    execute(&store, newer).await;
    store.close().await.unwrap();
    assert_eq!(kind_and_text(&path).await.0, ErrorKind::SchemaNewer);
}

#[tokio::test]
async fn a_damaged_file_is_reported_and_stays_where_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    std::fs::write(&path, "no database ".repeat(1_000)).unwrap();
    assert_eq!(kind_and_text(&path).await.0, ErrorKind::Corrupt);
    let opened = SqliteStore::open_existing(&path, SqliteStoreOptions::default()).await;
    assert_eq!(opened.unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}
