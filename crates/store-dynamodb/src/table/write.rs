//! Writes; their conditions decide.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, DeleteRequest, Put, ReturnConsumedCapacity, ReturnValue,
    ReturnValuesOnConditionCheckFailure, TransactWriteItem, WriteRequest,
};
use store_core::{Error, ErrorKind, Result};

use super::Requests;
use super::expression::{Values, mentioned};
use crate::error::BACKEND;
use crate::item::{Item, ItemKey};
use crate::ops::batch_writer::BatchWriter;

/// An expression and the values that it names: `#name` stands for an attribute, `:name` for a value. Nothing has to
/// hold if it is empty.
pub(crate) type Condition = (String, Values);

/// What a write came to: its answer, or the item, if there was one, of which its condition did not hold.
pub(crate) type Conditional<T> = Result<T, Option<Item>>;

/// A change of one item, made if its condition holds. `#name` stands for an attribute, `:name` for one
/// of the values.
#[derive(Clone, Debug)]
pub(crate) struct Update {
    pub(crate) key: ItemKey,
    /// `SET …`, `ADD …`, `REMOVE …`.
    pub(crate) change: String,
    /// What must hold; nothing if empty.
    pub(crate) condition: String,
    pub(crate) values: Values,
}

/// One action of a transaction.
#[derive(Clone, Debug)]
pub(crate) enum Action {
    /// Puts the item in place of what is there.
    Put(ItemKey, Item, Condition),
    /// Changes nothing.
    Check(ItemKey, Condition),
}

impl Requests<'_> {
    /// Changes one item and returns it as it is now.
    pub(crate) async fn update(self, update: Update) -> Result<Conditional<Item>> {
        let changed = Box::pin(self.update_item(update, ReturnValue::AllNew)).await?;
        Ok(changed.map(|attributes| Item(attributes.unwrap_or_default())))
    }

    /// Changes one item that is too long to be returned.
    pub(crate) async fn change(self, update: Update) -> Result<Conditional<()>> {
        let changed = Box::pin(self.update_item(update, ReturnValue::None)).await?;
        Ok(changed.map(drop))
    }

    async fn update_item(
        self,
        update: Update,
        returned: ReturnValue,
    ) -> Result<Conditional<Option<HashMap<String, AttributeValue>>>> {
        let request = self
            .client()
            .update_item()
            .table_name(self.table.name())
            .set_key(Some(self.table.key(&update.key)))
            .set_expression_attribute_names(self.names([&update.change, &update.condition]))
            .update_expression(update.change)
            .set_condition_expression(given(update.condition))
            .set_expression_attribute_values(update.values.given())
            .return_values(returned)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = self.conditional(&update.key, || request.clone().send());
        Ok(answer.await?.map(|answer| {
            self.count_writes(&answer.consumed_capacity);
            answer.attributes
        }))
    }

    /// Puts one item in place of what is there, and returns that.
    pub(crate) async fn replace(
        self,
        key: &ItemKey,
        item: Item,
        (condition, values): Condition,
    ) -> Result<Conditional<Option<Item>>> {
        let request = self
            .client()
            .put_item()
            .table_name(self.table.name())
            .set_item(Some(self.whole(key, item)))
            .set_expression_attribute_names(self.names([&condition]))
            .set_condition_expression(given(condition))
            .set_expression_attribute_values(values.given())
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = self.conditional(key, || request.clone().send());
        Ok(answer.await?.map(|answer| {
            self.count_writes(&answer.consumed_capacity);
            answer.attributes.map(Item)
        }))
    }

    /// Removes one item and returns it as it was.
    pub(crate) async fn delete(
        self,
        key: &ItemKey,
        (condition, values): Condition,
    ) -> Result<Conditional<Option<Item>>> {
        let request = self
            .client()
            .delete_item()
            .table_name(self.table.name())
            .set_key(Some(self.table.key(key)))
            .set_expression_attribute_names(self.names([&condition]))
            .set_condition_expression(given(condition))
            .set_expression_attribute_values(values.given())
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = self.conditional(key, || request.clone().send());
        Ok(answer.await?.map(|answer| {
            self.count_writes(&answer.consumed_capacity);
            answer.attributes.map(Item)
        }))
    }

    /// Does all the actions or none, at twice the price; at most a hundred. Whether it did: a condition may not hold,
    /// and others may write the same items.
    pub(crate) async fn transact(self, actions: Vec<Action>) -> Result<bool> {
        let actions = actions.into_iter().map(|action| self.transacted(action));
        let actions = actions.collect::<Result<_, _>>();
        let request = self
            .client()
            .transact_write_items()
            .set_transact_items(Some(actions.map_err(|source| self.unfit(source))?))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        match self.call(|| request.clone().send()).await {
            Ok(answer) => {
                self.count_writes(answer.consumed_capacity());
                Ok(true)
            }
            Err(failure) if failure.is_contention() => Ok(false),
            Err(failure) => Err(failure.into_error(self.operation)),
        }
    }

    /// Removes items unconditionally, each on its own, in as few requests as possible: see [`BatchWriter`].
    pub(crate) async fn delete_all(self, keys: impl IntoIterator<Item = ItemKey>) -> Result<()> {
        let mut batch = BatchWriter::within(self.table, self.operation);
        for key in keys {
            let delete = DeleteRequest::builder().set_key(Some(self.table.key(&key)));
            let delete = delete.build().map_err(|source| self.unfit(source))?;
            let request = WriteRequest::builder().delete_request(delete);
            batch.add(request.build()).await?;
        }
        batch.flush().await
    }

    /// One round trip of a batch; what the service left out.
    pub(crate) async fn batch_write_once(
        self,
        requests: Vec<WriteRequest>,
    ) -> Result<Vec<WriteRequest>> {
        let request = self
            .client()
            .batch_write_item()
            .request_items(self.table.name(), requests)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let mut answer = self.ask(|| request.clone().send()).await?;
        self.count_writes(answer.consumed_capacity());
        let left = answer.unprocessed_items.as_mut();
        let left = left.and_then(|all| all.remove(self.table.name()));
        Ok(left.unwrap_or_default())
    }

    fn transacted(self, action: Action) -> Result<TransactWriteItem, BuildError> {
        let item = TransactWriteItem::builder();
        Ok(match action {
            Action::Put(key, new, (condition, values)) => item.put(
                Put::builder()
                    .table_name(self.table.name())
                    .set_item(Some(self.whole(&key, new)))
                    .set_expression_attribute_names(self.names([&condition]))
                    .set_condition_expression(given(condition))
                    .set_expression_attribute_values(values.given())
                    .build()?,
            ),
            Action::Check(key, (condition, values)) => item.condition_check(
                ConditionCheck::builder()
                    .table_name(self.table.name())
                    .set_key(Some(self.table.key(&key)))
                    .set_expression_attribute_names(self.names([&condition]))
                    .condition_expression(condition)
                    .set_expression_attribute_values(values.given())
                    .build()?,
            ),
        }
        .build())
    }

    fn whole(self, key: &ItemKey, item: Item) -> HashMap<String, AttributeValue> {
        let mut whole = item.0;
        whole.extend(self.table.key(key));
        whole
    }

    fn names<'a>(
        self,
        texts: impl IntoIterator<Item = &'a String>,
    ) -> Option<HashMap<String, String>> {
        let texts = texts.into_iter().map(String::as_str);
        mentioned(texts, &self.table.options().names)
    }

    /// The error for a request that cannot be built.
    pub(super) fn unfit(self, source: BuildError) -> Error {
        Error::new(ErrorKind::InvalidInput, BACKEND, self.operation).with_source(source)
    }
}

fn given(expression: String) -> Option<String> {
    (!expression.is_empty()).then_some(expression)
}
