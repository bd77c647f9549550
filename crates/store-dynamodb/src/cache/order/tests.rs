//! The rule and the conditions, over random heads and fills: what DynamoDB decides is what the rule says.

use std::collections::HashSet;

use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, KeySchemaElement, KeyType, ScalarAttributeType,
};
use store_core::backend::SeededRandom;
use store_core::{Random, SystemRandom};

use super::*;
use crate::item::{Item, ItemKey, texts};
use crate::table::{DynamoDbTable, TableOptions};

const CASES: usize = 250;
const OPERATION: &str = "test";

async fn table() -> DynamoDbTable {
    let options = TableOptions::default()
        .with_table(format!("order-{:016x}", SystemRandom.next_u64()))
        .with_endpoint_url(dynamodb_local::endpoint().unwrap());
    let table = DynamoDbTable::from_env(options).await;
    let mut request = table.client().create_table().table_name(table.name());
    for (name, kind) in [("PK", KeyType::Hash), ("SK", KeyType::Range)] {
        let attribute = AttributeDefinition::builder().attribute_name(name);
        let attribute = attribute.attribute_type(ScalarAttributeType::S);
        let key = KeySchemaElement::builder()
            .attribute_name(name)
            .key_type(kind);
        request = request
            .attribute_definitions(attribute.build().unwrap())
            .key_schema(key.build().unwrap());
    }
    let request = request.billing_mode(BillingMode::PayPerRequest);
    request.send().await.unwrap();
    table
}

/// Few values, so that all orders of all of them come up.
struct Cases(SeededRandom);

impl Cases {
    fn below(&self, bound: u64) -> u64 {
        self.0.next_u64() % bound
    }

    fn time(&self) -> Timestamp {
        Timestamp::from_millis(i64::try_from(self.below(4)).unwrap())
    }

    fn maybe<T>(&self, value: impl FnOnce(&Self) -> T) -> Option<T> {
        (self.below(3) > 0).then(|| value(self))
    }

    fn tags(&self) -> Vec<String> {
        let few: [&[&str]; 4] = [&[], &["a"], &["b"], &["a", "b"]];
        let index = usize::try_from(self.below(4)).unwrap();
        few[index].iter().map(|tag| (*tag).to_owned()).collect()
    }

    fn fill(&self, now: Timestamp) -> FillMark {
        FillMark {
            epoch: self.below(3),
            began_at: self.time().min(now),
        }
    }

    /// A value or a tombstone.
    fn head(&self) -> Stored {
        let is_dead = self.below(4) == 0;
        let standing = Standing {
            epoch: self.below(3),
            began_at: self.maybe(Self::time),
            expires_at: self.maybe(Self::time).filter(|_| !is_dead),
        };
        let tags = if is_dead { Vec::new() } else { self.tags() };
        Stored {
            standing,
            is_dead,
            tags,
        }
    }
}

#[derive(Debug)]
struct Stored {
    standing: Standing,
    is_dead: bool,
    tags: Vec<String>,
}

impl Stored {
    fn item(&self) -> Item {
        let Standing {
            epoch,
            began_at,
            expires_at,
        } = self.standing;
        Item::default()
            .with("e", number(epoch))
            .with("id", text("former"))
            .with_some("began", began_at.map(timestamp))
            .with_some("exp", expires_at.map(timestamp))
            .with_some("tags", texts(self.tags.clone()))
            .with_some("dead", self.is_dead.then(|| number(1)))
    }

    /// Whether a value with these tags takes its place without a look at invalidations.
    fn yields(&self, new: FillMark, tags: &[String], now: Timestamp) -> bool {
        let is_expired = self.standing.expires_at.is_some_and(|at| at <= now);
        let is_gone = self.is_dead || is_expired || self.tags == tags;
        is_gone && self.standing.precedence(new, now) != Precedence::Later
    }
}

/// Whether the condition holds of the item, as DynamoDB sees it.
async fn holds(table: &DynamoDbTable, item: Option<&Item>, condition: Condition) -> bool {
    let key = ItemKey::new("ORDER", "head");
    let (requests, always) = (table.requests(OPERATION), Condition::default());
    let former = match item {
        Some(item) => requests.replace(&key, item.clone(), always).await,
        None => requests.delete(&key, always).await,
    };
    former.unwrap().unwrap();
    let new = requests.replace(&key, Item::default(), condition);
    new.await.unwrap().is_ok()
}

#[tokio::test]
async fn conditions_are_the_rule() {
    let (table, cases) = (table().await, Cases(SeededRandom::new(12)));
    let mut seen = HashSet::new();
    for case in 0..CASES {
        let (head, now) = (cases.head(), cases.time());
        let (new, tags) = (cases.fill(now), cases.tags());
        let (item, order) = (head.item(), head.standing.precedence(new, now));
        let told = format!("case {case}: {head:?}, {new:?} with {tags:?} at {now:?}");

        let yields = head.yields(new, &tags, now);
        let stored = holds(&table, Some(&item), may_store(new, texts(tags), now)).await;
        assert_eq!(stored, yields, "{told}");
        let refused = holds(&table, Some(&item), may_refuse(new, now)).await;
        assert_eq!(refused, order != Precedence::Later, "{told}");
        let is_earlier = head.standing.epoch < new.epoch;
        let before = holds(&table, Some(&item), is_before(new.epoch)).await;
        assert_eq!(before, is_earlier, "{told}");
        seen.insert(format!("{order:?} {yields}"));
    }
    // Of a later one none is to be replaced.
    assert_eq!(seen.len(), 5, "{seen:?}");
}

#[tokio::test]
async fn a_place_that_is_empty_is_open_and_one_write_is_told_from_another() {
    let (table, now) = (table().await, Timestamp::from_millis(1));
    let new = FillMark {
        epoch: 0,
        began_at: now,
    };
    for condition in [
        may_store(new, None, now),
        may_store(new, texts(vec!["a".to_owned()]), now),
        may_refuse(new, now),
        is_before(0),
        is_before_or(0, "new"),
    ] {
        assert!(holds(&table, None, condition).await);
    }
    assert!(!holds(&table, None, is_still("former")).await);
    let later = Item::default()
        .with("e", number(9))
        .with("id", text("former"));
    for (condition, expected) in [
        (is_before_or(9, "former"), true),
        (is_before_or(9, "other"), false),
        (is_still("former"), true),
        (is_still("other"), false),
    ] {
        assert_eq!(holds(&table, Some(&later), condition).await, expected);
    }
}
