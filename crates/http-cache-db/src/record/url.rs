//! A row of `urls`.

use serde::{Deserialize, Serialize};
use store_core::Timestamp;
use url::Url;

use super::json::millis;
use super::{InvalidRecord, Record};

/// A URL in parts.
///
/// The parts are those of the [URL standard](https://url.spec.whatwg.org/) after parsing: scheme and domain in
/// lower case, no default port, no dot segments. Only `http` and `https` are kept, and no user name or password.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UrlRecord {
    /// The row's id.
    pub url_id: Option<i64>,
    /// `http` or `https`.
    pub scheme: String,
    /// The host, an IPv6 address in brackets.
    pub domain: String,
    /// The port, unless it is the scheme's default.
    pub port: Option<u16>,
    /// The path, from its first slash.
    pub path: String,
    /// What follows the question mark, if there is one.
    pub querystring: Option<String>,
    /// What follows the hash sign, if there is one.
    pub fragment: Option<String>,
    /// All parts together.
    pub full_url: String,
    /// When the record was made.
    #[serde(with = "millis")]
    pub created_at: Timestamp,
    /// When the record was last changed.
    #[serde(with = "millis")]
    pub modified_at: Timestamp,
}

impl UrlRecord {
    /// The record of a URL, made at `now`.
    ///
    /// # Errors
    /// It is no absolute URL, or of another scheme than `http` and `https`.
    pub fn parse(url: &str, now: Timestamp) -> Result<Self, InvalidRecord> {
        let url = Url::parse(url).map_err(|error| {
            InvalidRecord::new(Self::KIND, "full_url", format!("is no URL: {error}"))
        })?;
        let is_http = ["http", "https"].contains(&url.scheme());
        Self::KIND.ensure(is_http, "scheme", "is neither http nor https")?;
        let mut record = Self {
            url_id: None,
            scheme: url.scheme().to_owned(),
            domain: url.host_str().unwrap_or_default().to_owned(),
            port: url.port(),
            path: url.path().to_owned(),
            querystring: url.query().map(str::to_owned),
            fragment: url.fragment().map(str::to_owned),
            full_url: String::new(),
            created_at: now,
            modified_at: now,
        };
        record.full_url = record.construct_full_url();
        Ok(record)
    }

    /// The URL that the parts make up, whatever [`full_url`](Self::full_url) is.
    #[must_use]
    pub fn construct_full_url(&self) -> String {
        let Self {
            scheme,
            domain,
            path,
            ..
        } = self;
        let mut url = format!("{scheme}://{domain}");
        if let Some(port) = self.port {
            url.push(':');
            url.push_str(&port.to_string());
        }
        if !path.starts_with('/') {
            url.push('/');
        }
        url.push_str(path);
        for (mark, part) in [('?', &self.querystring), ('#', &self.fragment)] {
            if let Some(part) = part {
                url.push(mark);
                url.push_str(part);
            }
        }
        url
    }

    /// Normalises the parts after they were set, and [`full_url`](Self::full_url) to what they make up.
    ///
    /// # Errors
    /// The parts make up no URL that [`parse`](Self::parse) takes; the record is as it was.
    pub fn normalize(&mut self, now: Timestamp) -> Result<(), InvalidRecord> {
        let normal = Self::parse(&self.construct_full_url(), now)?;
        *self = Self {
            url_id: self.url_id,
            created_at: self.created_at,
            modified_at: self.modified_at,
            ..normal
        };
        self.touch(now);
        Ok(())
    }

    pub(super) fn check_fields(&self) -> Result<(), InvalidRecord> {
        let url = self.construct_full_url();
        let normal = Self::parse(&url, self.created_at)?;
        for (is_normal, part) in [
            (normal.scheme == self.scheme, "scheme"),
            (normal.domain == self.domain, "domain"),
            (normal.port == self.port, "port"),
            (normal.path == self.path, "path"),
            (normal.querystring == self.querystring, "querystring"),
            (normal.fragment == self.fragment, "fragment"),
        ] {
            Self::KIND.ensure(is_normal, part, "is not normalised")?;
        }
        Self::KIND.ensure(url == self.full_url, "full_url", "is not that of the parts")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_700_000_000_000);

    fn parse(url: &str) -> UrlRecord {
        UrlRecord::parse(url, NOW).unwrap()
    }

    // covers("C9")
    #[test]
    fn a_url_is_taken_apart_and_normalised() {
        let url = parse("HTTP://Comics.Example:8080/a/./b/../issues?Page=2&q#Top");
        assert_eq!(
            (url.scheme.as_str(), url.domain.as_str()),
            ("http", "comics.example")
        );
        assert_eq!((url.port, url.path.as_str()), (Some(8080), "/a/issues"));
        assert_eq!(url.querystring.as_deref(), Some("Page=2&q"));
        assert_eq!(url.fragment.as_deref(), Some("Top"));
        assert_eq!(
            url.full_url,
            "http://comics.example:8080/a/issues?Page=2&q#Top"
        );
        assert_eq!(url.validate(), Ok(()));
    }

    #[test]
    fn equal_urls_have_one_spelling() {
        for spelling in [
            "http://a",
            "HTTP://A:80/",
            "http://bob:s3cret@a/.",
            " http:\\\\a\\",
        ] {
            assert_eq!(parse(spelling).full_url, "http://a/", "{spelling}");
        }
        assert_eq!(
            parse("https://[::0001]:0/?#").full_url,
            "https://[::1]:0/?#"
        );
        assert_eq!(
            parse("https://bücher.example").domain,
            "xn--bcher-kva.example"
        );
    }

    #[test]
    fn what_is_no_http_url_is_refused_without_showing_it() {
        for url in [
            "",
            "/a?s3cret",
            "ftp://a/s3cret",
            "http://",
            "http://a:s3cret/",
            "data:,s3cret",
        ] {
            let error = UrlRecord::parse(url, NOW).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
        }
    }

    // covers("C9")
    #[test]
    fn parts_that_were_set_are_checked_and_normalised() {
        let later = Timestamp::from_millis(NOW.as_millis() + 1);
        let mut url = parse("http://a/b");
        url.url_id = Some(7);
        url.domain = "bob:s3cret@A".to_owned();
        url.port = Some(80);
        assert_eq!(url.validate().unwrap_err().field(), "domain");
        url.normalize(later).unwrap();
        assert_eq!(
            (url.full_url.as_str(), url.port, url.url_id),
            ("http://a/b", None, Some(7))
        );
        assert_eq!((url.created_at, url.modified_at), (NOW, later));

        url.path = "c".to_owned();
        assert_eq!(url.validate().unwrap_err().field(), "path");
        url.path = "/c".to_owned();
        assert_eq!(url.validate().unwrap_err().field(), "full_url");
    }

    proptest! {
        #[test]
        fn any_text_is_a_url_or_not(text in "(https?://)?\\PC{0,80}") {
            if let Ok(url) = UrlRecord::parse(&text, NOW) {
                prop_assert_eq!(url.validate(), Ok(()));
            }
        }

        // covers("C9")
        #[test]
        fn the_parts_make_up_the_normalised_url(
            scheme in "https?|HTTPS?",
            user in "([a-z]{1,3}(:[a-z]{0,3})?@)?",
            domain in "[a-zA-Z0-9]{1,8}\\.[a-z]{2,3}|\\[::[0-9a-f]{1,4}\\]",
            port in "(:[0-9]{1,4})?",
            rest in "(/[a-zA-Z0-9.%~ é\\\\]{0,6}){0,4}(\\?[a-z=&%? é']{0,8})?(#[a-z#` é]{0,8})?",
        ) {
            let text = format!("{scheme}://{user}{domain}{port}{rest}");
            let mut expected = Url::parse(&text).unwrap();
            expected.set_username("").unwrap();
            expected.set_password(None).unwrap();
            let url = parse(&text);
            prop_assert_eq!(url.construct_full_url(), expected.as_str());
            prop_assert_eq!(&parse(&url.full_url), &url);
        }
    }
}
