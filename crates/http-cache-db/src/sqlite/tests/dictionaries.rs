//! Dictionaries of hosts: trained, used, replaced and removed.

use super::*;
use crate::codec::sample_issue;
use crate::sqlite::train::train;

const JSON: &[(&str, &str)] = &[
    ("content-type", "application/json"),
    ("cache-control", "max-age=60"),
];
const DICTIONARIES: &str = "SELECT count(*) FROM compression_dictionaries";
/// The bodies that are compressed with a dictionary.
const USES: &str =
    "SELECT count(*) FROM body_contents JOIN compression_processes USING (compression_process_id)
    WHERE dictionary_id IS NOT NULL";

/// Stores the issues of these numbers on a host, and yields what the last one is.
pub(super) async fn store_issues(
    store: &SqliteStore,
    host: &str,
    numbers: std::ops::Range<usize>,
) -> Vec<Case<'static>> {
    let mut cases = Vec::new();
    for number in numbers {
        let case = Case {
            url: Box::leak(format!("http://{host}/issues/{number}").into_boxed_str()),
            headers: JSON,
            body: Box::leak(sample_issue(number).into_boxed_slice()),
            ..Case::default()
        };
        case.store(store).await;
        cases.push(case);
    }
    cases
}

/// Trains what the store has not trained by itself yet. Yields how many dictionaries there are.
pub(super) async fn trained(store: &SqliteStore) -> i64 {
    let opened = store.shared.current();
    train(&store.shared, &opened).await.unwrap();
    number(store, DICTIONARIES).await
}

async fn assert_read(store: &SqliteStore, cases: &[Case<'_>]) {
    for case in cases {
        assert_eq!(case.bodies(store).await, [case.body], "{}", case.url);
    }
}

#[tokio::test]
async fn from_fifty_bodies_on_a_host_has_a_dictionary() {
    let store = in_memory().await;
    let early = store_issues(&store, "comics.example", 0..49).await;
    assert_eq!(trained(&store).await, 0);
    store_issues(&store, "other.example", 900..940).await;
    let fiftieth = store_issues(&store, "comics.example", 49..50).await;
    assert_eq!(trained(&store).await, 1);
    let domain = "SELECT domain = 'comics.example' FROM compression_dictionaries";
    assert_eq!(number(&store, domain).await, 1);
    assert_eq!(number(&store, USES).await, 0);

    let later = store_issues(&store, "comics.example", 50..60).await;
    store_issues(&store, "other.example", 940..945).await;
    assert_eq!(number(&store, USES).await, 10);
    let ratio = "SELECT min(original_size / compressed_size) FROM body_contents
        WHERE compression_process_id = (SELECT max(compression_process_id) FROM compression_processes)";
    assert!(number(&store, ratio).await >= 3);
    for cases in [&early, &fiftieth, &later] {
        assert_read(&store, cases).await;
    }
    assert_sound(&store).await;
}

#[tokio::test]
async fn a_short_body_is_compressed_once_there_is_a_dictionary() {
    let store = in_memory().await;
    store_issues(&store, "comics.example", 0..60).await;
    assert_eq!(trained(&store).await, 1);
    let short = Case {
        url: "http://comics.example/issues/short",
        headers: JSON,
        body: &sample_issue(1_234)[..70],
        ..Case::default()
    };
    short.store(&store).await;
    assert_eq!(number(&store, USES).await, 1);
    assert_read(&store, &[short]).await;
}

#[tokio::test]
async fn another_process_reads_and_uses_the_dictionary() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let open = async || {
        let options = SqliteStoreOptions::default();
        SqliteStore::open(&path, options).await.unwrap()
    };
    let store = open().await;
    store_issues(&store, "comics.example", 0..60).await;
    assert_eq!(trained(&store).await, 1);
    let with = store_issues(&store, "comics.example", 60..70).await;

    let other = open().await;
    assert_read(&other, &with).await;
    let its = store_issues(&other, "comics.example", 70..80).await;
    assert_eq!(number(&store, USES).await, 20);
    assert_read(&store, &its).await;
    store.close().await.unwrap();
    other.close().await.unwrap();
}

#[tokio::test]
async fn a_dictionary_of_two_hundred_bodies_takes_the_place_of_the_first_one() {
    let (store, clock) = with_clock(SqliteStoreOptions::default()).await;
    store_issues(&store, "comics.example", 0..100).await;
    assert_eq!(trained(&store).await, 1);
    let with_the_first = store_issues(&store, "comics.example", 100..200).await;
    assert_eq!(trained(&store).await, 2);
    let samples = "SELECT sample_count FROM compression_dictionaries WHERE is_current = 1";
    assert_eq!(number(&store, samples).await, 200);

    // The first is kept for as long as any body needs it.
    clock.advance(2 * 60 * 60);
    store.cleanup().await.unwrap();
    assert_eq!(number(&store, DICTIONARIES).await, 2);
    assert_read(&store, &with_the_first).await;
    let report = store.recompress(std::time::Duration::MAX).await.unwrap();
    assert!(report.is_complete && report.bodies > 100, "{report:?}");
    store.cleanup().await.unwrap();
    assert_eq!(number(&store, DICTIONARIES).await, 1);
    let codecs = "SELECT count(*) FROM compression_processes WHERE dictionary_id IS NOT NULL";
    assert_eq!(number(&store, codecs).await, 1);
    assert_read(&store, &with_the_first).await;
    assert_sound(&store).await;
    assert_eq!(trained(&store).await, 1);
}

#[tokio::test]
async fn the_dictionary_of_a_host_with_nothing_stored_goes_after_an_hour() {
    let (store, clock) = with_clock(SqliteStoreOptions::default()).await;
    store_issues(&store, "comics.example", 0..60).await;
    assert_eq!(trained(&store).await, 1);
    for case in store_issues(&store, "comics.example", 0..61).await {
        store.invalidate(case.target(&store)).await.unwrap();
    }
    store.cleanup().await.unwrap();
    assert_eq!(number(&store, DICTIONARIES).await, 1);
    clock.advance(60 * 60);
    store.cleanup().await.unwrap();
    assert_eq!(number(&store, DICTIONARIES).await, 0);
    // A process that still knows it writes it anew with its next body.
    let case = store_issues(&store, "comics.example", 61..62).await;
    assert_eq!(number(&store, USES).await, 1);
    assert_read(&store, &case).await;
    assert_sound(&store).await;
}

#[tokio::test]
async fn clearing_leaves_no_piece_of_a_body_in_a_dictionary() {
    let store = in_memory().await;
    store_issues(&store, "comics.example", 0..60).await;
    assert_eq!(trained(&store).await, 1);
    store_issues(&store, "comics.example", 60..61).await;
    store.clear().await.unwrap();
    assert_eq!(number(&store, DICTIONARIES).await, 0);
}

#[tokio::test]
async fn a_damaged_dictionary_or_body_is_a_miss_and_never_another_body() {
    let folder = tempfile::tempdir().unwrap();
    for (name, damage) in [
        (
            "the beginning of the dictionary",
            "UPDATE compression_dictionaries SET content =
                 CAST(substr(content, 1, 30) || x'ff' || substr(content, 32) AS BLOB)",
        ),
        (
            "dictionary",
            "UPDATE compression_dictionaries SET content =
                 CAST(substr(content, 1, 400) || x'ff' || substr(content, 402) AS BLOB)",
        ),
        (
            "body",
            "UPDATE body_contents SET body_content =
                 CAST(substr(body_content, 1, 20) || x'55' || substr(body_content, 22) AS BLOB)
             WHERE compression_process_id = (SELECT max(compression_process_id) FROM compression_processes)",
        ),
    ] {
        let path = folder.path().join(name);
        let store = SqliteStore::open(&path, SqliteStoreOptions::default());
        let store = store.await.unwrap();
        store_issues(&store, "comics.example", 0..60).await;
        assert_eq!(trained(&store).await, 1);
        let cases = store_issues(&store, "comics.example", 60..65).await;
        execute(&store, damage).await;
        store.close().await.unwrap();

        let store = SqliteStore::open(&path, SqliteStoreOptions::default());
        let store = store.await.unwrap();
        assert!(!store.verify().await.unwrap().is_ok(), "{name}");
        for case in &cases {
            assert!(case.bodies(&store).await.is_empty(), "{name}");
            case.store(&store).await;
        }
        assert_read(&store, &cases).await;
        if name != "body" {
            trained(&store).await;
            let current = "SELECT count(*) FROM compression_dictionaries WHERE is_current = 1";
            assert_eq!(number(&store, current).await, 1);
            let later = store_issues(&store, "comics.example", 65..66).await;
            assert_eq!(number(&store, USES).await, 1);
            assert_read(&store, &later).await;
        }
        store.close().await.unwrap();
    }
}

#[tokio::test]
async fn bodies_that_have_nothing_in_common_get_no_dictionary() {
    let store = in_memory().await;
    for number in 0..80_u32 {
        let noise = crate::store::cases::noise(number.into(), 400);
        // Six random bits each.
        let letters = noise.iter().map(|byte| char::from(0x30 + byte % 64));
        let text: String = letters.collect();
        let case = Case {
            url: Box::leak(format!("http://noise.example/{number}").into_boxed_str()),
            headers: JSON,
            body: text.as_bytes(),
            ..Case::default()
        };
        case.store(&store).await;
    }
    assert_eq!(trained(&store).await, 0);
}

#[tokio::test]
async fn a_program_may_do_without_dictionaries() {
    let options = SqliteStoreOptions::default().with_dictionaries(false);
    let (store, _) = with_clock(options).await;
    store_issues(&store, "comics.example", 0..60).await;
    assert_eq!(trained(&store).await, 0);
    store_issues(&store, "comics.example", 60..65).await;
    let report = store.recompress(std::time::Duration::MAX).await.unwrap();
    assert!(report.bodies > 0, "{report:?}");
    assert_eq!(number(&store, USES).await, 0);
}

#[tokio::test]
async fn the_schema_before_has_no_response_that_it_cannot_read() {
    let store = in_memory().await;
    store_issues(&store, "comics.example", 0..60).await;
    assert_eq!(trained(&store).await, 1);
    store_issues(&store, "comics.example", 60..70).await;
    let database = store.database().unwrap();
    database.migrate_to(&HTTP_CACHE, 2).await.unwrap();
    assert_eq!(number(&store, "SELECT count(*) FROM variants").await, 60);
    database.migrate(&HTTP_CACHE).await.unwrap();
    store.cleanup().await.unwrap();
    assert_eq!(number(&store, "SELECT count(*) FROM responses").await, 60);
    assert_eq!(trained(&store).await, 1);
    store_issues(&store, "comics.example", 60..70).await;
    let counted = "SELECT reference_count FROM compression_dictionaries";
    assert_eq!(number(&store, counted).await, 10);
    assert_sound(&store).await;
}
