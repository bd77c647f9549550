//! Which parts of queries matter (`No-Vary-Search`, draft-ietf-httpbis-no-vary-search).

use std::collections::BTreeSet;

use http::HeaderMap;
use percent_encoding::percent_decode_str;
use url::form_urlencoded;

use crate::fields::{BareItem, combined_value, parse_dictionary};

/// The longest value that counts, in bytes: it is stored for each path.
const MAX_BYTES: usize = 1_024;

/// What a response says of the queries that lead to it: other queries that are the same but for that lead to it, too.
///
/// ```
/// use http_cache_db::policy::SearchVariation;
///
/// let variation = SearchVariation::parse(r#"key-order, params=("utm_source")"#).unwrap();
/// let (one, other) = ("a=1&b=2", "b=2&utm_source=mail&a=%31");
/// assert_eq!(variation.simplified(one), variation.simplified(other));
/// assert_ne!(variation.simplified(one), variation.simplified("a=2&b=2"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchVariation {
    varies_on_order: bool,
    keys: Keys,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Keys {
    /// Those that do not matter.
    Ignored(BTreeSet<String>),
    /// The only ones that matter.
    Only(BTreeSet<String>),
}

impl SearchVariation {
    /// That of a response; `None` if only the same query leads to it.
    pub(crate) fn of(headers: &HeaderMap) -> Option<(String, Self)> {
        let value = combined_value(headers, "no-vary-search")?;
        let variation = Self::parse(&value)?;
        Some((value, variation))
    }

    /// Parses a value of the field (sections 4.1 and 4.2); `None` if it is malformed, or says no more than its absence.
    /// Entries of other names are left out.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let (mut order, mut params, mut except) = (None, None, None);
        if value.len() > MAX_BYTES {
            return None;
        }
        for (key, item) in parse_dictionary(value)? {
            match key.as_str() {
                "key-order" => order = Some(item),
                "params" => params = Some(item),
                "except" => except = Some(item),
                _ => {}
            }
        }
        let varies_on_order = match order {
            None => true,
            Some(BareItem::Boolean(is_ignored)) => !is_ignored,
            Some(_) => return None,
        };
        let keys = match (params, except) {
            (None, None) => Keys::Ignored(BTreeSet::new()),
            (Some(BareItem::Strings(keys)), None) => Keys::Ignored(decoded(&keys)),
            (None, Some(BareItem::Strings(keys))) => Keys::Only(decoded(&keys)),
            _ => return None,
        };
        let is_default = varies_on_order && keys == Keys::Ignored(BTreeSet::new());
        (!is_default).then_some(Self {
            varies_on_order,
            keys,
        })
    }

    /// What matters of a query: the same text for all that are equivalent (section 6), however they are encoded.
    #[must_use]
    pub fn simplified(&self, query: &str) -> String {
        let parameters = form_urlencoded::parse(query.as_bytes());
        let matters = |key: &str| match &self.keys {
            Keys::Ignored(keys) => !keys.contains(key),
            Keys::Only(keys) => keys.contains(key),
        };
        let mut parameters: Vec<_> = parameters.filter(|(key, _)| matters(key)).collect();
        if !self.varies_on_order {
            // Values of one key keep their order.
            parameters.sort_by(|(one, _), (other, _)| one.cmp(other));
        }
        let mut text = form_urlencoded::Serializer::new(String::new());
        text.extend_pairs(parameters);
        text.finish()
    }
}

/// Keys as parameters have them (section 4.3).
fn decoded(keys: &[String]) -> BTreeSet<String> {
    let keys = keys.iter().map(|key| key.replace('+', " "));
    let decoded = keys.map(|key| percent_decode_str(&key).decode_utf8_lossy().into_owned());
    decoded.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn are_equivalent(value: &str, one: &str, other: &str) -> bool {
        let variation = SearchVariation::parse(value).unwrap();
        variation.simplified(one) == variation.simplified(other)
    }

    #[test]
    fn what_is_not_understood_says_nothing() {
        for value in [
            "",
            "key-order=\"not a boolean\"",
            "params=\"not an inner list\"",
            "params=(not-a-string)",
            "params=?0",
            "params=?1, except=(\"x\")",
            "params=(\"a\"), except=(\"x\")",
            "params=(), except=()",
            "except=?1",
            "except=(\"x\" 1)",
            "params=()",
            "key-order=?0",
            "other",
            "params=(\"a\"",
        ] {
            assert_eq!(SearchVariation::parse(value), None, "{value}");
        }
        assert_eq!(
            SearchVariation::parse("except=(\"x\"), key-order, other=1"),
            SearchVariation::parse("key-order=?1, except=(\"x\");p")
        );
        let long = format!("params=(\"{}\")", "x".repeat(MAX_BYTES));
        assert_eq!(SearchVariation::parse(&long), None);
    }

    #[test]
    fn parameters_that_do_not_matter_are_left_out() {
        let params = r#"params=("a" "%C3%A9+%E6%B0%97")"#;
        for (one, other, expected) in [
            ("a=1&b=2", "b=2&a=3&a", true),
            ("b=2", "b=3", false),
            ("b=2&c=3", "c=3&b=2", false),
            ("\u{e9} \u{6c17}=1", "%C3%A9+%E6%B0%97=2", true),
            ("A=1", "", false),
        ] {
            assert_eq!(
                are_equivalent(params, one, other),
                expected,
                "{one} {other}"
            );
        }
        let except = r#"except=("id")"#;
        assert!(are_equivalent(except, "id=1&x", "y=2&id=1"));
        assert!(!are_equivalent(except, "id=1", "id=2"));
        assert!(are_equivalent("except=()", "a=1", "b=2"));
    }

    #[test]
    fn queries_are_compared_as_they_are_parsed() {
        for (one, other) in [
            ("a=x", "%61=%78"),
            ("a=%f6", "a=%ef%bf%bd"),
            ("a=x&&&&", "a=x"),
            ("a=", "a"),
            ("a=%20", "a=+"),
            ("b=1&a=2&a=1", "a=2&b=1&a=1"),
        ] {
            assert!(are_equivalent("key-order", one, other), "{one} {other}");
        }
        for (one, other) in [("a=2&a=1", "a=1&a=2"), ("a=1&b", "a=1%26b"), ("a", "a=a")] {
            assert!(!are_equivalent("key-order", one, other), "{one} {other}");
        }
    }
}
