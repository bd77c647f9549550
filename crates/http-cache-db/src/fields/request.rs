//! The fields of a request that caching depends on.

use http::HeaderMap;
use store_core::Timestamp;

use super::cache_control::CacheControl;
use super::date::parse_date;
use super::entity_tag::EntityTag;
use super::list::{combined_value, list_members};
use super::range::RangeField;

/// The fields of a request, parsed.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RequestFields {
    /// `Cache-Control`; `no-cache` also by `Pragma` if it is absent (RFC 9111, section 5.4).
    pub control: CacheControl,
    /// Whether there is an `Authorization`.
    pub has_authorization: bool,
    /// `Range`
    pub range: RangeField,
    /// The text of `Range`.
    pub range_text: Option<String>,
    /// `If-None-Match`
    pub if_none_match: Option<IfNoneMatch>,
    /// `If-Modified-Since`, if it is a date.
    pub if_modified_since: Option<Timestamp>,
    /// `If-Range`
    pub if_range: Option<String>,
    /// Whether there is a precondition that only an origin evaluates: `If-Match` or `If-Unmodified-Since`.
    pub has_origin_precondition: bool,
}

/// The condition of `If-None-Match`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IfNoneMatch {
    /// `*`: any response.
    Any,
    /// One of these tags.
    Tags(Vec<EntityTag>),
}

impl RequestFields {
    /// Parses the fields.
    ///
    /// ```
    /// use http::HeaderMap;
    /// use http_cache_db::fields::RequestFields;
    ///
    /// let mut headers = HeaderMap::new();
    /// headers.insert("cache-control", "only-if-cached".parse()?);
    /// assert!(RequestFields::parse(&headers).control.only_if_cached);
    /// # Ok::<(), http::header::InvalidHeaderValue>(())
    /// ```
    #[must_use]
    pub fn parse(headers: &HeaderMap) -> Self {
        let text = |name| combined_value(headers, name);
        let mut control = CacheControl::default();
        if let Some(value) = text("cache-control") {
            control = CacheControl::parse(&value);
        } else if let Some(pragma) = text("pragma") {
            control.no_cache =
                list_members(&pragma).any(|member| member.eq_ignore_ascii_case("no-cache"));
        }
        let range_text = text("range");
        Self {
            control,
            has_authorization: headers.contains_key("authorization"),
            range: range_text
                .as_deref()
                .map_or(RangeField::Whole, RangeField::parse),
            range_text,
            if_none_match: text("if-none-match").map(|value| IfNoneMatch::parse(&value)),
            if_modified_since: text("if-modified-since").and_then(|value| parse_date(&value)),
            if_range: text("if-range"),
            has_origin_precondition: headers.contains_key("if-match")
                || headers.contains_key("if-unmodified-since"),
        }
    }
}

impl IfNoneMatch {
    fn parse(value: &str) -> Self {
        if value == "*" {
            return Self::Any;
        }
        Self::Tags(list_members(value).map(EntityTag::new).collect())
    }
}
