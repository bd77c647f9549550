//! Fields that are lists (RFC 9110, section 5.6.1).

use http::HeaderMap;

/// The value of a field that may be given on several lines: all of them, joined by commas (RFC 9110, section
/// 5.3). Bytes above 0x7F become the characters of Latin-1. `None` if the field is absent.
///
/// ```
/// use http::HeaderMap;
/// use http_cache_db::fields::combined_value;
///
/// let mut headers = HeaderMap::new();
/// headers.append("vary", "accept".parse()?);
/// headers.append("vary", "origin".parse()?);
/// assert_eq!(combined_value(&headers, "vary").as_deref(), Some("accept, origin"));
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
#[must_use]
pub fn combined_value(headers: &HeaderMap, name: &str) -> Option<String> {
    let mut values = headers.get_all(name).iter();
    let mut joined = latin1(values.next()?.as_bytes());
    for value in values {
        joined.push_str(", ");
        joined.push_str(&latin1(value.as_bytes()));
    }
    Some(joined)
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

/// The members of a list: split at commas outside quoted strings, trimmed, empty ones left out.
///
/// ```
/// use http_cache_db::fields::list_members;
///
/// let directives: Vec<_> = list_members(r#"no-cache="a, b",, max-age=5"#).collect();
/// assert_eq!(directives, [r#"no-cache="a, b""#, "max-age=5"]);
/// ```
pub fn list_members(value: &str) -> impl Iterator<Item = &str> {
    split_outside_quotes(value, ',')
        .map(trim)
        .filter(|member| !member.is_empty())
}

/// Splits `value` at `separator`, but not inside a quoted string.
pub(crate) fn split_outside_quotes(value: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    value.split(move |character| {
        if is_escaped {
            is_escaped = false;
            return false;
        }
        match character {
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ => return character == separator && !is_quoted,
        }
        false
    })
}

/// `value` without spaces and tabs at its ends, the only white space of field values.
pub(crate) fn trim(value: &str) -> &str {
    value.trim_matches([' ', '\t'])
}

/// The content of a quoted string; anything else as it is. Escapes stay, as no directive has any.
pub(super) fn unquoted(value: &str) -> &str {
    let inner = value.strip_prefix('"');
    inner
        .and_then(|value| value.strip_suffix('"'))
        .unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_escaped_quote_does_not_end_a_quoted_string() {
        let found: Vec<_> = list_members(r#"a="x\", y", b"#).collect();
        assert_eq!(found, [r#"a="x\", y""#, "b"]);
    }

    #[test]
    fn an_open_quote_takes_the_rest() {
        assert_eq!(
            list_members(r#"a, "b, c"#).collect::<Vec<_>>(),
            ["a", r#""b, c"#]
        );
    }

    #[test]
    fn bytes_above_ascii_become_latin1() {
        let mut headers = HeaderMap::new();
        let value = http::HeaderValue::from_bytes(b"\"\xE4\"").unwrap();
        headers.insert("etag", value);
        assert_eq!(
            combined_value(&headers, "etag").as_deref(),
            Some("\"\u{e4}\"")
        );
    }
}
