//! Rows that hold anything: reading them does not panic, and a damaged one is a miss.

use proptest::prelude::*;
use sqlite_database::rusqlite::params;
use sqlite_database::rusqlite::types::Value;

use super::*;
use crate::record::ContentHash;
use crate::store::StoredBody;

/// Columns that may hold any value of their type, and whether a reader of responses can go without it.
const COLUMNS: [(&str, &str, &str); 24] = [
    ("responses", "headers", "TEXT"),
    ("responses", "status_code", "INTEGER"),
    ("responses", "requested_at", "INTEGER"),
    ("responses", "responded_at", "INTEGER"),
    ("responses", "expires_at", "INTEGER"),
    ("responses", "max_age", "INTEGER"),
    ("responses", "cache_control", "INTEGER"),
    ("requests", "headers", "TEXT"),
    ("requests", "requested_at", "INTEGER"),
    ("variants", "vary_key", "BLOB"),
    ("variants", "range", "TEXT"),
    ("body_contents", "content_hash", "BLOB"),
    ("body_contents", "original_size", "INTEGER"),
    ("body_contents", "compressed_size", "INTEGER"),
    ("body_contents", "chunk_count", "INTEGER"),
    ("body_contents", "body_content", "BLOB"),
    ("body_contents", "reference_count", "INTEGER"),
    ("body_contents", "checksum", "INTEGER"),
    ("body_chunks", "checksum", "INTEGER"),
    ("compression_processes", "system_name", "TEXT"),
    ("header_values", "value", "TEXT"),
    ("header_names", "name", "TEXT"),
    ("bodies", "version", "INTEGER"),
    ("bodies", "created_at", "INTEGER"),
];

fn integer() -> impl Strategy<Value = i64> {
    let special = [i64::MIN, -1, 0, 1, 65_536, 1 << 33, 1 << 46, i64::MAX];
    prop_oneof![any::<i64>(), proptest::sample::select(special.to_vec())]
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "\\PC{0,30}".prop_map(String::into_bytes),
        "(\\[|\\]|,|\"|[0-9]{1,20}|null|\\{|-|\\\\u00e9){0,12}".prop_map(String::into_bytes),
        // Text that is not UTF-8: SQLite does not look.
        proptest::collection::vec(any::<u8>(), 0..30),
        Just("[".repeat(100_000).into_bytes()),
        Just("[[\"a\",\"b\"".repeat(10_000).into_bytes()),
        Just(b"bytes=0-1".to_vec()),
    ]
}

fn damage() -> impl Strategy<Value = (usize, i64, Vec<u8>)> {
    (0..COLUMNS.len(), integer(), text())
}

/// Writes a value into a column of every row, whatever the constraints say.
async fn spoil(store: &SqliteStore, (column, integer, bytes): (usize, i64, Vec<u8>)) {
    let (table, column, kind) = COLUMNS[column];
    let database = store.database().unwrap();
    let spoiled = database.write(move |tx| {
        let (value, expression) = match kind {
            "INTEGER" => (Value::Integer(integer), "?1"),
            "TEXT" => (Value::Blob(bytes), "CAST(?1 AS TEXT)"),
            _ => (Value::Blob(bytes), "?1"),
        };
        tx.execute_batch("PRAGMA defer_foreign_keys = ON")?;
        let sql = format!("UPDATE OR IGNORE {table} SET {column} = {expression}");
        tx.execute(&sql, params![value])?;
        Ok(())
    });
    // Some a constraint refuses.
    let _refused = spoiled.await;
}

async fn read_all(store: &SqliteStore, case: &Case<'_>) {
    let found = store.variants(case.target(store)).await.unwrap();
    for variant in found {
        let body = match variant.body.clone() {
            Some(body) => Some(StoredBody::Whole(body)),
            None => store.body(variant.content).await.unwrap(),
        };
        match body {
            None => {}
            Some(StoredBody::Whole(body)) => assert!(body.len() <= 2 << 20),
            Some(StoredBody::Chunked { chunk_bytes, .. }) => {
                assert!(chunk_bytes > 0);
                for index in [0, 1, u64::MAX] {
                    let _maybe = store.chunk(variant.content, index).await.unwrap();
                }
            }
        }
        use_head(&variant.head);
        let _maybe = store.response_record(variant.id).await;
        let _maybe = store.content_record(variant.content).await;
        let _maybe = store.stored_file(variant.id).await;
        let _maybe = store.validation_record(variant.id).await;
    }
    store.history(case.target(store)).await.unwrap();
    let _maybe = store
        .find_content(&ContentHash::of(case.body))
        .await
        .unwrap();
    // Says what is wrong.
    store.verify().await.unwrap();
}

/// What a cache does with a head.
fn use_head(head: &crate::engine::StoredHead) {
    let policy = crate::policy::Policy::default();
    let stored = crate::engine::StoredResponse::restore(head.clone(), &policy);
    for now in [Timestamp::MIN, Timestamp::default(), Timestamp::MAX] {
        let freshness = stored.freshness(now, &policy);
        let _any = (freshness.is_fresh(), freshness.remaining());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn damaged_rows_are_misses(damages in proptest::collection::vec(damage(), 1..4)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store = in_memory().await;
            let case = Case {
                headers: &[("cache-control", "max-age=60"), ("vary", "foo"), ("etag", "\"a\"")],
                ..Case::default()
            };
            case.store(&store).await;
            let long = Case {
                url: "http://example.org/long",
                body: &vec![7; (1 << 20) + 1],
                ..case
            };
            long.store(&store).await;
            for damage in damages {
                spoil(&store, damage).await;
            }
            read_all(&store, &case).await;
            read_all(&store, &long).await;
            // What is damaged makes way.
            let _maybe = store.invalidate(case.target(&store)).await;
        });
    }
}

#[tokio::test]
async fn a_header_list_of_any_depth_is_an_error() {
    let store = in_memory().await;
    let opened = store.shared.current();
    for list in [
        "[".repeat(1_000_000),
        "[[".repeat(1_000_000),
        format!("[[\"a\",\"b\",{}", "[".repeat(1_000_000)),
        format!("[{{\"a\":{}", "[".repeat(1_000_000)),
        format!("{}{}", "[".repeat(1_000_000), "]".repeat(1_000_000)),
        "[1e999999999]".to_owned(),
        "[-1]".to_owned(),
        "[99999999999999999999999999]".to_owned(),
        "[[\"a\",\"b\\u0000\"]]".to_owned(),
        "[[\"a\",\"\\u0100\"]]".to_owned(),
        "[[\"a b\",\"\"]]".to_owned(),
        "[] []".to_owned(),
    ] {
        let read = opened
            .database
            .blocking_read(|db| Ok(super::headers::read_list(db, &opened.interned, &list)));
        assert_eq!(read.unwrap(), None, "{list:.40}");
    }
}

proptest! {
    #[test]
    fn any_header_list_is_read_or_not(list in text()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let store = in_memory().await;
            let opened = store.shared.current();
            let list = String::from_utf8_lossy(&list);
            let read = |db: &sqlite_database::rusqlite::Connection| {
                Ok(super::headers::read_list(db, &opened.interned, &list))
            };
            let _maybe = opened.database.blocking_read(read).unwrap();
        });
    }
}

#[tokio::test]
async fn the_corpus_of_header_lists_is_damaged() {
    let store = in_memory().await;
    let opened = store.shared.current();
    let corpus = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/corpus/header_list"
    );
    let mut lists = 0;
    for file in std::fs::read_dir(corpus).unwrap() {
        let path = file.unwrap().path();
        let list = std::fs::read_to_string(&path).unwrap();
        let read = opened
            .database
            .blocking_read(|db| Ok(super::headers::read_list(db, &opened.interned, &list)));
        assert_eq!(read.unwrap(), None, "{}", path.display());
        lists += 1;
    }
    assert!(lists > 10, "{lists}");
}
