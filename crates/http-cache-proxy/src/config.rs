//! The settings, checked and with their defaults.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use http::Uri;
use http::uri::Scheme;
use http_cache_db::Redaction;
use http_cache_db::policy::{Mode, Policy, SetCookie, UnvalidatedPart};

use url::Url;

use crate::args::{ByteSize, Settings};
use crate::error::Error;

const LISTEN: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8_080);
/// An origin that only serves to bring paths into their normal form.
const NOWHERE: &str = "http://localhost";
const TIMEOUT: Duration = Duration::from_secs(30);
/// The bytes that responses may take in a file.
const MAX_BYTES: u64 = 1 << 30;
/// The older versions of a body that a file of one user keeps.
const PRIVATE_VERSIONS: u32 = 10;

#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) origin: Origin,
    pub(crate) listen: SocketAddr,
    pub(crate) place: Place,
    pub(crate) policy: Policy,
    pub(crate) timeout: Duration,
    pub(crate) redaction: Redaction,
    pub(crate) has_access_log: bool,
}

/// Where responses are kept.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Memory {
        max_bytes: u64,
    },
    File {
        path: PathBuf,
        max_bytes: u64,
        max_versions: u32,
    },
}

/// The origin, by what its targets begin with.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) scheme: Scheme,
    /// In the normal form of URLs, without the last `/`.
    pub(crate) base: String,
}

impl Config {
    pub(crate) fn new(settings: &Settings) -> Result<Self, Error> {
        let usage = |text: &str| Error::Usage(text.to_owned());
        let origin = settings
            .origin
            .as_deref()
            .ok_or_else(|| usage("no origin is given; name it with --origin URL"))?;
        let place = Place::new(settings)?;
        let origin = Origin::parse(origin)?;
        let timeout = settings.timeout.map_or(TIMEOUT, |timeout| timeout.0);
        if timeout.is_zero() {
            return Err(usage(
                "--timeout 0s lets no origin answer; give a time such as 30s",
            ));
        }
        if let (Some(least), Some(most)) = (settings.min_ttl, settings.max_ttl)
            && least.0 > most.0
        {
            return Err(usage("--min-ttl is longer than --max-ttl"));
        }
        let redaction = settings
            .redact
            .iter()
            .fold(Redaction::default(), |redaction, name| redaction.with(name));
        Ok(Self {
            origin,
            listen: settings.listen.unwrap_or(LISTEN),
            place,
            timeout,
            redaction,
            has_access_log: settings.access_log,
            policy: policy(settings),
        })
    }
}

impl Place {
    fn new(settings: &Settings) -> Result<Self, Error> {
        let usage = |text: &str| Err(Error::Usage(text.to_owned()));
        match (settings.memory, &settings.db) {
            (None, None) => usage(
                "no place for responses is given; keep them in a file with --db FILE, or with --memory",
            ),
            (Some(_), Some(_)) => usage("--memory and --db exclude each other; give one of them"),
            (Some(_), None) if settings.max_size.is_some() || settings.versions.is_some() => usage(
                "--max-size and --versions are for the file of --db; bound the memory with --memory SIZE",
            ),
            (Some(ByteSize(0)), None) => {
                usage("--memory 0 keeps nothing; give a size such as 256MiB")
            }
            (None, Some(_)) if settings.max_size == Some(ByteSize(0)) => {
                usage("--max-size 0 keeps nothing; give a size such as 1GiB")
            }
            (Some(memory), None) => Ok(Self::Memory {
                max_bytes: memory.0,
            }),
            (None, Some(path)) => Ok(Self::File {
                path: path.clone(),
                max_bytes: settings.max_size.map_or(MAX_BYTES, |size| size.0),
                // A file that several users share should not keep what the origin has replaced.
                max_versions: settings.versions.unwrap_or(if settings.private {
                    PRIVATE_VERSIONS
                } else {
                    0
                }),
            }),
        }
    }
}

fn policy(settings: &Settings) -> Policy {
    let mut policy = Policy::new(if settings.private {
        Mode::Private
    } else {
        Mode::Shared
    });
    if settings.replay_set_cookie {
        policy = policy.with_set_cookie(SetCookie::Replay);
    }
    if settings.complete_unvalidated {
        policy = policy.with_unvalidated_part(UnvalidatedPart::Complete);
    }
    policy.default_ttl = settings.default_ttl.map(|ttl| ttl.0);
    policy.min_ttl = settings.min_ttl.map(|ttl| ttl.0);
    policy.max_ttl = settings.max_ttl.map(|ttl| ttl.0);
    policy.only_if_cached = settings.only_if_cached;
    policy.offline = settings.offline;
    policy.stale_on_error = settings.stale_on_error;
    let ignored = settings.ignore.iter().copied();
    ignored.fold(policy, |policy, ignored| policy.ignoring(ignored.into()))
}

impl Origin {
    fn parse(text: &str) -> Result<Self, Error> {
        let invalid = || {
            // Not shown: it may have a password.
            Error::Usage(
                "the origin is not an http or https URL, such as https://example.org".to_owned(),
            )
        };
        let uri = text.parse::<Uri>().map_err(|_| invalid())?;
        let scheme = uri.scheme().ok_or_else(invalid)?;
        let authority = uri.authority().ok_or_else(invalid)?;
        if (*scheme != Scheme::HTTP && *scheme != Scheme::HTTPS) || uri.query().is_some() {
            return Err(invalid());
        }
        // It would be shown, and every client would use it.
        if authority.as_str().contains('@') {
            let detail =
                "the origin must not have a user name or password; let clients send Authorization";
            return Err(Error::Usage(detail.to_owned()));
        }
        let path = uri.path().trim_end_matches('/');
        let base = Url::parse(&format!("{scheme}://{authority}{path}/")).map_err(|_| invalid())?;
        let base = base.as_str();
        Ok(Self {
            scheme: scheme.clone(),
            base: base.strip_suffix('/').unwrap_or(base).to_owned(),
        })
    }

    /// The target at the origin of a request to the proxy, in the normal form of URLs, so that what an answer
    /// names is found under the same name. `None` if it is no path.
    pub(crate) fn target(&self, asked: &Uri) -> Option<Uri> {
        let asked = asked.path_and_query()?.as_str();
        if !asked.starts_with('/') {
            return None;
        }
        // On its own, so that no `..` leaves the path of the origin.
        let asked = Url::parse(&format!("{NOWHERE}{asked}")).ok()?;
        let asked = asked.as_str().strip_prefix(NOWHERE)?;
        format!("{}{asked}", self.base).parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_lie_below_the_path_of_the_origin() {
        let origin = Origin::parse("https://example.org/api/").unwrap();
        let target = origin.target(&Uri::from_static("/issues?page=1")).unwrap();
        assert_eq!(target, "https://example.org/api/issues?page=1");
    }

    #[test]
    fn targets_are_in_their_normal_form() {
        let origin = Origin::parse("http://EXAMPLE.org:80/api").unwrap();
        let target = |asked: &str| {
            origin
                .target(&asked.parse().unwrap())
                .map(|uri| uri.to_string())
        };
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
