//! Groups of responses of an origin (RFC 9875).

use http::{HeaderMap, Uri};

use super::head::{RequestHead, ResponseHead};
use super::invalidation::is_safe;
use crate::fields::{combined_value, parse_string_list};
use crate::tags::{Tag, Tags};

/// The groups of a response to a request for `target`, as `Cache-Groups` names them (section 2). They are of the
/// target's origin.
#[must_use]
pub fn groups(target: &Uri, headers: &HeaderMap) -> Tags {
    listed(target, headers, "cache-groups")
}

/// The groups whose responses become invalid by the answer to `request`, as `Cache-Group-Invalidation` names them
/// (section 3): of the target's origin, and none if the method is safe or the answer an error.
#[must_use]
pub fn invalidated_groups(request: &RequestHead, response: &ResponseHead) -> Tags {
    let is_error = !(200..400).contains(&response.status.as_u16());
    if is_safe(&request.method) || is_error {
        return Tags::default();
    }
    listed(
        &request.target,
        &response.headers,
        "cache-group-invalidation",
    )
}

fn listed(target: &Uri, headers: &HeaderMap, field: &str) -> Tags {
    let value = combined_value(headers, field).unwrap_or_default();
    let names = parse_string_list(&value).unwrap_or_default();
    names
        .iter()
        .filter_map(|name| Tag::group(target, name))
        .collect()
}

#[cfg(test)]
mod tests {
    use http::{Method, StatusCode};

    use super::*;
    use crate::policy::Policy;
    use crate::test_headers::headers;

    fn names(tags: &Tags) -> Vec<String> {
        tags.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn groups_are_strings_of_all_lines() {
        let target = Uri::from_static("http://example.org:8080/a?b");
        let of = |lines: &[(&'static str, &str)]| names(&groups(&target, &headers(lines)));
        assert_eq!(
            of(&[
                ("cache-groups", "\"b\", \"A\""),
                ("cache-groups", "\"b\";x")
            ]),
            ["A (http://example.org:8080)", "b (http://example.org:8080)"]
        );
        assert!(of(&[("cache-groups", "\"b\", token")]).is_empty());
        // Section 2: at least 32 groups of 32 characters.
        let many: Vec<_> = (0..32).map(|number| format!("\"{number:032}\"")).collect();
        assert_eq!(of(&[("cache-groups", &many.join(","))]).len(), 32);
    }

    #[test]
    fn an_unsafe_method_invalidates_groups_if_it_succeeds() {
        let target = Uri::from_static("https://example.org/a");
        let lines = headers(&[("cache-group-invalidation", "\"b\"")]);
        for (method, status, count) in [
            (Method::POST, 200, 1),
            (Method::DELETE, 204, 1),
            (Method::PUT, 303, 1),
            (Method::POST, 404, 0),
            (Method::POST, 500, 0),
            (Method::GET, 200, 0),
            (Method::OPTIONS, 200, 0),
        ] {
            let request = RequestHead::new(method.clone(), target.clone(), HeaderMap::new());
            let status = StatusCode::from_u16(status).unwrap();
            let response = ResponseHead::new(status, lines.clone(), &Policy::default());
            let found = invalidated_groups(&request, &response);
            assert_eq!(found.iter().count(), count, "{method} {status}");
        }
    }
}
