//! Lenient deserializers for values of varying types.
//!
//! None of them fails: a value of an unexpected type counts as absent.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::id::parse_detail_url;

/// A string; empty if absent.
pub(crate) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    optional_text(deserializer).map(Option::unwrap_or_default)
}

/// A string, or a number or boolean as a string.
pub(crate) fn optional_text<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<String>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => Some(text),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    })
}

/// A number; zero if absent.
pub(crate) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    optional_number(deserializer).map(Option::unwrap_or_default)
}

/// A number, from a number or a string.
pub(crate) fn optional_number<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<u64>, D::Error> {
    Value::deserialize(deserializer).map(|value| to_number(&value))
}

/// The non-blank lines of a string: the API's format of a list of aliases.
pub(crate) fn lines<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let split = |text: &str| -> Vec<String> {
        text.split(['\r', '\n'])
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect()
    };
    Ok(match Value::deserialize(deserializer)? {
        Value::String(text) => split(&text),
        Value::Array(items) => items
            .iter()
            .filter_map(Value::as_str)
            .flat_map(split)
            .collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
    })
}

/// An object; `null`, `false` and `[]` count as absent.
pub(crate) fn object<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    Value::deserialize(deserializer).map(model)
}

/// An array of objects; `null` and `false` count as empty, and other elements are left out.
pub(crate) fn list<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::Array(items) => items.into_iter().filter_map(model).collect(),
        one @ Value::Object(_) => model(one).into_iter().collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    })
}

fn model<T: DeserializeOwned>(value: Value) -> Option<T> {
    let Value::Object(mut object) = value else {
        return None;
    };
    complete_id(&mut object);
    serde_json::from_value(Value::Object(object)).ok()
}

/// Makes the `id` a number, taking a missing one from `api_detail_url`.
pub(super) fn complete_id(object: &mut Map<String, Value>) {
    let number = object.get("id").and_then(to_number).or_else(|| {
        let url = object.get("api_detail_url")?.as_str()?;
        parse_detail_url(url).map(|(_, id)| id.number())
    });
    if let Some(number) = number {
        object.insert("id".to_owned(), number.into());
    }
}

fn to_number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.trim().replace(',', "").parse().ok(),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}
