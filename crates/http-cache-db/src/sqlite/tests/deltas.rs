//! Older versions: stored as differences, read back, and found by time.

use super::*;
use crate::codec::sample_issue;
use crate::store::{ContentId, StoredBody, Version};

const DELTAS: &str = "SELECT count(*) FROM body_contents WHERE base_content_id IS NOT NULL";
const URL: &str = "http://comics.example/issues";
const JSON: &[(&str, &str)] = &[
    ("content-type", "application/json"),
    ("cache-control", "max-age=60"),
];

/// A list of issues, edited so many times.
fn edition(number: usize) -> Vec<u8> {
    let mut body: Vec<u8> = (0..25).flat_map(sample_issue).collect();
    for edit in 1..=number {
        let text = format!("edit {edit}");
        let place = edit * 131 % body.len();
        body.splice(place..place, text.into_bytes());
    }
    body
}

fn case<'a>(url: &'static str, body: &'a [u8], at: i64) -> Case<'a> {
    Case {
        url,
        headers: JSON,
        body,
        at,
        ..Case::default()
    }
}

/// Stores editions 0 to `last` of a URL, at the seconds of their numbers.
async fn store_editions(store: &SqliteStore, url: &'static str, last: usize) {
    for number in 0..=last {
        let at = 1_000 * i64::try_from(number).unwrap();
        case(url, &edition(number), at).store(store).await;
    }
}

async fn history(store: &SqliteStore, url: &'static str) -> Vec<Version> {
    let target = case(url, b"", 0).target(store);
    store.history(target).await.unwrap()
}

async fn body(store: &SqliteStore, content: ContentId) -> Option<Vec<u8>> {
    match store.body(content).await.unwrap()? {
        StoredBody::Whole(body) => Some(body.into()),
        StoredBody::Chunked { .. } => panic!("chunks"),
    }
}

async fn assert_editions(store: &SqliteStore, url: &'static str, last: usize, kept: usize) {
    let history = history(store, url).await;
    assert_eq!(history.len(), kept + 1);
    for (back, version) in history.iter().enumerate() {
        let read = body(store, version.content).await;
        assert_eq!(read.unwrap(), edition(last - back), "{back} before {last}");
    }
}

#[tokio::test]
async fn ten_versions_take_little_more_room_than_one() {
    let store = in_memory().await;
    case(URL, &edition(0), 0).store(&store).await;
    let one = number(&store, "SELECT sum(compressed_size) FROM body_contents").await;
    store_editions(&store, URL, 9).await;
    let ten = number(&store, "SELECT sum(compressed_size) FROM body_contents").await;
    assert!(ten < one * 2, "{ten} bytes, {one} for one");
    assert_eq!(number(&store, DELTAS).await, 9);
    assert_editions(&store, URL, 9, 9).await;
    assert_sound(&store).await;
}

#[tokio::test]
async fn a_version_is_read_through_sixteen_differences_at_most() {
    let options = SqliteStoreOptions::default().with_max_versions(40);
    let (store, _) = with_clock(options).await;
    store_editions(&store, URL, 40).await;
    // Two of them are whole, in between.
    assert_eq!(number(&store, DELTAS).await, 38);
    assert_editions(&store, URL, 40, 40).await;
    assert_sound(&store).await;
}

#[tokio::test]
async fn versions_that_are_not_kept_leave_nothing() {
    let options = SqliteStoreOptions::default().with_max_versions(3);
    let (store, _) = with_clock(options).await;
    store_editions(&store, URL, 20).await;
    assert_editions(&store, URL, 20, 3).await;
    assert_eq!(
        number(&store, "SELECT count(*) FROM body_contents").await,
        4
    );
    assert_sound(&store).await;
    store
        .invalidate(case(URL, b"", 0).target(&store))
        .await
        .unwrap();
    assert_eq!(
        number(&store, "SELECT count(*) FROM body_contents").await,
        0
    );
}

#[tokio::test]
async fn a_version_that_is_current_again_is_whole_again() {
    let store = in_memory().await;
    store_editions(&store, URL, 5).await;
    let again = edition(2);
    let case = case(URL, &again, 9_000);
    case.store(&store).await;
    assert_eq!(case.bodies(&store).await, [&again[..]]);
    let newest = store.variants(case.target(&store)).await.unwrap();
    assert_eq!(
        newest[0].body.as_deref(),
        Some(&again[..]),
        "not read with its head"
    );
    let versions = history(&store, URL).await;
    assert_eq!(versions.len(), 7);
    for (version, number) in versions[1..].iter().rev().zip(0..) {
        assert_eq!(
            body(&store, version.content).await.unwrap(),
            edition(number)
        );
    }
    assert_sound(&store).await;
}

#[tokio::test]
async fn what_another_url_needs_stays_whole() {
    const OTHER: &str = "http://comics.example/copy";
    let store = in_memory().await;
    store_editions(&store, URL, 3).await;
    // The copy of an older version,
    case(OTHER, &edition(1), 500).store(&store).await;
    // and one that is replaced while the copy has it.
    case(OTHER, &edition(3), 4_000).store(&store).await;
    case(URL, &edition(4), 5_000).store(&store).await;
    assert_editions(&store, URL, 4, 4).await;
    store
        .invalidate(case(URL, b"", 0).target(&store))
        .await
        .unwrap();
    let versions = history(&store, OTHER).await;
    assert_eq!(body(&store, versions[0].content).await.unwrap(), edition(3));
    assert_eq!(body(&store, versions[1].content).await.unwrap(), edition(1));
    assert_sound(&store).await;
}

#[tokio::test]
async fn without_older_versions_nothing_is_a_difference() {
    const OTHER: &str = "http://comics.example/copy";
    let options = SqliteStoreOptions::default().with_max_versions(0);
    let (store, _) = with_clock(options).await;
    store_editions(&store, URL, 1).await;
    let copy = edition(1);
    let other = case(OTHER, &copy, 1_500);
    other.store(&store).await;
    for number in 2..4 {
        let at = 1_000 * i64::try_from(number).unwrap();
        case(URL, &edition(number), at).store(&store).await;
        assert_eq!(number_of_deltas(&store).await, 0);
        assert_eq!(other.bodies(&store).await, [&copy[..]]);
        assert_sound(&store).await;
    }
}

async fn number_of_deltas(store: &SqliteStore) -> i64 {
    number(store, DELTAS).await
}

#[tokio::test]
async fn a_difference_to_another_base_is_no_body() {
    let store = in_memory().await;
    store_editions(&store, URL, 3).await;
    let newest =
        "UPDATE body_contents SET base_content_id = (SELECT max(content_id) FROM body_contents)
        WHERE content_id = (SELECT min(content_id) FROM body_contents)";
    execute(&store, newest).await;
    let versions = history(&store, URL).await;
    assert_eq!(body(&store, versions[2].content).await.unwrap(), edition(1));
    assert_eq!(body(&store, versions[3].content).await, None);
}

#[tokio::test]
async fn a_damaged_difference_is_no_other_body() {
    let store = in_memory().await;
    store_editions(&store, URL, 3).await;
    execute(
        &store,
        "UPDATE body_contents SET body_content =
             CAST(substr(body_content, 1, 15) || x'55' || substr(body_content, 17) AS BLOB)
         WHERE base_content_id IS NOT NULL AND content_id = (SELECT min(content_id) FROM body_contents) + 1",
    )
    .await;
    assert_eq!(store.verify().await.unwrap().damaged_bodies.len(), 2);
    let versions = history(&store, URL).await;
    assert_eq!(body(&store, versions[0].content).await.unwrap(), edition(3));
    assert_eq!(body(&store, versions[1].content).await.unwrap(), edition(2));
    assert_eq!(body(&store, versions[2].content).await, None);
}

#[tokio::test]
async fn compressing_again_leaves_differences_as_they_are() {
    let store = in_memory().await;
    store_editions(&store, URL, 6).await;
    let report = store.recompress(std::time::Duration::MAX).await.unwrap();
    assert_eq!(report.bodies, 1);
    assert_eq!(number(&store, DELTAS).await, 6);
    assert_editions(&store, URL, 6, 6).await;
    assert_sound(&store).await;
}

#[tokio::test]
async fn the_version_of_a_time_is_found() {
    let store = in_memory().await;
    store_editions(&store, URL, 4).await;
    let target = case(URL, b"", 0).target(&store);
    for (at, expected) in [
        (-1, None),
        (0, Some(0)),
        (999, Some(0)),
        (1_000, Some(1)),
        (3_500, Some(3)),
        (86_400_000, Some(4)),
    ] {
        let version = store.version_at(target, Timestamp::from_millis(at)).await;
        let read = match version.unwrap() {
            Some(version) => body(&store, version.content).await,
            None => None,
        };
        assert_eq!(read, expected.map(edition), "at {at}");
    }
}

#[tokio::test]
async fn the_schema_before_has_no_version_that_it_cannot_read() {
    let store = in_memory().await;
    store_editions(&store, URL, 5).await;
    let database = store.database().unwrap();
    database.migrate_to(&HTTP_CACHE, 3).await.unwrap();
    database.migrate(&HTTP_CACHE).await.unwrap();
    assert_editions(&store, URL, 5, 0).await;
    assert_eq!(
        number(&store, "SELECT count(*) FROM body_contents").await,
        1
    );
    assert_sound(&store).await;
}
