//! What an unsafe request makes invalid (RFC 9111, section 4.4).

use http::{Method, Uri};
use url::Url;

use super::head::{RequestHead, ResponseHead};
use crate::fields::combined_value;

/// The targets whose stored responses become invalid by the answer to `request`: its own, and of the same
/// origin those that `Location` and `Content-Location` name.
#[must_use]
pub fn invalidated(request: &RequestHead, response: &ResponseHead) -> Vec<Uri> {
    let is_error = !(200..400).contains(&response.status.as_u16());
    if is_safe(&request.method) || is_error {
        return Vec::new();
    }
    let mut targets = vec![request.target.clone()];
    let Ok(base) = Url::parse(&request.target.to_string()) else {
        return targets;
    };
    for name in ["location", "content-location"] {
        let location = combined_value(&response.headers, name);
        let named = location.and_then(|location| base.join(&location).ok());
        if let Some(mut named) = named.filter(|named| named.origin() == base.origin()) {
            named.set_fragment(None);
            targets.extend(named.as_str().parse::<Uri>().ok());
        }
    }
    targets.dedup();
    targets
}

/// Whether a method asks for no change (RFC 9110, section 9.2.1; RFC 10008 for QUERY).
#[must_use]
pub fn is_safe(method: &Method) -> bool {
    matches!(
        method.as_str(),
        "GET" | "HEAD" | "OPTIONS" | "TRACE" | "QUERY"
    )
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, StatusCode};

    use super::*;
    use crate::policy::Policy;
    use crate::test_headers::headers;

    fn targets(method: &str, status: u16, lines: &[(&'static str, &str)]) -> Vec<String> {
        let target = Uri::from_static("http://example.org/a/b?c=1");
        let method = method.parse().unwrap();
        let request = RequestHead::new(method, target, HeaderMap::new());
        let status = StatusCode::from_u16(status).unwrap();
        let response = ResponseHead::new(status, headers(lines), &Policy::default());
        let found = invalidated(&request, &response);
        found.iter().map(Uri::to_string).collect()
    }

    #[test]
    fn a_change_invalidates_its_target_and_what_it_names() {
        let lines = [
            ("location", "../d#part"),
            ("content-location", "http://example.org/e"),
        ];
        assert_eq!(
            targets("PUT", 201, &lines),
            [
                "http://example.org/a/b?c=1",
                "http://example.org/d",
                "http://example.org/e"
            ]
        );
        assert_eq!(targets("M-SEARCH", 200, &[]).len(), 1);
    }

    #[test]
    fn another_origin_is_not_believed() {
        for location in [
            "http://example.com/d",
            "//example.com/d",
            "https://example.org/d",
        ] {
            assert_eq!(
                targets("POST", 200, &[("location", location)]).len(),
                1,
                "{location}"
            );
        }
    }

    #[test]
    fn safe_methods_and_errors_invalidate_nothing() {
        assert!(targets("GET", 200, &[]).is_empty());
        assert!(targets("QUERY", 200, &[]).is_empty());
        assert!(targets("POST", 500, &[]).is_empty());
        assert!(targets("POST", 404, &[]).is_empty());
    }
}
