//! Which requests a stored response answers: `Vary` (RFC 9111, section 4.1).

use http::HeaderMap;
use sha2::Digest;

use super::head::ResponseHead;
use super::language::{ACCEPT_LANGUAGE, is_in_preferred};
use crate::fields::{Vary, combined_value, list_members, split_outside_quotes, trim};
use crate::keys::{Salt, first_bytes};

/// Which requests a stored response answers: a salted hash of the request fields that its `Vary` names, their
/// values normalised.
///
/// Hashed, because a selecting field may be a secret, such as `Cookie`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VariantKey {
    salt: Salt,
    /// `None` if the response names no field.
    digests: Option<Digests>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Digests {
    /// Of all fields but `Accept-Language`.
    fields: [u8; 16],
    /// Of `Accept-Language`, which may differ if the response is in the preferred language.
    language: [u8; 8],
}

impl VariantKey {
    /// The key of `response` to a request with these fields; `None` if no other request is answered with it.
    #[must_use]
    pub fn new(response: &ResponseHead, request: &HeaderMap, salt: Salt) -> Option<Self> {
        let Vary::Names(names) = &response.fields.vary else {
            return None;
        };
        let digests = (!names.is_empty()).then(|| Digests::new(names, request, salt));
        Some(Self { salt, digests })
    }

    /// The key of a response that answers all requests.
    pub(crate) const fn of_all(salt: Salt) -> Self {
        Self {
            salt,
            digests: None,
        }
    }

    /// A stored key; `None` if the bytes are none.
    #[must_use]
    pub fn from_bytes(bytes: &[u8], salt: Salt) -> Option<Self> {
        let digests = match bytes.split_first_chunk() {
            None if bytes.is_empty() => None,
            None => return None,
            Some((fields, language)) => Some(Digests {
                fields: *fields,
                language: language.try_into().ok()?,
            }),
        };
        Some(Self { salt, digests })
    }

    pub(crate) const fn salt(&self) -> Salt {
        self.salt
    }

    /// The bytes to store: none, or 24.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let digests = self.digests.iter();
        digests
            .flat_map(|digests| [&digests.fields[..], &digests.language].concat())
            .collect()
    }

    /// Whether the response answers a request with these fields.
    #[must_use]
    pub fn selects(&self, response: &ResponseHead, request: &HeaderMap) -> bool {
        let (of_key, of_request) = match (self.digests, &response.fields.vary) {
            (None, Vary::Names(names)) => return names.is_empty(),
            (Some(of_key), Vary::Names(names)) => (of_key, Digests::new(names, request, self.salt)),
            (_, Vary::Any) => return false,
        };
        of_key.fields == of_request.fields
            && (of_key.language == of_request.language || is_in_preferred(response, request))
    }
}

impl Digests {
    fn new(names: &[String], request: &HeaderMap, salt: Salt) -> Self {
        let (mut fields, mut language) = (salt.hasher(), salt.hasher());
        for name in names {
            let value = combined_value(request, name).map(|value| normalised(name, &value));
            let hasher = if name == ACCEPT_LANGUAGE {
                &mut language
            } else {
                &mut fields
            };
            // Neither a name nor a value has a line feed.
            hasher.update(name);
            hasher.update(value.map_or("\n".to_owned(), |value| format!("\n{value}\n\n")));
        }
        Self {
            fields: first_bytes(fields),
            language: first_bytes(language),
        }
    }
}

/// The value without differences that are known to mean nothing: white space at its ends and, but for fields that
/// are no lists, around commas. In the lists of preferences, empty members; in those of codings and languages also
/// case and white space around parameters; in that of languages order and repetitions.
fn normalised(name: &str, value: &str) -> String {
    match name {
        "accept" | "accept-charset" => list_members(value).collect::<Vec<_>>().join(","),
        "accept-encoding" => preferences(value).join(","),
        ACCEPT_LANGUAGE => {
            let mut members = preferences(value);
            members.sort();
            members.dedup();
            members.join(",")
        }
        name if is_no_list(name) => trim(value).to_owned(),
        // A comma inside a quoted string is no separator; an empty member may mean something.
        _ => split_outside_quotes(value, ',')
            .map(trim)
            .collect::<Vec<_>>()
            .join(","),
    }
}

/// Members of a list whose names and parameters have no case. No quoted string is valid there: it stays as it is.
fn preferences(value: &str) -> Vec<String> {
    let normalised = |member: &str| {
        if member.contains('"') {
            return member.to_owned();
        }
        let parts: Vec<_> = member.split(';').map(trim).collect();
        parts.join(";").to_ascii_lowercase()
    };
    list_members(value).map(normalised).collect()
}

/// Fields of requests that may have commas and are no lists.
fn is_no_list(name: &str) -> bool {
    matches!(
        name,
        "authorization"
            | "cookie"
            | "date"
            | "from"
            | "if-modified-since"
            | "if-range"
            | "if-unmodified-since"
            | "origin"
            | "proxy-authorization"
            | "range"
            | "referer"
            | "user-agent"
    )
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;
    use crate::policy::Policy;
    use crate::test_headers::headers;

    const SALT: Salt = Salt::from_bytes(*b"salt of the test");

    fn response(lines: &[(&'static str, &str)]) -> ResponseHead {
        ResponseHead::new(StatusCode::OK, headers(lines), &Policy::default())
    }

    fn selects(vary: &str, first: &[(&'static str, &str)], next: &[(&'static str, &str)]) -> bool {
        let response = response(&[("vary", vary)]);
        let key = VariantKey::new(&response, &headers(first), SALT).unwrap();
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

    fn is_same(name: &'static str, first: &str, next: &str) -> bool {
        selects(name, &[(name, first)], &[(name, next)])
    }

    #[test]
    fn space_around_commas_means_nothing() {
        for name in ["foo", "accept", "accept-encoding", "accept-language"] {
            assert!(is_same(name, "1,2", " 1, 2 "), "{name}");
        }
        assert!(is_same("accept-language", "en, de", "de ,EN"));
        assert!(is_same("accept-encoding", "gzip;q=1", "GZip ; q=1"));
    }

    #[test]
    fn what_may_mean_something_selects() {
        for (name, first, next) in [
            ("foo", "a,,b", "a,b"),
            ("foo", "\"a, b\"", "\"a,b\""),
            ("foo", "a", "A"),
            ("foo", "a  b", "a b"),
            ("cookie", "a=1, 2", "a=1,2"),
            ("cookie", "a=1,,2", "a=1,2"),
            ("authorization", "Digest a=1, b=2", "Digest a=1,b=2"),
            ("accept", "a/b;v=\"x y\"", "a/b;v=\"xy\""),
            ("accept", "a/b;v=X", "a/b;v=x"),
            ("accept", "a/b, c/d", "c/d, a/b"),
            ("accept-encoding", "g zip", "gzip"),
            ("accept-language", "en;v=\"A\"", "en;v=\"a\""),
        ] {
            assert!(!is_same(name, first, next), "{name}: {first} and {next}");
        }
        assert!(is_same("cookie", " a=1, 2 ", "a=1, 2"));
    }

    #[test]
    fn the_language_that_is_preferred_alone_selects() {
        let response = response(&[("vary", "accept-language"), ("content-language", "de-AT")]);
        let key = VariantKey::new(&response, &headers(&[("accept-language", "de")]), SALT).unwrap();
        let selects = |value| key.selects(&response, &headers(&[("accept-language", value)]));
        assert!(selects("en;q=0.5, de"));
        assert!(!selects("en, de"));
        assert!(!selects("en, de;q=0.5"));
        assert!(!selects("d"));
        assert!(!selects("de;q=0"));
    }

    #[test]
    fn a_stored_key_selects_as_before() {
        let response = response(&[("vary", "cookie")]);
        let asked = headers(&[("cookie", "a=secret")]);
        let key = VariantKey::new(&response, &asked, SALT).unwrap();
        let stored = VariantKey::from_bytes(&key.to_bytes(), SALT).unwrap();
        assert!(stored.selects(&response, &asked));
        assert!(!stored.selects(&response, &HeaderMap::new()));
        for bytes in [1, 16, 23, 25] {
            assert_eq!(VariantKey::from_bytes(&vec![0; bytes], SALT), None);
        }
        let other = VariantKey::from_bytes(&key.to_bytes(), Salt::random()).unwrap();
        assert!(!other.selects(&response, &asked));
    }

    #[test]
    fn names_and_values_are_not_mistaken_for_each_other() {
        assert!(!selects("a, b", &[("a", "1")], &[("b", "1")]));
        assert!(!selects("a", &[("a", "")], &[]));
    }

    // covers("T4")
    #[test]
    fn a_star_is_never_selected() {
        assert_eq!(
            VariantKey::new(&response(&[("vary", "*")]), &HeaderMap::new(), SALT),
            None
        );
    }
}
