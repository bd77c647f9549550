//! The three stores side by side in one table.

use store_core::backend::end_ownership;
use store_core::{
    Acquire, CacheStoreExt as _, Claim, Decision, ErrorKind, HOUR, Key, Limit, ManualClock,
    NewEntry, PageRequest, Priority, Registration, Resource, Selection, Stores,
};
use store_dynamodb::{DynamoDbTable, RateLimitOptions, StoreOptions, stores, stores_with};

use crate::cache::watch::Watch;
use crate::support;

fn key(text: &str) -> Key {
    Key::new(text).expect("a key")
}

fn resource(path: &str) -> Resource {
    Resource::api("http://127.0.0.1", "tests", path).expect("a resource")
}

/// Everything that a request leaves behind: an answer, a job under way, an admission.
async fn used(stores: &Stores) {
    let cache = stores.cache.as_ref().expect("a cache");
    let jobs = stores.dedupe.as_ref().expect("jobs");
    let limits = stores.rate_limit.as_ref().expect("limits");
    let key = key("comics:1");
    let entry = NewEntry::unconditional(key.clone(), "bytes").with_ttl(HOUR);
    cache.set(entry).await.expect("capacity");
    let registered = jobs.register_or_join(&key, Priority::User);
    match registered.await.expect("an answer") {
        // Dropped, it would give its job back.
        Registration::Owner(mut owner) => end_ownership(&mut owner),
        joined @ Registration::Joined(_) => panic!("{joined:?}"),
    }
    let decision = limits.try_acquire(Acquire::one(&resource("issues")).user());
    match decision.await.expect("a decision") {
        Decision::Granted(permit) => drop(permit),
        denied @ Decision::Denied { .. } => panic!("nothing was used yet: {denied:?}"),
    }
}

/// Whether there is the answer, the job, and how many admissions.
async fn left(stores: &Stores) -> (bool, bool, u32) {
    let cache = stores.cache.as_ref().expect("a cache");
    let jobs = stores.dedupe.as_ref().expect("jobs");
    let limits = stores.rate_limit.as_ref().expect("limits");
    let value = cache.value(&key("comics:1")).await.expect("an answer");
    let job = jobs.is_in_progress(&key("comics:1")).await;
    let claim = Claim::new(resource("issues"));
    let status = limits.status(&claim, Priority::User).await;
    let used = status.expect("a status").used;
    (value.is_some(), job.expect("an answer"), used)
}

// covers("B7", "B8", "B9")
#[tokio::test]
async fn three_stores_share_one_table_and_their_defaults_are_the_originals() {
    let table = support::table().await;
    let here = stores(&table);
    used(&here).await;
    // Another host: a client and stores of its own.
    let there = DynamoDbTable::new(support::client(), table.options().clone());
    let there = stores(&there);
    assert_eq!(left(&there).await, (true, true, 1));
    let limits = there.rate_limit.expect("limits");
    let claim = Claim::new(resource("issues"));
    let status = limits.status(&claim, Priority::User).await.expect("status");
    assert_eq!(status.limit, Limit::new(200, HOUR));
    assert!(status.adaptive.is_some());
}

/// Whether a request reads something, and whether it asks for it as it is now.
fn reads(body: &serde_json::Value, table: &str) -> Option<bool> {
    let is_consistent = |read: &serde_json::Value| read["ConsistentRead"] == true;
    let is_one = body.get("Key").is_some() && body.get("UpdateExpression").is_none();
    let is_read = is_one && body.get("ReturnValues").is_none();
    if let Some(batch) = body.pointer(&format!("/RequestItems/{table}/Keys")) {
        assert!(batch.is_array(), "{body}");
        return Some(is_consistent(&body["RequestItems"][table]));
    }
    (is_read || body.get("KeyConditionExpression").is_some()).then(|| is_consistent(body))
}

// covers("F22", "F45")
#[tokio::test]
async fn every_question_is_put_to_the_table_itself_as_it_is_now() {
    let (table, watch) = (support::table().await, Watch::default());
    let stores = stores(&watch.table(&table));
    used(&stores).await;
    assert_eq!(left(&stores).await, (true, true, 1));
    let (page, everything) = (PageRequest::default(), Selection::All);
    let cache = stores.cache.as_ref().expect("a cache");
    cache.list(&page).await.expect("a page");
    cache.stats().await.expect("figures");
    cache.clear(&everything).await.expect("an answer");
    let jobs = stores.dedupe.as_ref().expect("jobs");
    jobs.list(&page).await.expect("a page");
    jobs.stats().await.expect("figures");
    jobs.clear(&everything).await.expect("an answer");
    let limits = stores.rate_limit.as_ref().expect("limits");
    limits.list(&page).await.expect("a page");
    limits.stats().await.expect("figures");
    let bodies = watch.bodies();
    for body in &bodies {
        assert!(body.get("IndexName").is_none(), "{body}");
        assert_ne!(reads(body, table.name()), Some(false), "{body}");
    }
    let count = bodies.iter().filter_map(|body| reads(body, table.name()));
    assert!(count.count() > 20, "{} requests", bodies.len());
    assert!(!watch.sent().iter().any(|name| name == "Scan"));
}

#[tokio::test]
async fn clearing_one_store_leaves_the_others_alone() {
    let stores = stores(&support::table().await);
    used(&stores).await;
    let cache = stores.cache.as_ref().expect("a cache");
    cache.clear(&Selection::All).await.expect("an answer");
    assert_eq!(left(&stores).await, (false, true, 1));
    let limits = stores.rate_limit.as_ref().expect("limits");
    limits.clear().await.expect("an answer");
    assert_eq!(left(&stores).await, (false, true, 0));
    let jobs = stores.dedupe.as_ref().expect("jobs");
    jobs.clear(&Selection::All).await.expect("an answer");
    assert_eq!(left(&stores).await, (false, false, 0));
}

#[tokio::test]
async fn closing_a_store_leaves_the_table_to_the_others() {
    let table = support::table().await;
    let (closed, open) = (stores(&table), stores(&table));
    let cache = closed.cache.as_ref().expect("a cache");
    cache.close().await.expect("an end");
    let error = cache.get(&key("comics:1")).await.expect_err("closed");
    assert_eq!(error.kind(), ErrorKind::Closed);
    used(&Stores {
        cache: open.cache,
        ..closed
    })
    .await;
}

#[tokio::test]
async fn one_clock_and_one_limit_reach_the_stores_they_are_for() {
    let clock = ManualClock::default();
    let limit = RateLimitOptions::default().with_default_config(Limit::new(1, HOUR));
    let options = StoreOptions::default()
        .with_rate_limit(limit)
        .with_clock(clock.clone());
    let stores = stores_with(&support::table().await, options);
    used(&stores).await;
    let limits = stores.rate_limit.as_ref().expect("limits");
    let again = limits.try_acquire(Acquire::one(&resource("issues")).user());
    let again = again.await.expect("a decision");
    assert!(matches!(again, Decision::Denied { .. }), "{again:?}");
    // The answer expires, the lease lapses, the window passes: all by this clock.
    clock.advance(HOUR * 2);
    assert_eq!(left(&stores).await, (false, false, 0));
}
