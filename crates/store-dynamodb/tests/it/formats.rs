//! What is stored stays readable: the items of every kind of record, as they were written once, are in
//! `tests/fixtures/format-N.jsonl`, and what is written today is the newest of these formats.
//!
//! A line is an item: its attributes by name, each with its type as DynamoDB spells it (`S`, `N`, `SS`; bytes,
//! `B`, in hexadecimal digits). A change of the format adds a file and never edits one:
//! `cargo test -p store-dynamodb --test it write_the_newest_format -- --ignored`.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::num::NonZeroU32;
use std::path::PathBuf;

use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use serde_json::{Map, Value, json};
use store_core::backend::SeededRandom;
use store_core::{
    Acquire, AdaptiveConfig, CacheStore, Claim, Clock as _, DedupeStore, HOUR, JobId, JobOutcome,
    JobResult, Key, Limit, MINUTE, ManualClock, NewEntry, Priority, RateLimitStore, Registration,
    Resource, ResourceConfig, SECOND, Scope, Selection, Tag, Timestamp, Ttl,
};
use store_dynamodb::{
    CacheOptions, DedupeOptions, DynamoDbCacheStore, DynamoDbDedupeStore, DynamoDbRateLimitStore,
    DynamoDbTable, RateLimitOptions, Tuning,
};

use crate::support;

/// The formats that a version of this crate has written, the newest last.
const FORMATS: [&str; 2] = ["format-1.jsonl", "format-2.jsonl"];
/// When the contents were written, and when they are read: the bytes tell the time.
const WRITTEN_AT: Timestamp = Timestamp::from_millis(1_750_000_000_000);

type Item = HashMap<String, AttributeValue>;

struct Stores {
    cache: DynamoDbCacheStore,
    dedupe: DynamoDbDedupeStore,
    limits: DynamoDbRateLimitStore,
    /// Takes permits in batches.
    batches: DynamoDbRateLimitStore,
    table: DynamoDbTable,
    clock: ManualClock,
}

impl Stores {
    /// Stores whose every random number follows from the seed. Another process has another seed.
    fn over(table: &DynamoDbTable, clock: &ManualClock, seed: u64) -> Self {
        let random = || SeededRandom::new(seed);
        let tuning = || Tuning::default().with_chunk_bytes(400);
        let cache = CacheOptions::default()
            .with_clock(clock.clone())
            .with_random(random());
        let dedupe = DedupeOptions::default()
            .with_clock(clock.clone())
            .with_random(random());
        let limits = RateLimitOptions::default()
            .with_default_config(Limit::new(20, HOUR))
            .with_clock(clock.clone())
            .with_random(random());
        let four = NonZeroU32::new(4).expect("four");
        Self {
            cache: DynamoDbCacheStore::with_tuning(table, cache, tuning()),
            dedupe: DynamoDbDedupeStore::with_options(table, dedupe),
            limits: DynamoDbRateLimitStore::with_tuning(table, limits.clone(), tuning()),
            batches: DynamoDbRateLimitStore::with_tuning(
                table,
                limits.with_random(SeededRandom::new(seed + 1)),
                tuning().with_permit_batch_size(four),
            ),
            table: table.clone(),
            clock: clock.clone(),
        }
    }

    async fn set(&self, name: &str, value: Bytes, tags: &[&str], ttl: Ttl) {
        let tags = tags.iter().map(|tag| Tag::new(*tag).expect("a tag"));
        let entry = NewEntry::unconditional(key(name), value).with_tags(tags);
        let token = self.cache.fill_token().await.expect("a token");
        let stored = self.cache.set(entry.with_ttl(ttl).with_token(token)).await;
        stored.expect("it is stored");
    }

    async fn value(&self, name: &str) -> Option<Bytes> {
        let found = self.cache.get(&key(name)).await.expect("an answer");
        found.hit().map(|entry| entry.value)
    }

    async fn register(&self, name: &str) -> Registration {
        let key = key(name);
        let registered = self.dedupe.register_or_join(&key, Priority::User).await;
        registered.expect("a registration")
    }

    async fn take(&self, limits: &DynamoDbRateLimitStore, name: &str, priority: Priority) {
        let request = Acquire::one(&resource(name)).priority(priority);
        let decision = limits.try_acquire(request).await.expect("an answer");
        drop(decision);
    }

    async fn used(&self, name: &str) -> (u32, u32) {
        let claim = Claim::new(resource(name));
        let status = self.limits.status(&claim, Priority::User).await;
        let status = status.expect("a status");
        (status.used, status.remaining)
    }
}

fn key(name: &str) -> Key {
    Key::new(name).expect("a key")
}

fn resource(name: &str) -> Resource {
    Resource::new(name).expect("a name")
}

/// Text that compresses well.
fn text() -> Bytes {
    "a title, a number, a date; ".repeat(2_000).into()
}

/// Bytes that do not, too many for a head.
fn noise() -> Bytes {
    use store_core::Random as _;
    let random = SeededRandom::new(5);
    let words = std::iter::repeat_with(|| random.next_u64().to_le_bytes());
    let noise: Vec<u8> = words.flatten().take(1_000).collect();
    noise.into()
}

/// Every kind of record, in every state.
async fn write(stores: &Stores) {
    let soon = Ttl::After(HOUR);
    stores.set("short", "bytes".into(), &["a", "b"], soon).await;
    stores
        .set("scope:kept", "bytes".into(), &[], Ttl::Never)
        .await;
    stores.set("long", text(), &["a"], soon).await;
    stores.set("chunks", noise(), &[], soon).await;
    stores
        .set("chunks for ever", noise(), &[], Ttl::Never)
        .await;
    stores.set("deleted", "bytes".into(), &[], soon).await;
    stores
        .cache
        .delete(&key("deleted"))
        .await
        .expect("a removal");
    stores.set("stale", "bytes".into(), &["stale"], soon).await;
    let stale = [Tag::new("stale").expect("a tag")];
    stores
        .cache
        .invalidate_tags(&stale)
        .await
        .expect("a removal");
    let scope = Selection::Scope(Scope::new("gone").expect("a scope"));
    stores.set("gone:1", "bytes".into(), &[], soon).await;
    stores.cache.clear(&scope).await.expect("a removal");

    let limits = &stores.limits;
    let shared = ResourceConfig::from(Limit::new(20, HOUR)).adaptive(AdaptiveConfig::default());
    limits
        .set_resource_config(&resource("shared"), shared)
        .await
        .expect("a configuration");
    for minute in 0..5 {
        stores.clock.advance(MINUTE * minute);
        stores.take(limits, "plain", Priority::User).await;
        stores.take(limits, "shared", Priority::User).await;
        stores.take(limits, "shared", Priority::Background).await;
    }
    stores
        .take(&stores.batches, "in batches", Priority::User)
        .await;
    let until = stores.clock.now() + HOUR;
    limits
        .set_cooldown(&resource("cool"), until)
        .await
        .expect("a cooldown");

    // Ends of jobs are kept for a few minutes only.
    for name in ["waits", "done", "done aside", "failed"] {
        let Registration::Owner(mut owner) = stores.register(name).await else {
            panic!("{name} is free");
        };
        let ended = match name {
            "done" => {
                let value = JobResult::Value("result".into());
                stores.dedupe.complete(&mut owner, value).await
            }
            "done aside" => {
                stores
                    .dedupe
                    .complete(&mut owner, JobResult::NotShared)
                    .await
            }
            "failed" => stores.dedupe.fail(&mut owner, "no luck").await,
            _ => {
                std::mem::forget(owner);
                continue;
            }
        };
        ended.expect("an end");
    }
}

/// Reads all of it back.
async fn read(stores: &Stores) {
    assert_eq!(stores.value("short").await.as_deref(), Some(&b"bytes"[..]));
    assert_eq!(
        stores.value("scope:kept").await.as_deref(),
        Some(&b"bytes"[..])
    );
    assert_eq!(stores.value("long").await, Some(text()));
    assert_eq!(stores.value("chunks").await, Some(noise()));
    assert_eq!(stores.value("chunks for ever").await, Some(noise()));
    for hidden in ["deleted", "stale", "gone:1"] {
        assert_eq!(stores.value(hidden).await, None, "{hidden}");
    }

    let result = ended(stores, "done").await;
    assert_eq!(result, JobOutcome::Value("result".into()));
    let result = ended(stores, "done aside").await;
    assert_eq!(result, JobOutcome::NotShared);
    assert!(matches!(
        ended(stores, "failed").await,
        JobOutcome::OwnerFailed(_)
    ));
    let registered = stores.register("waits").await;
    assert!(
        matches!(registered, Registration::Joined(_)),
        "{registered:?}"
    );

    assert_eq!(stores.used("plain").await, (5, 15));
    let (used, _) = stores.used("shared").await;
    assert_eq!(used, 10);
    assert_eq!(stores.used("in batches").await, (4, 16));
    let cooldown = stores.limits.cooldown(&resource("cool")).await;
    assert_eq!(
        cooldown.expect("an answer"),
        Some(stores.clock.now() + HOUR)
    );
    let config = stores.limits.resource_config(&resource("shared")).await;
    assert!(config.expect("an answer").is_some());
}

/// How a job ended, as a caller hears who joined it.
async fn ended(stores: &Stores, name: &str) -> JobOutcome {
    let items = items(&stores.table).await;
    let is_it = |item: &&Item| item["SK"] == AttributeValue::S(name.to_owned());
    let item = items.iter().find(is_it).expect("its item");
    let job: JobId = item["job"].as_s().expect("a text").parse().expect("an id");
    let outcome = stores.dedupe.wait_for(&key(name), &job, SECOND).await;
    outcome.expect("an outcome")
}

async fn items(table: &DynamoDbTable) -> Vec<Item> {
    let all = table
        .client()
        .scan()
        .table_name(table.name())
        .consistent_read(true);
    let all = all.into_paginator().items().send();
    all.collect::<Result<_, _>>().await.expect("the items")
}

/// The items of a table, each as a line, in order.
async fn lines(table: &DynamoDbTable) -> String {
    let all = items(table).await;
    let mut lines: Vec<String> = all.iter().map(|item| encode(item).to_string()).collect();
    lines.sort();
    lines.iter().fold(String::new(), |mut text, line| {
        writeln!(text, "{line}").expect("text grows");
        text
    })
}

fn encode(item: &Item) -> Value {
    let sorted: BTreeMap<_, _> = item.iter().collect();
    let attributes = sorted.into_iter().map(|(name, value)| {
        let value = match value {
            AttributeValue::S(text) => json!({ "S": text }),
            AttributeValue::N(number) => json!({ "N": number }),
            AttributeValue::Bool(flag) => json!({ "BOOL": flag }),
            AttributeValue::M(map) => json!({ "M": encode(map) }),
            AttributeValue::B(bytes) => {
                let digits = bytes.as_ref().iter().map(|byte| format!("{byte:02x}"));
                json!({ "B": digits.collect::<String>() })
            }
            AttributeValue::Ss(texts) => {
                let mut texts = texts.clone();
                texts.sort();
                json!({ "SS": texts })
            }
            other @ (AttributeValue::Bs(_)
            | AttributeValue::L(_)
            | AttributeValue::Ns(_)
            | AttributeValue::Null(_)
            | _) => panic!("the stores write no {other:?}"),
        };
        (name.clone(), value)
    });
    Value::Object(attributes.collect::<Map<_, _>>())
}

fn decode(item: Value) -> Item {
    let item: BTreeMap<String, BTreeMap<String, Value>> =
        serde_json::from_value(item).expect("an item");
    let attributes = item.into_iter().map(|(name, value)| {
        let (kind, value) = value.into_iter().next().expect("a value");
        let text = || value.as_str().expect("a text").to_owned();
        let value = match kind.as_str() {
            "S" => AttributeValue::S(text()),
            "N" => AttributeValue::N(text()),
            "BOOL" => AttributeValue::Bool(value.as_bool().expect("a flag")),
            "M" => AttributeValue::M(decode(value)),
            "B" => {
                let digits = text();
                let pairs = digits.as_bytes().chunks(2);
                let bytes = pairs.map(|pair| {
                    let pair = str::from_utf8(pair).expect("digits");
                    u8::from_str_radix(pair, 16).expect("digits")
                });
                AttributeValue::B(bytes.collect::<Vec<u8>>().into())
            }
            "SS" => AttributeValue::Ss(serde_json::from_value(value).expect("texts")),
            other => panic!("unknown type {other}"),
        };
        (name, value)
    });
    attributes.collect()
}

fn path(format: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(format)
}

fn contents(format: &str) -> String {
    std::fs::read_to_string(path(format)).expect("a fixture")
}

async fn written_today() -> (String, Stores) {
    let clock = ManualClock::at(WRITTEN_AT);
    let table = support::table().await;
    let stores = Stores::over(&table, &clock, 11);
    write(&stores).await;
    (lines(&table).await, stores)
}

#[tokio::test]
async fn records_of_every_format_are_read() {
    for format in FORMATS {
        let clock = ManualClock::at(WRITTEN_AT);
        let table = support::table().await;
        for line in contents(format).lines() {
            let put = table.client().put_item().table_name(table.name());
            let put = put
                .set_item(Some(decode(serde_json::from_str(line).expect("JSON"))))
                .send()
                .await;
            put.expect("it is stored");
        }
        clock.advance(MINUTE * 10);
        read(&Stores::over(&table, &clock, 21)).await;
    }
}

#[tokio::test]
async fn what_is_written_is_the_newest_format() {
    let (written, stores) = written_today().await;
    read(&stores).await;
    let newest = FORMATS.last().expect("a format");
    for (line, pinned) in written.lines().zip(contents(newest).lines()) {
        assert_eq!(line, pinned);
    }
    assert_eq!(written.lines().count(), contents(newest).lines().count());
}

#[tokio::test]
#[ignore = "writes a fixture; run it when the format has changed, under a new name"]
async fn write_the_newest_format() {
    let (written, _) = written_today().await;
    let newest = FORMATS.last().expect("a format");
    std::fs::write(path(newest), written).expect("the fixture is written");
}
