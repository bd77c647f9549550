//! Who may use the endpoints besides those with the token: programs on this machine, and no web page in a browser on it.

use std::net::IpAddr;

use http::uri::Authority;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_cache_db::cache::Body;

use crate::plain::sentence;

/// The answer to a request that a web page made, which its reader knows nothing of.
///
/// Browsers send `Origin` with what could change something (Fetch, section 3.2), and a page whose name leads to this
/// machine (DNS rebinding) sends that name as `Host`. With a token, which no page has, any name of this machine will do.
pub(super) fn refusal(headers: &HeaderMap, has_token: bool) -> Option<Response<Body>> {
    if headers.contains_key(header::ORIGIN) || is_cross_site(headers) {
        let text = "Web pages may not use this; use a program such as curl.\n";
        return Some(sentence(StatusCode::FORBIDDEN, text));
    }
    if !has_token && !is_address(headers) {
        let text =
            "Name the proxy by its address, such as 127.0.0.1, or give it a token and use that.\n";
        return Some(sentence(StatusCode::FORBIDDEN, text));
    }
    None
}

/// The answer to a request without the token that it needs.
pub(crate) fn unauthorized() -> Response<Body> {
    let text = "This needs the field Authorization: Bearer, with the token of the proxy.\n";
    let mut response = sentence(StatusCode::UNAUTHORIZED, text);
    let challenge = HeaderValue::from_static("Bearer");
    response
        .headers_mut()
        .insert(header::WWW_AUTHENTICATE, challenge);
    response
}

fn is_cross_site(headers: &HeaderMap) -> bool {
    let mut sites = headers.get_all("sec-fetch-site").iter();
    // Typed into the address bar, or followed from a page of these endpoints, of which there are none.
    sites.any(|site| site != "none" && site != "same-origin")
}

/// Whether `Host` is an address, or `localhost`, which no page has as its name.
fn is_address(headers: &HeaderMap) -> bool {
    let mut hosts = headers.get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return false;
    };
    let authority = Authority::try_from(host.as_bytes());
    authority.is_ok_and(|authority| {
        let host = authority.host();
        let address = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        host.eq_ignore_ascii_case("localhost") || address.unwrap_or(host).parse::<IpAddr>().is_ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_refused(fields: &[(&'static str, &str)], has_token: bool) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(*name, value.parse().unwrap());
        }
        refusal(&headers, has_token).is_some()
    }

    #[test]
    fn hosts_are_addresses_unless_there_is_a_token() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:9000",
            "[::1]:9000",
            "localhost",
            "LocalHost:1",
            "10.0.0.1",
        ] {
            assert!(!is_refused(&[("host", host)], false), "{host}");
        }
        for host in [
            "example.org",
            "localhost.example.org",
            "127.0.0.1.example.org",
            "",
            "a b",
        ] {
            assert!(is_refused(&[("host", host)], false), "{host}");
            assert!(!is_refused(&[("host", host)], true), "{host}");
        }
        assert!(is_refused(&[], false));
        assert!(is_refused(
            &[("host", "127.0.0.1"), ("host", "127.0.0.1")],
            false
        ));
    }

    #[test]
    fn web_pages_are_refused() {
        let host = ("host", "127.0.0.1");
        for field in [
            ("origin", "https://example.org"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            assert!(is_refused(&[host, field], false), "{field:?}");
            assert!(is_refused(&[host, field], true), "{field:?}");
        }
        assert!(!is_refused(&[host, ("sec-fetch-site", "none")], false));
    }
}
