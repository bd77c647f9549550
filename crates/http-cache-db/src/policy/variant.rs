//! Which requests a stored response answers: `Vary` (RFC 9111, section 4.1).

use http::HeaderMap;

use super::head::ResponseHead;
use crate::fields::{Vary, combined_value, list_members};

/// The selecting fields of the request that fetched a response, sorted by name, their values normalised.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct VariantKey(Vec<(String, Option<String>)>);

impl VariantKey {
    /// The key of `response` to a request with these fields; `None` if no other request is answered with it.
    #[must_use]
    pub fn new(response: &ResponseHead, request: &HeaderMap) -> Option<Self> {
        let Vary::Names(names) = &response.fields.vary else {
            return None;
        };
        let fields = names.iter().map(|name| {
            let value = combined_value(request, name);
            (name.clone(), value.map(|value| normalised(name, &value)))
        });
        Some(Self(fields.collect()))
    }

    /// The length of all names and values, in bytes.
    pub(crate) fn len(&self) -> usize {
        let value = |value: &Option<String>| value.as_ref().map_or(0, String::len);
        let fields = self.0.iter();
        fields
            .map(|(name, of_name)| name.len() + value(of_name))
            .sum()
    }

    /// Whether the response answers a request with these fields.
    #[must_use]
    pub fn selects(&self, response: &ResponseHead, request: &HeaderMap) -> bool {
        self.0.iter().all(|(name, of_key)| {
            let value = combined_value(request, name);
            let is_equal = match (of_key, &value) {
                (Some(of_key), Some(value)) => *of_key == normalised(name, value),
                (None, None) => true,
                (Some(_), None) | (None, Some(_)) => false,
            };
            is_equal || (name == "accept-language" && is_in_preferred(response, value.as_deref()))
        })
    }
}

/// The value without differences that mean nothing: white space around commas, and for lists of preferences
/// also case, white space within members, order and repetitions.
fn normalised(name: &str, value: &str) -> String {
    let is_preference = matches!(
        name,
        "accept" | "accept-charset" | "accept-encoding" | "accept-language"
    );
    if !is_preference {
        return list_members(value).collect::<Vec<_>>().join(",");
    }
    let mut members: Vec<String> = list_members(value)
        .map(|member| member.to_ascii_lowercase().replace([' ', '\t'], ""))
        .collect();
    members.sort();
    members.dedup();
    members.join(",")
}

/// Whether the response is in the one language that the request prefers to all others: the origin would choose
/// it again (RFC 9110, section 12.5.4).
fn is_in_preferred(response: &ResponseHead, accept_language: Option<&str>) -> bool {
    let Some(language) = &response.fields.content_language else {
        return false;
    };
    let Some(preferred) = accept_language.and_then(preferred) else {
        return false;
    };
    let rest = language.strip_prefix(&preferred);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
}

/// The member with the greatest weight, lower-cased, if it is the only one with it.
fn preferred(accept_language: &str) -> Option<String> {
    let mut best: Option<(f32, &str)> = None;
    let mut is_unique = false;
    for member in list_members(accept_language) {
        let (language, weight) = match member.split_once(';') {
            Some((language, parameter)) => (language.trim(), weight(parameter)),
            None => (member, 1.0),
        };
        match best {
            Some((best_weight, _)) if weight < best_weight => {}
            Some((best_weight, _)) if weight <= best_weight => is_unique = false,
            _ => (best, is_unique) = (Some((weight, language)), true),
        }
    }
    best.filter(|_| is_unique)
        .map(|(_, language)| language.to_ascii_lowercase())
}

/// The value of `q=`; 1 if it is no number.
fn weight(parameter: &str) -> f32 {
    let (name, value) = parameter.split_once('=').unwrap_or_default();
    let is_weight = name.trim().eq_ignore_ascii_case("q");
    let weight = value.trim().parse().ok().filter(|_| is_weight);
    weight.unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::policy::Policy;
    use crate::test_headers::headers;

    fn response(lines: &[(&'static str, &str)]) -> ResponseHead {
        ResponseHead::new(StatusCode::OK, headers(lines), &Policy::default())
    }

    fn selects(vary: &str, first: &[(&'static str, &str)], next: &[(&'static str, &str)]) -> bool {
        let response = response(&[("vary", vary)]);
        let key = VariantKey::new(&response, &headers(first)).unwrap();
        key.selects(&response, &headers(next))
    }

    // covers("T4")
    #[test]
    fn every_named_field_must_be_equal() {
        let first = [("foo", "1"), ("bar", "2")];
        assert!(selects("Foo, Bar", &first, &[("bar", "2"), ("foo", "1")]));
        assert!(!selects("Foo, Bar", &first, &[("bar", "3"), ("foo", "1")]));
        assert!(!selects("Foo", &first, &[]));
        assert!(!selects("Foo", &[], &first));
        assert!(selects("Foo", &[], &[]));
    }

    #[test]
    fn lines_of_one_field_are_one_value() {
        assert!(selects(
            "foo",
            &[("foo", "1"), ("foo", "2")],
            &[("foo", "1,  2")]
        ));
    }

    #[test]
    fn order_and_case_of_preferences_mean_nothing() {
        let (first, next) = ("en, de;q=0.5", "DE; q=0.5,EN");
        assert!(selects(
            "accept-language",
            &[("accept-language", first)],
            &[("accept-language", next)]
        ));
        assert!(!selects("foo", &[("foo", "a, b")], &[("foo", "b, a")]));
    }

    #[test]
    fn the_language_that_is_preferred_alone_selects() {
        let response = response(&[("vary", "accept-language"), ("content-language", "de-AT")]);
        let key = VariantKey::new(&response, &headers(&[("accept-language", "de")])).unwrap();
        let selects = |value| key.selects(&response, &headers(&[("accept-language", value)]));
        assert!(selects("en;q=0.5, de"));
        assert!(!selects("en, de"));
        assert!(!selects("en, de;q=0.5"));
        assert!(!selects("d"));
    }

    // covers("T4")
    #[test]
    fn a_star_is_never_selected() {
        assert_eq!(
            VariantKey::new(&response(&[("vary", "*")]), &HeaderMap::new()),
            None
        );
    }
}
