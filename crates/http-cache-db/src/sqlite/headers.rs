//! Header lists as the database keeps them: JSON of ids of pairs, and of `[name, value]` where values are
//! nearly always new.

use std::borrow::Cow;
use std::fmt;

use http::{HeaderMap, HeaderName, HeaderValue};
use serde::Deserializer;
use serde::de::{Error as _, SeqAccess, Visitor};
use sqlite_database::Result;
use sqlite_database::rusqlite::{Connection, OptionalExtension, Row};

use super::interned::Interned;

/// Whether a field's values are nearly always new: a pair of each would cost four rows.
pub(super) fn is_inline(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "age"
            | "cf-ray"
            | "content-length"
            | "content-range"
            | "date"
            | "etag"
            | "expires"
            | "last-modified"
            | "range"
            | "set-cookie"
            | "x-amz-cf-id"
            | "x-amz-request-id"
            | "x-request-id"
            | "x-runtime"
            | "x-timer"
            | "x-trace-id"
    )
}

/// The text of a value, a character for each byte.
pub(super) fn latin1(value: &HeaderValue) -> Cow<'_, str> {
    match value.to_str() {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => value.as_bytes().iter().copied().map(char::from).collect(),
    }
}

fn from_latin1(text: &str) -> Option<HeaderValue> {
    if text.is_ascii() {
        return HeaderValue::from_str(text).ok();
    }
    let bytes = text.chars().map(|character| u8::try_from(character).ok());
    HeaderValue::from_bytes(&bytes.collect::<Option<Vec<_>>>()?).ok()
}

/// A list, written; `pair` gives the id of a pair.
pub(super) fn write_list<'a>(
    lines: impl Iterator<Item = (&'a HeaderName, &'a HeaderValue)>,
    mut pair: impl FnMut(&'a HeaderName, &'a HeaderValue) -> Result<i64>,
) -> Result<String> {
    let mut list = String::from("[");
    for (name, value) in lines {
        if list.len() > 1 {
            list.push(',');
        }
        if is_inline(name) {
            list.push_str("[\"");
            // Names are tokens.
            list.push_str(name.as_str());
            list.push_str("\",");
            list.push_str(&serde_json::Value::from(latin1(value)).to_string());
            list.push(']');
        } else {
            list.push_str(&pair(name, value)?.to_string());
        }
    }
    list.push(']');
    Ok(list)
}

/// Reads a list; `None` if it is damaged or names a pair that does not exist.
pub(super) fn read_list(db: &Connection, interned: &Interned, list: &str) -> Option<HeaderMap> {
    let mut deserializer = serde_json::Deserializer::from_str(list);
    let lines = deserializer.deserialize_seq(List { db, interned }).ok()?;
    deserializer.end().ok()?;
    Some(lines)
}

struct List<'a> {
    db: &'a Connection,
    interned: &'a Interned,
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = HeaderMap;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of header pairs")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<HeaderMap, A::Error> {
        let mut lines = HeaderMap::with_capacity(16);
        while let Some(line) = list.next_element::<Line>()? {
            let (name, value) = match line {
                Line::Inline(name, value) => (name, value),
                Line::Pair(id) => self
                    .pair(id)
                    .ok_or_else(|| A::Error::custom("no such pair"))?,
            };
            let added = lines.try_append(name, value);
            added.map_err(|_| A::Error::custom("too many lines"))?;
        }
        Ok(lines)
    }
}

impl List<'_> {
    fn pair(&self, id: i64) -> Option<(HeaderName, HeaderValue)> {
        if let Some(known) = self.interned.pair(id) {
            return Some(known);
        }
        let found = self.db.prepare_cached(
            "SELECT n.name, v.value
             FROM header_pairs p JOIN header_names n USING (header_name_id) JOIN header_values v USING (header_value_id)
             WHERE p.header_pair_id = ?1",
        );
        let row = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
        let (name, value) = found.ok()?.query_row([id], row).optional().ok()??;
        let pair = (
            HeaderName::from_bytes(name.as_bytes()).ok()?,
            from_latin1(&value)?,
        );
        self.interned.learn_pair(id, pair.clone());
        Some(pair)
    }
}

/// An element of a list.
enum Line {
    Pair(i64),
    Inline(HeaderName, HeaderValue),
}

impl<'de> serde::Deserialize<'de> for Line {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LineVisitor)
    }
}

struct LineVisitor;

impl<'de> Visitor<'de> for LineVisitor {
    type Value = Line;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the id of a pair, or a name and a value")
    }

    fn visit_u64<E: serde::de::Error>(self, id: u64) -> Result<Line, E> {
        i64::try_from(id).map(Line::Pair).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut line: A) -> Result<Line, A::Error> {
        let missing = || A::Error::custom("a name and a value belong together");
        let name: Cow<'_, str> = line.next_element()?.ok_or_else(missing)?;
        let value: Cow<'_, str> = line.next_element()?.ok_or_else(missing)?;
        if line.next_element::<serde::de::IgnoredAny>()?.is_some() {
            return Err(missing());
        }
        let name = HeaderName::from_bytes(name.as_bytes()).map_err(A::Error::custom)?;
        let value = from_latin1(&value).ok_or_else(|| A::Error::custom("no value of a field"))?;
        Ok(Line::Inline(name, value))
    }
}
