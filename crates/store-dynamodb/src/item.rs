//! Items: what their attributes are called, how they are written and read back.

use std::collections::HashMap;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use bytes::Bytes;
use store_core::{Error, Timestamp};

use crate::error::corrupt;

/// Where an item lives.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ItemKey {
    pub(crate) partition: String,
    pub(crate) sort: String,
}

impl ItemKey {
    pub(crate) fn new(partition: impl Into<String>, sort: impl Into<String>) -> Self {
        Self {
            partition: partition.into(),
            sort: sort.into(),
        }
    }
}

/// The attributes of an item, without its key unless it was read.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Item(pub(crate) HashMap<String, AttributeValue>);

impl Item {
    /// Sets an attribute.
    pub(crate) fn with(mut self, name: &str, value: AttributeValue) -> Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    /// Sets an attribute if there is a value for it.
    pub(crate) fn with_some(self, name: &str, value: Option<AttributeValue>) -> Self {
        match value {
            Some(value) => self.with(name, value),
            None => self,
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// A whole number, if the attribute is there.
    pub(crate) fn number(&self, name: &str) -> Result<Option<i64>, Error> {
        let Some(value) = self.0.get(name) else {
            return Ok(None);
        };
        let text = value.as_n().map_err(|_| wrong(name))?;
        text.parse().map(Some).map_err(|_| wrong(name))
    }

    /// A count, zero if the attribute is missing.
    pub(crate) fn count(&self, name: &str) -> Result<u64, Error> {
        let number = self.number(name)?.unwrap_or(0);
        u64::try_from(number).map_err(|_| wrong(name))
    }

    /// A moment, if the attribute is there.
    pub(crate) fn timestamp(&self, name: &str) -> Result<Option<Timestamp>, Error> {
        Ok(self.number(name)?.map(Timestamp::from_millis))
    }

    /// A text, if the attribute is there.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, Error> {
        match self.0.get(name) {
            Some(value) => match value.as_s() {
                Ok(text) => Ok(Some(text)),
                Err(_) => Err(wrong(name)),
            },
            None => Ok(None),
        }
    }

    /// A set of texts, empty if the attribute is missing.
    pub(crate) fn texts(&self, name: &str) -> Result<&[String], Error> {
        match self.0.get(name) {
            Some(value) => match value.as_ss() {
                Ok(texts) => Ok(texts),
                Err(_) => Err(wrong(name)),
            },
            None => Ok(&[]),
        }
    }

    /// Bytes as [`bytes()`] wrote them, taken out of the item, if the attribute is there.
    pub(crate) fn take_bytes(&mut self, name: &str) -> Result<Option<Bytes>, Error> {
        match self.0.remove(name) {
            Some(AttributeValue::B(blob)) => Ok(Some(blob.into_inner().into())),
            Some(AttributeValue::Null(_)) => Ok(Some(Bytes::new())),
            Some(_) => Err(wrong(name)),
            None => Ok(None),
        }
    }
}

/// An attribute holds what we never wrote there.
fn wrong(name: &str) -> Error {
    corrupt(
        "read",
        format!("attribute {name} has an unexpected type or value"),
    )
}

/// A number as an attribute.
pub(crate) fn number(value: impl Into<i128>) -> AttributeValue {
    AttributeValue::N(value.into().to_string())
}

/// A moment as an attribute: Unix milliseconds.
pub(crate) fn timestamp(at: Timestamp) -> AttributeValue {
    number(at.as_millis())
}

/// A moment as DynamoDB's time to live reads it: Unix seconds, never too early.
pub(crate) fn time_to_live(at: Timestamp) -> AttributeValue {
    number(at.as_millis().saturating_add(999).div_euclid(1_000))
}

/// A text as an attribute.
pub(crate) fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

/// Texts as a set; DynamoDB knows no empty ones.
pub(crate) fn texts(values: Vec<String>) -> Option<AttributeValue> {
    (!values.is_empty()).then_some(AttributeValue::Ss(values))
}

/// Bytes as an attribute. Empty ones are bytes to DynamoDB since 2020, and not to every server that
/// speaks it, so they are written as a null.
pub(crate) fn bytes(value: impl Into<Vec<u8>>) -> AttributeValue {
    let value = value.into();
    if value.is_empty() {
        AttributeValue::Null(true)
    } else {
        AttributeValue::B(Blob::new(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_come_back_as_they_were_written() {
        let mut item = Item::default()
            .with("n", number(-7))
            .with("t", text("x"))
            .with_some("none", None)
            .with("b", bytes([1, 2]));
        assert_eq!(item.number("n").unwrap(), Some(-7));
        assert_eq!(item.text("t").unwrap(), Some("x"));
        assert!(!item.has("none"));
        assert_eq!(item.take_bytes("b").unwrap().as_deref(), Some(&[1, 2][..]));
    }

    #[test]
    fn empty_bytes_are_told_from_none_without_an_empty_attribute() {
        let mut item = Item::default().with("b", bytes([]));
        assert!(item.0["b"].is_null(), "{item:?}");
        assert_eq!(item.take_bytes("b").unwrap(), Some(Bytes::new()));
        assert_eq!(item.take_bytes("b").unwrap(), None);
    }

    #[test]
    fn an_attribute_of_another_type_is_corrupt_and_named() {
        let item = Item::default().with("n", text("7"));
        let error = item.number("n").unwrap_err();
        assert_eq!(error.kind(), store_core::ErrorKind::Corrupt);
        assert!(error.to_string().contains("attribute n"), "{error}");
    }

    #[test]
    fn time_to_live_is_never_too_early() {
        assert_eq!(time_to_live(Timestamp::from_millis(1_001)), number(2));
        assert_eq!(time_to_live(Timestamp::from_millis(1_000)), number(1));
    }
}
