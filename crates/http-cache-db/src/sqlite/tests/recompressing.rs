//! Bodies that are compressed again.

use std::time::Duration;

use super::dictionaries::{store_issues, trained};
use super::*;
use crate::sqlite::recompress;

const BYTES: &str = "SELECT sum(compressed_size) FROM body_contents";

#[tokio::test]
async fn bodies_get_shorter_and_stay_what_they_are() {
    let store = in_memory().await;
    let cases = store_issues(&store, "comics.example", 0..60).await;
    let before = number(&store, BYTES).await;
    let report = store.recompress(Duration::MAX).await.unwrap();
    let after = number(&store, BYTES).await;
    assert!(report.is_complete && report.bodies == 60, "{report:?}");
    assert_eq!(report.bytes_before.cast_signed(), before);
    assert_eq!(report.bytes_after.cast_signed(), after);
    assert!(after * 3 < before, "{after} of {before}");
    for case in &cases {
        assert_eq!(case.bodies(&store).await, [case.body]);
    }
    assert_sound(&store).await;
    let again = store.recompress(Duration::MAX).await.unwrap();
    assert_eq!((again.bodies, again.is_complete), (0, true));
    let log = "SELECT count(*) FROM maintenance_log WHERE operation = 'recompress'";
    assert_eq!(number(&store, log).await, 2);
}

#[tokio::test]
async fn a_run_goes_on_where_the_last_one_stopped_and_spares_what_is_new() {
    let (store, clock) = with_clock(SqliteStoreOptions::default()).await;
    store_issues(&store, "comics.example", 0..60).await;
    assert_eq!(trained(&store).await, 1);
    clock.advance(60);
    store_issues(&store, "comics.example", 60..80).await;
    let opened = store.shared.current();
    let run = async |budget| {
        let before = Timestamp::from_millis(30_000);
        let run = recompress::run(&store.shared, &opened, before, budget);
        run.await.unwrap()
    };
    assert_eq!(run(Duration::ZERO).await.bodies, 0);
    let report = run(Duration::MAX).await;
    assert_eq!((report.bodies, report.is_complete), (60, true));
    let hand = "SELECT value FROM state WHERE name = 'recompression_hand'";
    let last_old = "SELECT content_id FROM body_contents ORDER BY content_id LIMIT 1 OFFSET 59";
    assert_eq!(number(&store, hand).await, number(&store, last_old).await);
    assert_sound(&store).await;
}

#[tokio::test]
async fn what_another_codec_writes_stays_as_it_is() {
    let codecs = crate::codec::Codecs::default();
    for name in ["none", "brotli-5"] {
        let codecs = codecs.clone().writing_with(name).unwrap();
        let options = SqliteStoreOptions::default().with_codecs(codecs);
        let (store, _) = with_clock(options).await;
        store_issues(&store, "comics.example", 0..60).await;
        let report = store.recompress(Duration::MAX).await.unwrap();
        assert_eq!((report.dictionaries, report.bodies), (0, 0), "{name}");
    }
}

#[tokio::test]
async fn a_clock_that_was_set_back_stops_nothing() {
    let (store, clock) = with_clock(SqliteStoreOptions::default()).await;
    clock.advance(1_000_000);
    store_issues(&store, "comics.example", 0..5).await;
    clock.advance(-900_000);
    store_issues(&store, "comics.example", 5..10).await;
    clock.advance(60);
    assert!(store.recompress(Duration::MAX).await.unwrap().is_complete);
    let is_at_the_end = "SELECT value = (SELECT max(content_id) FROM body_contents) FROM state
        WHERE name = 'recompression_hand'";
    assert_eq!(number(&store, is_at_the_end).await, 1);
}

#[tokio::test]
async fn of_two_processes_one_replaces_a_body() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let open = async || {
        let options = SqliteStoreOptions::default();
        SqliteStore::open(&path, options).await.unwrap()
    };
    let (one, other) = (open().await, open().await);
    let cases = store_issues(&one, "comics.example", 0..100).await;
    let (first, second) = tokio::join!(
        one.recompress(Duration::MAX),
        other.recompress(Duration::MAX)
    );
    assert_eq!(first.unwrap().bodies + second.unwrap().bodies, 100);
    for case in &cases {
        assert_eq!(case.bodies(&other).await, [case.body]);
    }
    assert_sound(&one).await;
    one.close().await.unwrap();
    other.close().await.unwrap();
}
