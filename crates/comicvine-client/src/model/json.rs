//! JSON as it is.

use std::fmt;

use bytestring::ByteString;
use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::members::Members;
use crate::body::{parse_part, without_lone_surrogates};
use crate::query::Fields;

/// Fields without one in the model, by name.
pub type Extra = Map<String, Value>;

/// A JSON value exactly as the API sent it. Clones share the text.
///
/// ```
/// use comicvine_client::RawJson;
///
/// let raw = RawJson::parse(r#"{"b": 1.50, "a": 2}"#)?;
/// assert_eq!(raw.get(), r#"{"b": 1.50, "a": 2}"#);
///
/// #[derive(serde::Deserialize)]
/// struct Mine {
///     a: u8,
/// }
/// assert_eq!(raw.decode::<Mine>()?.a, 2);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct RawJson(ByteString);

impl RawJson {
    /// The value in `text`.
    ///
    /// # Errors
    /// [`serde_json::Error`] if it is not JSON, or more than one value.
    pub fn parse(text: impl Into<String>) -> Result<Self, serde_json::Error> {
        let raw: Box<str> = RawValue::from_string(text.into())?.into();
        Ok(Self(String::from(raw).into()))
    }

    /// A part of `body` that was read as JSON from it.
    pub(crate) fn part_of(body: &ByteString, part: &str) -> Self {
        Self(body.slice_ref(part))
    }

    /// The array in `body` whose elements are `elements`.
    pub(crate) fn array_of(body: &ByteString, elements: &[&RawValue]) -> Self {
        let (Some(first), Some(last)) = (elements.first(), elements.last()) else {
            return Self(ByteString::from_static("[]"));
        };
        let address = |part: &str| part.as_ptr().addr() - body.as_ptr().addr();
        let (before, after) = body.split_at(address(first.get()));
        let end = address(last.get()) + last.get().len() - before.len();
        let start = before.rfind('[').unwrap_or(before.len());
        let end = after[end..]
            .find(']')
            .map_or(after.len(), |at| end + at + 1);
        Self(body.slice_ref(&body[start..before.len() + end]))
    }

    /// The text.
    #[must_use]
    pub fn get(&self) -> &str {
        &self.0
    }

    /// The value without lone surrogates, which no text can hold; `None` if it has none.
    pub(crate) fn without_lone_surrogates(&self) -> Option<Self> {
        without_lone_surrogates(&self.0).map(|text| Self(text.into()))
    }

    /// An object with these fields only, in its own order; any other value as it is.
    pub(crate) fn only(&self, fields: &Fields) -> Self {
        let select = |object: &Self| {
            let members: Members<'_> = serde_json::from_str(&object.0).ok()?;
            Some(Self(members.only(fields).into()))
        };
        // A name with half a character in it is no text.
        select(self)
            .or_else(|| select(&self.without_lone_surrogates()?))
            .unwrap_or_else(|| self.clone())
    }

    /// The value as a `T`. Halves of surrogate pairs (`\\ud83d`), which no text can hold, become `U+FFFD`.
    ///
    /// # Errors
    /// [`serde_json::Error`] if it is none.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        parse_part(&self.0)
    }
}

impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for RawJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let raw: &RawValue = serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}
