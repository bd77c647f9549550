//! Bodies: long ones in chunks, damaged ones, and those of unknown codecs.

use bytes::Bytes;

use super::*;
use crate::codec::{Codec, CodecError, Codecs};
use crate::store::cases::noise;
use crate::store::{ContentId, StoredBody};

const LONG: usize = (3 << 20) + 5;

fn long_case(body: &[u8]) -> Case<'_> {
    Case {
        headers: &[
            ("content-type", "application/json"),
            ("cache-control", "max-age=60"),
        ],
        body,
        ..Case::default()
    }
}

/// The whole of a body in chunks.
async fn read_chunks(store: &SqliteStore, content: ContentId) -> Option<Vec<u8>> {
    let Some(StoredBody::Chunked { len, chunk_bytes }) = store.body(content).await.unwrap() else {
        panic!("not chunked");
    };
    let mut body = Vec::new();
    for index in 0..len.div_ceil(chunk_bytes) {
        body.extend_from_slice(&store.chunk(content, index).await.unwrap()?);
    }
    assert_eq!(body.len() as u64, len);
    Some(body)
}

async fn content_of(store: &SqliteStore, case: &Case<'_>) -> ContentId {
    let found = store.variants(case.target(store)).await.unwrap();
    assert_eq!((found.len(), &found[0].body), (1, &None));
    found[0].content
}

#[tokio::test]
async fn a_long_body_is_kept_in_chunks() {
    let store = in_memory().await;
    let text: Vec<u8> = (0..LONG).map(|at| b"abcdefgh"[at / 1_000 % 8]).collect();
    for body in [noise(1, LONG), text] {
        let case = long_case(&body);
        case.store(&store).await;
        let content = content_of(&store, &case).await;
        assert_eq!(read_chunks(&store, content).await.unwrap(), body);
        assert_eq!(store.chunk(content, 25).await.unwrap(), None);
    }
    // The second is a text, and is compressed.
    let stored = number(&store, "SELECT min(compressed_size) FROM body_contents").await;
    assert!(stored < 100_000, "{stored}");
    assert_sound(&store).await;
}

#[tokio::test]
async fn equal_long_bodies_are_kept_once() {
    let clock = Arc::new(StoppedClock::default());
    let options = SqliteStoreOptions::default().with_clock(Arc::clone(&clock) as Arc<dyn Clock>);
    let store = SqliteStore::in_memory(options).await.unwrap();
    let body = noise(1, LONG);
    let case = long_case(&body);
    let other = Case {
        url: "http://example.org/other",
        ..case
    };
    case.store(&store).await;
    other.store(&store).await;
    assert_eq!(store.counts().await.unwrap().bodies, 1);
    assert_eq!(
        content_of(&store, &case).await,
        content_of(&store, &other).await
    );
    clock.advance(600);
    assert_eq!(store.cleanup().await.unwrap().bodies, 1);
    assert_eq!(number(&store, "SELECT count(*) FROM body_chunks").await, 25);
    assert_sound(&store).await;
}

#[tokio::test]
async fn a_reader_of_a_removed_long_body_may_finish() {
    let clock = Arc::new(StoppedClock::default());
    let options = SqliteStoreOptions::default().with_clock(Arc::clone(&clock) as Arc<dyn Clock>);
    let store = SqliteStore::in_memory(options).await.unwrap();
    let body = noise(1, LONG);
    let case = long_case(&body);
    case.store(&store).await;
    let content = content_of(&store, &case).await;
    store.invalidate(case.target(&store)).await.unwrap();
    store.cleanup().await.unwrap();
    assert_eq!(read_chunks(&store, content).await.unwrap(), body);
    clock.advance(60);
    assert_eq!(store.cleanup().await.unwrap().bodies, 1);
    assert_eq!(store.chunk(content, 0).await.unwrap(), None);
    assert_eq!(number(&store, "SELECT count(*) FROM body_chunks").await, 0);
    assert_sound(&store).await;
}

#[tokio::test]
async fn a_long_body_that_was_given_up_is_cleaned_up() {
    let store = in_memory().await;
    let body = noise(1, LONG);
    let case = long_case(&body);
    let mut fill = store.begin(case.target(&store)).await.unwrap();
    fill.append(Bytes::from(body.clone())).await.unwrap();
    assert!(number(&store, "SELECT count(*) FROM body_chunks").await > 8);
    assert_eq!(store.counts().await.unwrap().bodies, 0);
    assert_eq!(store.cleanup().await.unwrap().bodies, 0);
    drop(fill);
    assert_eq!(store.cleanup().await.unwrap().bodies, 1);
    assert_eq!(number(&store, "SELECT count(*) FROM body_chunks").await, 0);
}

#[tokio::test]
async fn a_replaced_body_stays_while_it_is_read() {
    let (store, clock) = with_clock(SqliteStoreOptions::default()).await;
    let body = noise(1, LONG);
    let case = long_case(&body);
    case.store(&store).await;
    let content = content_of(&store, &case).await;
    store.invalidate(case.target(&store)).await.unwrap();
    // Longer than it is kept for a reader that pauses, 24 times over a chunk.
    for index in 0..24 {
        clock.advance(50);
        let chunk = store.chunk(content, index).await.unwrap();
        assert!(chunk.is_some(), "{index}");
        store.cleanup().await.unwrap();
    }
    clock.advance(60);
    assert_eq!(store.cleanup().await.unwrap().bodies, 1);
    assert_eq!(store.chunk(content, 0).await.unwrap(), None);
}

#[tokio::test]
async fn bodies_that_arrive_are_bounded_as_a_whole() {
    let options = SqliteStoreOptions::default().with_max_bytes(16 << 20);
    let (store, clock) = with_clock(options).await;
    let body = noise(1, 3 << 19);
    let case = long_case(&body);
    let begin = async || {
        let mut fill = store.begin(case.target(&store)).await.unwrap();
        let appended = fill.append(Bytes::from(body.clone())).await;
        appended.map(|()| fill)
    };
    let fills = (begin().await.unwrap(), begin().await.unwrap());
    let refused = begin().await.unwrap_err();
    assert_eq!(refused.kind(), store_core::ErrorKind::TooLarge);
    drop(fills);
    // One that begins later removes what they have left.
    clock.advance(1);
    let fill = begin().await.unwrap();
    while number(&store, "SELECT count(*) FROM body_contents").await > 1 {
        tokio::task::yield_now().await;
    }
    assert!(fill.commit(case.response(&store)).await.unwrap().is_some());
    assert_eq!(store.shared.filling_bytes.get(), 0);
    assert_sound(&store).await;
}

#[tokio::test]
async fn a_damaged_body_is_a_miss() {
    let store = in_memory().await;
    let body = b"{\"name\": \"Saga\"}".repeat(20);
    let case = long_case(&body);
    case.store(&store).await;
    assert_eq!(case.bodies(&store).await.len(), 1);
    let flip = "UPDATE body_contents SET body_content =
        CAST(substr(body_content, 1, 20) || x'00' || substr(body_content, 22) AS BLOB)";
    execute(&store, flip).await;
    assert!(
        store
            .variants(case.target(&store))
            .await
            .unwrap()
            .is_empty()
    );
    // It was removed, so that an equal body is stored anew.
    case.store(&store).await;
    assert_eq!(case.bodies(&store).await, [Bytes::from(body)]);
    assert_sound(&store).await;
    execute(&store, flip).await;
    assert_eq!(store.verify().await.unwrap().damaged_bodies.len(), 1);
    let purged = "SELECT sum(responses) FROM purge_events WHERE reason = 'damaged'";
    assert_eq!(number(&store, purged).await, 1);
}

#[tokio::test]
async fn a_damaged_chunk_removes_the_body() {
    let store = in_memory().await;
    let body = noise(1, LONG);
    let case = long_case(&body);
    case.store(&store).await;
    let content = content_of(&store, &case).await;
    execute(
        &store,
        "UPDATE body_chunks SET chunk = x'00' WHERE position = 3",
    )
    .await;
    assert_eq!(read_chunks(&store, content).await, None);
    case.store(&store).await;
    let anew = content_of(&store, &case).await;
    assert_eq!(read_chunks(&store, anew).await, Some(body.clone()));
    assert_eq!(store.cleanup().await.unwrap().bodies, 1);
    assert_sound(&store).await;
}

/// Whether the only response of a target is found, and its body read.
async fn is_readable(store: &SqliteStore, case: &Case<'_>) -> bool {
    let found = store.variants(case.target(store)).await.unwrap();
    let Some(variant) = found.first() else {
        return false;
    };
    match store.body(variant.content).await.unwrap() {
        Some(StoredBody::Whole(_)) => true,
        Some(StoredBody::Chunked { .. }) => read_chunks(store, variant.content).await.is_some(),
        None => false,
    }
}

#[tokio::test]
async fn damage_is_noticed_whatever_the_codec() {
    let chunk = "UPDATE body_chunks SET chunk = CAST(substr(chunk, 1, 5000) || x'0badc0de' || substr(chunk, 5005) AS BLOB)
        WHERE position = 3";
    let whole = "UPDATE body_contents SET body_content =
        CAST(substr(body_content, 1, 500) || x'0badc0de' || substr(body_content, 505) AS BLOB)";
    for codec in ["none", "brotli-5", "zstd-3"] {
        let codecs = Codecs::default().writing_with(codec).unwrap();
        let options = SqliteStoreOptions::default().with_codecs(codecs);
        let store = SqliteStore::in_memory(options).await.unwrap();
        for (len, damage) in [(5_000, whole), (LONG, chunk)] {
            // As text: a byte of six bits.
            let body = noise(1, len);
            let body: Vec<_> = body.into_iter().map(|byte| byte & 63).collect();
            let case = long_case(&body);
            case.store(&store).await;
            assert!(is_readable(&store, &case).await, "{codec} {len}");
            execute(&store, damage).await;
            assert!(!is_readable(&store, &case).await, "{codec} {len}");
        }
        let used = "SELECT count(DISTINCT system_name) = 1 AND max(system_name) <> '' FROM compression_processes";
        assert_eq!(number(&store, used).await, 1);
    }
}

#[tokio::test]
async fn a_body_of_before_checksums_is_compared_with_its_hash() {
    let store = in_memory().await;
    let case = Case::default();
    case.store(&store).await;
    execute(&store, "UPDATE body_contents SET checksum = NULL").await;
    assert_eq!(case.bodies(&store).await, ["body"]);
    execute(
        &store,
        "UPDATE body_contents SET body_content = x'62ffff79'",
    )
    .await;
    assert!(!is_readable(&store, &case).await);
    // It is removed in the background.
    while store.counts().await.unwrap().responses > 0 {
        tokio::task::yield_now().await;
    }
}

/// A codec of an application.
#[derive(Debug)]
struct Reversed;

impl Codec for Reversed {
    fn name(&self) -> &'static str {
        "reversed"
    }

    fn full_name(&self) -> String {
        "Reversed".to_owned()
    }

    fn level(&self) -> Option<i32> {
        None
    }

    fn compress(&self, body: &[u8]) -> Result<Vec<u8>, CodecError> {
        Ok(body.iter().rev().skip(1).copied().collect())
    }

    fn decompress(&self, stored: &[u8], _: usize) -> Result<Vec<u8>, CodecError> {
        let mut body: Vec<_> = stored.iter().rev().copied().collect();
        body.push(b'}');
        Ok(body)
    }

    fn detects_damage(&self) -> bool {
        false
    }
}

// covers("C23")
#[tokio::test]
async fn a_body_of_an_unknown_codec_is_a_miss() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let codecs = Codecs::default()
        .with(Arc::new(Reversed))
        .writing_with("reversed")
        .unwrap();
    let knowing = SqliteStoreOptions::default().with_codecs(codecs);
    let store = SqliteStore::open(&path, knowing.clone()).await.unwrap();
    let body = b"{\"name\": \"Saga\"}".repeat(20);
    let case = long_case(&body);
    case.store(&store).await;
    assert_eq!(case.bodies(&store).await, [Bytes::from(body.clone())]);
    store.close().await.unwrap();
    let store = SqliteStore::open(&path, SqliteStoreOptions::default())
        .await
        .unwrap();
    assert!(case.bodies(&store).await.is_empty());
    store.close().await.unwrap();
    // It is not damaged: who knows the codec reads it.
    let store = SqliteStore::open(&path, knowing).await.unwrap();
    assert_eq!(case.bodies(&store).await, [Bytes::from(body.clone())]);
    store.close().await.unwrap();
    let store = SqliteStore::open(&path, SqliteStoreOptions::default())
        .await
        .unwrap();
    case.store(&store).await;
    assert_eq!(case.bodies(&store).await, [Bytes::from(body)]);
    assert_sound(&store).await;
    store.close().await.unwrap();
}

#[tokio::test]
async fn a_long_body_on_its_way_out_evicts_nothing_else() {
    let options = SqliteStoreOptions::default()
        .with_max_bytes(8 << 20)
        .with_max_body_bytes(4 << 20);
    let store = SqliteStore::in_memory(options).await.unwrap();
    for number in 0..2 {
        let body = noise(number, LONG);
        let case = long_case(&body);
        case.store(&store).await;
        store.invalidate(case.target(&store)).await.unwrap();
    }
    // Six MiB are still there, and nothing refers to them.
    for number in 0..40 {
        let url: &'static str = Box::leak(format!("http://example.org/{number}").into_boxed_str());
        let body = noise(number, 100_000);
        let case = Case {
            url,
            body: &body,
            ..Case::default()
        };
        case.store(&store).await;
    }
    assert_eq!(store.counts().await.unwrap().responses, 40);
}

#[tokio::test]
async fn eviction_goes_on_after_many_that_were_used() {
    let store = in_memory().await;
    let mut hits = Vec::new();
    for number in 0..1_100 {
        let url: &'static str = Box::leak(format!("http://example.org/{number}").into_boxed_str());
        let case = Case {
            url,
            ..Case::default()
        };
        let response = Some(case.store(&store).await);
        hits.push(crate::store::Hit {
            response,
            host: "example.org".to_owned(),
            path: "/".to_owned(),
            at: Timestamp::default(),
            duration: std::time::Duration::ZERO,
            bytes: 0,
        });
    }
    store.record_hits(hits).await.unwrap();
    assert!(store.evict(1).await.unwrap().responses > 0);
}

#[tokio::test]
async fn free_pages_are_returned() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let store = SqliteStore::open(&path, SqliteStoreOptions::default())
        .await
        .unwrap();
    for number in 0..40 {
        let url: &'static str = Box::leak(format!("http://example.org/{number}").into_boxed_str());
        let body = noise(number, 100_000);
        let case = Case {
            url,
            body: &body,
            ..Case::default()
        };
        case.store(&store).await;
    }
    store.clear().await.unwrap();
    store.close().await.unwrap();
    assert!(std::fs::metadata(&path).unwrap().len() < 1 << 20);
}

#[tokio::test]
async fn a_field_that_never_comes_again_leaves_no_row() {
    let store = in_memory().await;
    let pairs = "SELECT count(*) FROM header_pairs";
    for (index, trace) in ["a1", "b2", "c3"].into_iter().enumerate() {
        let headers = [
            ("cache-control", "max-age=60"),
            ("x-trace", trace),
            ("x-long", &"x".repeat(5_000)),
        ];
        let case = Case {
            headers: &headers,
            at: 1_000 + i64::try_from(index).unwrap(),
            ..Case::default()
        };
        case.store(&store).await;
        let found = store.variants(case.target(&store)).await.unwrap();
        assert_eq!(found[0].head.headers["x-trace"], trace);
        assert_eq!(found[0].head.headers["x-long"].len(), 5_000);
        // What comes for the second time has one.
        assert_eq!(number(&store, pairs).await, i64::from(index > 0));
    }
}

#[tokio::test]
async fn fields_of_requests_are_stored_if_they_choose_the_response() {
    let store = in_memory().await;
    let long = "x".repeat(2_000);
    let asked = [
        ("accept", "text/html"),
        ("accept-language", &long),
        ("foo", "1"),
        ("referer", "http://a/list?api_key=s3cret-of-before"),
        ("x-anything", "else"),
    ];
    let case = Case {
        asked: &asked,
        headers: &[("cache-control", "max-age=60"), ("vary", "foo, referer")],
        ..Case::default()
    };
    case.store(&store).await;
    let rows = store
        .query("SELECT name, value FROM request_headers ORDER BY name")
        .await;
    let rows = format!("{:?}", rows.unwrap().rows);
    for (text, is_there) in [
        ("text/html", true),
        ("foo", true),
        ("REDACTED", true),
        ("s3cret", false),
        ("x-anything", false),
        ("xxx", false),
    ] {
        assert_eq!(rows.contains(text), is_there, "{text}: {rows}");
    }
}

#[tokio::test]
async fn a_long_body_that_is_stored_already_takes_no_room() {
    let (store, clock) = with_clock(SqliteStoreOptions::default()).await;
    let body = noise(9, 3 << 20);
    for at in [1_000, 2_000, 3_000] {
        clock.advance(2);
        let case = Case {
            body: &body,
            at,
            headers: &[("cache-control", "max-age=60")],
            ..Case::default()
        };
        case.store(&store).await;
    }
    let surplus = "SELECT count(*) FROM body_contents WHERE reference_count = 0";
    while number(&store, surplus).await > 0 {
        tokio::task::yield_now().await;
    }
}
