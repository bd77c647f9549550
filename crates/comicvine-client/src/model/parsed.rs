//! Values that the API writes as text, with the text at hand.

mod values;

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

pub use self::values::{Amount, Date, DateTime, Runtime, Year};
use super::field::FieldType;
use super::scalar::Scalar;

/// A type that a text of the API can be parsed to.
pub trait FromText: Sized + fmt::Display {
    /// The type of such a field.
    #[doc(hidden)]
    const TYPE: FieldType;

    /// The value of `text`, if it has one.
    fn from_text(text: &str) -> Option<Self>;
}

/// A value with the text that it was parsed from. Text that is no such value is kept as well.
///
/// ```
/// use comicvine_client::{Amount, Parsed};
///
/// let budget: Parsed<Amount> = serde_json::from_str(r#""$80.2 million""#)?;
/// assert_eq!(budget.value().map(|amount| amount.dollars()), Some(80_200_000));
/// assert_eq!(budget.text(), "$80.2 million");
///
/// let unknown: Parsed<Amount> = serde_json::from_str(r#""a fortune""#)?;
/// assert!(unknown.value().is_none());
/// assert_eq!(unknown.text(), "a fortune");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Parsed<T> {
    value: Option<T>,
    /// `None` if the value is written just so.
    text: Option<Box<str>>,
}

impl<T: FromText> Parsed<T> {
    /// Parses `text`.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let value = T::from_text(text);
        let is_canonical = value.as_ref().is_some_and(|value| is_written(value, text));
        Self {
            value,
            text: (!is_canonical).then(|| text.into()),
        }
    }

    /// The value; `None` if the text is none of this type.
    #[must_use]
    pub const fn value(&self) -> Option<&T> {
        self.value.as_ref()
    }

    /// The text, exactly as the API wrote it.
    #[must_use]
    pub fn text(&self) -> Cow<'_, str> {
        match (&self.text, &self.value) {
            (Some(text), _) => Cow::Borrowed(text),
            (None, Some(value)) => Cow::Owned(value.to_string()),
            (None, None) => Cow::Borrowed(""),
        }
    }

    /// From a text, a number, or an object with a `date`; any other value is returned.
    pub(super) fn from_scalar(scalar: Scalar<'_>) -> Result<Option<Self>, Value> {
        match scalar {
            Scalar::Absent => Ok(None),
            Scalar::Text(text) if text.is_empty() => Ok(None),
            Scalar::Text(text) => Ok(Some(Self::new(&text))),
            Scalar::Number(number) => Ok(Some(Self::new(&number.to_string()))),
            Scalar::True => Err(Value::Bool(true)),
            // PHP's form of a time: `{"date": "2020-12-02 00:00:00.000000", "timezone": …}`.
            Scalar::Nested(value) => match value.get("date").and_then(Value::as_str) {
                Some(text) => Ok(Some(Self::new(text))),
                None => Err(value),
            },
        }
    }
}

/// Whether `value` is written as `text`, without a copy.
fn is_written(value: &impl fmt::Display, text: &str) -> bool {
    struct Expected<'a>(&'a str);

    impl fmt::Write for Expected<'_> {
        fn write_str(&mut self, part: &str) -> fmt::Result {
            self.0 = self.0.strip_prefix(part).ok_or(fmt::Error)?;
            Ok(())
        }
    }

    let mut expected = Expected(text);
    fmt::write(&mut expected, format_args!("{value}")).is_ok() && expected.0.is_empty()
}

impl<T: FromText> fmt::Display for Parsed<T> {
    /// The text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text())
    }
}

impl<T: FromText + fmt::Debug> fmt::Debug for Parsed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.value {
            Some(value) => write!(f, "{:?} ({value:?})", self.text()),
            None => write!(f, "{:?}", self.text()),
        }
    }
}

impl<T: FromText> Serialize for Parsed<T> {
    /// As the text.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text())
    }
}

impl<'de, T: FromText> Deserialize<'de> for Parsed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = Self::from_scalar(Scalar::deserialize(deserializer)?);
        read.ok()
            .flatten()
            .ok_or_else(|| serde::de::Error::custom("not a text"))
    }
}
