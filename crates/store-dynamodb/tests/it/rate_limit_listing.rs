//! The list of resources, when their items expire.

use aws_sdk_dynamodb::types::AttributeValue;
use store_core::{
    Acquire, Clock, Decision, HOUR, Limit, ManualClock, PageRequest, RateLimitStore, Resource,
};
use store_dynamodb::{DynamoDbRateLimitStore, DynamoDbTable, RateLimitOptions};

use crate::support;

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

fn store(table: &DynamoDbTable, clock: &ManualClock) -> DynamoDbRateLimitStore {
    let options = RateLimitOptions::default()
        .with_default_config(Limit::new(5, HOUR))
        .with_clock(clock.clone());
    DynamoDbRateLimitStore::with_options(table, options)
}

async fn admit(limits: &DynamoDbRateLimitStore, name: &str) {
    let resource = Resource::new(name).expect("a name");
    let decision = limits.try_acquire(Acquire::one(&resource).user()).await;
    assert!(matches!(decision.expect("an answer"), Decision::Granted(_)));
}

/// What DynamoDB does to an item some time after its time to live.
async fn expire(table: &DynamoDbTable, name: &str) {
    let removed = table
        .client()
        .delete_item()
        .table_name(table.name())
        .key("PK", text(&format!("RATE#{name}")))
        .key("SK", text("STATE"))
        .send()
        .await;
    removed.expect("an answer");
}

/// The names in the partition of the list.
async fn listings(table: &DynamoDbTable) -> Vec<String> {
    let page = table
        .client()
        .query()
        .table_name(table.name())
        .key_condition_expression("PK = :resources")
        .expression_attribute_values(":resources", text("RESOURCES"))
        .send()
        .await
        .expect("an answer");
    let names = page.items().iter().map(|item| item["SK"].as_s());
    names.map(|name| name.expect("a text").clone()).collect()
}

async fn listed(limits: &DynamoDbRateLimitStore) -> Vec<String> {
    let page = limits.list(&PageRequest::default()).await.expect("a page");
    let names = page.items.iter().map(|info| info.resource.to_string());
    names.collect()
}

#[tokio::test]
async fn a_resource_that_expired_is_taken_off_the_list_and_comes_back_when_it_is_used() {
    let (table, clock) = (support::table().await, ManualClock::default());
    let limits = store(&table, &clock);
    for name in ["expired", "kept"] {
        admit(&limits, name).await;
    }
    clock.advance(HOUR * 24);
    expire(&table, "expired").await;
    assert_eq!(listed(&limits).await, ["kept"]);
    assert_eq!(listings(&table).await, ["kept"]);
    admit(&limits, "expired").await;
    assert_eq!(listed(&limits).await, ["expired", "kept"]);
    assert_eq!(listings(&table).await, ["expired", "kept"]);
}

#[tokio::test]
async fn a_resource_that_was_listed_of_late_stays_on_the_list() {
    let (table, clock) = (support::table().await, ManualClock::default());
    let limits = store(&table, &clock);
    admit(&limits, "issues").await;
    expire(&table, "issues").await;
    // Whoever listed it may be about to write its item.
    clock.advance(HOUR);
    assert!(listed(&limits).await.is_empty());
    assert_eq!(listings(&table).await, ["issues"]);
    clock.advance(HOUR / 60);
    limits.stats().await.expect("figures");
    assert!(listings(&table).await.is_empty(), "at {}", clock.now());
}
