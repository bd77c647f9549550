//! A JSON value as text, number or truth value, whatever was expected.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Number, Value};

/// A JSON value, read without a failure and, where it can be, without a copy.
#[derive(Debug)]
pub(crate) enum Scalar<'a> {
    /// `null`, `false`, `[]` or `{}`, all of which the API writes for "nothing".
    Absent,
    True,
    Number(Number),
    Text(Cow<'a, str>),
    /// An array or object with something in it.
    Nested(Value),
}

impl Scalar<'_> {
    /// The value as text; a nested one is returned.
    pub(crate) fn into_text(self) -> Result<Option<String>, Value> {
        match self {
            Self::Absent => Ok(None),
            Self::True => Ok(Some("true".to_owned())),
            Self::Number(number) => Ok(Some(number.to_string())),
            Self::Text(text) => Ok(Some(text.into_owned())),
            Self::Nested(value) => Err(value),
        }
    }

    /// The value as a whole number, also from text with separators and from `12.0`; any other value is
    /// returned.
    pub(crate) fn into_number(self) -> Result<Option<u64>, Value> {
        match self {
            Self::Absent => Ok(None),
            Self::Number(number) => whole(&number).map(Some).ok_or(Value::Number(number)),
            Self::Text(text) if text.trim().is_empty() => Ok(None),
            Self::Text(text) => from_text(&text).map(Some).ok_or_else(|| text.into()),
            Self::True => Err(Value::Bool(true)),
            Self::Nested(value) => Err(value),
        }
    }
}

fn from_text(text: &str) -> Option<u64> {
    let text = text.trim();
    text.parse()
        .ok()
        .or_else(|| text.replace(',', "").parse().ok())
        .or_else(|| whole(&Number::from_f64(text.parse().ok()?)?))
}

fn whole(number: &Number) -> Option<u64> {
    /// Beyond it a float does not hold every whole number.
    const MAX_EXACT: f64 = 9_007_199_254_740_992.0;
    number.as_u64().or_else(|| {
        let float = number.as_f64()?;
        let is_whole = float.fract() == 0.0 && (0.0..=MAX_EXACT).contains(&float);
        is_whole.then(|| format!("{float:.0}").parse().ok())?
    })
}

impl<'de> Deserialize<'de> for Scalar<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl<'de> Visitor<'de> for ScalarVisitor {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Absent)
    }

    fn visit_none<E>(self) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Absent)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Scalar<'de>, D::Error> {
        Scalar::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Scalar<'de>, E> {
        Ok(if value { Scalar::True } else { Scalar::Absent })
    }

    fn visit_u64<E>(self, value: u64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Scalar<'de>, E> {
        Ok(Number::from_f64(value).map_or(Scalar::Absent, Scalar::Number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_string<E>(self, text: String) -> Result<Scalar<'de>, E> {
        Ok(Scalar::Text(Cow::Owned(text)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<Scalar<'de>, A::Error> {
        Value::deserialize(SeqAccessDeserializer::new(elements)).map(nested)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Scalar<'de>, A::Error> {
        Value::deserialize(MapAccessDeserializer::new(entries)).map(nested)
    }
}

fn nested(value: Value) -> Scalar<'static> {
    let is_empty = match &value {
        Value::Array(elements) => elements.is_empty(),
        Value::Object(entries) => entries.is_empty(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    };
    if is_empty {
        Scalar::Absent
    } else {
        Scalar::Nested(value)
    }
}
