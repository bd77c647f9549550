//! What is removed on demand: [`Purge`].

use std::fmt;

use http::Uri;
use url::Url;

use super::equivalence::Equivalence;
use super::response::NewResponse;
use crate::tags::{Tag, Tags};
use crate::url_base::UrlBase;

/// Which stored responses are no longer valid, and what becomes of them: they are removed, or [stale](Self::soft) from
/// now on.
///
/// ```
/// use http_cache_db::store::Purge;
///
/// let purge = Purge::prefix("https://example.org/issues/")?.soft();
/// assert!(purge.is_soft());
/// assert!(Purge::prefix("https://example.org/issues?page=2").is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purge {
    selectors: Vec<Selector>,
    is_soft: bool,
}

/// Stored responses that have something in common.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Selector {
    Url(Uri),
    Prefix(UrlBase),
    /// A domain, with any scheme and port.
    Host(String),
    Tag(Tag),
    Everything,
}

/// What was given names no stored responses. The text says what to give, and does not show what was given, which may be
/// a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidPurge(&'static str);

impl Purge {
    /// The responses of a URL.
    ///
    /// # Errors
    /// It is no absolute URL with `http` or `https`.
    pub fn url(url: &str) -> Result<Self, InvalidPurge> {
        let mut url = whole_url(url)?;
        url.set_fragment(None);
        let target = url.as_str().parse();
        Ok(Self::of(Selector::Url(target.map_err(|_| NO_URL)?)))
    }

    /// The responses of all URLs that start with this one, whatever their queries: `https://example.org/a` is also a
    /// prefix of `https://example.org/ab`, `https://example.org/a/` is not.
    ///
    /// # Errors
    /// It is no absolute URL with `http` or `https`, or has a query: the secrets in queries are not stored, so that
    /// they cannot be compared.
    pub fn prefix(url: &str) -> Result<Self, InvalidPurge> {
        let url = whole_url(url)?;
        if url.query().is_some() || url.fragment().is_some() {
            return Err(InvalidPurge(
                "a prefix has neither a query nor a fragment; leave out what follows the path",
            ));
        }
        let prefix = UrlBase {
            scheme: url.scheme().to_owned(),
            domain: url.host_str().unwrap_or_default().to_owned(),
            port: url.port(),
            path: url.path().to_owned(),
        };
        Ok(Self::of(Selector::Prefix(prefix)))
    }

    /// The responses of a host, with any scheme and port.
    ///
    /// # Errors
    /// It is no host, or has a port.
    pub fn host(host: &str) -> Result<Self, InvalidPurge> {
        let url = Url::parse(&format!("http://{host}/")).ok();
        let is_plain = !host.contains(['/', '?', '#', '@', '\\']);
        let url = url.filter(|url| is_plain && url.port().is_none() && !host.ends_with(":80"));
        let domain = url.and_then(|url| url.host_str().map(str::to_owned));
        let domain = domain.ok_or(InvalidPurge(
            "this is no host; give its name alone, such as example.org",
        ))?;
        Ok(Self::of(Selector::Host(domain)))
    }

    /// The responses that have at least one of these tags. Groups of an origin are tags as well: [`Tag::group`].
    pub fn tags(tags: impl IntoIterator<Item = Tag>) -> Self {
        Self {
            selectors: tags.into_iter().map(Selector::Tag).collect(),
            is_soft: false,
        }
    }

    /// All responses.
    #[must_use]
    pub fn everything() -> Self {
        Self::of(Selector::Everything)
    }

    /// Keeps the responses, which are stale from now on: they are validated before they answer, but where
    /// `stale-while-revalidate`, `stale-if-error`, the request or the policy lets a stale response answer.
    #[must_use]
    pub const fn soft(mut self) -> Self {
        self.is_soft = true;
        self
    }

    /// Whether the responses are kept, and stale.
    #[must_use]
    pub const fn is_soft(&self) -> bool {
        self.is_soft
    }

    /// Whether it is about this response. It is about one that answers a URL to be purged by its `No-Vary-Search`, too.
    #[must_use]
    pub fn selects(&self, response: &NewResponse) -> bool {
        let NewResponse {
            request,
            tags,
            request_tags,
            ..
        } = response;
        let equivalent = |url: &Uri| {
            let base = Equivalence::base(url, response.head.variant.salt());
            let own = response.equivalence.as_ref();
            own.is_some_and(|own| own.base == base)
        };
        let mut selectors = self.selectors.iter();
        self.is_about(&request.target, &[tags, request_tags])
            || selectors.any(|selector| matches!(selector, Selector::Url(url) if equivalent(url)))
    }

    fn is_about(&self, target: &Uri, tags: &[&Tags]) -> bool {
        let base = UrlBase::of(target);
        let mut selectors = self.selectors.iter();
        selectors.any(|selector| match selector {
            Selector::Url(url) => url == target,
            Selector::Prefix(prefix) => base.starts_with(prefix),
            Selector::Host(domain) => base.domain == *domain,
            Selector::Tag(tag) => tags.iter().any(|tags| tags.contains(tag)),
            Selector::Everything => true,
        })
    }

    pub(crate) fn selectors(&self) -> &[Selector] {
        &self.selectors
    }

    fn of(selector: Selector) -> Self {
        Self {
            selectors: vec![selector],
            is_soft: false,
        }
    }
}

const NO_URL: InvalidPurge = InvalidPurge(
    "this is not a whole URL; give it as it is at the origin, with http:// or https://, such as \
     https://example.org/issues",
);

fn whole_url(text: &str) -> Result<Url, InvalidPurge> {
    let url = Url::parse(text).map_err(|_| NO_URL)?;
    let is_http = matches!(url.scheme(), "http" | "https") && text.contains("://");
    is_http.then_some(url).ok_or(NO_URL)
}

impl fmt::Display for InvalidPurge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for InvalidPurge {}

/// Does not show URLs, which may have secrets.
impl fmt::Debug for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(_) => f.write_str("Url(..)"),
            Self::Prefix(prefix) => write!(f, "Prefix({})", prefix.text()),
            Self::Host(domain) => write!(f, "Host({domain})"),
            Self::Tag(tag) => write!(f, "Tag({tag})"),
            Self::Everything => f.write_str("Everything"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selects(purge: &Purge, targets: &[&str]) -> Vec<bool> {
        let mut selected = Vec::new();
        for target in targets {
            selected.push(purge.is_about(&target.parse().unwrap(), &[]));
        }
        selected
    }

    #[test]
    fn a_prefix_is_of_one_origin_and_any_query() {
        let targets = [
            "https://example.org/a?b=c",
            "https://example.org/ab/c",
            "https://example.org:8443/a",
            "http://example.org/a",
            "https://example.org/b",
        ];
        let prefix = |url| selects(&Purge::prefix(url).unwrap(), &targets);
        assert_eq!(
            prefix("HTTPS://Example.org:443/./a"),
            [true, true, false, false, false]
        );
        assert_eq!(
            prefix("https://example.org/a/"),
            [false, false, false, false, false]
        );
        assert_eq!(
            prefix("https://example.org"),
            [true, true, false, false, true]
        );
    }

    #[test]
    fn a_host_is_of_any_scheme_and_port() {
        let purge = Purge::host("Example.ORG").unwrap();
        let targets = [
            "http://example.org/",
            "https://example.org:8443/a",
            "http://a.example.org/",
        ];
        assert_eq!(selects(&purge, &targets), [true, true, false]);
        assert!(Purge::host("[::1]").is_ok());
    }

    #[test]
    fn what_names_nothing_is_refused_without_showing_it() {
        for refused in [
            Purge::url("/a?token=s3cret"),
            Purge::url("ftp://a/?s3cret"),
            Purge::prefix("https://a/?token=s3cret"),
            Purge::prefix("s3cret"),
            Purge::host("a:8080"),
            Purge::host("a:80"),
            Purge::host("http://a"),
            Purge::host("a/s3cret"),
            Purge::host(""),
        ] {
            let error = refused.unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
        }
        let shown = format!("{:?}", Purge::url("https://a/?token=s3cret").unwrap());
        assert!(!shown.contains("s3cret"), "{shown}");
    }
}
