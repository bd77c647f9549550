//! The members of a JSON object in their order, unread.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;

use super::object::Name;
use crate::query::Fields;

/// The members of an object.
pub(super) struct Members<'a>(Vec<(Name<'a>, &'a RawValue)>);

impl Members<'_> {
    /// An object with the members named in `fields`.
    pub(super) fn only(&self, fields: &Fields) -> String {
        let selected = self.0.iter().filter(|(name, _)| fields.contains(&name.0));
        let members: Vec<_> = selected
            .map(|(name, value)| format!("{}:{}", Value::from(&*name.0), value.get()))
            .collect();
        format!("{{{}}}", members.join(","))
    }
}

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = entries.next_entry()? {
            members.push(member);
        }
        Ok(Members(members))
    }
}
