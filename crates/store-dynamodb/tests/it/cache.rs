//! What the cache promises beyond the suite: what requests it makes, what they cost, what is torn, and
//! what happens at the same time.

mod capacity;
mod chunks;
mod copies;
mod invalidations;
mod many;
mod races;
pub(crate) mod watch;

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use store_core::{CacheStore, FillToken, Key, Lookup, ManualClock, NewEntry, Tag};
use store_dynamodb::{CacheOptions, DynamoDbCacheStore, DynamoDbTable};

fn key(name: &str) -> Key {
    Key::new(name).expect("a key")
}

fn tag(name: &str) -> Tag {
    Tag::new(name).expect("a tag")
}

fn entry(name: &str, value: impl Into<Bytes>, tags: &[&str]) -> NewEntry {
    NewEntry::unconditional(key(name), value).with_tags(tags.iter().map(|name| tag(name)))
}

/// A handle whose time stands still.
fn cache(table: &DynamoDbTable) -> DynamoDbCacheStore {
    cache_at(table, &ManualClock::default())
}

fn cache_at(table: &DynamoDbTable, clock: &ManualClock) -> DynamoDbCacheStore {
    let options = CacheOptions::default().with_clock(clock.clone());
    DynamoDbCacheStore::with_options(table, options)
}

async fn token(cache: &DynamoDbCacheStore) -> FillToken {
    cache.fill_token().await.expect("a token")
}

async fn value(cache: &DynamoDbCacheStore, name: &str) -> Option<Bytes> {
    let found: Lookup = cache.get(&key(name)).await.expect("an answer");
    found.hit().map(|entry| entry.value)
}

/// The items whose partition begins with `prefix`, without their bytes.
async fn items(table: &DynamoDbTable, prefix: &str) -> Vec<HashMap<String, AttributeValue>> {
    let all = table.client().scan().table_name(table.name());
    let all = all
        .consistent_read(true)
        .projection_expression("PK, SK, #TTL, #exp")
        .expression_attribute_names("#TTL", "TTL")
        .expression_attribute_names("#exp", "exp");
    let all = all.into_paginator().items().send();
    let all = all.collect::<Result<Vec<_>, _>>().await.expect("the items");
    let is_wanted = |item: &HashMap<String, AttributeValue>| text(item, "PK").starts_with(prefix);
    all.into_iter().filter(is_wanted).collect()
}

fn number(item: &HashMap<String, AttributeValue>, name: &str) -> i64 {
    let number = item[name].as_n().expect("a number");
    number.parse().expect("a whole number")
}

fn text<'a>(item: &'a HashMap<String, AttributeValue>, name: &str) -> &'a str {
    item[name].as_s().expect("a text")
}
