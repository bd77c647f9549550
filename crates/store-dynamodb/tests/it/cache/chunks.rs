//! Long values: how they are kept, and what becomes of those that are torn.

use std::fmt::Write as _;

use bytes::Bytes;
use store_core::backend::SeededRandom;
use store_core::{CacheStore, HOUR, ManualClock, Random, SECOND, Selection, Ttl};
use store_dynamodb::{CacheOptions, DynamoDbCacheStore, DynamoDbTable, Tuning};

use super::watch::Watch;
use super::{cache, cache_at, entry, items, key, number, token, value};
use crate::support;

/// As long as the longest pages of lists.
const LONGEST_PAGE: usize = 2_750_000;

/// Bytes that nothing compresses.
fn noise(bytes: usize) -> Bytes {
    let random = SeededRandom::new(7);
    let words = std::iter::repeat_with(|| random.next_u64().to_le_bytes());
    let noise: Vec<u8> = words.flatten().take(bytes).collect();
    noise.into()
}

/// Text like a page of a list.
fn page(bytes: usize) -> Bytes {
    let random = SeededRandom::new(7);
    let mut page = String::from("{\"results\":[");
    while page.len() < bytes {
        let (id, word) = (random.next_u64() % 1_000_000, random.next_u64());
        write!(
            page,
            "{{\"id\":{id},\"name\":\"issue {word:x}\",\"api_detail_url\":\
             \"https://comicvine.example/api/issue/4000-{id}/\",\"image\":null}},"
        )
        .expect("text grows");
    }
    page.truncate(bytes);
    page.into()
}

fn short_chunks(table: &DynamoDbTable, clock: &ManualClock) -> DynamoDbCacheStore {
    let options = CacheOptions::default().with_clock(clock.clone());
    DynamoDbCacheStore::with_tuning(table, options, Tuning::default().with_chunk_bytes(1_000))
}

// covers("T21")
#[tokio::test]
async fn the_longest_pages_come_back() {
    let table = support::table().await;
    let cache = cache(&table);
    for (name, bytes) in [
        ("text", page(LONGEST_PAGE)),
        ("noise", noise(LONGEST_PAGE)),
        ("short", page(400_000)),
    ] {
        let before = table.consumed_capacity();
        let token = token(&cache).await;
        let stored = cache.set(entry(name, bytes.clone(), &["t"]).with_token(token));
        stored.await.expect("it is stored");
        assert!(value(&cache, name).await.as_ref() == Some(&bytes), "{name}");
        let after = table.consumed_capacity();
        println!(
            "{name}: {} bytes, {} write units, {} read units",
            bytes.len(),
            after.write_units - before.write_units,
            after.read_units - before.read_units
        );
    }
    let keys = ["noise", "none", "text"].map(key);
    let found = cache.get_many(&keys).await.expect("answers").into_iter();
    let lengths: Vec<_> = found
        .map(|found| found.hit().map(|entry| entry.value.len()))
        .collect();
    assert_eq!(lengths, [Some(LONGEST_PAGE), None, Some(LONGEST_PAGE)]);
    let page = cache.list(&store_core::PageRequest::default()).await;
    let sizes: Vec<u64> = page
        .expect("a page")
        .items
        .iter()
        .map(|item| item.size_bytes)
        .collect();
    assert_eq!(sizes, [2_750_000, 400_000, 2_750_000]);
}

// covers("F47")
#[tokio::test]
async fn write_that_ends_before_its_head_is_not_visible() {
    let table = support::table().await;
    let reader = cache(&table);
    reader
        .set(entry("comics:1", "old", &["t"]))
        .await
        .expect("it is stored");
    let watch = Watch::default();
    let writer = cache(&watch.table(&table));
    watch.die_at("PutItem", "VALUE#");
    for name in ["comics:1", "comics:2"] {
        let torn = writer.set(entry(name, noise(1_000_000), &["t"])).await;
        torn.expect_err("the process is gone");
    }
    // DynamoDB removes them, though their values would never have expired.
    let chunks = items(&table, "CHUNK#").await;
    assert!(!chunks.is_empty() && chunks.iter().all(|chunk| chunk.contains_key("TTL")));
    assert_eq!(value(&reader, "comics:1").await, Some(Bytes::from("old")));
    assert_eq!(value(&reader, "comics:2").await, None);
}

#[tokio::test]
async fn caller_that_goes_away_leaves_nothing_torn() {
    let table = support::table().await;
    let (reader, writer) = (cache(&table), cache(&table));
    for round in 0_u32..30 {
        let value_of_round = noise(700_000);
        let set = writer.set(entry("comics:1", value_of_round.clone(), &[]));
        let patience = tokio::time::Duration::from_millis(u64::from(round) * 4);
        // Whether it was in time does not matter: what is there is whole.
        tokio::time::timeout(patience, set).await.ok();
        if let Some(found) = value(&reader, "comics:1").await {
            assert!(found == value_of_round, "round {round}");
        }
    }
}

// covers("F47")
#[tokio::test]
async fn value_with_a_missing_or_damaged_chunk_is_missing() {
    let table = support::table().await;
    let cache = short_chunks(&table, &ManualClock::default());
    for damage in [None, Some(b"damaged".to_vec())] {
        let stored = cache.set(entry("comics:1", noise(10_000), &[]));
        stored.await.expect("it is stored");
        assert!(value(&cache, "comics:1").await.is_some());
        let mut chunk = items(&table, "CHUNK#").await.swap_remove(3);
        let client = table.client();
        if let Some(bytes) = damage {
            let bytes = aws_sdk_dynamodb::primitives::Blob::new(bytes);
            chunk.insert(
                "v".to_owned(),
                aws_sdk_dynamodb::types::AttributeValue::B(bytes),
            );
            let put = client.put_item().table_name(table.name());
            put.set_item(Some(chunk)).send().await.expect("a damage");
        } else {
            chunk.retain(|name, _| name == "PK" || name == "SK");
            let delete = client.delete_item().table_name(table.name());
            delete.set_key(Some(chunk)).send().await.expect("a loss");
        }
        assert_eq!(value(&cache, "comics:1").await, None);
    }
}

// covers("F50")
#[tokio::test]
async fn chunks_go_with_their_value() {
    let table = support::table().await;
    let clock = ManualClock::default();
    let cache = short_chunks(&table, &clock);
    let chunks = async || items(&table, "CHUNK#").await.len();
    let fill = async |bytes| {
        let long = entry("comics:1", noise(bytes), &["t"]).with_ttl(Ttl::After(HOUR));
        cache.set(long).await.expect("it is stored");
        chunks().await
    };
    assert_eq!(fill(5_000).await, 5);
    assert_eq!(fill(3_000).await, 3);
    assert_eq!(fill(500).await, 0);

    assert_eq!(fill(3_000).await, 3);
    cache.delete(&key("comics:1")).await.expect("it is deleted");
    assert_eq!(chunks().await, 0);

    assert_eq!(fill(3_000).await, 3);
    cache.clear(&Selection::All).await.expect("it is cleared");
    assert_eq!(chunks().await, 0);

    assert_eq!(fill(3_000).await, 3);
    clock.advance(HOUR);
    assert_eq!(cache.cleanup().await.expect("a count"), 1);
    assert_eq!(chunks().await, 0);
}

// covers("F59")
#[tokio::test]
async fn dynamodb_removes_nothing_too_early() {
    let table = support::table().await;
    let clock = ManualClock::default();
    let cache = short_chunks(&table, &clock);
    let now = store_core::Clock::now(&clock).as_millis();
    let lifetime = SECOND * 90;
    let long = entry("comics:1", noise(3_000), &[]).with_ttl(Ttl::After(lifetime));
    cache.set(long).await.expect("it is stored");
    cache
        .set(entry("comics:2", noise(3_000), &[]))
        .await
        .expect("it is stored");
    let heads = items(&table, "VALUE#").await;
    let head = |name: &str| {
        let is_it = |head: &&_| super::text(head, "SK") == name;
        heads.iter().find(is_it).expect("a head")
    };
    // In milliseconds for readers; for DynamoDB later than any fill that it may have to refuse.
    assert_eq!(number(head("comics:1"), "exp"), now + 90_000);
    let ttl = number(head("comics:1"), "TTL");
    assert!(ttl * 1_000 >= now + 90_000 + 3_600_000, "{ttl}");
    assert!(!head("comics:2").contains_key("TTL"));
    let chunks = items(&table, "CHUNK#").await;
    let of_first = chunks.iter().filter(|chunk| chunk.contains_key("TTL"));
    let of_first: Vec<i64> = of_first.map(|chunk| number(chunk, "TTL")).collect();
    assert_eq!((of_first.len(), chunks.len()), (3, 6));
    assert!(of_first.iter().all(|chunk| *chunk > ttl));
}

#[tokio::test]
async fn value_that_grows_beyond_an_item_with_its_tags_is_cut_as_well() {
    let table = support::table().await;
    let clock = ManualClock::default();
    let options = CacheOptions::default().with_clock(clock.clone());
    let tuning = Tuning::default().with_chunk_bytes(usize::MAX);
    let wide = DynamoDbCacheStore::with_tuning(&table, options, tuning);
    let tags: Vec<String> = (0..200).map(|n| format!("{n:0>300}")).collect();
    let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
    let bytes = noise(380_000);
    wide.set(entry("comics:1", bytes.clone(), &tags))
        .await
        .expect("it is stored");
    let found = value(&cache_at(&table, &clock), "comics:1").await;
    assert!(found.as_ref() == Some(&bytes));
}
