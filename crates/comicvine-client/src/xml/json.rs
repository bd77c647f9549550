//! JSON, one level at a time: what is not looked at stays text, so order, duplicates and the digits of
//! numbers survive.

use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde::{Deserialize, de};
use serde_json::value::RawValue;

/// A value, and the text of what is in it.
pub(super) enum Node<'a> {
    Null,
    /// A number or a boolean.
    Bare(&'a str),
    Text(String),
    Items(Vec<&'a RawValue>),
    Fields(Vec<(String, &'a RawValue)>),
}

impl<'a> Node<'a> {
    pub(super) fn of(json: &'a RawValue) -> Result<Self, serde_json::Error> {
        let text = json.get();
        Ok(match text.as_bytes().first() {
            Some(b'n') => Self::Null,
            Some(b'"') => Self::Text(serde_json::from_str::<Text>(text)?.0),
            Some(b'[') => Self::Items(serde_json::from_str(text)?),
            Some(b'{') => Self::Fields(serde_json::from_str::<Fields<'_>>(text)?.0),
            Some(_) | None => Self::Bare(text),
        })
    }

    pub(super) fn into_text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Null | Self::Bare(_) | Self::Items(_) | Self::Fields(_) => None,
        }
    }
}

/// Gives `body` to `read` as JSON.
///
/// A body with raw control characters is read with spaces in their place: they have no meaning in JSON,
/// and most of them none in XML.
pub(super) fn read<T>(
    body: &[u8],
    read: impl FnOnce(&RawValue) -> Result<T, serde_json::Error>,
) -> Result<T, serde_json::Error> {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}');
    match serde_json::from_str(text) {
        Ok(json) => read(json),
        Err(error) => {
            let cleaned = text.replace(|letter: char| letter < ' ', " ");
            read(serde_json::from_str(&cleaned).map_err(|_| error)?)
        }
    }
}

/// A string without its lone surrogates. Read as bytes, because serde refuses them in a `String`.
struct Text(String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Bytes;

        impl Visitor<'_> for Bytes {
            type Value = Text;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Text, E> {
                let valid = bytes.utf8_chunks().map(|chunk| chunk.valid());
                Ok(Text(valid.collect()))
            }
        }

        deserializer.deserialize_bytes(Bytes)
    }
}

/// The fields of an object in their order, duplicates included.
struct Fields<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Fields<'de>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::with_capacity(32);
                while let Some((Text(name), value)) = map.next_entry()? {
                    fields.push((name, value));
                }
                Ok(Fields(fields))
            }
        }

        deserializer.deserialize_map(Entries)
    }
}
