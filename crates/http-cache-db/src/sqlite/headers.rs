//! Header lists as the database keeps them: JSON of ids of pairs, and of `[name, value]` where values are
//! nearly always new.

use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue};
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

/// A list, written; `pair` gives the id of a pair, if it has one.
pub(super) fn write_list<'a>(
    lines: impl Iterator<Item = (&'a HeaderName, &'a HeaderValue)>,
    mut pair: impl FnMut(&'a HeaderName, &'a HeaderValue) -> Result<Option<i64>>,
) -> Result<String> {
    let mut list = String::from("[");
    for (name, value) in lines {
        if list.len() > 1 {
            list.push(',');
        }
        let id = if is_inline(name) {
            None
        } else {
            pair(name, value)?
        };
        if let Some(id) = id {
            list.push_str(&id.to_string());
        } else {
            list.push_str("[\"");
            // Names are tokens.
            list.push_str(name.as_str());
            list.push_str("\",");
            list.push_str(&serde_json::Value::from(latin1(value)).to_string());
            list.push(']');
        }
    }
    list.push(']');
    Ok(list)
}

/// Reads a list as [`write_list`] writes it; `None` if it is damaged or names a pair that does not exist.
///
/// By hand: every hit reads one, and a general reader of JSON takes half as long again.
pub(super) fn read_list(db: &Connection, interned: &Interned, list: &str) -> Option<HeaderMap> {
    let mut lines = HeaderMap::with_capacity(16);
    let mut new = Vec::new();
    let known = interned.by_id();
    let mut rest = list.strip_prefix('[')?;
    while rest != "]" {
        if !lines.is_empty() {
            rest = rest.strip_prefix(',')?;
        }
        let (name, value);
        if let Some(inline) = rest.strip_prefix("[\"") {
            (name, value, rest) = read_inline(inline)?;
        } else {
            let end = rest.find(|character: char| !character.is_ascii_digit())?;
            let (id, after) = rest.split_at(end);
            let id = id.parse().ok()?;
            let pair = if let Some(pair) = known.pairs.get(&id) {
                pair.clone()
            } else {
                let pair = find_pair(db, id)?;
                new.push((id, pair.clone()));
                pair
            };
            ((name, value), rest) = (pair, after);
        }
        lines.try_append(name, value).ok()?;
    }
    drop(known);
    interned.learn_pairs(new);
    Some(lines)
}

/// The name and the value at the start of `name","value"]`, and what follows.
fn read_inline(inline: &str) -> Option<(HeaderName, HeaderValue, &str)> {
    let (name, text) = inline.split_once("\",\"")?;
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    let end = text.find(['"', '\\'])?;
    if let Some(rest) = text.get(end..)?.strip_prefix("\"]") {
        return Some((name, from_latin1(text.get(..end)?)?, rest));
    }
    // With escapes, as in an entity tag.
    let text = inline.get(name.as_str().len() + 2..)?;
    let mut strings = serde_json::Deserializer::from_str(text).into_iter::<String>();
    let value = from_latin1(&strings.next()?.ok()?)?;
    let rest = text.get(strings.byte_offset()..)?.strip_prefix(']')?;
    Some((name, value, rest))
}

fn find_pair(db: &Connection, id: i64) -> Option<(HeaderName, HeaderValue)> {
    let found = db.prepare_cached(
        "SELECT n.name, v.value
         FROM header_pairs p JOIN header_names n USING (header_name_id) JOIN header_values v USING (header_value_id)
         WHERE p.header_pair_id = ?1",
    );
    let row = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
    let (name, value) = found.ok()?.query_row([id], row).optional().ok()??;
    Some((
        HeaderName::from_bytes(name.as_bytes()).ok()?,
        from_latin1(&value)?,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(lines: &[(&'static str, &'static [u8])]) -> HeaderMap {
        let line = |(name, value): &(&'static str, &[u8])| {
            let value = HeaderValue::from_bytes(value).unwrap();
            (HeaderName::from_static(name), value)
        };
        lines.iter().map(line).collect()
    }

    fn read(list: &str) -> Option<HeaderMap> {
        let interned = Interned::default();
        let known = [(7, "vary", "accept"), (12, "server", "nginx")];
        let known = known.map(|(id, name, value)| {
            let value = HeaderValue::from_static(value);
            (id, (HeaderName::from_static(name), value))
        });
        interned.learn_pairs(known.into());
        read_list(&Connection::open_in_memory().unwrap(), &interned, list)
    }

    #[test]
    fn what_is_written_is_read() {
        let written = lines(&[
            ("date", b"Sun, 29 Nov 2026 00:00:21 GMT"),
            ("vary", b"accept"),
            ("etag", b"W/\"a\\b\""),
            ("set-cookie", b"a=\xe9; path=\"/]\"\t"),
            ("server", b"nginx"),
            ("set-cookie", b""),
            ("x-request-id", b"\","),
        ]);
        let list = write_list(written.iter(), |name, _| {
            Ok(Some(if name == "vary" { 7 } else { 12 }))
        });
        assert_eq!(read(&list.unwrap()), Some(written));
        assert_eq!(read("[]"), Some(HeaderMap::new()));
    }

    #[test]
    fn a_damaged_list_is_none() {
        for list in [
            "",
            "[",
            "[7",
            "[7,",
            "[7,]",
            "[,7]",
            "[712]",
            "[7]]",
            "[7 ,12]",
            "[-7]",
            "[7.5]",
            "[7 12]",
            "[\"date\"]",
            "[[\"date\"]]",
            "[[\"date\",\"x\"",
            "[[\"date\",\"x\\\"]]",
            "[[\"date\",\"x\\q\"]]",
            "[[\"date\",\"x\",\"y\"]]",
            "[[\"da te\",\"x\"]]",
            "[[\"date\",\"x\\n\"]]",
            "[[\"date\",\"\u{20ac}\"]]",
            "[99999999999999999999]",
        ] {
            assert_eq!(read(list), None, "{list}");
        }
    }
}
