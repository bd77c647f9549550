//! The host of a request: that of its target (RFC 9112, section 3.2.2), else of its field `Host` (section 3.2).

use std::net::Ipv6Addr;

use http::request::Parts;
use http::uri::Authority;
use http::{HeaderValue, Version, header};

use crate::config::normal_host;

/// Whether a request names its host as it must: once, and by a host with or without a port. In HTTP/2 (RFC 9113,
/// section 8.3.1) the target names it, and the field may say the same.
pub(crate) fn is_named(request: &Parts) -> bool {
    let mut hosts = request.headers.get_all(header::HOST).iter();
    let authority = request
        .uri
        .authority()
        .filter(|_| request.version >= Version::HTTP_2);
    match (hosts.next(), hosts.next()) {
        (None, _) => request.version < Version::HTTP_11 || authority.is_some(),
        (Some(host), None) => {
            is_host(host)
                && authority.is_none_or(|authority| {
                    let authority = authority.as_str().as_bytes();
                    host.as_bytes().eq_ignore_ascii_case(authority)
                })
        }
        (Some(_), Some(_)) => false,
    }
}

/// The host that a request is for, without its port, in the normal form of URLs. `None` if it names none.
pub(crate) fn of(request: &Parts) -> Option<String> {
    if let Some(authority) = request.uri.authority() {
        return normal_host(authority.host());
    }
    let field = request.headers.get(header::HOST)?;
    let authority: Authority = field.to_str().ok()?.parse().ok()?;
    normal_host(authority.host())
}

fn is_host(value: &HeaderValue) -> bool {
    let Ok(text) = value.to_str() else {
        return false;
    };
    // That of a target without an authority.
    if text.is_empty() {
        return true;
    }
    let address = text.strip_prefix('[').and_then(|text| text.split_once(']'));
    let (is_name_or_address, rest) = if let Some((address, rest)) = address {
        let is_future = address.starts_with('v');
        (is_future || address.parse::<Ipv6Addr>().is_ok(), rest)
    } else {
        let (name, rest) = text.split_at(text.find(':').unwrap_or(text.len()));
        (is_name(name), rest)
    };
    let is_port = |port: &str| {
        let is_number = port.bytes().all(|byte| byte.is_ascii_digit());
        is_number && (port.is_empty() || port.parse::<u16>().is_ok())
    };
    let is_rest_port = rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port);
    is_name_or_address && is_rest_port
}

/// Whether this is a name of RFC 3986, section 3.2.2, that is not empty.
fn is_name(text: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=%".contains(&byte);
    !text.is_empty() && text.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_host(text: &str) -> bool {
        HeaderValue::from_str(text).is_ok_and(|value| super::is_host(&value))
    }

    #[test]
    fn the_host_of_the_target_comes_before_the_field() {
        for (target, field, host) in [
            ("/", "A.example:8080", Some("a.example")),
            ("http://b.example/", "a.example", Some("b.example")),
            ("/", "[::0:1]:80", Some("[::1]")),
            ("/", "", None),
        ] {
            let request = http::Request::get(target).header("host", field).body(());
            let (parts, ()) = request.unwrap().into_parts();
            assert_eq!(of(&parts).as_deref(), host, "{target} {field}");
        }
    }

    #[test]
    fn over_http_2_the_target_names_the_host() {
        let is_named = |target: &str, field: Option<&str>| {
            let mut request = http::Request::get(target).version(Version::HTTP_2);
            if let Some(field) = field {
                request = request.header("host", field);
            }
            super::is_named(&request.body(()).unwrap().into_parts().0)
        };
        assert!(is_named("http://a:80/", None));
        assert!(is_named("http://a/", Some("A")));
        assert!(!is_named("http://a/", Some("b")));
        assert!(!is_named("/", None));
    }

    #[test]
    fn hosts_have_a_name_or_address_and_perhaps_a_port() {
        for text in [
            "",
            "a",
            "example.org",
            "example.org:8080",
            "example.org:",
            "127.0.0.1:80",
            "[::1]",
            "[::1]:8080",
            "a_b-c.d~e",
            "a%20b",
        ] {
            assert!(is_host(text), "{text}");
        }
        for text in [
            "a b", "a/b", "http://a", "user@a", "a:b", "a:+1", "a:99999", "a:1:2", "a,b?", "[::1",
            "[zz]", "::1", ":80", "a\"b", "é",
        ] {
            assert!(!is_host(text), "{text}");
        }
    }
}
