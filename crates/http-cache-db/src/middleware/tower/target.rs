//! The URL of a request.

use http::header::{HOST, UPGRADE};
use http::request::Parts;
use http::uri::{Authority, Scheme};
use http::{Method, Uri};

/// The URL of a request, as far as the cache needs it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// The target is one.
    Absolute,
    /// The target is a path; this is the URL.
    Completed(Uri),
    /// The request has none, or concerns the connection: it is not for caches.
    None,
}

pub(super) fn target(request: &Parts, scheme: &Scheme) -> Target {
    if request.method == Method::CONNECT || request.headers.contains_key(UPGRADE) {
        return Target::None;
    }
    if request.uri.scheme().is_some() {
        return Target::Absolute;
    }
    completed(request, scheme).map_or(Target::None, Target::Completed)
}

/// The URL of the host and a path (RFC 9110, section 7.1).
fn completed(request: &Parts, scheme: &Scheme) -> Option<Uri> {
    let is_path = request.uri.authority().is_none() && request.uri.path().starts_with('/');
    let mut hosts = request.headers.get_all(HOST).iter();
    let (Some(host), None, true) = (hosts.next(), hosts.next(), is_path) else {
        return None;
    };
    let host = Authority::try_from(host.as_bytes()).ok()?;
    if host.as_str().contains('@') {
        return None;
    }
    Uri::builder()
        .scheme(scheme.clone())
        .authority(host)
        .path_and_query(request.uri.path_and_query()?.clone())
        .build()
        .ok()
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn of(method: Method, target: &str, fields: &[(&str, &str)]) -> Target {
        let mut request = Request::builder().method(method).uri(target);
        for (name, value) in fields {
            request = request.header(*name, *value);
        }
        let (parts, ()) = request.body(()).unwrap().into_parts();
        super::target(&parts, &Scheme::HTTPS)
    }

    #[test]
    fn a_path_is_completed_by_the_one_host() {
        let host = ("host", "example.org:8080");
        let url = Uri::from_static("https://example.org:8080/issues?page=2");
        let found = of(Method::GET, "/issues?page=2", &[host]);
        assert_eq!(found, Target::Completed(url));
        for hosts in [
            &[][..],
            &[host, host],
            &[("host", "a b")],
            &[("host", "user@example.org")],
        ] {
            assert_eq!(of(Method::GET, "/issues", hosts), Target::None, "{hosts:?}");
        }
    }

    #[test]
    fn a_url_needs_no_host() {
        assert_eq!(
            of(Method::GET, "http://example.org/", &[]),
            Target::Absolute
        );
    }

    #[test]
    fn what_concerns_the_connection_is_not_for_caches() {
        let host = ("host", "example.org");
        for (method, target) in [(Method::CONNECT, "example.org:443"), (Method::OPTIONS, "*")] {
            assert_eq!(of(method, target, &[host]), Target::None, "{target}");
        }
        let upgrade = of(Method::GET, "/", &[host, ("upgrade", "websocket")]);
        assert_eq!(upgrade, Target::None);
    }
}
