//! Targets for which requests do not wait for each other.

use store_core::SECOND;

use super::*;
use crate::keys::TargetKey;

fn target(store: &SqliteStore, number: u32) -> TargetKey {
    let url = format!("http://example.org/{number}");
    store.salt().target_key(&url.parse().unwrap())
}

#[tokio::test]
async fn what_one_process_has_found_another_knows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cache.db");
    let open = || SqliteStore::open(&path, SqliteStoreOptions::default());
    let (one, other) = (open().await.unwrap(), open().await.unwrap());
    let (first, second) = (target(&one, 1), target(&one, 2));
    let until = Timestamp::from_millis(i64::MAX / 2);
    one.set_hit_for_miss(first, Some(until)).await.unwrap();
    assert_eq!(other.hit_for_miss(first).await.unwrap(), Some(until));
    assert_eq!(other.hit_for_miss(second).await.unwrap(), None);
    other.set_hit_for_miss(first, None).await.unwrap();
    assert_eq!(one.hit_for_miss(first).await.unwrap(), None);
}

#[tokio::test]
async fn what_has_expired_is_forgotten_by_and_by() {
    let (store, clock) = with_clock(SqliteStoreOptions::default()).await;
    let number_of_rows = || number(&store, "SELECT count(*) FROM hit_for_miss");
    let in_a_minute = || Some(clock.now() + SECOND * 60);
    // One of them twice, which takes no more room.
    for number in (0..20).chain([3]) {
        let set = store.set_hit_for_miss(target(&store, number), in_a_minute());
        set.await.unwrap();
    }
    assert_eq!(number_of_rows().await, 20);
    clock.advance(60);
    let set = store.set_hit_for_miss(target(&store, 20), in_a_minute());
    set.await.unwrap();
    assert_eq!(number_of_rows().await, 5);
}

#[tokio::test]
async fn no_more_than_a_number_of_targets_are_remembered() {
    let store = in_memory().await;
    let fill = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
        INSERT INTO hit_for_miss SELECT i, randomblob(16), 9e15 FROM n";
    execute(&store, fill).await;
    let until = Timestamp::from_millis(i64::MAX / 2);
    let set = store.set_hit_for_miss(target(&store, 1), Some(until));
    set.await.unwrap();
    let rows = "SELECT count(*) FROM hit_for_miss";
    assert_eq!(number(&store, rows).await, 10_000);
    assert_eq!(
        store.hit_for_miss(target(&store, 1)).await.unwrap(),
        Some(until)
    );
}
