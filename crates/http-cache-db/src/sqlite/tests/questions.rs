//! What one can ask the file.

use super::*;
use crate::store::{Hit, Variant};

fn hit(response: Option<ResponseId>, path: &str, at: i64) -> Hit {
    Hit {
        response,
        host: "example.org".to_owned(),
        path: path.to_owned(),
        at: Timestamp::from_millis(at),
        duration: std::time::Duration::from_millis(3),
        bytes: if response.is_some() { 4 } else { 0 },
    }
}

async fn texts(store: &SqliteStore, sql: &'static str) -> Vec<String> {
    let database = store.database().unwrap();
    let texts = database.read(move |db| {
        let mut statement = db.prepare(sql)?;
        let texts = statement.query_map([], |row| row.get(0))?;
        Ok(texts.collect::<Result<_, _>>()?)
    });
    texts.await.unwrap()
}

async fn variant(store: &SqliteStore, case: &Case<'_>) -> Variant {
    store.variants(case.target(store)).await.unwrap().remove(0)
}

// covers("C2", "C17")
#[tokio::test]
async fn uses_are_counted_with_times() {
    let store = in_memory().await;
    let id = Case::default().store(&store).await;
    let uses = vec![
        hit(Some(id), "/issues", 5_000),
        hit(Some(id), "/issues", 4_000),
    ];
    store.record_hits(uses).await.unwrap();
    store
        .record_hits(vec![hit(Some(id), "/issues", 9_000)])
        .await
        .unwrap();
    // Gone meanwhile.
    store
        .record_hits(vec![hit(Some(ResponseId(77)), "/issues", 1)])
        .await
        .unwrap();
    let told = texts(
        &store,
        "SELECT format('%d %d %d %.1f %.1f', hit_count, first_hit_at, last_hit_at, total_response_time_ms,
             avg_response_time_ms) FROM cache_statistics",
    );
    assert_eq!(told.await, ["3 4000 9000 9.0 3.0"]);
    let response = store.response_record(id).await.unwrap().unwrap();
    let body = store
        .body_record(response.body_id.unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (body.access_count, body.last_accessed_at),
        (3, Some(Timestamp::from_millis(9_000)))
    );
}

// covers("C19")
#[tokio::test]
async fn the_hit_rate_counts_misses() {
    let store = in_memory().await;
    let id = Case::default().store(&store).await;
    let day = 86_400_000;
    let hits = vec![
        hit(None, "/issues", 0),
        hit(Some(id), "/issues", 1),
        hit(Some(id), "/issues", 2),
        hit(None, "/other", 3),
        hit(Some(id), "/issues", day),
    ];
    store.record_hits(hits).await.unwrap();
    let by_day = "SELECT format('%s %d %d %.2f %d', day, hits, misses, hit_rate, hit_bytes) FROM hit_rate_by_day";
    assert_eq!(
        texts(&store, by_day).await,
        ["1970-01-01 2 2 0.50 8", "1970-01-02 1 0 1.00 4"]
    );
    let by_path = "SELECT format('%s%s %.2f', domain, path, hit_rate) FROM hit_rate_by_path";
    assert_eq!(
        texts(&store, by_path).await,
        ["example.org/issues 0.75", "example.org/other 0.00"]
    );
    let by_host = "SELECT format('%s %d', domain, hits) FROM hit_rate_by_host";
    assert_eq!(texts(&store, by_host).await, ["example.org 3"]);
}

// covers("C18", "C19")
#[tokio::test]
async fn compression_is_measured_by_kind_of_body() {
    // With a clock that goes on: times are measured.
    let store = SqliteStore::in_memory(SqliteStoreOptions::default())
        .await
        .unwrap();
    let json = b"{\"name\": \"Saga\"}".repeat(20);
    let case = Case {
        headers: &[
            ("content-type", "application/json"),
            ("cache-control", "max-age=60"),
        ],
        body: &json,
        ..Case::default()
    };
    case.store(&store).await;
    let image = Case {
        url: "http://example.org/image",
        headers: &[
            ("content-type", "image/png"),
            ("cache-control", "max-age=60"),
        ],
        body: &json[1..],
        ..case
    };
    image.store(&store).await;
    let short = Case {
        url: "http://example.org/short",
        headers: &[
            ("content-type", "text/plain"),
            ("cache-control", "max-age=60"),
        ],
        body: b"short",
        ..case
    };
    short.store(&store).await;
    let effectiveness =
        "SELECT format('%s %s %d %d', mime_category, codec, total_items, compression_ratio > 5)
        FROM compression_effectiveness ORDER BY mime_category";
    assert_eq!(
        texts(&store, effectiveness).await,
        ["image none 1 0", "json zstd-3 1 1", "text none 1 0"]
    );
    let metrics = "SELECT count(*) FROM compression_metrics
        WHERE original_size = 320 AND compressed_size < 60 AND compression_time_ms > 0 AND compression_ratio > 5";
    assert_eq!(number(&store, metrics).await, 1);
}

// covers("C19")
#[tokio::test]
async fn stale_unused_and_shared_are_found() {
    let store = in_memory().await;
    let old = Case::default();
    let fresh = Case {
        url: "http://example.org/fresh",
        at: 32_503_680_000_000,
        ..old
    };
    let id = old.store(&store).await;
    fresh.store(&store).await;
    store
        .record_hits(vec![hit(Some(id), "/issues", 1)])
        .await
        .unwrap();
    let stale = "SELECT full_url FROM stale_responses";
    assert_eq!(
        texts(&store, stale).await,
        ["http://example.org/issues?page=1"]
    );
    let unused = "SELECT full_url FROM never_hit_responses";
    assert_eq!(texts(&store, unused).await, ["http://example.org/fresh"]);
    let saved = number(&store, "SELECT sum(saved_bytes) FROM deduplication_savings").await;
    assert_eq!(saved, 4);
}

// covers("C16")
#[tokio::test]
async fn headers_are_rows_in_order() {
    let store = in_memory().await;
    let case = Case {
        asked: &[("foo", "1"), ("accept", "text/html")],
        headers: &[
            ("date", "Tue, 14 Nov 2023 22:13:20 GMT"),
            ("vary", "foo"),
            ("x-a", "1"),
            ("x-a", "2"),
        ],
        ..Case::default()
    };
    // What comes once is in the lists, and what comes again has rows of its own.
    case.store(&store).await;
    case.store(&store).await;
    let rows =
        "SELECT format('%d %s: %s', position, name, value) FROM response_headers ORDER BY position";
    let expected = [
        "0 date: Tue, 14 Nov 2023 22:13:20 GMT",
        "1 vary: foo",
        "2 x-a: 1",
        "3 x-a: 2",
    ];
    assert_eq!(texts(&store, rows).await, expected);
    let rows = "SELECT format('%s: %s', name, value) FROM request_headers ORDER BY position";
    assert_eq!(texts(&store, rows).await, ["foo: 1", "accept: text/html"]);
    assert_eq!(number(&store, "SELECT count(*) FROM header_pairs").await, 5);
}

// covers("C22")
#[tokio::test]
async fn what_a_response_says_about_caching_is_in_columns() {
    let store = in_memory().await;
    let at = |url, headers| Case {
        url,
        headers,
        ..Case::default()
    };
    let first = at(
        "http://example.org/a",
        &[
            ("cache-control", "max-age=60, must-revalidate"),
            ("etag", "W/\"a\""),
        ],
    );
    let id = first.store(&store).await;
    let second = at(
        "http://example.org/b",
        &[
            ("cache-control", "max-age=5, no-cache"),
            ("etag", "\"b\""),
            ("last-modified", "Tue, 14 Nov 2023 22:13:20 GMT"),
        ],
    );
    second.store(&store).await;
    let third = at(
        "http://example.org/c",
        &[
            ("cache-control", "no-store, must-understand, max-age=7"),
            ("last-modified", "Tue, 14 Nov 2023 22:13:21 GMT"),
        ],
    );
    third.store(&store).await;
    at("http://example.org/d", &[("cache-control", "max-age=60")])
        .store(&store)
        .await;
    let control =
        "SELECT format('%s %d-%d %d: %d%d%d', path, responded_at, expires_at, max_age, must_revalidate, no_cache,
             no_store)
         FROM responses JOIN requests USING (request_id) JOIN urls USING (url_id) ORDER BY path";
    let expected = [
        "/a 1000-61000 60: 100",
        "/b 1000-6000 5: 010",
        "/c 1000-8000 7: 001",
        "/d 1000-61000 60: 000",
    ];
    assert_eq!(texts(&store, control).await, expected);
    let validators =
        "SELECT format('%s %s %d %s %d %d', path, ifnull(etag, 'none'), ifnull(last_modified, 0), validator_type,
             is_strong_validator, validated_at)
         FROM cache_validation JOIN responses USING (response_id) JOIN requests USING (request_id)
             JOIN urls USING (url_id) ORDER BY path";
    let expected = [
        "/a W/\"a\" 0 etag 0 1000",
        "/b \"b\" 1700000000000 both 1 1000",
        "/c none 1700000001000 last-modified 0 1000",
    ];
    assert_eq!(texts(&store, validators).await, expected);

    // A validation changes them.
    let content = variant(&store, &first).await.content;
    let fresh = Case {
        at: 2_000,
        ..at(first.url, second.headers)
    };
    let fill = store.begin(first.target(&store)).await.unwrap();
    let freshened = fill.freshen(id, content, fresh.response(&store)).await;
    assert!(freshened.unwrap());
    assert_eq!(texts(&store, control).await[0], "/a 2000-7000 5: 010");
    assert_eq!(
        texts(&store, validators).await[0],
        "/a \"b\" 1700000000000 both 1 2000"
    );
}

// covers("C9", "C10", "C11", "C12", "C13", "C14", "C15", "C21")
#[tokio::test]
async fn records_lead_from_one_to_the_next() {
    let store = in_memory().await;
    let body = b"{\"name\": \"Saga\"}".repeat(20);
    let case = Case {
        asked: &[("accept", "application/json")],
        headers: &[
            ("content-type", "application/json"),
            ("cache-control", "max-age=60, must-revalidate"),
            ("etag", "\"a\""),
            ("last-modified", "Tue, 14 Nov 2023 22:13:20 GMT"),
        ],
        body: &body,
        ..Case::default()
    };
    let id = case.store(&store).await;
    let response = store.response_record(id).await.unwrap().unwrap();
    assert_eq!((response.status_code, response.max_age), (200, Some(60)));
    assert!(response.must_revalidate && !response.no_cache && !response.no_store);
    assert_eq!(response.header("etag"), Some(&b"\"a\""[..]));
    assert!(response.needs_revalidation(Timestamp::from_millis(61_001)));
    assert!(!response.needs_revalidation(Timestamp::from_millis(60_999)));

    let request = store
        .request_record(response.request_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (request.method.as_str(), request.requested_at.as_millis()),
        ("GET", 995)
    );
    assert_eq!(request.header("Accept"), Some(&b"application/json"[..]));
    let url = store.url_record(request.url_id).await.unwrap().unwrap();
    assert_eq!(url.full_url, "http://example.org/issues?page=1");
    assert_eq!(url.construct_full_url(), url.full_url);

    let version = store
        .body_record(response.body_id.unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!((version.version, version.previous_version_id), (1, None));
    let content = crate::store::ContentId(version.content_id);
    let content = store.content_record(content).await.unwrap().unwrap();
    assert!(content.verify(&body));
    assert_eq!((content.reference_count, content.original_size), (1, 320));
    let codec = content.compression_process_id.unwrap();
    let codec = store.compression_record(codec).await.unwrap().unwrap();
    assert_eq!(
        (codec.system_name.as_str(), codec.compression_level),
        ("zstd-3", Some(3))
    );
    let validation = store.validation_record(id).await.unwrap().unwrap();
    assert!(validation.is_strong_validator());
    assert_eq!(
        validation.validator_type(),
        Some(crate::record::ValidatorType::Both)
    );

    let file = store.stored_file(id).await.unwrap().unwrap();
    assert_eq!((file.method.as_str(), file.status.as_u16()), ("GET", 200));
    assert_eq!(
        (file.url.as_str(), &file.body[..]),
        (url.full_url.as_str(), &body[..])
    );
    assert_eq!(file.content_type.as_deref(), Some("application/json"));
    assert_eq!(store.response_record(ResponseId(99)).await.unwrap(), None);
    assert_eq!(variant(&store, &case).await.id, id);
}

// covers("C23")
#[tokio::test]
async fn an_application_may_refuse_records() {
    use crate::record::{InvalidRecord, RecordKind, RecordRef, Validation};
    let validation = Validation::default().with(|record| {
        let is_private = matches!(record, RecordRef::Url(url) if url.path == "/private");
        let refused = InvalidRecord::new(RecordKind::Url, "path", "is not to be stored");
        if is_private { Err(refused) } else { Ok(()) }
    });
    let options = SqliteStoreOptions::default().with_validation(validation);
    let store = SqliteStore::in_memory(options).await.unwrap();
    let case = Case {
        url: "http://example.org/private",
        ..Case::default()
    };
    let fill = store.begin(case.target(&store)).await.unwrap();
    let refused = fill.commit(case.response(&store)).await.unwrap_err();
    assert_eq!(refused.kind(), store_core::ErrorKind::InvalidInput);
    assert!(
        refused.to_string().contains("is not to be stored"),
        "{refused}"
    );
    Case::default().store(&store).await;
}

#[tokio::test]
async fn the_file_stays_within_its_bytes() {
    let options = SqliteStoreOptions::default().with_max_bytes(2 << 20);
    let store = SqliteStore::in_memory(options).await.unwrap();
    for number in 0..120 {
        let url: &'static str = Box::leak(format!("http://example.org/{number}").into_boxed_str());
        let body = crate::store::cases::noise(number, 50_000);
        let case = Case {
            url,
            body: &body,
            ..Case::default()
        };
        case.store(&store).await;
        let health = store.health().await.unwrap();
        assert!(health.used_bytes <= health.max_bytes, "{health:?}");
    }
    assert!(store.counts().await.unwrap().responses > 20);
    let purged = number(
        &store,
        "SELECT sum(responses) FROM purge_events WHERE reason = 'evict'",
    );
    assert!(purged.await > 50);
    assert_sound(&store).await;
}
