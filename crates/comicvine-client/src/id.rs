//! Ids of resources.
//!
//! The API writes an id as `4000-319366`: the prefix of its kind and a number. That form, the bare
//! number and the URL of a page are all parsed; an id of another kind has an error of its own.

mod invalid;
mod typed;

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

pub use self::invalid::InvalidId;
pub(crate) use self::typed::typed_id;

use crate::kind::ResourceKind;
use crate::model::scalar::Scalar;

/// The number of a resource, unique within its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Id(u64);

impl Id {
    /// The id with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// Parses an id of `kind` from `319366`, `4000-319366`, or the URL of a page or an API resource
    /// that ends in one of these.
    ///
    /// ```
    /// use comicvine_client::{Id, ResourceKind};
    ///
    /// let id = Id::parse(ResourceKind::Issue, "https://comicvine.gamespot.com/weird-terror-2/4000-44/")?;
    /// assert_eq!(id, Id::new(44));
    ///
    /// let error = Id::parse(ResourceKind::Issue, "4050-796").unwrap_err();
    /// assert_eq!(error.to_string(), "4050-796 is a volume id; an issue id begins with 4000-");
    /// # Ok::<(), comicvine_client::InvalidId>(())
    /// ```
    ///
    /// # Errors
    /// [`InvalidId::WrongKind`] for the prefix of another kind, [`InvalidId::UnknownPrefix`] for the
    /// prefix of no kind, [`InvalidId::NotAnId`] for any other text.
    pub fn parse(kind: ResourceKind, text: &str) -> Result<Self, InvalidId> {
        let not_an_id = || InvalidId::NotAnId {
            text: truncate(text),
            expected: kind,
        };
        let id = last_segment(text.trim());
        let (prefix, number) = match id.split_once('-') {
            Some((prefix, number)) => (Some(prefix), number),
            None => (None, id),
        };
        let number = digits(number).ok_or_else(not_an_id)?;
        if let Some(prefix) = prefix {
            let prefix = digits(prefix)
                .and_then(|prefix| u16::try_from(prefix).ok())
                .ok_or_else(not_an_id)?;
            if prefix != kind.prefix() {
                return Err(match ResourceKind::from_prefix(prefix) {
                    Some(found) => InvalidId::WrongKind {
                        id: id.to_owned(),
                        found,
                        expected: kind,
                    },
                    None => InvalidId::UnknownPrefix {
                        id: id.to_owned(),
                        expected: kind,
                    },
                });
            }
        }
        Ok(Self(number))
    }

    /// From a number, in JSON or as text, with or without a prefix; any other value is returned.
    pub(crate) fn from_scalar(scalar: Scalar<'_>) -> Result<Option<Self>, Value> {
        if let Scalar::Text(text) = &scalar
            && let Some((prefix, number)) = text.split_once('-')
            && let (Some(_), Some(number)) = (digits(prefix), digits(number))
        {
            return Ok(Some(Self(number)));
        }
        Ok(scalar.into_number()?.map(Self))
    }

    /// The id with the prefix of `kind`, as in the API's paths: `4000-319366`.
    #[must_use]
    pub fn qualified(self, kind: ResourceKind) -> String {
        match kind.prefix() {
            0 => self.0.to_string(),
            prefix => format!("{prefix}-{}", self.0),
        }
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl<'de> Deserialize<'de> for Id {
    /// From a number, in JSON or as text, with or without a prefix.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = Self::from_scalar(Scalar::deserialize(deserializer)?);
        read.ok()
            .flatten()
            .ok_or_else(|| serde::de::Error::custom("not an id"))
    }
}

impl From<u64> for Id {
    fn from(number: u64) -> Self {
        Self(number)
    }
}

/// The last path segment of a URL; the text itself if it is not a URL.
fn last_segment(text: &str) -> &str {
    let path = text.split(['?', '#']).next().unwrap_or(text);
    let path = path.trim_end_matches('/');
    path.rsplit('/').next().unwrap_or(path)
}

/// The value of a string of ASCII digits only (`u64::from_str` accepts a `+` too).
fn digits(text: &str) -> Option<u64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        text.parse().ok()
    } else {
        None
    }
}

/// The kind and id in an `api_detail_url`. The prefix determines the kind; the name in the path does
/// so only where the API writes no prefix (`video_type/7/`).
pub(crate) fn parse_detail_url(api_detail_url: &str) -> Option<(ResourceKind, Id)> {
    let segment = last_segment(api_detail_url);
    if let Some((prefix, number)) = segment.split_once('-') {
        let prefix = u16::try_from(digits(prefix)?).ok()?;
        return Some((ResourceKind::from_prefix(prefix)?, Id(digits(number)?)));
    }
    let name = api_detail_url
        .trim_end_matches('/')
        .strip_suffix(segment)?
        .trim_end_matches('/')
        .rsplit('/')
        .next()?;
    Some((name.parse().ok()?, Id(digits(segment)?)))
}

/// The id in an `api_detail_url`, if there is one.
pub(crate) fn id_in(api_detail_url: Option<&str>) -> Option<Id> {
    parse_detail_url(api_detail_url?).map(|(_, id)| id)
}

/// Truncates text for an error message, and removes a URL's query, which may hold an API key.
fn truncate(text: &str) -> String {
    const MAX_CHARS: usize = 60;
    let shown = text.trim().split(['?', '#']).next().unwrap_or_default();
    if shown.chars().count() <= MAX_CHARS {
        return shown.to_owned();
    }
    shown.chars().take(MAX_CHARS).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::IssueId;

    #[test]
    fn ids_are_parsed_in_every_form() {
        for text in [
            "319366",
            " 4000-319366 ",
            "4000-319366/",
            "https://comicvine.gamespot.com/avengers-9/4000-319366/",
            "comicvine.gamespot.com/avengers-9/4000-319366",
            "http://localhost:8080/api/issue/4000-319366/?format=json#top",
            "https://comicvine.gamespot.com/api/issue/319366/",
        ] {
            assert_eq!(text.parse(), Ok(IssueId::new(319_366)), "{text}");
        }
    }

    #[test]
    fn errors_say_what_is_wrong() {
        for (text, message) in [
            (
                "4050-796",
                "4050-796 is a volume id; an issue id begins with 4000-",
            ),
            (
                "https://comicvine.gamespot.com/batman/4050-796/",
                "4050-796 is a volume id; an issue id begins with 4000-",
            ),
            (
                "9999-1",
                "9999-1 has a prefix no resource uses; an issue id begins with 4000-",
            ),
            (
                "batman",
                "`batman` is not an issue id; write it as 123, 4000-123 or the url of its page",
            ),
        ] {
            assert_eq!(text.parse::<IssueId>().unwrap_err().to_string(), message);
        }
        for text in [
            "",
            "-",
            "4000-",
            "-5",
            "+5",
            "4000-+5",
            "4000-5-6",
            "99999999999999999999",
        ] {
            assert!(text.parse::<IssueId>().is_err(), "{text}");
        }
    }

    #[test]
    fn error_about_a_url_omits_its_query() {
        let error = "https://x/api/issues/?api_key=c0ffee"
            .parse::<IssueId>()
            .unwrap_err();
        assert!(!error.to_string().contains("c0ffee"), "{error}");
    }

    #[test]
    fn video_types_and_categories_share_a_prefix() {
        for kind in [ResourceKind::VideoType, ResourceKind::VideoCategory] {
            assert_eq!(Id::parse(kind, "2320-12"), Ok(Id::new(12)));
            assert_eq!(Id::parse(kind, "12"), Ok(Id::new(12)));
        }
    }

    #[test]
    fn detail_urls_are_parsed_by_prefix_and_not_by_name() {
        let api = "https://comicvine.gamespot.com/api";
        for (path, kind, number) in [
            ("writer/4040-1293/", ResourceKind::Person, 1_293),
            ("object/4005-5151/", ResourceKind::Character, 5_151),
            ("episodes/4070-15", ResourceKind::Episode, 15),
            ("video_type/7/", ResourceKind::VideoType, 7),
            ("video_category/2320-6/", ResourceKind::VideoCategory, 6),
        ] {
            assert_eq!(
                parse_detail_url(&format!("{api}/{path}")),
                Some((kind, Id::new(number)))
            );
        }
        for path in ["review/1900-607/", "", "4000-", "nothing/7/"] {
            assert_eq!(parse_detail_url(&format!("{api}/{path}")), None, "{path}");
        }
    }

    proptest! {
        #[test]
        fn every_id_round_trips(number in any::<u64>(), at in 0..ResourceKind::ALL.len()) {
            let (kind, id) = (ResourceKind::ALL[at], Id::new(number));
            prop_assert_eq!(Id::parse(kind, &id.qualified(kind)), Ok(id));
            prop_assert_eq!(Id::parse(kind, &id.to_string()), Ok(id));
        }

        #[test]
        fn any_other_text_is_an_error_about_issue_ids(text in any::<String>()) {
            if let Err(error) = Id::parse(ResourceKind::Issue, &text) {
                prop_assert!(error.to_string().contains("issue id"));
            }
        }
    }
}
