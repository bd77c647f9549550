//! The name of a request: a hash of its endpoint and parameters, as the original packages computed it.

use std::cmp::Ordering;

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

/// Parameters that carry secrets. They take no part in the hash, so that no secret reaches a store
/// and a changed key does not empty the cache.
const SECRET_PARAMETERS: [&str; 8] = [
    "api_key",
    "api-key",
    "apikey",
    "access_token",
    "authorization",
    "password",
    "secret",
    "token",
];

/// SHA-256, in lower-case hexadecimal, of the canonical JSON of a request.
///
/// The canonical form is `{"endpoint":…,"params":{…}}` without white space, where parameter names are
/// sorted at every level, numbers and booleans are written as strings, and `null` stays `null`. It
/// reproduces the hashes of the original packages for every request without secret parameters,
/// which are removed first (`api_key` and the like, in any case).
///
/// ```
/// use store_core::request_hash;
///
/// let params = |json: &str| serde_json::from_str(json).unwrap_or_default();
/// let asked = request_hash("issues", &params(r#"{"limit": 100, "api_key": "s3cret"}"#));
/// assert_eq!(asked, request_hash("issues", &params(r#"{"limit": "100"}"#)));
/// assert_eq!(asked.len(), 64);
/// ```
#[must_use]
pub fn request_hash(endpoint: &str, params: &Map<String, Value>) -> String {
    let mut canonical = String::from("{\"endpoint\":");
    write_text(&mut canonical, endpoint);
    canonical.push_str(",\"params\":");
    let public = params.iter().filter(|(name, _)| !is_secret(name));
    write_object(&mut canonical, public);
    canonical.push('}');
    to_hex(&Sha256::digest(canonical))
}

pub(crate) fn is_secret(name: &str) -> bool {
    SECRET_PARAMETERS
        .iter()
        .any(|secret| name.eq_ignore_ascii_case(secret))
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(yes) => write_text(out, if *yes { "true" } else { "false" }),
        Value::Number(number) => write_text(out, &number_text(number)),
        Value::String(text) => write_text(out, text),
        Value::Array(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                write_value(out, item);
            }
            out.push(']');
        }
        Value::Object(members) => write_object(out, members.iter()),
    }
}

fn write_object<'a>(out: &mut String, members: impl Iterator<Item = (&'a String, &'a Value)>) {
    let mut members: Vec<_> = members.collect();
    members.sort_by(|(one, _), (other, _)| name_order(one, other));
    out.push('{');
    for (at, (name, value)) in members.into_iter().enumerate() {
        if at > 0 {
            out.push(',');
        }
        write_text(out, name);
        out.push(':');
        write_value(out, value);
    }
    out.push('}');
}

/// JSON strings as ECMAScript writes them; `Value`'s `Display` escapes the same characters.
fn write_text(out: &mut String, text: &str) {
    out.push_str(&Value::from(text).to_string());
}

/// The order in which ECMAScript lists the members of an object whose names were inserted sorted:
/// array indices by number first, then the rest by UTF-16 code unit.
fn name_order(one: &str, other: &str) -> Ordering {
    match (array_index(one), array_index(other)) {
        (Some(one), Some(other)) => one.cmp(&other),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => one.encode_utf16().cmp(other.encode_utf16()),
    }
}

fn array_index(name: &str) -> Option<u32> {
    let index = name.parse::<u32>().ok()?;
    (index < u32::MAX && index.to_string() == name).then_some(index)
}

/// A number as ECMAScript's `String(number)` writes it.
fn number_text(number: &serde_json::Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => {
            let magnitude = float.abs();
            if magnitude != 0.0 && !(1e-6..1e21).contains(&magnitude) {
                let text = format!("{float:e}");
                return if text.contains("e-") {
                    text
                } else {
                    text.replace('e', "e+")
                };
            }
            // Negative zero prints as zero.
            (float + 0.0).to_string()
        }
        _ => number.to_string(),
    }
}

/// Lower-case hexadecimal.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f',
    ];
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|nibble| DIGITS[usize::from(nibble)])
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn canonical(value: &Value) -> String {
        let mut out = String::new();
        write_value(&mut out, value);
        out
    }

    #[test]
    fn numbers_are_written_as_ecmascript_writes_them() {
        for (number, text) in [
            (json!(1.0), "1"),
            (json!(1.5), "1.5"),
            (json!(-0.0), "0"),
            (json!(1e21), "1e+21"),
            (json!(1.5e-7), "1.5e-7"),
            (json!(0.000_001), "0.000001"),
            (json!(u64::MAX), "18446744073709551615"),
        ] {
            assert_eq!(canonical(&number), format!("\"{text}\""));
        }
    }

    #[test]
    fn members_are_listed_as_ecmascript_lists_them() {
        let value = json!({"b": 1, "10": 2, "2": 3, "a": null, "B": 4, "02": 5});
        assert_eq!(
            canonical(&value),
            r#"{"2":"3","10":"2","02":"5","B":"4","a":null,"b":"1"}"#
        );
    }

    // covers("T17")
    #[test]
    fn hashes_of_the_original_package_are_reproduced() {
        #[derive(serde::Deserialize)]
        struct Vector {
            endpoint: String,
            params: Map<String, Value>,
            hash: String,
        }
        let text = include_str!("../tests/fixtures/hash-vectors.json");
        let vectors: Vec<Vector> = serde_json::from_str(text).unwrap();
        assert!(vectors.len() >= 20);
        for vector in vectors {
            assert_eq!(request_hash(&vector.endpoint, &vector.params), vector.hash);
        }
    }

    #[test]
    fn secrets_take_no_part() {
        let with = |extra: &str| {
            let mut params = Map::new();
            params.insert("limit".to_owned(), json!(1));
            if !extra.is_empty() {
                params.insert(extra.to_owned(), json!("s3cret"));
            }
            request_hash("issues", &params)
        };
        assert_eq!(with(""), with("api_key"));
        assert_eq!(with(""), with("API_KEY"));
        assert_ne!(with(""), with("query"));
    }
}
