//! Objects of the API as a list of fields with raw JSON values.
//!
//! The order of fields and the text of values are kept, so that a response equals its recording and
//! `field_list` only leaves fields out.

use std::borrow::Cow;
use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;
use serde_json::value::RawValue;

/// A detail, or a row of a list.
#[derive(Clone, Debug)]
pub(crate) struct Record {
    fields: Vec<Field>,
    /// The text of the whole record, if it was recorded: served byte for byte, white space included.
    text: Option<Box<RawValue>>,
}

/// A field name and the JSON text of its value.
#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: Cow<'static, str>,
    pub(crate) value: Box<RawValue>,
}

impl Record {
    pub(crate) fn new(fields: Vec<Field>) -> Self {
        Self { fields, text: None }
    }

    /// The record with only the fields for which `keep` returns true.
    pub(crate) fn retain(mut self, keep: impl Fn(&str) -> bool) -> Self {
        self.fields.retain(|field| keep(&field.name));
        self.text = None;
        self
    }

    /// The names of the fields in their order.
    #[cfg(test)]
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.fields.iter().map(|field| &*field.name)
    }

    /// The JSON text of a field.
    pub(crate) fn raw(&self, name: &str) -> Option<&RawValue> {
        let field = self.fields.iter().find(|field| field.name == name)?;
        Some(&field.value)
    }

    /// The parsed value of a field; null if absent.
    pub(crate) fn value(&self, name: &str) -> Value {
        self.raw(name)
            .and_then(|raw| serde_json::from_str(raw.get()).ok())
            .unwrap_or(Value::Null)
    }

    /// The value of a string field.
    pub(crate) fn text(&self, name: &str) -> Option<String> {
        serde_json::from_str(self.raw(name)?.get()).ok()
    }

    /// The id of the record, without prefix.
    pub(crate) fn id(&self) -> Option<u64> {
        serde_json::from_str(self.raw("id")?.get()).ok()
    }

    /// The total length of the JSON text of all values.
    pub(crate) fn size(&self) -> usize {
        self.fields
            .iter()
            .map(|field| field.value.get().len())
            .sum()
    }
}

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;

        impl<'de> Visitor<'de> for Fields {
            type Value = Vec<Field>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::with_capacity(map.size_hint().unwrap_or(32));
                while let Some((name, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    let name = Cow::Owned(name);
                    fields.push(Field { name, value });
                }
                Ok(fields)
            }
        }

        let text = Box::<RawValue>::deserialize(deserializer)?;
        let mut object = serde_json::Deserializer::from_str(text.get());
        let fields = object
            .deserialize_map(Fields)
            .map_err(serde::de::Error::custom)?;
        Ok(Self {
            fields,
            text: Some(text),
        })
    }
}

/// An element of a list.
#[derive(Clone, Debug)]
pub(crate) enum Row {
    Record(Record),
    /// Another JSON value: lists of promos have `[]` instead of some rows.
    Bare(Box<RawValue>),
}

impl Row {
    pub(crate) fn record(&self) -> Option<&Record> {
        match self {
            Self::Record(record) => Some(record),
            Self::Bare(_) => None,
        }
    }
}

/// The selected fields of a response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Selection {
    All,
    Only(Vec<String>),
}

impl Selection {
    /// Parses a `field_list`; an empty one selects all fields.
    pub(crate) fn parse(field_list: Option<&str>) -> Self {
        let names: Vec<String> = field_list
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect();
        if names.is_empty() {
            Self::All
        } else {
            Self::Only(names)
        }
    }

    fn contains(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(names) => names.iter().any(|wanted| wanted == name),
        }
    }
}

/// A serializable view of a record.
#[derive(Debug)]
pub(crate) struct View<'a> {
    pub(crate) record: &'a Record,
    pub(crate) selection: &'a Selection,
    /// Set in search results.
    pub(crate) resource_type: Option<&'static str>,
}

impl Serialize for View<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if let (Some(text), Selection::All, None) =
            (&self.record.text, self.selection, self.resource_type)
        {
            return text.serialize(serializer);
        }
        let mut map = serializer.serialize_map(None)?;
        for field in &self.record.fields {
            if self.selection.contains(&field.name) {
                map.serialize_entry(&field.name, &field.value)?;
            }
        }
        if let Some(name) = self.resource_type {
            map.serialize_entry("resource_type", name)?;
        }
        map.end()
    }
}

/// A serializable view of a row.
#[derive(Debug)]
pub(crate) struct RowView<'a> {
    pub(crate) row: &'a Row,
    pub(crate) selection: &'a Selection,
}

impl Serialize for RowView<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.row {
            Row::Record(record) => View {
                record,
                selection: self.selection,
                resource_type: None,
            }
            .serialize(serializer),
            Row::Bare(raw) => raw.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"z":1.50, "a":{"y": 1,"b":2},  "id":7 }"#;

    fn record() -> Record {
        serde_json::from_str(TEXT).unwrap()
    }

    fn serialized(selection: &Selection) -> String {
        serde_json::to_string(&View {
            record: &record(),
            selection,
            resource_type: None,
        })
        .unwrap()
    }

    #[test]
    fn whole_record_is_served_byte_for_byte() {
        assert_eq!(serialized(&Selection::All), TEXT);
    }

    #[test]
    fn selection_keeps_the_order_of_the_record() {
        let selection = Selection::parse(Some("id, z,unheard_of"));
        assert_eq!(serialized(&selection), r#"{"z":1.50,"id":7}"#);
    }

    #[test]
    fn id_is_read_from_the_record() {
        assert_eq!(record().id(), Some(7));
    }
}
