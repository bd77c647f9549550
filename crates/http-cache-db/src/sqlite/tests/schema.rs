//! The schema, and what must hold in it.

use super::*;

/// Each breaks one thing that must hold.
const BREAKS: [&str; 25] = [
    "UPDATE variants SET url_key = x'00' WHERE response_id = 1",
    "UPDATE variants SET content_id = (SELECT max(content_id) FROM body_contents)",
    "DELETE FROM variants",
    "UPDATE responses SET is_deleted = 1",
    "INSERT INTO requests (url_id, method_id, requested_at, headers) VALUES (1, 1, 0, '[]')",
    "INSERT INTO urls (url_key, scheme, domain, path, created_at) VALUES (x'00', 'http', 'a', '/', 0)",
    "UPDATE body_contents SET reference_count = reference_count + 1",
    "INSERT INTO compression_dictionaries (name, domain, sample_count, trained_at, reference_count, content)
         VALUES ('00', 'a', 50, 0, 1, x'00')",
    "UPDATE body_contents SET base_content_id = 99",
    "INSERT INTO tags (origin, name) VALUES ('', 'unused')",
    "UPDATE body_contents SET content_hash = NULL",
    "UPDATE body_contents SET chunk_count = 1",
    "UPDATE body_contents SET compressed_size = compressed_size + 1",
    "UPDATE bodies SET version = version + 5 WHERE previous_version_id IS NULL",
    "UPDATE bodies SET previous_version_id = NULL",
    "UPDATE bodies SET previous_version_id = 1 WHERE previous_version_id IS NULL AND body_id > 1",
    "UPDATE responses SET headers = '[4711]'",
    "UPDATE requests SET headers = '[4711]'",
    "UPDATE variants SET response_id = 99 WHERE response_id = 1",
    "INSERT INTO variants SELECT url_key, method_id, x'01', range, response_id, content_id FROM variants",
    "UPDATE responses SET status_code = 299",
    "UPDATE requests SET method_id = 7",
    "DROP TRIGGER responses_hide_value; INSERT INTO cached_values VALUES (1, 'a:b', 0, 0, NULL);
     UPDATE responses SET is_deleted = 1 WHERE response_id = 1; DELETE FROM variants WHERE response_id = 1",
    "INSERT INTO value_tags VALUES ('a', 1)",
    "INSERT INTO body_contents (mime_category, compression_process_id, original_size, compressed_size, first_seen_at,
         last_referenced_at) VALUES ('other', 1, 0, 0, 0, 0)",
];

/// A store with two responses, one of them in its second version.
async fn filled() -> SqliteStore {
    let store = in_memory().await;
    for (url, at, body) in [
        ("http://example.org/1", 1, "one"),
        ("http://example.org/1", 2, "uno"),
        ("http://example.org/2", 3, "two"),
    ] {
        let case = Case {
            url,
            at,
            body: body.as_bytes(),
            ..Case::default()
        };
        case.store(&store).await;
    }
    store
}

#[tokio::test]
async fn each_broken_invariant_is_found() {
    assert_sound(&filled().await).await;
    for sql in BREAKS {
        let store = filled().await;
        execute(&store, sql).await;
        let report = store.verify().await.unwrap();
        assert!(!report.violations.is_empty(), "not found: {sql}");
    }
}

#[tokio::test]
async fn a_target_has_one_url() {
    let store = in_memory().await;
    for value in ["1", "2"] {
        let case = Case {
            asked: &[("foo", value)],
            ..Case::default()
        };
        case.store(&store).await;
    }
    assert_eq!(number(&store, "SELECT count(*) FROM urls").await, 1);
    execute(
        &store,
        "INSERT INTO urls (url_key, scheme, domain, path, created_at)
             SELECT url_key, scheme, domain, path, created_at FROM urls;
         UPDATE requests SET url_id = 2 WHERE request_id = 2;",
    )
    .await;
    let report = store.verify().await.unwrap();
    assert_eq!(
        report.violations,
        [("a target with several URLs".to_owned(), 1)]
    );
}

// covers("C24")
#[tokio::test]
async fn every_view_and_trigger_works() {
    let store = filled().await;
    let database = store.database().unwrap();
    let names = database.read(|db| {
        let mut statement = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'view'")?;
        let names = statement.query_map([], |row| row.get::<_, String>(0))?;
        Ok(names.collect::<Result<Vec<_>, _>>()?)
    });
    let names = names.await.unwrap();
    assert!(names.len() > 8);
    for name in names {
        let read = database.read(move |db| {
            let mut statement = db.prepare(&format!("SELECT * FROM {name}"))?;
            let mut rows = statement.query([])?;
            while rows.next()?.is_some() {}
            Ok(())
        });
        read.await.unwrap();
    }
    assert_eq!(
        number(&store, "SELECT max(version) FROM schema_version").await,
        10
    );
    let triggers = "SELECT count(*) FROM sqlite_schema WHERE type = 'trigger'";
    assert_eq!(number(&store, triggers).await, 13);
    // bodies_reference: of two responses, and of an older version.
    let referenced = "SELECT sum(reference_count) FROM body_contents";
    assert_eq!(number(&store, referenced).await, 3);
    // responses_delete
    execute(
        &store,
        "UPDATE responses SET is_deleted = 1 WHERE response_id = 1",
    )
    .await;
    let deleted = "SELECT count(*) FROM bodies WHERE is_deleted = 1";
    assert_eq!(number(&store, deleted).await, 1);
    // bodies_release
    execute(
        &store,
        "PRAGMA defer_foreign_keys = ON; DELETE FROM bodies; DELETE FROM requests",
    )
    .await;
    assert_eq!(number(&store, referenced).await, 0);
}

// covers("C16")
#[tokio::test]
async fn maintenance_is_written_down() {
    let (store, clock) = with_clock(SqliteStoreOptions::default()).await;
    Case::default().store(&store).await;
    store.cleanup().await.unwrap();
    assert!(store.verify().await.unwrap().is_ok());
    let rows = |sql: &'static str| {
        let rows = store.query(sql);
        async { format!("{:?}", rows.await.unwrap().rows) }
    };
    let log =
        "SELECT operation, json_extract(result, '$.bodies'), duration_ms >= 0 FROM maintenance_log";
    let done = rows(log).await;
    assert!(
        done.contains("cleanup") && done.contains("verify"),
        "{done}"
    );
    let metrics = "SELECT count(*) FROM performance_metrics WHERE metric_value > 0";
    assert_eq!(number(&store, metrics).await, 2);
    clock.advance(60);
    store.cleanup().await.unwrap();
    assert_eq!(number(&store, metrics).await, 2);
    clock.advance(3_600);
    store.cleanup().await.unwrap();
    assert_eq!(number(&store, metrics).await, 4);
    let before = number(&store, "SELECT count(*) FROM maintenance_log").await;
    execute(&store, "UPDATE body_contents SET reference_count = 7").await;
    assert!(!store.verify().await.unwrap().is_ok());
    let after = number(&store, "SELECT count(*) FROM maintenance_log").await;
    assert_eq!(after, before + 1);
}

// covers("C16")
#[tokio::test]
async fn the_tables_of_the_original_are_there() {
    let store = in_memory().await;
    let names = "SELECT count(*) FROM sqlite_schema WHERE name IN ('urls', 'http_methods', 'http_statuses',
        'requests', 'responses', 'bodies', 'body_contents', 'header_names', 'header_values', 'header_pairs',
        'request_headers', 'response_headers', 'compression_processes', 'compression_metrics', 'cache_validation',
        'cache_statistics', 'performance_metrics', 'purge_events', 'maintenance_log', 'schema_version')";
    assert_eq!(number(&store, names).await, 20);
}

static OF_APPLICATION: sqlite_database::Component = sqlite_database::Component {
    name: "application",
    migrations: &[sqlite_database::Migration::new(
        1,
        "notes",
        "CREATE TABLE notes (url_id INTEGER PRIMARY KEY REFERENCES urls ON DELETE CASCADE, note TEXT) STRICT",
        "DROP TABLE notes",
    )],
};

// covers("C23")
#[tokio::test]
async fn an_application_adds_tables_of_its_own_to_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    for _ in 0..2 {
        let store = SqliteStore::open(&path, SqliteStoreOptions::default());
        let store = store.await.unwrap();
        Case::default().store(&store).await;
        let database = store.database().unwrap();
        database.migrate(&OF_APPLICATION).await.unwrap();
        execute(
            &store,
            "INSERT OR REPLACE INTO notes SELECT url_id, path FROM urls",
        )
        .await;
        let notes = "SELECT count(*) FROM notes JOIN urls USING (url_id) WHERE note = '/issues'";
        assert_eq!(number(&store, notes).await, 1);
        assert_sound(&store).await;
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn down_leaves_nothing() {
    let store = filled().await;
    let database = store.database().unwrap();
    database.migrate_to(&HTTP_CACHE, 0).await.unwrap();
    let left = "SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'";
    assert_eq!(number(&store, left).await, 0);
    database.migrate(&HTTP_CACHE).await.unwrap();
    assert_eq!(number(&store, "SELECT count(*) FROM http_methods").await, 1);
}

#[tokio::test]
async fn a_file_of_each_earlier_schema_keeps_its_responses() {
    let store = filled().await;
    let database = store.database().unwrap();
    let responses = store.counts().await.unwrap().responses;
    for version in 1..HTTP_CACHE.migrations.last().unwrap().version {
        database.migrate_to(&HTTP_CACHE, version).await.unwrap();
        database.migrate(&HTTP_CACHE).await.unwrap();
        assert_eq!(store.counts().await.unwrap().responses, responses);
        assert_sound(&store).await;
    }
}

#[tokio::test]
async fn every_foreign_key_has_an_index() {
    let store = in_memory().await;
    let missing = "
        SELECT count(*) FROM sqlite_schema t JOIN pragma_foreign_key_list(t.name) f
        WHERE t.type = 'table' AND NOT EXISTS (
            SELECT 1 FROM pragma_index_list(t.name) i JOIN pragma_index_info(i.name) c
            WHERE c.seqno = 0 AND c.name = f.\"from\"
        ) AND NOT EXISTS (
            SELECT 1 FROM pragma_table_info(t.name) k WHERE k.pk = 1 AND k.name = f.\"from\"
        )";
    assert_eq!(number(&store, missing).await, 0);
    let foreign_keys = "SELECT count(*) FROM sqlite_schema t JOIN pragma_foreign_key_list(t.name) WHERE type = 'table'";
    assert!(number(&store, foreign_keys).await >= 10);
}

/// A request path must not read a whole table.
#[tokio::test]
async fn no_request_scans_a_table() {
    let store = filled().await;
    let seen = Arc::new(std::sync::Mutex::new(0));
    let database = store.database().unwrap();
    let counted = Arc::clone(&seen);
    let plans = database.read(move |db| {
        for sql in STATEMENTS
            .into_iter()
            .chain(crate::sqlite::values::STATEMENTS)
        {
            let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
            let parameters = vec![1; statement.parameter_count()];
            let parameters = sqlite_database::rusqlite::params_from_iter(parameters);
            let details = statement.query_map(parameters, |row| row.get::<_, String>(3))?;
            for detail in details {
                let detail = detail?;
                assert!(!detail.starts_with("SCAN"), "{detail}: {sql}");
                *counted.lock().unwrap() += 1;
            }
        }
        Ok(())
    });
    plans.await.unwrap();
    assert!(*seen.lock().unwrap() >= STATEMENTS.len());
}

/// The statements of a hit, of storing and of removing, as they look things up.
const STATEMENTS: [&str; 17] = [
    crate::sqlite::read::VARIANTS,
    crate::sqlite::hit_for_miss::UNTIL,
    "SELECT content_id FROM body_contents WHERE content_hash = ?1 AND reference_count > 0",
    "SELECT header_pair_id FROM header_pairs WHERE header_name_id = ?1 AND header_value_id = ?2 AND is_swept = 0",
    "DELETE FROM requests WHERE request_id = ?1",
    "SELECT n.body_id FROM bodies o JOIN bodies n ON n.previous_version_id = o.body_id
     WHERE o.replaced_at IS NOT NULL AND o.replaced_at > 0 ORDER BY o.replaced_at LIMIT 1",
    "SELECT content_id FROM body_contents
     WHERE reference_count = 0 AND chunk_count > 0 AND last_referenced_at <= ?1",
    "DELETE FROM variants WHERE url_key = ?1 AND response_id = ?2",
    crate::sqlite::invalidations::IS_LATER,
    crate::sqlite::invalidations::IS_UNDER_LATER,
    crate::sqlite::tags::FIND,
    crate::sqlite::equivalents::FIND,
    crate::sqlite::equivalents::FORGET,
    crate::sqlite::purge::OF_TAG,
    crate::sqlite::purge::OF_ALL,
    crate::sqlite::purge::URLS,
    crate::sqlite::purge::OF_URL,
];
