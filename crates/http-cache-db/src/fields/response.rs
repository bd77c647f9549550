//! The fields of a response that caching depends on.

use std::time::Duration;

use http::HeaderMap;
use store_core::Timestamp;

use super::cache_control::{CacheControl, delta};
use super::content_range::ContentRange;
use super::date::parse_date;
use super::entity_tag::EntityTag;
use super::list::{combined_value, list_members};

/// The fields of a response, parsed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ResponseFields {
    /// The directives: of `Cache-Control`, or of the targeted field that takes its place.
    pub control: CacheControl,
    /// Whether a targeted field gave the directives; `Expires` does not count then (RFC 9213, section 2.2).
    pub is_targeted: bool,
    /// `Date`
    pub date: Option<Timestamp>,
    /// `Expires`
    pub expires: Option<Expires>,
    /// `Last-Modified`
    pub last_modified: Option<Timestamp>,
    /// `Age`: of a list the first member, zero if that is no number.
    pub age: Duration,
    /// `ETag`
    pub etag: Option<EntityTag>,
    /// `Vary`
    pub vary: Vary,
    /// `Content-Range`
    pub content_range: Option<ContentRange>,
    /// `Content-Language`, lower-cased.
    pub content_language: Option<String>,
}

/// The value of `Expires`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expires {
    /// A date.
    At(Timestamp),
    /// No date, which means in the past (RFC 9111, section 5.3).
    Invalid,
}

/// The value of `Vary`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Vary {
    /// `*`: no other request is answered with the response.
    Any,
    /// The lower-cased names of request fields, sorted, each once. None: every request is.
    Names(Vec<String>),
}

/// Which targeted fields of a response count (RFC 9213).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TargetedFields {
    /// None: `Cache-Control` counts.
    Ignored,
    /// `CDN-Cache-Control`, before `Cache-Control`.
    Cdn,
}

impl ResponseFields {
    /// Parses the fields.
    ///
    /// ```
    /// use http::HeaderMap;
    /// use http_cache_db::fields::{TargetedFields, ResponseFields};
    ///
    /// let mut headers = HeaderMap::new();
    /// headers.insert("cache-control", "max-age=60".parse()?);
    /// headers.insert("cdn-cache-control", "max-age=600".parse()?);
    /// let max_age = |targeted_fields| ResponseFields::parse(&headers, targeted_fields).control.max_age;
    /// assert_eq!(max_age(TargetedFields::Ignored).unwrap().as_secs(), 60);
    /// assert_eq!(max_age(TargetedFields::Cdn).unwrap().as_secs(), 600);
    /// # Ok::<(), http::header::InvalidHeaderValue>(())
    /// ```
    #[must_use]
    pub fn parse(headers: &HeaderMap, targeted_fields: TargetedFields) -> Self {
        let text = |name| combined_value(headers, name);
        let targeted = match targeted_fields {
            TargetedFields::Ignored => None,
            TargetedFields::Cdn => {
                text("cdn-cache-control").and_then(|value| CacheControl::parse_targeted(&value))
            }
        };
        let is_targeted = targeted.is_some();
        let control = targeted.unwrap_or_else(|| {
            text("cache-control")
                .map_or_else(CacheControl::default, |value| CacheControl::parse(&value))
        });
        Self {
            control,
            is_targeted,
            date: date_of(headers, "date"),
            expires: first(headers, "expires")
                .map(|value| parse_date(&value).map_or(Expires::Invalid, Expires::At)),
            last_modified: date_of(headers, "last-modified"),
            age: text("age").map_or(Duration::ZERO, |value| delta(list_members(&value).next())),
            etag: first(headers, "etag").map(EntityTag::new),
            vary: Vary::parse(&text("vary").unwrap_or_default()),
            content_range: first(headers, "content-range")
                .and_then(|value| ContentRange::parse(&value)),
            content_language: first(headers, "content-language")
                .map(|value| value.to_ascii_lowercase()),
        }
    }

    /// Whether the response has a validator: an entity tag or a date of modification.
    #[must_use]
    pub fn has_validator(&self) -> bool {
        self.etag.is_some() || self.last_modified.is_some()
    }
}

impl Vary {
    fn parse(value: &str) -> Self {
        let mut names: Vec<_> = list_members(value).map(str::to_ascii_lowercase).collect();
        // What is no name of a field cannot be compared: no other request is answered, as with `*`.
        if names.iter().any(|name| name == "*" || !is_field_name(name)) {
            return Self::Any;
        }
        names.sort();
        names.dedup();
        Self::Names(names)
    }
}

fn is_field_name(name: &str) -> bool {
    http::HeaderName::from_bytes(name.as_bytes()).is_ok()
}

fn date_of(headers: &HeaderMap, name: &str) -> Option<Timestamp> {
    first(headers, name).and_then(|value| parse_date(&value))
}

/// The first line of a field that is no list.
fn first(headers: &HeaderMap, name: &str) -> Option<String> {
    let value = headers.get(name)?;
    Some(value.as_bytes().iter().copied().map(char::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_headers::headers;

    fn parse(lines: &[(&'static str, &str)]) -> ResponseFields {
        ResponseFields::parse(&headers(lines), TargetedFields::Ignored)
    }

    #[test]
    fn the_first_member_of_age_counts_if_it_is_a_number() {
        let age = |value| parse(&[("age", value)]).age.as_secs();
        assert_eq!(age("7200"), 7_200);
        assert_eq!(age("0, 7200"), 0);
        assert_eq!(age("7200, 0"), 7_200);
        assert_eq!(age("abc, 7200"), 0);
        assert_eq!(age("-7200"), 0);
        assert_eq!(age("99999999999999"), 1 << 31);
        assert_eq!(parse(&[("age", "7200"), ("age", "0")]).age.as_secs(), 7_200);
    }

    #[test]
    fn an_expires_that_is_no_date_has_passed() {
        assert_eq!(parse(&[("expires", "0")]).expires, Some(Expires::Invalid));
        assert_eq!(parse(&[]).expires, None);
    }

    #[test]
    fn vary_is_a_set_of_names() {
        let vary = parse(&[("vary", "Foo, bar"), ("vary", "FOO,")]).vary;
        assert_eq!(vary, Vary::Names(vec!["bar".to_owned(), "foo".to_owned()]));
        assert_eq!(parse(&[("vary", "a, *")]).vary, Vary::Any);
        assert_eq!(parse(&[("vary", "Cookie; Accept")]).vary, Vary::Any);
    }

    #[test]
    fn a_malformed_targeted_field_leaves_cache_control_in_place() {
        let mut headers = HeaderMap::new();
        headers.insert("cache-control", "max-age=60".parse().unwrap());
        headers.insert("cdn-cache-control", "max-age=a".parse().unwrap());
        let fields = ResponseFields::parse(&headers, TargetedFields::Cdn);
        assert_eq!(fields.control.max_age, Some(Duration::from_mins(1)));
        assert!(!fields.is_targeted);
    }
}
