//! The copies of the epoch: which are read, what they show when an invalidation has returned, and what
//! happens while they differ.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use store_core::{CacheStore, Lookup, SetOutcome};
use store_dynamodb::{DynamoDbCacheStore, DynamoDbTable};

use super::watch::Watch;
use super::{cache, entry, items, key, tag, text, token, value};
use crate::support;

const COPIES: usize = 8;

/// What each copy shows, by its partition.
async fn copies(table: &DynamoDbTable) -> BTreeMap<String, HashMap<String, AttributeValue>> {
    let mut copies = BTreeMap::new();
    for item in items(table, "EPOCH#").await {
        let key = item
            .iter()
            .filter(|(name, _)| ["PK", "SK"].contains(&name.as_str()));
        let key = key.map(|(name, value)| (name.clone(), value.clone()));
        let get = table.client().get_item().table_name(table.name());
        let get = get
            .set_key(Some(key.collect()))
            .consistent_read(true)
            .send();
        let mut shown = get.await.expect("an answer").item.expect("a copy");
        shown.remove("PK");
        copies.insert(text(&item, "PK").to_owned(), shown);
    }
    copies
}

/// A process that dies when it has counted an invalidation, before a copy shows it.
fn dying(table: &DynamoDbTable) -> DynamoDbCacheStore {
    let watch = Watch::default();
    watch.die_at("PutItem", "EPOCH#");
    cache(&watch.table(table))
}

/// Lookups enough that every copy is read.
async fn is_found(cache: &DynamoDbCacheStore, name: &str) -> Vec<bool> {
    let mut found = Vec::new();
    for _ in 0..60 {
        found.push(value(cache, name).await.is_some());
    }
    found
}

#[tokio::test]
async fn lookups_spread_over_all_copies() {
    let table = support::table().await;
    let watch = Watch::default();
    let cache = cache(&watch.table(&table));
    for _ in 0..400 {
        assert_eq!(value(&cache, "comics:1").await, None);
    }
    let mut read: BTreeMap<String, u32> = BTreeMap::new();
    for body in watch.bodies() {
        let keys = body["RequestItems"][table.name()]["Keys"].clone();
        for key in keys.as_array().expect("keys") {
            let partition = key["PK"]["S"].as_str().expect("a text");
            if partition.starts_with("EPOCH#") {
                *read.entry(partition.to_owned()).or_default() += 1;
            }
        }
    }
    assert_eq!(read.len(), COPIES, "{read:?}");
    assert!(read.values().all(|times| *times < 100), "{read:?}");
}

#[tokio::test]
async fn all_copies_show_what_has_returned() {
    let table = support::table().await;
    let one = cache(&table);
    let scope = store_core::Selection::Scope(store_core::Scope::new("comics").expect("a scope"));
    let all_equal = async || {
        let copies = copies(&table).await;
        assert_eq!(copies.len(), COPIES);
        let authority = &copies["EPOCH#0"];
        assert!(copies.values().all(|copy| copy == authority), "{copies:?}");
    };
    one.invalidate_tags(&[tag("t")]).await.expect("it is done");
    all_equal().await;
    one.delete(&key("comics:1")).await.expect("it is done");
    all_equal().await;
    one.clear(&scope).await.expect("it is done");
    all_equal().await;
    let work = (0..30).map(|n| {
        let cache = one.clone();
        async move { cache.invalidate_tags(&[tag(&format!("t{n}"))]).await }
    });
    for done in futures_util::future::join_all(work).await {
        done.expect("it is done");
    }
    all_equal().await;
}

// covers("F48")
#[tokio::test]
async fn invalidation_whose_process_died_is_completed_by_the_next_one() {
    let table = support::table().await;
    let cache = cache(&table);
    for (name, tags) in [("comics:1", &["lost"][..]), ("comics:2", &["other"])] {
        cache
            .set(entry(name, "a", tags))
            .await
            .expect("it is stored");
    }
    let late = token(&cache).await;
    let lost = dying(&table).invalidate_tags(&[tag("lost")]).await;
    lost.expect_err("the process is gone");
    cache
        .invalidate_tags(&[tag("unrelated")])
        .await
        .expect("it is done");
    assert_eq!(is_found(&cache, "comics:1").await, [false; 60]);
    assert_eq!(is_found(&cache, "comics:2").await, [true; 60]);
    let set = cache.set(entry("comics:1", "late", &["lost"]).with_token(late));
    assert_eq!(set.await.expect("an outcome"), SetOutcome::Outdated);
}

#[tokio::test]
async fn invalidation_whose_process_died_is_completed_by_a_cleanup() {
    let table = support::table().await;
    let cache = cache(&table);
    cache
        .set(entry("comics:1", "a", &["lost"]))
        .await
        .expect("it is stored");
    let lost = dying(&table).invalidate_tags(&[tag("lost")]).await;
    lost.expect_err("the process is gone");
    assert_eq!(cache.cleanup().await.expect("a count"), 1);
    assert_eq!(is_found(&cache, "comics:1").await, [false; 60]);
    let copies = copies(&table).await;
    assert!(copies.len() == COPIES && copies.values().all(|copy| *copy == copies["EPOCH#0"]));
}

#[tokio::test]
async fn fill_that_begins_after_a_deletion_is_kept_though_copies_are_behind() {
    let table = support::table().await;
    let cache = cache(&table);
    cache.delete(&key("comics:1")).await.expect("it is deleted");
    // As if the process had died before it wrote them.
    for copy in 1..COPIES {
        let delete = table.client().delete_item().table_name(table.name());
        let partition = AttributeValue::S(format!("EPOCH#{copy}"));
        let sort = AttributeValue::S("EPOCH".to_owned());
        let delete = delete.key("PK", partition).key("SK", sort);
        delete.send().await.expect("a loss");
    }
    for round in 0..30 {
        let found = cache.get(&key("comics:1")).await.expect("an answer");
        let Lookup::Miss(token) = found else {
            panic!("round {round} finds a value that was deleted");
        };
        let set = cache.set(entry("comics:1", "new", &[]).with_token(token));
        assert_eq!(set.await.expect("an outcome"), SetOutcome::Stored);
        let set = cache.set(entry("comics:1", "newer", &[]));
        assert_eq!(set.await.expect("an outcome"), SetOutcome::Stored);
        assert_eq!(value(&cache, "comics:1").await, Some(Bytes::from("newer")));
        cache.delete(&key("comics:2")).await.expect("it is deleted");
        cache.delete(&key("comics:1")).await.expect("it is deleted");
    }
}

// covers("F48")
#[tokio::test]
async fn late_fill_with_other_tags_runs_into_what_no_copy_shows_yet() {
    let table = support::table().await;
    let cache = cache(&table);
    for n in 0..4 {
        let name = format!("comics:{n}");
        for (former, new, invalidated) in [("x", "y", "x"), ("x", "y", "y"), ("u", "u", "u")] {
            cache
                .set(entry(&name, "old", &[former]))
                .await
                .expect("it is stored");
            let late = token(&cache).await;
            let lost = dying(&table).invalidate_tags(&[tag(invalidated)]).await;
            lost.expect_err("the process is gone");
            let set = cache.set(entry(&name, "late", &[new, "z"]).with_token(late));
            let outcome = set.await.expect("an outcome");
            assert_eq!(outcome, SetOutcome::Outdated, "{n}: {former} {invalidated}");
            cache.cleanup().await.expect("a count");
            let found = value(&cache, &name).await;
            let is_kept = former != invalidated;
            assert_eq!(found, is_kept.then(|| Bytes::from("old")), "{n}");
        }
    }
}

// covers("F50")
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn deletions_of_other_keys_disturb_no_change_of_tags() {
    const SETS: usize = 40;
    let table = support::table().await;
    let other = cache(&table);
    let deletions = tokio::spawn(async move {
        for n in 0.. {
            let name = format!("others:{n}");
            other.delete(&key(&name)).await.expect("it is deleted");
        }
    });
    let watch = Watch::default();
    let cache = cache(&watch.table(&table));
    for n in 0..SETS {
        let token = token(&cache).await;
        let tags = [format!("t{n}")];
        let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
        let set = cache.set(entry("comics:1", "a", &tags).with_token(token));
        assert_eq!(set.await.expect("an outcome"), SetOutcome::Stored);
    }
    assert!(!deletions.is_finished());
    deletions.abort();
    let sent = watch.sent();
    let is_swap = |name: &&String| *name == "TransactWriteItems";
    // One for each that finds another value; none is tried again.
    assert_eq!(sent.iter().filter(is_swap).count(), SETS - 1);
}
