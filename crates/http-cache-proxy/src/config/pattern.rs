//! Which hosts and paths of requests a route is for.

use std::fmt;

use url::{Host, Url};

/// The hosts of a route, without ports.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum HostPattern {
    /// Any host, also none.
    Any,
    /// Each host below this one, which has a leading dot.
    Below(String),
    /// This host.
    Exact(String),
}

impl HostPattern {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let invalid = || {
            format!(
                "{text:?} is no host; write one such as example.org or *.example.org, without scheme, port and path"
            )
        };
        if text == "*" {
            return Ok(Self::Any);
        }
        let name = text.strip_prefix("*.").unwrap_or(text);
        if name.contains('*') {
            return Err(invalid());
        }
        if let Some(rest) = text.strip_prefix("*.") {
            // An address has no hosts below it.
            let name = normal_host(rest)
                .filter(|_| matches!(Host::parse(rest), Ok(Host::Domain(_))))
                .ok_or_else(invalid)?;
            return Ok(Self::Below(format!(".{name}")));
        }
        normal_host(text).map(Self::Exact).ok_or_else(invalid)
    }

    /// Whether a host in its normal form is one of them; `None` is a host that is missing or not valid.
    pub(crate) fn matches(&self, host: Option<&str>) -> bool {
        match (self, host) {
            (Self::Any, _) => true,
            (_, None) => false,
            (Self::Exact(name), Some(host)) => host == name,
            (Self::Below(end), Some(host)) => host.len() > end.len() && host.ends_with(&**end),
        }
    }

    /// How precise it is: of those that match a host, the greatest counts.
    pub(super) fn precision(&self) -> (u8, usize) {
        match self {
            Self::Any => (0, 0),
            Self::Below(end) => (1, end.len()),
            Self::Exact(name) => (2, name.len()),
        }
    }
}

impl fmt::Display for HostPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Below(end) => write!(f, "*{end}"),
            Self::Exact(name) => f.write_str(name),
        }
    }
}

/// A host without port in the normal form of URLs: small letters, no dot at its end, addresses in one spelling.
pub(crate) fn normal_host(host: &str) -> Option<String> {
    let host = Host::parse(host.strip_suffix('.').unwrap_or(host)).ok()?;
    Some(host.to_string())
}

/// The paths of a route: this one and those below it. It has no `/` at its end; the empty one stands for all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct PathPrefix(String);

impl PathPrefix {
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let invalid = || {
            format!(
                "{text:?} is no path; write one such as /api, which stands for itself and all below it"
            )
        };
        if !text.starts_with('/') || text.contains(['?', '#', '*']) {
            return Err(invalid());
        }
        let url = Url::parse(&format!("http://localhost{text}")).map_err(|_| invalid())?;
        Ok(Self(url.path().trim_end_matches('/').to_owned()))
    }

    /// What follows it in a path with its query, if the path is it or below it: nothing, or what begins with `/` or
    /// `?`.
    pub(crate) fn rest_of<'a>(&self, path: &'a str) -> Option<&'a str> {
        let rest = path.strip_prefix(&*self.0)?;
        (rest.is_empty() || rest.starts_with(['/', '?'])).then_some(rest)
    }

    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }
}

impl fmt::Display for PathPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "/" } else { &self.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, host: &str) -> bool {
        let host = normal_host(host);
        HostPattern::parse(pattern)
            .unwrap()
            .matches(host.as_deref())
    }

    #[test]
    fn hosts_match_in_any_spelling() {
        assert!(matches("Example.ORG", "eXample.org."));
        assert!(matches("127.0.0.1", "127.1"));
        assert!(matches("[::1]", "[0:0::1]"));
        assert!(!matches("example.org", "www.example.org"));
        assert!(!matches("example.org", "a b"));
    }

    #[test]
    fn a_star_stands_for_what_is_below_and_not_for_the_host_itself() {
        assert!(matches("*.example.org", "a.example.org"));
        assert!(matches("*.example.org", "a.b.example.org"));
        for host in ["example.org", "badexample.org", ".example.org"] {
            assert!(!matches("*.example.org", host), "{host}");
        }
        assert!(HostPattern::Any.matches(None));
    }

    #[test]
    fn what_is_no_host_is_refused() {
        for text in [
            "",
            "http://a",
            "a:80",
            "a/b",
            "*.",
            "a.*",
            "*a",
            "*.127.0.0.1",
            "::1",
        ] {
            let error = HostPattern::parse(text).unwrap_err();
            assert!(error.contains("*.example.org"), "{text}: {error}");
        }
    }

    #[test]
    fn paths_match_by_whole_segments() {
        let rest = |prefix: &str, path: &'static str| {
            let prefix = PathPrefix::parse(prefix).unwrap();
            prefix.rest_of(path)
        };
        assert_eq!(rest("/api/", "/api"), Some(""));
        assert_eq!(rest("/api", "/api/a?b"), Some("/a?b"));
        assert_eq!(rest("/api", "/api?b"), Some("?b"));
        assert_eq!(rest("/a/../api", "/api/"), Some("/"));
        assert_eq!(rest("/api", "/apis"), None);
        assert_eq!(rest("/", "/a"), Some("/a"));
        for text in ["", "api", "/a?b", "/a/*"] {
            let error = PathPrefix::parse(text).unwrap_err();
            assert!(error.contains("/api"), "{text}: {error}");
        }
    }
}
