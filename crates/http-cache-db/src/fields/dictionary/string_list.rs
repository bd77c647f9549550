//! Lists of strings (RFC 9651, section 4.2.1), strict as dictionaries are.

use super::{BareItem, Input};

/// The members of a list of strings in their order; `None` if the field is malformed, or has a member that is no
/// string. Parameters are checked and left out.
///
/// ```
/// use http_cache_db::fields::parse_string_list;
///
/// let members = parse_string_list(r#""scripts";x, "a \"b\"""#).unwrap();
/// assert_eq!(members, ["scripts", "a \"b\""]);
/// assert_eq!(parse_string_list(r#""scripts", styles"#), None);
/// ```
#[must_use]
pub fn parse_string_list(value: &str) -> Option<Vec<String>> {
    let mut input = Input(value.trim_matches(' ').as_bytes());
    let mut members = Vec::new();
    let mut has_more = !input.0.is_empty();
    while has_more {
        let BareItem::String(member) = input.member_value()? else {
            return None;
        };
        input.parameters()?;
        members.push(member);
        has_more = input.has_more()?;
    }
    Some(members)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_error_voids_the_field() {
        assert_eq!(parse_string_list(""), Some(Vec::new()));
        assert_eq!(parse_string_list(" \"a\" \t,\t\"\" ").unwrap(), ["a", ""]);
        for value in [
            "a",
            "1",
            "(\"a\")",
            "\"a\",",
            "\"a\" \"b\"",
            "\"a",
            "\"a\";",
            "\"\u{e4}\"",
            "\"a\", 1.2345",
        ] {
            assert_eq!(parse_string_list(value), None, "{value}");
        }
    }
}
