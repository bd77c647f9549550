//! Reads, all of them consistent.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, KeysAndAttributes, ReturnConsumedCapacity, Select};
use store_core::{Error, ErrorKind, PageRequest, Result, Selection};

use super::expression::{Values, mentioned};
use super::{DynamoDbTable, Requests};
use crate::error::{BACKEND, corrupt};
use crate::item::{Item, ItemKey, text};
use crate::ops::delay::AdaptiveDelayCalculator;
use crate::ops::housekeeping::leftover_tries;

/// The most keys of one batch.
const BATCH: usize = 100;

/// The items of one partition, in the order of their sort keys.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query {
    pub(crate) partition: String,
    /// Which of them.
    pub(crate) sorted: Sorted,
    /// Those of which this holds; what is left out is read, and billed, all the same.
    pub(crate) filter: Option<String>,
    /// The values that the filter names.
    pub(crate) values: Values,
    /// The attributes to return, as `#one, #other`; all if absent.
    pub(crate) attributes: Option<String>,
    /// The most items to look at, before the filter.
    pub(crate) limit: Option<u32>,
    /// Where a former page ended.
    pub(crate) start: Option<QueryStart>,
}

/// A key as the client wants it.
type Attributes = HashMap<String, AttributeValue>;

/// Where a page of a query ended.
pub(crate) type QueryStart = Attributes;

/// A range of sort keys.
#[derive(Clone, Debug, Default)]
pub(crate) enum Sorted {
    #[default]
    All,
    /// Those that begin with this text. If the query names the attributes that it returns, the keys
    /// have to be among them.
    Beginning(String),
    /// Those after this one.
    After(String),
}

impl Sorted {
    /// What is after the page before.
    pub(crate) fn from_page(page: &PageRequest) -> Self {
        let after = page.after.clone().filter(|name| !name.is_empty());
        after.map_or(Self::All, Self::After)
    }

    pub(crate) fn from_selection(selection: &Selection) -> Self {
        match selection {
            Selection::All => Self::All,
            Selection::Scope(scope) => Self::Beginning(format!("{scope}:")),
        }
    }
}

/// A page of a query.
#[derive(Debug)]
pub(crate) struct QueryPage {
    pub(crate) items: Vec<Item>,
    /// Where the next page starts, if there may be one.
    pub(crate) next: Option<QueryStart>,
}

impl Requests<'_> {
    /// One item.
    pub(crate) async fn get(self, key: &ItemKey) -> Result<Option<Item>> {
        let request = self
            .client()
            .get_item()
            .table_name(self.table.name())
            .set_key(Some(self.table.key(key)))
            .consistent_read(true)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = self.ask(|| request.clone().send()).await?;
        self.count_reads(&answer.consumed_capacity);
        Ok(answer.item.map(Item))
    }

    /// Several items in one round trip per hundred; those that do not exist are left out. An item is
    /// found in the answer by its key attributes, see [`DynamoDbTable::key_of`].
    pub(crate) async fn batch_get(self, keys: &[ItemKey]) -> Result<HashMap<ItemKey, Item>> {
        let mut found = HashMap::with_capacity(keys.len());
        let mut delay = AdaptiveDelayCalculator::shared(&self.table.options().random);
        for keys in keys.chunks(BATCH) {
            let mut wanted: Vec<_> = keys.iter().map(|key| self.table.key(key)).collect();
            for attempt in 0.. {
                self.table.wait(delay.next_delay()).await;
                let (items, left) = self.batch_get_once(wanted).await?;
                for item in items {
                    found.insert(self.table.key_of(&item)?, item);
                }
                if left.is_empty() {
                    delay.succeeded();
                    break;
                }
                if attempt == leftover_tries(self.operation) {
                    return Err(Error::new(ErrorKind::Throttled, BACKEND, self.operation)
                        .with_detail(
                            "the service keeps returning unprocessed keys; try again later",
                        ));
                }
                delay.throttled();
                self.table.monitor().throttled(self.operation);
                wanted = left;
            }
        }
        Ok(found)
    }

    async fn batch_get_once(self, keys: Vec<Attributes>) -> Result<(Vec<Item>, Vec<Attributes>)> {
        let keys = KeysAndAttributes::builder()
            .set_keys(Some(keys))
            .consistent_read(true)
            .build()
            .map_err(|source| self.unfit(source))?;
        let request = self
            .client()
            .batch_get_item()
            .request_items(self.table.name(), keys)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let mut answer = self.ask(|| request.clone().send()).await?;
        self.count_reads(answer.consumed_capacity());
        let name = self.table.name();
        let items = answer.responses.as_mut().and_then(|all| all.remove(name));
        let left = answer.unprocessed_keys.as_mut();
        let left = left.and_then(|all| all.remove(name));
        let items = items.unwrap_or_default().into_iter().map(Item).collect();
        Ok((items, left.map(|left| left.keys).unwrap_or_default()))
    }

    /// One page of a partition.
    pub(crate) async fn query(self, query: Query) -> Result<QueryPage> {
        let mut values = query.values.with(":PK", text(&query.partition));
        let condition = match &query.sorted {
            Sorted::All => "#PK = :PK",
            Sorted::Beginning(start) => {
                values = values.with(":SK", text(start));
                "#PK = :PK AND begins_with(#SK, :SK)"
            }
            Sorted::After(name) => {
                values = values.with(":SK", text(name));
                "#PK = :PK AND #SK > :SK"
            }
        };
        let texts = [
            Some(condition),
            query.filter.as_deref(),
            query.attributes.as_deref(),
        ];
        let limit = query
            .limit
            .map(|limit| i32::try_from(limit).unwrap_or(i32::MAX));
        let request = self
            .client()
            .query()
            .table_name(self.table.name())
            .consistent_read(true)
            .key_condition_expression(condition)
            .set_expression_attribute_names(mentioned(
                texts.into_iter().flatten(),
                &self.table.options().names,
            ))
            .set_select(
                query
                    .attributes
                    .is_some()
                    .then_some(Select::SpecificAttributes),
            )
            .set_filter_expression(query.filter)
            .set_projection_expression(query.attributes)
            .set_expression_attribute_values(values.given())
            .set_limit(limit)
            .set_exclusive_start_key(query.start)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = self.ask(|| request.clone().send()).await?;
        self.count_reads(&answer.consumed_capacity);
        let items = answer.items.unwrap_or_default().into_iter().map(Item);
        Ok(QueryPage {
            items: match &query.sorted {
                Sorted::All | Sorted::After(_) => items.collect(),
                // Not every server takes the beginning of a name literally: to AWS' own one for tests,
                // `_` and `%` are any letters.
                Sorted::Beginning(start) => items
                    .filter_map(|item| match self.table.key_of(&item) {
                        Ok(key) => key.sort.starts_with(start).then_some(Ok(item)),
                        Err(error) => Some(Err(error)),
                    })
                    .collect::<Result<_>>()?,
            },
            next: answer.last_evaluated_key,
        })
    }
}

impl DynamoDbTable {
    /// The key of an item that was read.
    pub(crate) fn key_of(&self, item: &Item) -> Result<ItemKey> {
        let names = &self.options().names;
        let part = |name: &str| -> Result<String> {
            let missing = || corrupt("read", format!("an item has no {name}"));
            Ok(item.text(name)?.ok_or_else(missing)?.to_owned())
        };
        let (partition, sort) = (part(&names.partition_key)?, part(&names.sort_key)?);
        Ok(ItemKey { partition, sort })
    }

    /// A key as the client wants it.
    pub(crate) fn key(&self, key: &ItemKey) -> Attributes {
        let names = &self.options().names;
        HashMap::from([
            (names.partition_key.clone(), text(&key.partition)),
            (names.sort_key.clone(), text(&key.sort)),
        ])
    }
}
