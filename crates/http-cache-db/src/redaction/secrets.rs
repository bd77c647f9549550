//! The secrets of a request, which no stored response may repeat.

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Bound;

use http::HeaderMap;
use http::header::{AUTHORIZATION, COOKIE, SET_COOKIE};
use percent_encoding::percent_decode;

/// Shorter values turn up by chance.
const MIN_LEN: usize = 6;

/// The secrets of a request; see [`Redaction::secrets_of`](crate::Redaction::secrets_of).
///
/// ```
/// use http::{HeaderMap, Method, Uri};
/// use http_cache_db::Redaction;
/// use http_cache_db::policy::RequestHead;
///
/// let target = Uri::from_static("http://example.org/issues?api_key=s3cret");
/// let request = RequestHead::new(Method::GET, target, HeaderMap::new());
/// let secrets = Redaction::default().secrets_of(&request);
///
/// let mut response = HeaderMap::new();
/// response.insert("link", "</issues?api_key=s3cret&page=2>; rel=next".parse()?);
/// assert!(secrets.are_in(&response));
/// # Ok::<(), http::header::InvalidHeaderValue>(())
/// ```
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets(
    /// None begins with another one: that one is found where it is.
    BTreeSet<Vec<u8>>,
);

impl Secrets {
    /// Those in these encoded values of the target, and in the fields of the request.
    pub(super) fn new<'a>(of_target: impl Iterator<Item = &'a str>, fields: &HeaderMap) -> Self {
        let mut secrets = Self::default();
        for value in of_target {
            secrets.add(value.as_bytes());
            secrets.add(&decoded(value.replace('+', " ").as_bytes()));
            secrets.add(&decoded(value.as_bytes()));
        }
        for value in fields.get_all(AUTHORIZATION) {
            // The credentials come after the scheme.
            let value = value.as_bytes();
            let scheme = value.iter().position(|byte| *byte == b' ');
            let credentials = scheme.and_then(|at| value.get(at..)).unwrap_or(value);
            secrets.add(credentials.trim_ascii());
        }
        let cookies = fields.get_all(COOKIE).iter();
        for cookie in cookies.flat_map(|value| value.as_bytes().split(|byte| *byte == b';')) {
            let name = cookie.iter().position(|byte| *byte == b'=');
            let value = name.and_then(|at| cookie.get(at + 1..)).unwrap_or(cookie);
            secrets.add(value.trim_ascii());
        }
        secrets.without_longer_ones()
    }

    fn without_longer_ones(self) -> Self {
        let mut kept = BTreeSet::new();
        let mut last: Option<Vec<u8>> = None;
        // In this order, those that begin with a secret follow it.
        for secret in self.0 {
            if last.as_ref().is_none_or(|last| !secret.starts_with(last)) {
                kept.insert(secret.clone());
                last = Some(secret);
            }
        }
        Self(kept)
    }

    fn add(&mut self, secret: &[u8]) {
        if secret.len() >= MIN_LEN {
            self.0.insert(secret.to_vec());
        }
    }

    /// Whether a field of a response repeats one, also percent-encoded. `Set-Cookie` does not count: a cookie is
    /// the user's own.
    #[must_use]
    pub fn are_in(&self, response: &HeaderMap) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let mut lines = response.iter().filter(|(name, _)| *name != SET_COOKIE);
        lines.any(|(_, value)| self.are_in_value(value.as_bytes()))
    }

    /// Whether a value repeats one, also percent-encoded.
    pub(super) fn are_in_value(&self, value: &[u8]) -> bool {
        self.is_in(value) || (value.contains(&b'%') && self.is_in(&decoded(value)))
    }

    fn is_in(&self, text: &[u8]) -> bool {
        // Of a set in which none begins with another, only the last one before a text can be its beginning. To look
        // for each secret would be work that grows with their number times the length of the fields.
        let begins_with_one = |rest: &[u8]| {
            let before = (Bound::Unbounded, Bound::Included(rest));
            let candidate = self.0.range::<[u8], _>(before).next_back();
            candidate.is_some_and(|secret| rest.starts_with(secret))
        };
        !self.0.is_empty()
            && (0..text.len())
                .filter_map(|at| text.get(at..))
                .any(begins_with_one)
    }
}

fn decoded(value: &[u8]) -> Vec<u8> {
    percent_decode(value).collect()
}

/// Does not show them.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(..)")
    }
}

#[cfg(test)]
mod tests {
    use http::{Method, Uri};
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::Secrets;

    use crate::Redaction;
    use crate::policy::RequestHead;
    use crate::test_headers::headers;

    type Lines<'a> = &'a [(&'static str, &'a str)];

    fn are_in(target: &'static str, request: Lines<'_>, response: Lines<'_>) -> bool {
        let request = RequestHead::new(Method::GET, Uri::from_static(target), headers(request));
        let secrets = Redaction::default().secrets_of(&request);
        secrets.are_in(&headers(response))
    }

    #[test]
    fn a_secret_parameter_is_found_in_any_encoding() {
        for (asked, told) in [
            ("http://a/?api_key=s3cret", "<http://a/?api_key=s3cret&p=2>"),
            ("http://a/?API%5FKEY=s3%2Bcret", "http://a/?k=s3%2bcret"),
            ("http://a/?token=s3%2Bcret", "s3+cret"),
            ("http://a/?token=a+s3cret", "a%20s3cret"),
            ("http://bob:s3cret@a/", "s3cret"),
        ] {
            assert!(are_in(asked, &[], &[("x-a", told)]), "{told}");
        }
        let public = "http://a/?page=s3cret&key=short&api_key";
        assert!(!are_in(public, &[], &[("x-a", "s3cret short api_key")]));
    }

    #[test]
    fn credentials_and_cookies_are_secret() {
        let asked: Lines<'_> = &[
            ("authorization", "Bearer s3cret-token"),
            ("cookie", "a=b; session=c00kie-value"),
        ];
        for told in ["x s3cret-token", "\"c00kie-value\""] {
            assert!(are_in("http://a/", asked, &[("etag", told)]), "{told}");
        }
        for told in ["Bearer", "session", "b"] {
            assert!(!are_in("http://a/", asked, &[("etag", told)]), "{told}");
        }
    }

    proptest! {
        #[test]
        fn a_secret_is_found_anywhere(
            secrets in vec("[ab]{4,9}", 0..8),
            text in "[ab]{0,40}",
        ) {
            let long = secrets.iter().filter(|secret| secret.len() >= super::MIN_LEN);
            let expected = { long }.any(|secret| text.contains(secret.as_str()));
            let all = secrets.iter().map(String::as_str);
            let secrets = Secrets::new(all, &http::HeaderMap::new());
            prop_assert_eq!(secrets.are_in_value(text.as_bytes()), expected);
        }
    }

    #[test]
    fn a_cookie_is_the_users_own() {
        let asked = [("cookie", "session=c00kie-value")];
        let told = [("set-cookie", "session=c00kie-value")];
        assert!(!are_in("http://a/", &asked, &told));
    }
}
