//! What requests the cache makes, and what they cost.

use aws_sdk_dynamodb::types::AttributeValue;
use sha2::{Digest, Sha256};
use store_core::backend::SeededRandom;
use store_core::{
    CacheStore, HOUR, ManualClock, PageRequest, Random as _, SECOND, Scope, Selection, SetOutcome,
    Ttl,
};
use store_dynamodb::{ConsumedCapacity, DynamoDbTable};

use super::watch::Watch;
use super::{cache, cache_at, entry, key, tag, token, value};
use crate::support;

const TWO_KB: usize = 2_000;

/// What the work consumed: requests, read units, write units.
#[expect(
    clippy::print_stdout,
    reason = "the figures are what these tests are for"
)]
pub(super) async fn cost(table: &DynamoDbTable, work: impl Future) -> (u64, f64, f64) {
    let before = table.consumed_capacity();
    work.await;
    let after: ConsumedCapacity = table.consumed_capacity();
    let cost = (
        after.requests - before.requests,
        after.read_units - before.read_units,
        after.write_units - before.write_units,
    );
    println!(
        "{} requests, {} read units, {} write units",
        cost.0, cost.1, cost.2
    );
    cost
}

// covers("B6")
#[tokio::test]
async fn lookup_takes_one_request() {
    let table = support::table().await;
    let cache = cache(&table);
    let miss = cost(&table, cache.get(&key("comics:1"))).await;
    assert_eq!((miss.0, miss.2), (1, 0.0));

    let stored = cache.set(entry("comics:1", vec![7; TWO_KB], &["issue:1", "volume:1"]));
    stored.await.expect("it is stored");
    cache.delete(&key("others:1")).await.expect("it is deleted");
    let hit = cost(&table, async {
        assert!(value(&cache, "comics:1").await.is_some());
    });
    let hit = hit.await;
    assert_eq!((hit.0, hit.2), (1, 0.0));
    assert!(hit.1 <= 2.0, "{hit:?}");
}

// covers("B6", "F47")
#[tokio::test]
async fn set_takes_one_round_trip_and_no_more_units_than_its_length() {
    let table = support::table().await;
    let watch = Watch::default();
    let watched = watch.table(&table);
    let cache = cache(&watched);
    // The second time in place of a value that is still good.
    for _ in 0..2 {
        let token = token(&cache).await;
        watch.take();
        let stored = cost(&watched, async {
            let entry = entry("comics:1", vec![7; TWO_KB], &["issue:1", "volume:1"]);
            let outcome = cache.set(entry.with_token(token)).await;
            assert_eq!(outcome.expect("an outcome"), SetOutcome::Stored);
        });
        let stored = stored.await;
        assert_eq!(stored.0, 2);
        assert!((2.0..=3.0).contains(&stored.2), "{stored:?}");
        let events = watch.take();
        let both = events[..2].iter().all(|event| event.starts_with('>'));
        assert!(both && events.len() == 4, "{events:?}");
    }
}

/// Bytes that nothing compresses.
fn noise(bytes: usize) -> Vec<u8> {
    let random = SeededRandom::new(7);
    let words = std::iter::repeat_with(|| random.next_u64().to_le_bytes());
    words.flatten().take(bytes).collect()
}

// covers("B6")
#[tokio::test]
async fn removals_cost_one_unit_for_each_copy_of_the_epoch() {
    let table = support::table().await;
    let cache = cache(&table);
    // With every slot in use, and numbers as long as after ten million invalidations.
    let tags: Vec<_> = (0..2_000).map(|n| tag(&n.to_string())).collect();
    cache.invalidate_tags(&tags).await.expect("it is done");
    let update = table.client().update_item().table_name(table.name());
    let update = update
        .key("PK", AttributeValue::S("EPOCH#0".to_owned()))
        .key("SK", AttributeValue::S("EPOCH".to_owned()))
        .update_expression("SET e = :e")
        .expression_attribute_values(":e", AttributeValue::N("10000000".to_owned()));
    update.send().await.expect("it is aged");
    cache.invalidate_tags(&tags).await.expect("it is done");

    let invalidated = cost(&table, async {
        cache.invalidate_tags(&tags[..1]).await.expect("it is done");
    });
    let invalidated = invalidated.await;
    assert_eq!((invalidated.0, invalidated.2), (10, 9.0));
    assert!(invalidated.1 <= 1.0, "{invalidated:?}");
    let deleted = cost(&table, async {
        cache.delete(&key("comics:1")).await.expect("it is deleted");
    });
    assert_eq!(deleted.await, (9, 0.0, 9.0));
}

#[tokio::test]
async fn long_values_leave_short_heads() {
    const LONG: usize = 100_000;
    let table = support::table().await;
    let cache = cache(&table);
    let names: Vec<String> = (0..16).map(|n| format!("comics:{n}")).collect();
    let set = async |name: &str, ttl: Ttl| {
        let stored = cost(&table, async {
            let entry = entry(name, noise(LONG), &["issue:1"]).with_ttl(ttl);
            cache.set(entry).await.expect("it is stored");
        });
        stored.await
    };
    for name in &names {
        let stored = set(name, Ttl::After(HOUR)).await;
        // A kilobyte more than the value takes.
        assert!((98.0..=100.0).contains(&stored.2), "{stored:?}");
    }
    // Twice as much where the chunks have to lose their time to live.
    let stored = set("comics:eternal", Ttl::Never).await;
    assert!((196.0..=200.0).contains(&stored.2), "{stored:?}");

    let found = cost(&table, async {
        assert!(value(&cache, "comics:1").await.is_some());
    });
    assert_eq!(found.await.0, 2);
    let listed = cost(&table, async {
        let page = cache.list(&PageRequest::default()).await;
        assert_eq!(page.expect("a page").items.len(), 17);
    });
    assert!(listed.await.1 <= 17.0);
}

#[tokio::test]
async fn text_of_several_kilobytes_takes_few_units_and_one_lookup() {
    let table = support::table().await;
    let cache = cache(&table);
    let text = "{\"id\":4000,\"name\":\"Cry for the Moon\"},".repeat(800);
    let token = token(&cache).await;
    let stored = cost(&table, async {
        let entry = entry("comics:1", text.clone(), &["issue:1"]);
        cache
            .set(entry.with_token(token))
            .await
            .expect("an outcome");
    });
    let stored = stored.await;
    assert!(stored.0 == 2 && stored.2 <= 2.0, "{stored:?}");
    let found = cost(&table, async {
        assert_eq!(value(&cache, "comics:1").await, Some(text.into()));
    });
    assert_eq!(found.await.0, 1);
}

#[tokio::test]
async fn change_of_tags_is_one_transaction() {
    let table = support::table().await;
    let cache = cache(&table);
    let swap = async |tags: &[&str]| {
        let token = token(&cache).await;
        let stored = cost(&table, async {
            let entry = entry("comics:1", vec![7; TWO_KB], tags).with_token(token);
            let outcome = cache.set(entry).await.expect("an outcome");
            assert_eq!(outcome, SetOutcome::Stored);
        });
        stored.await
    };
    swap(&["issue:1"]).await;
    let swapped = swap(&["issue:2"]).await;
    assert_eq!(swapped.0, 3);
    assert!(swapped.2 <= 8.0, "{swapped:?}");
}

/// Another tag in the same of the epoch's 128 slots.
fn neighbour(name: &str) -> String {
    let slot = |name: &str| Sha256::digest(format!("TAG#{name}"))[0] >> 1;
    let mut others = (0..).map(|n| format!("other:{n}"));
    let other = others.find(|other| slot(other) == slot(name));
    other.expect("one in 128")
}

#[tokio::test]
async fn tag_that_shares_a_slot_hides_nothing_and_is_asked_about_once() {
    let table = support::table().await;
    let cache = cache(&table);
    cache
        .set(entry("comics:1", "a", &["issue:1"]))
        .await
        .expect("it is stored");
    let neighbours = [tag(&neighbour("issue:1"))];
    for round in 0..2 {
        cache
            .invalidate_tags(&neighbours)
            .await
            .expect("it is invalidated");
        let requests = async || {
            let found = cost(&table, async {
                assert!(value(&cache, "comics:1").await.is_some(), "round {round}");
            });
            found.await.0
        };
        assert_eq!((requests().await, requests().await), (2, 1));
    }
    cache
        .invalidate_tags(&[tag("issue:1")])
        .await
        .expect("it is invalidated");
    assert_eq!(value(&cache, "comics:1").await, None);
}

// covers("F45", "F52")
#[tokio::test]
async fn reading_what_has_expired_writes_nothing() {
    let table = support::table().await;
    let (watch, clock) = (Watch::default(), ManualClock::default());
    let cache = cache_at(&watch.table(&table), &clock);
    let expiring = entry("comics:1", "a", &["t"]).with_ttl(Ttl::After(SECOND));
    cache.set(expiring).await.expect("it is stored");
    clock.advance(SECOND);
    watch.take();
    assert_eq!(value(&cache, "comics:1").await, None);
    assert_eq!(watch.sent(), ["BatchGetItem"]);
}

// covers("F45")
#[tokio::test]
async fn nothing_scans() {
    let table = support::table().await;
    let (watch, clock) = (Watch::default(), ManualClock::default());
    let cache = cache_at(&watch.table(&table), &clock);
    let work = async {
        let token = cache.fill_token().await?;
        cache
            .set(entry("comics:1", "a", &["t"]).with_token(token))
            .await?;
        cache
            .set(entry("comics:1", "b", &["u"]).with_token(token))
            .await?;
        cache
            .set_many(vec![entry("comics:2", vec![7; 1_000_000], &["t"])])
            .await?;
        cache.get_many(&[key("comics:1"), key("comics:2")]).await?;
        cache.list(&PageRequest::default()).await?;
        cache.stats().await?;
        cache.delete(&key("comics:1")).await?;
        cache.invalidate_tags(&[tag("t")]).await?;
        cache
            .clear(&Selection::Scope(Scope::new("comics")?))
            .await?;
        cache.clear(&Selection::All).await?;
        cache.cleanup().await
    };
    work.await.expect("everything works");
    let mut sent = watch.sent();
    sent.sort();
    sent.dedup();
    println!("{sent:?}");
    assert!(!sent.is_empty() && !sent.iter().any(|name| name == "Scan"));
}

// covers("F46", "F53")
#[tokio::test]
async fn any_number_of_tags_and_keys_goes() {
    let table = support::table().await;
    let cache = cache(&table);
    let names: Vec<String> = (0..300).map(|n| format!("comics:{n}")).collect();
    let entries = names.iter().map(|name| entry(name, "a", &[name]));
    let stored = cache.set_many(entries.collect()).await;
    assert_eq!(stored.expect("they are stored").len(), names.len());
    let keys: Vec<_> = names.iter().map(|name| key(name)).collect();
    let hits = async || {
        let found = cache.get_many(&keys).await.expect("answers");
        found
            .into_iter()
            .filter_map(store_core::Lookup::hit)
            .count()
    };
    assert_eq!(hits().await, 300);
    let tags: Vec<_> = names.iter().skip(1).map(|name| tag(name)).collect();
    cache
        .invalidate_tags(&tags)
        .await
        .expect("they are invalidated");
    assert_eq!(hits().await, 1);
}
