//! What goes wrong between processes, clocks and callers.

use std::time::Duration;

use bytes::Bytes;
use http::Uri;
use store_core::Timestamp;

use super::*;
use crate::store::cases::noise;
use crate::store::{ContentId, Hit, StoredBody, Variant};

const LONG: usize = 3 << 20;

fn long_case(body: &[u8]) -> Case<'_> {
    Case {
        body,
        headers: &[("cache-control", "max-age=60")],
        ..Case::default()
    }
}

async fn only(store: &SqliteStore, case: &Case<'_>) -> Variant {
    let mut found = store.variants(case.target(store)).await.unwrap();
    assert_eq!(found.len(), 1);
    found.remove(0)
}

async fn read(store: &SqliteStore, content: ContentId) -> Option<Vec<u8>> {
    match store.body(content).await.unwrap()? {
        StoredBody::Whole(body) => Some(body.to_vec()),
        StoredBody::Chunked { len, chunk_bytes } => {
            let mut body = Vec::new();
            for index in 0..len.div_ceil(chunk_bytes) {
                body.extend_from_slice(&store.chunk(content, index).await.unwrap()?);
            }
            Some(body)
        }
    }
}

#[tokio::test]
async fn two_processes_may_sweep_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let open = || SqliteStore::open(&path, SqliteStoreOptions::default());
    let (first, second) = (open().await.unwrap(), open().await.unwrap());
    for round in 0..20 {
        let lines: Vec<_> = (0..50).map(|number| format!("{round}-{number}")).collect();
        for value in &lines {
            let asked = [("foo", &**value)];
            Case {
                asked: &asked,
                ..Case::default()
            }
            .store(&first)
            .await;
        }
        first.clear().await.unwrap();
        let (one, other) = tokio::join!(first.cleanup(), second.cleanup());
        one.unwrap();
        other.unwrap();
    }
    assert_sound(&first).await;
}

#[tokio::test]
async fn a_pair_that_is_gone_already_is_swept() {
    let store = in_memory().await;
    let swept = store.database().unwrap();
    let swept = swept.write(|tx| cleanup::delete_pairs(tx, &[7])).await;
    assert!(swept.is_ok(), "{swept:?}");
}

#[tokio::test]
async fn an_equal_body_that_is_being_removed_is_not_used() {
    let (store, clock) = with_clock(SqliteStoreOptions::default()).await;
    let body = noise(1, LONG);
    let case = long_case(&body);
    case.store(&store).await;
    store.invalidate(case.target(&store)).await.unwrap();
    clock.advance(60);
    let now = clock.now();
    let database = store.database().unwrap();
    let step =
        database.write(move |tx| cleanup::remove_unreferenced(tx, now, cleanup::READING).map(drop));
    step.await.unwrap();
    // Some of its chunks are gone.
    let left = number(&store, "SELECT count(*) FROM body_chunks").await;
    assert!((1..24).contains(&left), "{left}");
    case.store(&store).await;
    assert_eq!(
        read(&store, only(&store, &case).await.content)
            .await
            .unwrap(),
        body
    );
    store.cleanup().await.unwrap();
    assert_sound(&store).await;
    assert_eq!(
        number(&store, "SELECT count(*) FROM body_contents").await,
        1
    );
}

#[tokio::test]
async fn a_body_that_was_given_up_while_it_arrived_is_not_stored() {
    let (store, clock) = with_clock(SqliteStoreOptions::default()).await;
    let body = noise(1, LONG);
    let case = long_case(&body);
    for is_appended in [false, true] {
        let mut fill = store.begin(case.target(&store)).await.unwrap();
        fill.append(Bytes::from(body.clone())).await.unwrap();
        clock.advance(601);
        let now = clock.now();
        let database = store.database().unwrap();
        let step = database
            .write(move |tx| cleanup::remove_unreferenced(tx, now, cleanup::READING).map(drop));
        step.await.unwrap();
        if is_appended {
            assert!(fill.append(Bytes::from(body.clone())).await.is_err());
        } else {
            assert!(fill.commit(case.response(&store)).await.is_err());
        }
        assert!(
            store
                .variants(case.target(&store))
                .await
                .unwrap()
                .is_empty()
        );
    }
    assert_sound(&store).await;
}

#[tokio::test]
async fn a_fill_whose_append_failed_stores_nothing() {
    let store = SqliteStore::in_memory(SqliteStoreOptions::default().with_max_body_bytes(10)).await;
    let store = store.unwrap();
    let case = Case::default();
    let mut fill = store.begin(case.target(&store)).await.unwrap();
    fill.append("0123456".into()).await.unwrap();
    fill.append("789abc".into()).await.unwrap_err();
    assert!(fill.append("".into()).await.is_err());
    assert!(fill.commit(case.response(&store)).await.is_err());
    assert!(
        store
            .variants(case.target(&store))
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn a_damaged_body_is_stored_anew() {
    let store = in_memory().await;
    let text = b"{\"name\": \"Saga\"}".repeat(20);
    for (body, damage) in [
        (&text, "UPDATE body_contents SET body_content = x'00'"),
        (
            &text,
            "INSERT INTO compression_processes (full_name, system_name, created_at) VALUES ('', 'future', 0);
             UPDATE body_contents SET compression_process_id = last_insert_rowid()",
        ),
        (
            &noise(1, LONG),
            "UPDATE body_chunks SET chunk = x'00' WHERE position = 3",
        ),
    ] {
        let case = long_case(body);
        store.clear().await.unwrap();
        case.store(&store).await;
        execute(&store, damage).await;
        for variant in store.variants(case.target(&store)).await.unwrap() {
            assert_eq!(read(&store, variant.content).await, None);
        }
        case.store(&store).await;
        assert_eq!(
            read(&store, only(&store, &case).await.content)
                .await
                .as_deref(),
            Some(&**body)
        );
        assert_sound(&store).await;
    }
}

#[tokio::test]
async fn bodies_that_wait_for_a_cleanup_are_not_evicted_again() {
    let options = SqliteStoreOptions::default().with_max_bytes(24 << 20);
    let (store, _clock) = with_clock(options).await;
    let mut stored = 0;
    for seed in 0..20 {
        let body = noise(seed, 2 << 20);
        let url: &'static str = Box::leak(format!("http://example.org/{seed}").into_boxed_str());
        let case = Case {
            url,
            ..long_case(&body)
        };
        case.store(&store).await;
        stored = store.counts().await.unwrap().responses;
    }
    // Ten of them fit, with the room that an eviction makes.
    assert!(stored >= 9, "{stored}");
}

#[tokio::test]
async fn eviction_goes_past_any_number_of_used_responses() {
    let store = in_memory().await;
    let fill = "
        WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 3000)
        INSERT INTO urls (url_key, scheme, domain, path, created_at)
            SELECT CAST(printf('%016d', n) AS BLOB), 'http', 'a', '/', 0 FROM n;
        INSERT OR IGNORE INTO http_statuses VALUES (200, 'OK');
        INSERT INTO compression_processes (full_name, system_name, created_at) VALUES ('', 'none', 0);
        INSERT INTO body_contents (content_id, content_hash, mime_category, compression_process_id, original_size,
            compressed_size, first_seen_at, last_referenced_at, body_content)
            SELECT url_id, CAST(printf('%032d', url_id) AS BLOB), 'other', 1, 1, 1, 0, 0, x'00' FROM urls;
        INSERT INTO bodies (body_id, content_id, created_at) SELECT content_id, content_id, 0 FROM body_contents;
        INSERT INTO requests (request_id, url_id, method_id, requested_at, headers)
            SELECT url_id, url_id, 1, 0, '[]' FROM urls;
        INSERT INTO responses (response_id, status_code, requested_at, responded_at, expires_at, max_age,
            cache_control, body_id, headers) SELECT request_id, 200, 0, 0, 0, 0, 0, request_id, '[]' FROM requests;
        INSERT INTO variants SELECT url_key, 1, x'', '', url_id, url_id FROM urls;
        INSERT INTO cache_statistics (response_id, hit_count, first_hit_at, last_hit_at,
            total_response_time_ms, is_visited) SELECT response_id, 1, 0, 0, 0, 1 FROM responses;";
    execute(&store, fill).await;
    let evicted = store.evict(1).await.unwrap();
    assert_eq!(evicted.responses, 1, "{evicted:?}");
}

#[tokio::test]
async fn a_response_of_the_future_does_not_stay_for_ever() {
    let (store, clock) = with_clock(SqliteStoreOptions::default()).await;
    clock.advance(1_000);
    crate::store::cases::a_response_of_the_future_does_not_stay(&store).await;
}

#[tokio::test]
async fn a_cleanup_forgets_no_invalidation_of_the_moment() {
    let (store, clock) = with_clock(SqliteStoreOptions::default()).await;
    clock.advance(1_000);
    let case = Case::default();
    let fill = store.begin(case.target(&store)).await.unwrap();
    // Another process writes while a cleanup runs, whose time is that of its beginning.
    clock.advance(1);
    let other: Uri = "http://example.org/other".parse().unwrap();
    store
        .invalidate(store.salt().target_key(&other))
        .await
        .unwrap();
    clock.advance(-1);
    store.cleanup().await.unwrap();
    let stored = fill.commit(case.response(&store)).await.unwrap();
    assert!(stored.is_some());
}

#[tokio::test]
async fn what_a_clock_that_was_ahead_left_is_cleaned_up() {
    let (store, clock) = with_clock(SqliteStoreOptions::default()).await;
    clock.advance(1_000_000);
    let body = noise(1, LONG);
    let case = long_case(&body);
    for number in 0..300 {
        let target: Uri = format!("http://example.org/{number}").parse().unwrap();
        store
            .invalidate(store.salt().target_key(&target))
            .await
            .unwrap();
    }
    case.store(&store).await;
    store.invalidate(case.target(&store)).await.unwrap();
    clock.advance(-900_000);
    assert_eq!(store.cleanup().await.unwrap().bodies, 1);
    assert_eq!(
        number(&store, "SELECT count(*) FROM invalidations").await,
        0
    );
    // What was asked for before they were forgotten is not stored.
    let fill = store.begin(case.target(&store)).await.unwrap();
    assert!(fill.commit(case.response(&store)).await.is_ok());
}

#[tokio::test]
async fn sums_of_hits_do_not_overflow() {
    let store = in_memory().await;
    let hit = Hit {
        response: Some(Case::default().store(&store).await),
        host: "example.org".to_owned(),
        path: "/".to_owned(),
        at: Timestamp::MAX,
        duration: Duration::MAX,
        bytes: u64::MAX,
    };
    store.record_hits(vec![hit.clone(), hit]).await.unwrap();
}

#[tokio::test]
async fn a_commit_whose_caller_went_away_keeps_its_body() {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteStoreOptions::default();
    let database = options
        .database
        .clone()
        .with_execution(sqlite_database::Execution::Background);
    let options = options.with_database(database);
    let store = SqliteStore::open(folder.path().join("cache.db"), options)
        .await
        .unwrap();
    let body = noise(1, LONG);
    let case = long_case(&body);
    for _ in 0..20 {
        let mut fill = store.begin(case.target(&store)).await.unwrap();
        fill.append(Bytes::from(body.clone())).await.unwrap();
        let commit = fill.commit(case.response(&store));
        tokio::select! {
            biased;
            stored = commit => drop(stored.unwrap()),
            () = yield_some() => {}
        }
        for variant in store.variants(case.target(&store)).await.unwrap() {
            assert_eq!(read(&store, variant.content).await.unwrap(), body);
        }
    }
    store.cleanup().await.unwrap();
    assert_sound(&store).await;
    store.close().await.unwrap();
}

async fn yield_some() {
    for _ in 0..40 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_damaged_header_list_does_not_keep_others_from_being_swept() {
    let store = in_memory().await;
    let case = Case::default();
    case.store(&store).await;
    let asked = [("foo", "other")];
    let other = Case {
        asked: &asked,
        headers: &[("vary", "foo"), ("x-other", "1")],
        ..case
    };
    let other = other.store(&store).await;
    execute(
        &store,
        "UPDATE responses SET headers = '[' WHERE response_id = 1",
    )
    .await;
    store.remove(other).await.unwrap();
    assert!(store.cleanup().await.unwrap().header_pairs > 0);
    assert!(!store.verify().await.unwrap().is_ok());
}
