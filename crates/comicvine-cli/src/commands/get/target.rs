//! What `comicvine get` is asked for: a kind and an id, an id with its prefix, or a URL.
//!
//! Errors repeat neither the query of a URL nor its credentials, which may hold a key.

use comicvine_client::{Id, ResourceKind};
use url::{Host, Url};

use crate::error::Error;

/// The host of the site and of the API.
const SITE: &str = "comicvine.gamespot.com";

/// A resource that was named on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) kind: ResourceKind,
    pub(super) id: Id,
}

impl Target {
    /// The resource `id` of `kind`, or that of its prefix. A URL must be of the site, of the API, or of
    /// the host of `base_url`.
    pub(super) fn parse(
        kind: Option<ResourceKind>,
        id: &str,
        base_url: Option<&str>,
    ) -> Result<Self, Error> {
        let id = Reference::parse(id, base_url)?;
        let kind = match kind {
            Some(kind) => kind,
            None => id.kind()?,
        };
        Ok(Self {
            kind,
            id: Id::parse(kind, &id.text)?,
        })
    }
}

/// An id as it was written, with what is in front of it in a URL.
struct Reference {
    text: String,
    parent: Option<String>,
}

impl Reference {
    fn parse(text: &str, base_url: Option<&str>) -> Result<Self, Error> {
        let text = text.trim();
        // `4000-44/` is the end of a URL's path.
        let id = text.strip_suffix('/').unwrap_or(text);
        if !id.contains(['/', '?', '#']) {
            return Ok(Self {
                text: id.to_owned(),
                parent: None,
            });
        }
        let url = parse_url(text)?;
        let allowed = base_url.and_then(|base| Url::parse(base.trim()).ok());
        let allowed = allowed.as_ref().and_then(Url::host);
        match url.host() {
            Some(host) if host == Host::Domain(SITE) || Some(&host) == allowed.as_ref() => {}
            host => {
                let host = host.map(|host| host.to_string()).unwrap_or_default();
                return Err(Error::usage(format!(
                    "the url is of `{host}`; write one of {SITE}, or the id at its end, such as 4000-319366"
                )));
            }
        }
        let mut segments = url.path().rsplit('/').filter(|part| !part.is_empty());
        let last = segments.next().unwrap_or_default().to_owned();
        Ok(Self {
            text: last,
            parent: segments.next().map(str::to_owned),
        })
    }

    /// The kind of the prefix. Without one, a URL of the API names it.
    fn kind(&self) -> Result<ResourceKind, Error> {
        let text = &self.text;
        let named: Option<ResourceKind> = self.parent.as_deref().and_then(|name| name.parse().ok());
        let Some((prefix, _)) = text.split_once('-') else {
            return named.ok_or_else(|| Error::usage(without_prefix(text)));
        };
        let number = prefix.parse().ok();
        let kind = number.and_then(ResourceKind::from_prefix);
        let same = ResourceKind::ALL.into_iter();
        let same: Vec<_> = same.filter(|kind| Some(kind.prefix()) == number).collect();
        if let [one, other, ..] = same[..] {
            return named.filter(|kind| same.contains(kind)).ok_or_else(|| {
                Error::usage(format!(
                    "`{text}` may be of two kinds; write `comicvine get {one} {text}` or `comicvine get {other} {text}`"
                ))
            });
        }
        kind.ok_or_else(|| {
            Error::usage(format!(
                "`{text}` begins with the prefix of no resource; an id is written like 4000-319366, and \
                 `comicvine types` lists the prefixes"
            ))
        })
    }
}

/// Why `text` is not an id with a prefix, and what to write.
fn without_prefix(text: &str) -> String {
    if let Ok(kind) = text.parse::<ResourceKind>() {
        return format!(
            "`{text}` is a kind of resource; write <ID> behind it, such as `comicvine get {kind} {}-123`",
            kind.prefix()
        );
    }
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return format!(
            "the id {text} has no prefix that tells its kind; write the kind before it, such as `comicvine get \
             issue {text}`"
        );
    }
    format!(
        "`{text}` is not an id such as 4000-319366; `comicvine search` and `comicvine list` find ids"
    )
}

/// The URL in `text`, which may lack its scheme.
fn parse_url(text: &str) -> Result<Url, Error> {
    let url = match text.split_once("://") {
        Some(("http" | "https", _)) => Url::parse(text),
        Some(_) => Err(url::ParseError::RelativeUrlWithoutBase),
        None => Url::parse(&format!("https://{text}")),
    };
    url.map_err(|_| {
        Error::usage(format!(
            "what contains a `/` is read as the url of a page, and this is none; write \
             https://{SITE}/…/4000-319366/, or 4000-319366"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(id: &str) -> Result<(ResourceKind, u64), String> {
        named(None, id, None)
    }

    fn named(
        kind: Option<ResourceKind>,
        id: &str,
        base_url: Option<&str>,
    ) -> Result<(ResourceKind, u64), String> {
        Target::parse(kind, id, base_url)
            .map(|target| (target.kind, target.id.number()))
            .map_err(|error| error.message().unwrap())
    }

    #[test]
    fn prefix_tells_the_kind() {
        for (text, kind) in [
            ("4000-44", ResourceKind::Issue),
            (" 4050-44/ ", ResourceKind::Volume),
            (
                "https://comicvine.gamespot.com/a-title/4040-44/",
                ResourceKind::Person,
            ),
            (
                "comicvine.gamespot.com/a-title/4040-44",
                ResourceKind::Person,
            ),
            (
                "https://comicvine.gamespot.com/api/writer/4040-44/?api_key=k#top",
                ResourceKind::Person,
            ),
            (
                "https://comicvine.gamespot.com/api/video_type/44/",
                ResourceKind::VideoType,
            ),
            (
                "http://ComicVine.GameSpot.com/api/video_type/2320-44/",
                ResourceKind::VideoType,
            ),
        ] {
            assert_eq!(target(text), Ok((kind, 44)), "{text}");
        }
    }

    #[test]
    fn prefix_of_two_kinds_needs_the_kind() {
        for text in ["2320-44", "http://ComicVine.GameSpot.com/x/2320-44/"] {
            let error = target(text).unwrap_err();
            assert!(
                error.contains("comicvine get video_type 2320-44"),
                "{error}"
            );
            let kind = Some(ResourceKind::VideoType);
            assert_eq!(named(kind, text, None), Ok((ResourceKind::VideoType, 44)));
        }
    }

    #[test]
    fn url_is_of_the_site_or_of_the_base_url() {
        let url = "http://127.0.0.1:9/api/issue/4000-44/";
        let base = Some("http://127.0.0.1:8080/api/");
        assert_eq!(named(None, url, base), Ok((ResourceKind::Issue, 44)));
        for url in [
            url,
            "https://example.com/x/4000-44/",
            "https://comicvine.gamespot.com.example.com/x/4000-44/",
            "https://comicvine.gamespot.com@example.com/x/4000-44/",
        ] {
            for kind in [None, Some(ResourceKind::Issue)] {
                let error = named(kind, url, None).unwrap_err();
                assert!(error.contains("the url is of `"), "{error}");
                assert!(
                    error.contains("comicvine.gamespot.com, or the id"),
                    "{error}"
                );
            }
        }
    }

    #[test]
    fn what_tells_no_kind_is_an_error_with_the_remedy() {
        for (text, part) in [
            ("44", "`comicvine get issue 44`"),
            ("issue", "`comicvine get issue 4000-123`"),
            ("batman", "`batman` is not an id"),
            ("", "`` is not an id"),
            ("9999-1", "`comicvine types`"),
            ("x-1", "`comicvine types`"),
            ("4000-x", "`4000-x` is not an issue id"),
            ("https://comicvine.gamespot.com/", "is not an id"),
            ("ftp://comicvine.gamespot.com/4000-44/", "is none"),
        ] {
            let error = target(text).unwrap_err();
            assert!(error.contains(part), "{text}: {error}");
        }
    }

    #[test]
    fn neither_query_nor_credentials_are_repeated() {
        for text in [
            "https://comicvine.gamespot.com/x/9999-1/?api_key=5ecr3t",
            "https://comicvine.gamespot.com/x/4000-x/?api_key=5ecr3t",
            "https://me:5ecr3t@example.com/x/4000-1/?api_key=5ecr3t#5ecr3t",
            "4000-x?api_key=5ecr3t",
            "ftp://5ecr3t/",
            "https://[5ecr3t/",
        ] {
            let error = target(text).unwrap_err();
            assert!(!error.contains("5ecr3t"), "{error}");
        }
    }
}
