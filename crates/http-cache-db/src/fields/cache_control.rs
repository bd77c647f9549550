//! `Cache-Control` (RFC 9111, section 5.2) and targeted fields of the same directives (RFC 9213).

use std::time::Duration;

use super::dictionary::{BareItem, parse_dictionary};
use super::list::{list_members, trim, unquoted};

/// The largest number of seconds that a directive counts for (RFC 9111, section 1.2.2).
const MAX_DELTA: u64 = 1 << 31;

/// The directives of a request or a response that this cache knows.
///
/// A directive that is given twice counts with the shorter life, and a number that is none counts as 0.
///
/// ```
/// use std::time::Duration;
///
/// use http_cache_db::fields::CacheControl;
///
/// let control = CacheControl::parse(r#"Max-Age="60", max-age=5, foo="a, no-store""#);
/// assert_eq!(control.max_age, Some(Duration::from_secs(5)));
/// assert!(!control.no_store);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a directive that is there or not, in any combination"
)]
pub struct CacheControl {
    /// `max-age`
    pub max_age: Option<Duration>,
    /// `s-maxage`
    pub s_maxage: Option<Duration>,
    /// `no-store`
    pub no_store: bool,
    /// `no-cache` without field names
    pub no_cache: bool,
    /// The lower-cased field names of `no-cache="…"`.
    pub no_cache_fields: Vec<String>,
    /// `private` without field names
    pub private: bool,
    /// The lower-cased field names of `private="…"`.
    pub private_fields: Vec<String>,
    /// `public`
    pub public: bool,
    /// `must-revalidate`
    pub must_revalidate: bool,
    /// `proxy-revalidate`
    pub proxy_revalidate: bool,
    /// `must-understand`
    pub must_understand: bool,
    /// `immutable` (RFC 8246)
    pub immutable: bool,
    /// `stale-while-revalidate` (RFC 5861)
    pub stale_while_revalidate: Option<Duration>,
    /// `stale-if-error` (RFC 5861)
    pub stale_if_error: Option<Duration>,
    /// `min-fresh`, of a request
    pub min_fresh: Option<Duration>,
    /// `max-stale`, of a request; without a number any staleness is accepted.
    pub max_stale: Option<Duration>,
    /// `only-if-cached`, of a request
    pub only_if_cached: bool,
}

impl CacheControl {
    /// Parses the combined value of `Cache-Control`.
    #[must_use]
    pub fn parse(value: &str) -> Self {
        let mut control = Self::default();
        for member in list_members(value) {
            match member.split_once('=') {
                Some((name, argument)) => control.apply(trim(name), Some(trim(argument))),
                None => control.apply(member, None),
            }
        }
        control
    }

    /// Parses the combined value of a targeted field, a dictionary of RFC 9651. `None` if it is empty,
    /// malformed, or gives a directive an argument of the wrong type: the field is then ignored (RFC 9213,
    /// section 2.1).
    ///
    /// ```
    /// use http_cache_db::fields::CacheControl;
    ///
    /// assert!(CacheControl::parse_targeted("max-age=60, private").is_some());
    /// assert!(CacheControl::parse_targeted(r#"max-age="60""#).is_none());
    /// assert!(CacheControl::parse_targeted("max-age=60,").is_none());
    /// ```
    #[must_use]
    pub fn parse_targeted(value: &str) -> Option<Self> {
        let members = parse_dictionary(value)?;
        if members.is_empty() {
            return None;
        }
        let mut control = Self::default();
        for (name, item) in &members {
            let takes_seconds = matches!(
                name.as_str(),
                "max-age" | "s-maxage" | "stale-while-revalidate" | "stale-if-error"
            );
            match item {
                BareItem::Integer(seconds) if takes_seconds => {
                    let seconds = u64::try_from(*seconds).ok()?;
                    control.apply(name, Some(&seconds.to_string()));
                }
                _ if takes_seconds => return None,
                BareItem::Boolean(true) => control.apply(name, None),
                BareItem::String(text) => control.apply(name, Some(text)),
                BareItem::Boolean(false)
                | BareItem::Integer(_)
                | BareItem::Strings(_)
                | BareItem::Other => {}
            }
        }
        Some(control)
    }

    fn apply(&mut self, name: &str, argument: Option<&str>) {
        match name.to_ascii_lowercase().as_str() {
            "max-age" => shorten(&mut self.max_age, argument),
            "s-maxage" => shorten(&mut self.s_maxage, argument),
            "no-store" => self.no_store = true,
            // Without a name it is about the whole response.
            "no-cache" => match field_names(argument) {
                fields if fields.is_empty() => self.no_cache = true,
                fields => self.no_cache_fields.extend(fields),
            },
            "private" => match field_names(argument) {
                fields if fields.is_empty() => self.private = true,
                fields => self.private_fields.extend(fields),
            },
            "public" => self.public = true,
            "must-revalidate" => self.must_revalidate = true,
            "proxy-revalidate" => self.proxy_revalidate = true,
            "must-understand" => self.must_understand = true,
            "immutable" => self.immutable = true,
            "stale-while-revalidate" => shorten(&mut self.stale_while_revalidate, argument),
            "stale-if-error" => shorten(&mut self.stale_if_error, argument),
            // The longer one asks for the fresher response.
            "min-fresh" => self.min_fresh = self.min_fresh.max(Some(delta(argument))),
            "max-stale" => match argument {
                Some(_) => shorten(&mut self.max_stale, argument),
                None => self.max_stale = self.max_stale.or(Some(Duration::MAX)),
            },
            "only-if-cached" => self.only_if_cached = true,
            _ => {}
        }
    }
}

fn shorten(seconds: &mut Option<Duration>, argument: Option<&str>) {
    let delta = delta(argument);
    *seconds = Some(seconds.map_or(delta, |before| before.min(delta)));
}

/// Delta-seconds: digits only, clamped; anything else is 0.
pub(super) fn delta(argument: Option<&str>) -> Duration {
    let digits = unquoted(argument.unwrap_or_default());
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    let seconds = if is_number {
        digits.parse().unwrap_or(MAX_DELTA).min(MAX_DELTA)
    } else {
        0
    };
    Duration::from_secs(seconds)
}

fn field_names(argument: Option<&str>) -> Vec<String> {
    let names = list_members(unquoted(argument.unwrap_or_default()));
    names.map(str::to_ascii_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn max_age(value: &str) -> Option<u64> {
        CacheControl::parse(value).max_age.map(|age| age.as_secs())
    }

    #[test]
    fn names_are_read_in_any_case() {
        assert_eq!(max_age("MaX-aGe=3600"), Some(3_600));
    }

    #[test]
    fn quoted_strings_hide_their_commas() {
        assert_eq!(
            max_age(r#"extension="a, max-age=5", max-age=3600"#),
            Some(3_600)
        );
    }

    #[test]
    fn a_number_that_is_none_counts_as_zero() {
        for value in [
            "max-age",
            "max-age=",
            "max-age=-1",
            "max-age=1.0",
            "max-age=a",
        ] {
            assert_eq!(max_age(value), Some(0), "{value}");
        }
    }

    #[test]
    fn a_number_that_is_too_large_is_clamped() {
        assert_eq!(max_age("max-age=99999999999999999999"), Some(MAX_DELTA));
    }

    #[test]
    fn of_duplicates_the_shorter_life_counts() {
        assert_eq!(max_age("max-age=3600, max-age=1800"), Some(1_800));
        assert_eq!(max_age("max-age=1800, max-age=3600"), Some(1_800));
    }

    #[test]
    fn qualified_directives_name_their_fields() {
        let control = CacheControl::parse(r#"no-cache="Set-Cookie, X-A", private="x-b""#);
        assert!(!control.no_cache && !control.private);
        assert_eq!(control.no_cache_fields, ["set-cookie", "x-a"]);
        assert_eq!(control.private_fields, ["x-b"]);
        let control = CacheControl::parse(r#"no-cache="", private="""#);
        assert!(control.no_cache && control.private);
    }

    #[test]
    fn max_stale_without_a_number_takes_any_staleness() {
        let control = CacheControl::parse("max-stale");
        assert_eq!(control.max_stale, Some(Duration::MAX));
    }

    #[test]
    fn a_targeted_field_is_a_strict_dictionary() {
        for value in [
            "",
            "max-age",
            "max-age=-1",
            "max-age=1.5",
            "MAX-AGE=1",
            "max-age=1;",
        ] {
            assert_eq!(CacheControl::parse_targeted(value), None, "{value}");
        }
        let control = CacheControl::parse_targeted("max-age=60;foo, no-store, unknown=token");
        assert!(control.is_some_and(|control| control.no_store));
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "\\PC{0,60}") {
            let _no_panic = (CacheControl::parse(&text), CacheControl::parse_targeted(&text));
        }
    }
}
