//! An origin, and the targets of requests there.

use http::Uri;
use http::uri::Scheme;
use url::Url;

/// An origin that only serves to bring paths into their normal form.
const NOWHERE: &str = "http://localhost";

/// The origin, by what its targets begin with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) scheme: Scheme,
    /// In the normal form of URLs, without the last `/`.
    pub(crate) base: String,
}

impl Origin {
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        // Not shown: it may have a password.
        let invalid = || "the origin is not an http or https URL, such as https://example.org";
        let uri = text.parse::<Uri>().map_err(|_| invalid())?;
        let scheme = uri.scheme().ok_or_else(invalid)?;
        let authority = uri.authority().ok_or_else(invalid)?;
        if (*scheme != Scheme::HTTP && *scheme != Scheme::HTTPS) || uri.query().is_some() {
            return Err(invalid());
        }
        // It would be shown, and every client would use it.
        if authority.as_str().contains('@') {
            return Err(
                "the origin must not have a user name or password; let clients send Authorization",
            );
        }
        let path = uri.path().trim_end_matches('/');
        let base = Url::parse(&format!("{scheme}://{authority}{path}/")).map_err(|_| invalid())?;
        let base = base.as_str();
        Ok(Self {
            scheme: scheme.clone(),
            base: base.strip_suffix('/').unwrap_or(base).to_owned(),
        })
    }

    /// The target at the origin of a path there, which is in its normal form.
    pub(crate) fn target(&self, path: &str) -> Option<Uri> {
        format!("{}{path}", self.base).parse().ok()
    }
}

/// The path and query of a request to the proxy in the normal form of URLs, so that what an answer names is found
/// under the same name. `None` if its target is no path.
pub(crate) fn normal_path(asked: &Uri) -> Option<String> {
    let asked = asked.path_and_query()?.as_str();
    if !asked.starts_with('/') {
        return None;
    }
    // On its own, so that no `..` leaves the path of the origin.
    let asked = Url::parse(&format!("{NOWHERE}{asked}")).ok()?;
    asked.as_str().strip_prefix(NOWHERE).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(origin: &str, asked: &str) -> Option<String> {
        let path = normal_path(&asked.parse().unwrap())?;
        let target = Origin::parse(origin).unwrap().target(&path);
        target.map(|target| target.to_string())
    }

    #[test]
    fn targets_lie_below_the_path_of_the_origin() {
        let target = target("https://example.org/api/", "/issues?page=1");
        assert_eq!(
            target.as_deref(),
            Some("https://example.org/api/issues?page=1")
        );
    }

    #[test]
    fn targets_are_in_their_normal_form() {
        let target = |asked: &str| target("http://EXAMPLE.org:80/api", asked);
        let expected = |path: &str| Some(format!("http://example.org/api{path}"));
        assert_eq!(target("/a{b}"), expected("/a%7Bb%7D"));
        for asked in ["/a/../../secret", "/%2E%2e/secret", "/..\\secret"] {
            assert_eq!(target(asked), expected("/secret"), "{asked}");
        }
        assert_eq!(target("http://other.org/a?b=c"), expected("/a?b=c"));
        assert_eq!(target("http://other.org//a"), expected("//a"));
        assert_eq!(target("*"), None);
    }

    #[test]
    fn the_base_of_an_origin_is_in_its_normal_form() {
        for (text, base) in [
            ("https://example.org", "https://example.org"),
            ("HTTPS://Example.org:443//", "https://example.org"),
            ("http://127.1:80/a{b}/../c/", "http://127.0.0.1/c"),
            ("http://[::0:1]:8080/a/..", "http://[::1]:8080"),
        ] {
            assert_eq!(Origin::parse(text).unwrap().base, base, "{text}");
        }
    }

    #[test]
    fn an_origin_is_a_plain_url_of_http() {
        for text in [
            "example.org",
            "ftp://example.org",
            "http://example.org/?a=1",
            "http://user:secret@example.org",
            "http://256.256.256.256",
            "",
        ] {
            assert!(Origin::parse(text).is_err(), "{text}");
        }
    }
}
