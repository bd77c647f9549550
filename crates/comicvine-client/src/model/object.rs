//! Objects and lists of objects, read straight into models.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::field::{FieldType, FieldValue, Read};
use super::json::Extra;

/// A struct that a JSON object is read into. The macro `model!` implements it.
pub(crate) trait Model: Complete {
    /// The type of a field that holds one of it.
    const OBJECT_TYPE: FieldType;
    /// The type of a field that holds a list of it.
    const LIST_TYPE: FieldType;

    /// The model of `{}`.
    fn empty() -> Self;

    /// Reads the value of the field `name`.
    fn read_field<'de, A: MapAccess<'de>>(
        &mut self,
        name: &str,
        entries: &mut A,
    ) -> Result<Placed, A::Error>;

    fn extra(&mut self) -> &mut Extra;
}

/// What a model needs to be one.
pub(crate) trait Complete: Sized {
    /// Completes the model from its other fields; returns whether it has all it needs.
    fn complete(&mut self) -> bool;
}

/// Where a value was placed.
pub(crate) enum Placed {
    /// In its field, or it was nothing.
    Field,
    /// Nowhere: it is of another type than the field.
    Odd(Value),
    /// Nowhere, and it was not read: no field has this name, or one that is full.
    Unread,
}

/// Reads a value into `field`.
pub(crate) fn place<'de, A: MapAccess<'de>, F: FieldValue>(
    field: &mut F,
    entries: &mut A,
) -> Result<Placed, A::Error> {
    Ok(match entries.next_value_seed(Seed::<F>(PhantomData))? {
        Read::Absent => Placed::Field,
        Read::Value(value) => {
            *field = value;
            Placed::Field
        }
        Read::Odd(value) => Placed::Odd(value),
    })
}

struct Seed<F>(PhantomData<F>);

impl<'de, F: FieldValue> DeserializeSeed<'de> for Seed<F> {
    type Value = Read<F>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Read<F>, D::Error> {
        F::read(deserializer)
    }
}

/// The methods of a visitor for everything that is neither an object nor an array.
macro_rules! visit_scalars {
    () => {
        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Read::Absent)
        }

        fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
            Ok(odd(value.into()))
        }

        fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
            Ok(odd(value.into()))
        }

        fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
            Ok(odd(value.into()))
        }

        fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
            Ok(odd(value.into()))
        }

        fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
            Ok(odd(text.into()))
        }
    };
}

/// The visitor of a value that should be an object.
pub(super) struct Object<M>(PhantomData<M>);

impl<M> Object<M> {
    pub(super) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<'de, M: Model> DeserializeSeed<'de> for Object<M> {
    type Value = Read<M>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Read<M>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, M: Model> Visitor<'de> for Object<M> {
    type Value = Read<M>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Read<M>, A::Error> {
        let mut model = M::empty();
        while let Some(Name(name)) = entries.next_key()? {
            match model.read_field(&name, &mut entries)? {
                Placed::Field => {}
                Placed::Odd(value) => drop(model.extra().insert(name.into_owned(), value)),
                Placed::Unread => {
                    let value = entries.next_value()?;
                    model.extra().insert(name.into_owned(), value);
                }
            }
        }
        Ok(if model.complete() {
            Read::Value(model)
        } else {
            Read::Absent
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<Read<M>, A::Error> {
        Value::deserialize(SeqAccessDeserializer::new(elements)).map(odd)
    }

    visit_scalars!();
}

/// The visitor of a value that should be an array of objects. Elements that are none are left out.
pub(super) struct List<M>(PhantomData<M>);

impl<M> List<M> {
    pub(super) const fn new() -> Self {
        Self(PhantomData)
    }
}

impl<'de, M: Model> Visitor<'de> for List<M> {
    type Value = Read<Vec<M>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Read<Vec<M>>, A::Error> {
        let mut models = Vec::new();
        while let Some(read) = elements.next_element_seed(Object::new())? {
            if let Read::Value(model) = read {
                models.push(model);
            }
        }
        Ok(Read::Value(models))
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Read<Vec<M>>, A::Error> {
        let read = Object::new().deserialize(MapAccessDeserializer::new(entries))?;
        Ok(read.map(|model| vec![model]))
    }

    visit_scalars!();
}

/// A value that is neither an object nor a list of them; the API writes `false` and `[]` for nothing.
fn odd<T>(value: Value) -> Read<T> {
    let is_nothing = match &value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(elements) => elements.is_empty(),
        Value::String(text) => text.trim().is_empty(),
        Value::Bool(true) | Value::Number(_) | Value::Object(_) => false,
    };
    if is_nothing {
        Read::Absent
    } else {
        Read::Odd(value)
    }
}

/// The name of a field, copied only if it has escapes.
pub(super) struct Name<'de>(pub(super) Cow<'de, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor).map(Self)
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a field")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(name.to_owned()))
    }

    fn visit_string<E>(self, name: String) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(name))
    }
}
