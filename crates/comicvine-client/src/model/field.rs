//! Fields of resources: how their values are read, and what is known about them.

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::gender::Gender;
use super::object::{List, Model, Object};
use super::parsed::{FromText, Parsed};
use super::scalar::Scalar;
use crate::id::Id;

/// A value that was read.
#[derive(Debug)]
pub(crate) enum Read<T> {
    /// Nothing: `null`, `false`, `[]`, `{}`.
    Absent,
    /// A value of the expected type.
    Value(T),
    /// A value of another type.
    Odd(Value),
}

impl<T> Read<T> {
    pub(crate) fn map<U>(self, convert: impl FnOnce(T) -> U) -> Read<U> {
        match self {
            Self::Absent => Read::Absent,
            Self::Value(value) => Read::Value(convert(value)),
            Self::Odd(value) => Read::Odd(value),
        }
    }
}

impl<T> From<Result<Option<T>, Value>> for Read<T> {
    fn from(read: Result<Option<T>, Value>) -> Self {
        match read {
            Ok(Some(value)) => Self::Value(value),
            Ok(None) => Self::Absent,
            Err(value) => Self::Odd(value),
        }
    }
}

/// A type that one JSON value is read into.
pub(crate) trait Readable: Sized {
    const TYPE: FieldType;

    /// Reads a value of any type; fails only if it is not JSON.
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Read<Self>, D::Error>;
}

/// The type of a field of a model.
pub(crate) trait FieldValue: Sized {
    const TYPE: FieldType;

    /// The value of a field that the API does not send.
    fn absent() -> Self;

    fn is_absent(&self) -> bool;

    /// Reads a value of any type; fails only if it is not JSON.
    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Read<Self>, D::Error>;
}

impl Readable for String {
    const TYPE: FieldType = FieldType::Text;

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Read<Self>, D::Error> {
        Ok(Scalar::deserialize(deserializer)?.into_text().into())
    }
}

impl Readable for u64 {
    const TYPE: FieldType = FieldType::Number;

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Read<Self>, D::Error> {
        Ok(Scalar::deserialize(deserializer)?.into_number().into())
    }
}

impl Readable for bool {
    const TYPE: FieldType = FieldType::Boolean;

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Read<Self>, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let number = value
            .as_str()
            .map_or(value.as_u64(), |text| text.parse().ok());
        Ok(match (value, number) {
            (Value::Null, _) => Read::Absent,
            (Value::Bool(value), _) => Read::Value(value),
            (_, Some(number @ 0..=1)) => Read::Value(number == 1),
            (value, _) => Read::Odd(value),
        })
    }
}

impl Readable for Gender {
    const TYPE: FieldType = FieldType::Gender;

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Read<Self>, D::Error> {
        Ok(Gender::from_scalar(Scalar::deserialize(deserializer)?).into())
    }
}

impl Readable for Value {
    const TYPE: FieldType = FieldType::Json;

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Read<Self>, D::Error> {
        Ok(match Scalar::deserialize(deserializer)? {
            Scalar::Absent => Read::Absent,
            Scalar::True => Read::Value(Value::Bool(true)),
            Scalar::Number(number) => Read::Value(Value::Number(number)),
            Scalar::Text(text) => Read::Value(text.into()),
            Scalar::Nested(value) => Read::Value(value),
        })
    }
}

impl<T: FromText> Readable for Parsed<T> {
    const TYPE: FieldType = T::TYPE;

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Read<Self>, D::Error> {
        Ok(Parsed::from_scalar(Scalar::deserialize(deserializer)?).into())
    }
}

impl<M: Model> Readable for M {
    const TYPE: FieldType = M::OBJECT_TYPE;

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Read<Self>, D::Error> {
        deserializer.deserialize_any(Object::new())
    }
}

impl<T: Readable> FieldValue for Option<T> {
    const TYPE: FieldType = T::TYPE;

    fn absent() -> Self {
        None
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Read<Self>, D::Error> {
        Ok(T::read(deserializer)?.map(Some))
    }
}

impl FieldValue for String {
    const TYPE: FieldType = FieldType::Text;

    fn absent() -> Self {
        Self::new()
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Read<Self>, D::Error> {
        <Self as Readable>::read(deserializer)
    }
}

impl FieldValue for u64 {
    const TYPE: FieldType = FieldType::Number;

    fn absent() -> Self {
        0
    }

    fn is_absent(&self) -> bool {
        *self == 0
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Read<Self>, D::Error> {
        <Self as Readable>::read(deserializer)
    }
}

impl FieldValue for Id {
    const TYPE: FieldType = FieldType::Id;

    /// No resource has this id.
    fn absent() -> Self {
        Self::new(0)
    }

    fn is_absent(&self) -> bool {
        self.number() == 0
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Read<Self>, D::Error> {
        Ok(Id::from_scalar(Scalar::deserialize(deserializer)?).into())
    }
}

/// The non-blank lines of a text: how the API writes a list of aliases.
impl FieldValue for Vec<String> {
    const TYPE: FieldType = FieldType::Lines;

    fn absent() -> Self {
        Self::new()
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Read<Self>, D::Error> {
        let lines = |text: &str| -> Vec<String> {
            text.split(['\r', '\n'])
                .map(str::trim)
                .filter(|line| !line.is_empty())
                .map(str::to_owned)
                .collect()
        };
        Ok(match Scalar::deserialize(deserializer)? {
            Scalar::Absent => Read::Absent,
            Scalar::Text(text) => Read::Value(lines(&text)),
            Scalar::Nested(Value::Array(items)) if items.iter().all(Value::is_string) => {
                let texts = items.iter().filter_map(Value::as_str);
                Read::Value(texts.flat_map(lines).collect())
            }
            Scalar::True => Read::Odd(Value::Bool(true)),
            Scalar::Number(number) => Read::Value(vec![number.to_string()]),
            Scalar::Nested(value) => Read::Odd(value),
        })
    }
}

impl<M: Model> FieldValue for Vec<M> {
    const TYPE: FieldType = M::LIST_TYPE;

    fn absent() -> Self {
        Self::new()
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }

    fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Read<Self>, D::Error> {
        deserializer.deserialize_any(List::new())
    }
}

/// Deserializes a field of a struct that is no model; a value of another type counts as absent.
pub(crate) fn lenient<'de, D: Deserializer<'de>, F: FieldValue>(
    deserializer: D,
) -> Result<F, D::Error> {
    Ok(match F::read(deserializer)? {
        Read::Value(value) => value,
        Read::Absent | Read::Odd(_) => F::absent(),
    })
}

/// The type of a field's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FieldType {
    /// The id of the resource itself.
    Id,
    /// Text.
    Text,
    /// Text with one item on each line.
    Lines,
    /// A whole number.
    Number,
    /// A truth value.
    Boolean,
    /// A date.
    Date,
    /// A date with a time of day, without a time zone.
    DateTime,
    /// A year.
    Year,
    /// An amount of money, in US dollars.
    Amount,
    /// A running time.
    Runtime,
    /// A gender.
    Gender,
    /// An image in several sizes.
    Image,
    /// A list of images.
    Images,
    /// Another resource.
    Resource,
    /// A list of other resources.
    Resources,
    /// JSON whose meaning is not known.
    Json,
}
