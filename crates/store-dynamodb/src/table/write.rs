//! Writes; their conditions decide.

use std::collections::HashMap;

use aws_sdk_dynamodb::error::BuildError;
use aws_sdk_dynamodb::types::{
    AttributeValue, ConditionCheck, DeleteRequest, Put, PutRequest, ReturnConsumedCapacity,
    ReturnValue, ReturnValuesOnConditionCheckFailure, TransactWriteItem, WriteRequest,
};
use store_core::{Error, ErrorKind};

use super::DynamoDbTable;
use super::expression::{Values, mentioned};
use crate::error::{BACKEND, Failure};
use crate::item::{Item, ItemKey};
use crate::ops::batch_writer::BatchWriter;

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
    Put {
        key: ItemKey,
        item: Item,
        condition: String,
        values: Values,
    },
    /// Changes nothing.
    Check {
        key: ItemKey,
        condition: String,
        values: Values,
    },
}

/// One write of a batch, made whatever is there.
#[derive(Clone, Debug)]
pub(crate) enum Write {
    Put(ItemKey, Item),
    Delete(ItemKey),
}

impl DynamoDbTable {
    /// Changes one item and returns it as it is now. A condition that does not hold is
    /// [`Failure::Refused`] with the item as it was.
    pub(crate) async fn update(
        &self,
        operation: &'static str,
        update: Update,
    ) -> Result<Item, Failure> {
        let changed = Box::pin(self.update_item(operation, update, ReturnValue::AllNew));
        Ok(Item(changed.await?.unwrap_or_default()))
    }

    /// Changes one item that is too long to be returned.
    pub(crate) async fn change(
        &self,
        operation: &'static str,
        update: Update,
    ) -> Result<(), Failure> {
        self.update_item(operation, update, ReturnValue::None)
            .await?;
        Ok(())
    }

    async fn update_item(
        &self,
        operation: &'static str,
        update: Update,
        returned: ReturnValue,
    ) -> Result<Option<HashMap<String, AttributeValue>>, Failure> {
        let request = self
            .client_for(operation)
            .update_item()
            .table_name(self.name())
            .set_key(Some(self.key(&update.key)))
            .set_expression_attribute_names(self.names([&update.change, &update.condition]))
            .update_expression(update.change)
            .set_condition_expression(given(update.condition))
            .set_expression_attribute_values(update.values.given())
            .return_values(returned)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = self
            .conditional(operation, &update.key, || request.clone().send())
            .await?;
        self.count_writes(operation, &answer.consumed_capacity);
        Ok(answer.attributes)
    }

    /// Puts one item in place of what is there. A condition that does not hold is
    /// [`Failure::Refused`] with the item as it was.
    pub(crate) async fn put(
        &self,
        operation: &'static str,
        key: &ItemKey,
        item: Item,
        condition: &str,
        values: Values,
    ) -> Result<(), Failure> {
        let condition = (condition, values);
        self.put_item(operation, key, item, condition, ReturnValue::None)
            .await?;
        Ok(())
    }

    /// Puts one item in place of what is there, and returns that. A condition that does not hold is
    /// [`Failure::Refused`] with the item as it was.
    pub(crate) async fn replace(
        &self,
        operation: &'static str,
        key: &ItemKey,
        item: Item,
        condition: &str,
        values: Values,
    ) -> Result<Option<Item>, Failure> {
        let condition = (condition, values);
        self.put_item(operation, key, item, condition, ReturnValue::AllOld)
            .await
    }

    async fn put_item(
        &self,
        operation: &'static str,
        key: &ItemKey,
        item: Item,
        (condition, values): (&str, Values),
        returned: ReturnValue,
    ) -> Result<Option<Item>, Failure> {
        let request = self
            .client_for(operation)
            .put_item()
            .table_name(self.name())
            .set_item(Some(self.whole(key, item)))
            .set_expression_attribute_names(self.names([condition]))
            .set_condition_expression(given(condition.to_owned()))
            .set_expression_attribute_values(values.given())
            .return_values(returned)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = self
            .conditional(operation, key, || request.clone().send())
            .await?;
        self.count_writes(operation, &answer.consumed_capacity);
        Ok(answer.attributes.map(Item))
    }

    /// Removes one item and returns it as it was.
    pub(crate) async fn delete(
        &self,
        operation: &'static str,
        key: &ItemKey,
        condition: &str,
        values: Values,
    ) -> Result<Option<Item>, Failure> {
        let request = self
            .client_for(operation)
            .delete_item()
            .table_name(self.name())
            .set_key(Some(self.key(key)))
            .set_expression_attribute_names(self.names([condition]))
            .set_condition_expression(given(condition.to_owned()))
            .set_expression_attribute_values(values.given())
            .return_values(ReturnValue::AllOld)
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = self
            .conditional(operation, key, || request.clone().send())
            .await?;
        self.count_writes(operation, &answer.consumed_capacity);
        Ok(answer.attributes.map(Item))
    }

    /// Does all the actions or none, at twice the price; at most a hundred.
    pub(crate) async fn transact(
        &self,
        operation: &'static str,
        actions: Vec<Action>,
    ) -> Result<(), Failure> {
        let actions = actions.into_iter().map(|action| self.transacted(action));
        let actions = actions.collect::<Result<Vec<_>, _>>().map_err(|source| {
            Error::new(ErrorKind::InvalidInput, BACKEND, operation).with_source(source)
        })?;
        let request = self
            .client_for(operation)
            .transact_write_items()
            .set_transact_items(Some(actions))
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = self.call(operation, || request.clone().send()).await?;
        self.count_writes(operation, answer.consumed_capacity());
        Ok(())
    }

    /// Puts and removes items unconditionally, each on its own, in as few requests as possible: see
    /// [`BatchWriter`].
    pub(crate) async fn batch_write(
        &self,
        operation: &'static str,
        writes: Vec<Write>,
    ) -> Result<(), Error> {
        let requests = writes.into_iter().map(|write| self.batched(write));
        let requests = requests.collect::<Result<Vec<_>, _>>().map_err(|source| {
            Error::new(ErrorKind::InvalidInput, BACKEND, operation).with_source(source)
        })?;
        let mut batch = BatchWriter::within(self, operation);
        for request in requests {
            batch.add(request).await?;
        }
        batch.flush().await
    }

    /// One round trip; what the service left out.
    pub(crate) async fn batch_write_once(
        &self,
        operation: &'static str,
        requests: Vec<WriteRequest>,
    ) -> Result<Vec<WriteRequest>, Error> {
        let request = self
            .client_for(operation)
            .batch_write_item()
            .request_items(self.name(), requests)
            .return_consumed_capacity(ReturnConsumedCapacity::Total);
        let answer = self.call(operation, || request.clone().send()).await;
        let mut answer = answer.map_err(|failure| failure.into_error(operation))?;
        self.count_writes(operation, answer.consumed_capacity());
        let left = answer.unprocessed_items.as_mut();
        Ok(left
            .and_then(|all| all.remove(self.name()))
            .unwrap_or_default())
    }

    fn transacted(&self, action: Action) -> Result<TransactWriteItem, BuildError> {
        let on_failure = ReturnValuesOnConditionCheckFailure::AllOld;
        let item = TransactWriteItem::builder();
        Ok(match action {
            Action::Put {
                key,
                item: new,
                condition,
                values,
            } => item.put(
                Put::builder()
                    .table_name(self.name())
                    .set_item(Some(self.whole(&key, new)))
                    .set_expression_attribute_names(self.names([&condition]))
                    .set_condition_expression(given(condition))
                    .set_expression_attribute_values(values.given())
                    .return_values_on_condition_check_failure(on_failure)
                    .build()?,
            ),
            Action::Check {
                key,
                condition,
                values,
            } => item.condition_check(
                ConditionCheck::builder()
                    .table_name(self.name())
                    .set_key(Some(self.key(&key)))
                    .set_expression_attribute_names(self.names([&condition]))
                    .condition_expression(condition)
                    .set_expression_attribute_values(values.given())
                    .return_values_on_condition_check_failure(on_failure)
                    .build()?,
            ),
        }
        .build())
    }

    fn batched(&self, write: Write) -> Result<WriteRequest, BuildError> {
        let request = WriteRequest::builder();
        Ok(match write {
            Write::Put(key, item) => {
                let put = PutRequest::builder().set_item(Some(self.whole(&key, item)));
                request.put_request(put.build()?)
            }
            Write::Delete(key) => {
                let delete = DeleteRequest::builder().set_key(Some(self.key(&key)));
                request.delete_request(delete.build()?)
            }
        }
        .build())
    }

    fn whole(&self, key: &ItemKey, item: Item) -> HashMap<String, AttributeValue> {
        let mut whole = item.0;
        whole.extend(self.key(key));
        whole
    }

    fn names<T: AsRef<str>>(
        &self,
        texts: impl IntoIterator<Item = T>,
    ) -> Option<HashMap<String, String>> {
        let texts: Vec<T> = texts.into_iter().collect();
        mentioned(texts.iter().map(AsRef::as_ref), &self.options().names)
    }
}

fn given(expression: String) -> Option<String> {
    (!expression.is_empty()).then_some(expression)
}
