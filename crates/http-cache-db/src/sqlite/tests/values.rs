//! Values by key beside the responses of the same file.

use store_core::{CacheOptions, CacheStore, CacheStoreExt, HOUR, Key, NewEntry, SetOutcome, Tag};

use super::*;
use crate::codec::sample_issue;
use crate::sqlite::train::train;

const HIT: &str = "SELECT is_visited FROM cache_statistics";

async fn store_with(options: SqliteStoreOptions) -> (SqliteStore, ValueCache) {
    let now = store_core::SystemClock::new().now().as_millis();
    let clock: Arc<dyn Clock> = Arc::new(StoppedClock(now.into()));
    let options = options.with_clock(Arc::clone(&clock));
    let store = SqliteStore::in_memory(options).await.unwrap();
    let mut values = CacheOptions::default();
    values.clock = clock;
    let values = store.values(values);
    (store, values)
}

fn key(name: &str) -> Key {
    Key::new(name).unwrap()
}

async fn set(values: &ValueCache, name: &str, value: impl Into<Vec<u8>>) {
    let entry = NewEntry::unconditional(key(name), value.into()).with_ttl(HOUR);
    let entry = entry.with_tags([Tag::new("comic:1").unwrap()]);
    assert_eq!(values.set(entry).await.unwrap(), SetOutcome::Stored);
}

async fn found(values: &ValueCache, name: &str) -> Option<Vec<u8>> {
    let value = values.value(&key(name)).await.unwrap();
    value.map(|value| value.to_vec())
}

#[tokio::test]
async fn values_and_responses_share_a_file_and_leave_each_other_alone() {
    let (store, values) = store_with(SqliteStoreOptions::default()).await;
    let case = Case::default();
    case.store(&store).await;
    set(&values, "comics:1", "one").await;
    set(&values, "comics:2", case.body).await;
    // Equal bodies are kept once.
    let bodies = "SELECT count(*) FROM body_contents";
    assert_eq!(number(&store, bodies).await, 2);
    assert_sound(&store).await;

    values.clear(&store_core::Selection::All).await.unwrap();
    assert_eq!(found(&values, "comics:2").await, None);
    assert_eq!(case.bodies(&store).await, [case.body]);
    store.cleanup().await.unwrap();
    assert_eq!(number(&store, "SELECT count(*) FROM responses").await, 1);
    assert_sound(&store).await;

    set(&values, "comics:1", "one").await;
    store.clear().await.unwrap();
    assert_eq!(found(&values, "comics:1").await, None);
    assert_eq!(
        number(&store, "SELECT count(*) FROM cached_values").await,
        0
    );
    assert_eq!(number(&store, "SELECT count(*) FROM value_tags").await, 0);
    set(&values, "comics:1", "two").await;
    assert_eq!(found(&values, "comics:1").await.unwrap(), b"two");
    assert_sound(&store).await;
}

#[tokio::test]
async fn values_of_a_scope_are_compressed_with_its_dictionary() {
    let (store, values) = store_with(SqliteStoreOptions::default()).await;
    let record = |number| [&[1, 252, 0, 0, 7, 0][..], &sample_issue(number)].concat();
    for number in 0..60 {
        set(&values, &format!("comics:{number}"), record(number)).await;
    }
    train(&store.shared, &store.shared.current()).await.unwrap();
    set(&values, "comics:60", record(60)).await;
    let with_dictionary = "SELECT count(*) FROM body_contents JOIN compression_processes USING (compression_process_id)
         JOIN compression_dictionaries d USING (dictionary_id) WHERE d.domain = 'comics'";
    assert_eq!(number(&store, with_dictionary).await, 1);
    for number in 0..=60 {
        let value = found(&values, &format!("comics:{number}")).await;
        assert_eq!(value.unwrap(), record(number));
    }
    assert_sound(&store).await;
}

#[tokio::test]
async fn long_values_and_images_come_back_as_they_were() {
    let (store, values) = store_with(SqliteStoreOptions::default()).await;
    let noise: Vec<u8> = (0..3_000_000_u32)
        .map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0])
        .collect();
    let text = "Cry for the Moon. ".repeat(100_000).into_bytes();
    for (name, value) in [("comics:image", &noise), ("comics:text", &text)] {
        set(&values, name, value.clone()).await;
        assert_eq!(found(&values, name).await.as_ref(), Some(value));
    }
    assert_sound(&store).await;
}

#[tokio::test]
async fn a_damaged_value_is_a_miss_and_is_filled_anew() {
    let (store, values) = store_with(SqliteStoreOptions::default()).await;
    set(&values, "comics:1", "one").await;
    execute(&store, "UPDATE body_contents SET body_content = x'00'").await;
    assert_eq!(found(&values, "comics:1").await, None);
    set(&values, "comics:1", "one").await;
    assert_eq!(found(&values, "comics:1").await.unwrap(), b"one");
    assert_sound(&store).await;
}

#[tokio::test]
async fn what_is_used_is_evicted_last() {
    let (store, values) = store_with(SqliteStoreOptions::default()).await;
    for name in ["comics:1", "comics:2"] {
        set(&values, name, name).await;
    }
    found(&values, "comics:1").await;
    values.close().await.unwrap();
    assert_eq!(number(&store, HIT).await, 1);
    store.evict(1).await.unwrap();
    let left = "SELECT count(*) FROM cached_values WHERE key = 'comics:1'";
    assert_eq!(number(&store, left).await, 1);
    assert_eq!(
        number(&store, "SELECT count(*) FROM cached_values").await,
        1
    );
    assert_sound(&store).await;
}

#[tokio::test]
async fn values_stay_within_the_bytes_of_the_store() {
    let options = SqliteStoreOptions::default().with_max_bytes(1 << 20);
    let (store, values) = store_with(options).await;
    for number in 0_u32..200 {
        let noise: Vec<u8> = (0..20_000_u32)
            .map(|n| (n ^ number << 20).wrapping_mul(2_654_435_761).to_be_bytes()[0])
            .collect();
        set(&values, &format!("comics:{number}"), noise).await;
    }
    assert!(found(&values, "comics:199").await.is_some());
    assert_eq!(found(&values, "comics:0").await, None);
    let used = store.health().await.unwrap().used_bytes;
    assert!(used <= (1 << 20) + (1 << 18), "{used}");
    assert_sound(&store).await;
}

#[tokio::test]
async fn a_token_of_a_file_that_was_replaced_fills_nothing() {
    let (_, old) = store_with(SqliteStoreOptions::default()).await;
    let token = old.fill_token().await.unwrap();
    let (store, new) = store_with(SqliteStoreOptions::default()).await;
    // A file counts on from the moment when it was made, which may be the same millisecond here.
    execute(
        &store,
        "UPDATE state SET value = value + 1 WHERE name IN ('invalidations', 'forgotten')",
    )
    .await;
    let entry = NewEntry::fill(key("comics:1"), "one", token);
    assert_eq!(new.set(entry).await.unwrap(), SetOutcome::Outdated);
}
