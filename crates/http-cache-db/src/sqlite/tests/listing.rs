//! What people ask a file: figures, lists, a URL, a query.

use sqlite_database::rusqlite::types::Value;

use super::*;
use crate::store::Hit;

const LATER: i64 = 32_503_680_000_000;

fn hit(response: Option<ResponseId>, host: &str, at: i64) -> Hit {
    Hit {
        response,
        host: host.to_owned(),
        path: "/".to_owned(),
        at: Timestamp::from_millis(at),
        duration: std::time::Duration::from_millis(3),
        bytes: if response.is_some() { 4 } else { 0 },
    }
}

fn at(url: &'static str, body: &'static [u8], at: i64) -> Case<'static> {
    Case {
        url,
        body,
        at,
        headers: &[
            ("cache-control", "max-age=60"),
            ("content-type", "text/plain"),
        ],
        ..Case::default()
    }
}

/// Three responses: one stale and used twice, two fresh with equal bodies.
async fn filled() -> (SqliteStore, ResponseId) {
    let store = in_memory().await;
    let old = at("http://example.org/old", b"older", 1_000)
        .store(&store)
        .await;
    at("http://example.org:8080/b", b"body", LATER)
        .store(&store)
        .await;
    at("http://other.org/a?token=s3cret-a", b"body", LATER)
        .store(&store)
        .await;
    let hits = vec![
        hit(None, "example.org", 1),
        hit(Some(old), "example.org", 2),
        hit(Some(old), "example.org", 86_400_000),
        hit(None, "other.org", 86_400_000),
    ];
    store.record_hits(hits).await.unwrap();
    (store, old)
}

async fn urls(store: &SqliteStore, filter: UrlFilter) -> Vec<String> {
    let urls = store.urls(filter).await.unwrap();
    urls.into_iter().map(|url| url.url).collect()
}

// covers("C2", "C19")
#[tokio::test]
async fn figures_tell_how_well_the_cache_works() {
    let (store, _) = filled().await;
    store
        .invalidate(at("http://example.org:8080/b", b"", 0).target(&store))
        .await
        .unwrap();
    let again = at("http://example.org:8080/b", b"body", LATER);
    again.store(&store).await;
    let stats = store.stats(1, 1).await.unwrap();
    assert_eq!((stats.counts.responses, stats.counts.bodies), (3, 2));
    assert_eq!(
        (stats.stale, stats.never_hit, stats.older_versions),
        (1, 2, 0)
    );
    assert!(stats.used_bytes > 0 && stats.used_bytes <= stats.file_bytes);
    assert_eq!(stats.uses.hit_rate(), Some(0.5));
    let [(day, of_day)] = &stats.days[..] else {
        panic!("{:?}", stats.days);
    };
    assert_eq!(
        (day.as_str(), of_day.hits, of_day.misses),
        ("1970-01-02", 1, 1)
    );
    let [host] = &stats.hosts[..] else {
        panic!("{:?}", stats.hosts);
    };
    assert_eq!((host.host.as_str(), host.responses), ("example.org", 1));
    assert_eq!(
        (host.uses.hits, host.uses.misses, host.uses.hit_bytes),
        (2, 1, 8)
    );
    let kind = &stats.compression[0];
    assert_eq!(
        (kind.category.as_str(), kind.codec.as_str()),
        ("text", "none")
    );
    assert_eq!((kind.bodies, kind.body_bytes, kind.stored_bytes), (2, 9, 9));
    assert_eq!(
        (stats.deduplication.bodies, stats.deduplication.saved_bytes),
        (1, 4)
    );
    let purge = &stats.purges[0];
    assert_eq!(
        (purge.reason.as_str(), purge.purges, purge.responses),
        ("invalidate", 1, 1)
    );
}

#[tokio::test]
async fn a_list_is_filtered_and_ordered() {
    let (store, old) = filled().await;
    let [first, second, third] = [
        "http://example.org/old",
        "http://example.org:8080/b",
        "http://other.org/a?token=REDACTED",
    ];
    let by = |order| UrlFilter {
        order,
        ..UrlFilter::default()
    };
    assert_eq!(
        urls(&store, by(UrlOrder::Hits)).await,
        [first, second, third]
    );
    assert_eq!(
        urls(&store, by(UrlOrder::Size)).await,
        [first, second, third]
    );
    assert_eq!(
        urls(&store, by(UrlOrder::Age)).await,
        [first, second, third]
    );
    assert_eq!(
        urls(&store, by(UrlOrder::Url)).await,
        [first, second, third]
    );
    let limited = UrlFilter {
        limit: Some(1),
        ..by(UrlOrder::Url)
    };
    assert_eq!(urls(&store, limited).await, [first]);
    for (host, expected) in [
        ("example.org", &[first, second][..]),
        ("example.org:8080", &[second]),
        ("other.org", &[third]),
        ("missing.org", &[]),
    ] {
        let of_host = UrlFilter {
            host: Some(host.to_owned()),
            ..by(UrlOrder::Url)
        };
        assert_eq!(urls(&store, of_host).await, expected, "{host}");
    }
    let stale = UrlFilter {
        stale: true,
        ..by(UrlOrder::Url)
    };
    assert_eq!(urls(&store, stale).await, [first]);
    let never_hit = UrlFilter {
        never_hit: true,
        ..by(UrlOrder::Url)
    };
    assert_eq!(urls(&store, never_hit).await, [second, third]);

    let listed = store.urls(UrlFilter::default()).await.unwrap().remove(0);
    assert_eq!((listed.response, listed.status, listed.hits), (old, 200, 2));
    assert_eq!(
        (listed.method.as_str(), listed.codec.as_str()),
        ("GET", "none")
    );
    assert_eq!(
        (listed.body_len, listed.stored_len, listed.version),
        (5, 5, 1)
    );
    assert_eq!(listed.content_type.as_deref(), Some("text/plain"));
    assert_eq!(listed.responded_at, Timestamp::from_millis(1_000));
    assert_eq!(listed.expires_at, Timestamp::from_millis(61_000));
    assert_eq!(listed.last_hit_at, Some(Timestamp::from_millis(86_400_000)));
}

#[tokio::test]
async fn a_url_is_found_with_and_without_its_secrets() {
    let (store, _) = filled().await;
    let other = at("http://other.org/a?token=s3cret-b", b"else", LATER);
    other.store(&store).await;
    let targets = |found: &[FoundUrl]| found.iter().map(|found| found.target).collect::<Vec<_>>();
    let exact = store
        .find_url("http://other.org/a?token=s3cret-b#part")
        .await
        .unwrap();
    assert_eq!(targets(&exact), [other.target(&store)]);
    assert_eq!(exact[0].url, "http://other.org/a?token=REDACTED");
    for (text, count) in [
        ("http://other.org/a?token=REDACTED", 2),
        ("http://other.org/a?token=unknown", 2),
        ("HTTP://OTHER.org:80/./a?token=unknown", 2),
        ("http://other.org/b", 0),
        ("no URL", 0),
    ] {
        assert_eq!(store.find_url(text).await.unwrap().len(), count, "{text}");
    }
    assert_eq!(
        store
            .invalidate_url("http://other.org/a?token=s3cret-b")
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        store
            .invalidate_url("http://other.org/a?token=REDACTED")
            .await
            .unwrap(),
        1
    );
    assert_eq!(
        store
            .find_url("http://other.org/a?token=REDACTED")
            .await
            .unwrap(),
        []
    );
}

#[tokio::test]
async fn a_purge_by_url_outdates_what_is_on_its_way() {
    let store = in_memory().await;
    let case = Case::default();
    let fill = store.begin(case.target(&store)).await.unwrap();
    assert_eq!(store.invalidate_url(case.url).await.unwrap(), 0);
    assert_eq!(fill.commit(case.response(&store)).await.unwrap(), None);
}

// covers("C22")
#[tokio::test]
async fn details_are_all_that_is_stored_of_a_response() {
    let store = in_memory().await;
    let case = Case {
        asked: &[("accept", "text/plain"), ("authorization", "Bearer s3cret")],
        headers: &[("cache-control", "max-age=60"), ("etag", "W/\"a\"")],
        ..Case::default()
    };
    let id = case.store(&store).await;
    store
        .record_hits(vec![hit(Some(id), "example.org", 7)])
        .await
        .unwrap();
    let details = store.details(id).await.unwrap().unwrap();
    assert_eq!(details.url.full_url, case.url);
    assert_eq!(details.request.header("accept"), Some(&b"text/plain"[..]));
    assert_eq!(details.request.header("authorization"), None);
    assert_eq!(details.response.max_age, Some(60));
    assert_eq!(
        (details.body.version, details.content.original_size),
        (1, 4)
    );
    assert_eq!(details.compression.system_name, "none");
    assert!(!details.validation.unwrap().is_strong_validator());
    assert_eq!((details.hits, details.range.as_str()), (1, ""));
    assert_eq!(details.last_hit_at, Some(Timestamp::from_millis(7)));
    assert_eq!(
        details.average_duration,
        Some(std::time::Duration::from_millis(3))
    );
    assert_eq!(store.details(ResponseId(99)).await.unwrap(), None);
}

// covers("C2")
#[tokio::test]
async fn a_query_only_reads() {
    let (store, _) = filled().await;
    let found = store
        .query("SELECT 1 AS a, 'b', NULL, x'0aff', 0.5")
        .await
        .unwrap();
    assert_eq!(found.columns[0], "a");
    let expected = [
        Value::Integer(1),
        Value::Text("b".to_owned()),
        Value::Null,
        Value::Blob(vec![10, 255]),
        Value::Real(0.5),
    ];
    assert_eq!(found.rows, [expected]);
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    let copying = format!("VACUUM INTO '{}'", copy.display());
    for (sql, reason) in [
        ("DELETE FROM urls", "would write"),
        ("PRAGMA journal_mode = DELETE", "would write"),
        (&copying, "would write"),
        ("SELEC 1", "syntax error"),
        (" -- nothing", "has no rows"),
        ("BEGIN", "has no rows"),
        ("SELECT * FROM missing", "no such table: missing"),
        ("SELECT abs(-9223372036854775807 - 1)", "integer overflow"),
        ("SELECT 1; DELETE FROM urls", "ultiple statements"),
    ] {
        let error = store.query(sql).await.unwrap_err();
        assert_eq!(error.kind(), store_core::ErrorKind::InvalidInput, "{sql}");
        assert!(error.to_string().contains(reason), "{sql}: {error}");
    }
    assert!(!copy.exists());
    assert_eq!(store.urls(UrlFilter::default()).await.unwrap().len(), 3);
}

#[tokio::test]
async fn tables_and_views_are_listed_with_their_columns() {
    let tables = in_memory().await.tables().await.unwrap();
    assert_eq!(tables.columns, ["type", "name", "columns"]);
    let text = |value: &Value| match value {
        Value::Text(text) => text.clone(),
        Value::Null | Value::Integer(_) | Value::Real(_) | Value::Blob(_) => panic!("{value:?}"),
    };
    let of = |name: &str| {
        let row = tables.rows.iter().find(|row| text(&row[1]) == name);
        row.map(|row| (text(&row[0]), text(&row[2]))).unwrap()
    };
    let (kind, columns) = of("urls");
    assert_eq!(kind, "table");
    assert!(
        columns.contains("url_key") && columns.contains("full_url"),
        "{columns}"
    );
    assert_eq!(of("stale_responses").0, "view");
}
