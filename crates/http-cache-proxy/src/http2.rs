//! What differs in requests and answers over HTTP/2 (RFC 9113).

use http::request::Parts;
use http::{HeaderMap, HeaderValue, Response, StatusCode, Version, header};
use http_cache_db::cache::Body;

use crate::plain::sentence;

/// Makes of a request over HTTP/2 what it is in any version: clients may cut `Cookie` into pieces, and it is put
/// together before it leaves HTTP/2 (section 8.2.3).
pub(crate) fn generic(request: &mut Parts) {
    if request.version == Version::HTTP_2 {
        join_cookies(&mut request.headers);
    }
}

fn join_cookies(headers: &mut HeaderMap) {
    let pieces: Vec<_> = headers
        .get_all(header::COOKIE)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    if pieces.len() > 1
        && let Ok(whole) = HeaderValue::from_bytes(&pieces.join(&b"; "[..]))
    {
        headers.insert(header::COOKIE, whole);
    }
}

/// The answer as it can be sent over this version: HTTP/2 has no transfer codings (section 8.2.2), and a body that has
/// one would not be understood without its field.
pub(crate) fn expressible(response: Response<Body>, version: Version) -> Response<Body> {
    if version != Version::HTTP_2 || !response.headers().contains_key(header::TRANSFER_ENCODING) {
        return response;
    }
    let refusal = "The origin answered with a transfer coding, which HTTP/2 does not have.\n";
    sentence(StatusCode::BAD_GATEWAY, refusal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_a_cookie_are_put_together() {
        let mut headers = HeaderMap::new();
        for piece in ["a=1", "b=2; c=3"] {
            headers.append(header::COOKIE, HeaderValue::from_static(piece));
        }
        join_cookies(&mut headers);
        let cookies: Vec<_> = headers.get_all(header::COOKIE).iter().collect();
        assert_eq!(cookies, ["a=1; b=2; c=3"]);
    }

    #[test]
    fn a_coded_body_is_not_sent_without_its_coding() {
        let coded = || {
            let response = Response::builder().header("transfer-encoding", "gzip");
            response.body(Body::full("coded")).unwrap()
        };
        let status = |version| expressible(coded(), version).status().as_u16();
        assert_eq!([Version::HTTP_11, Version::HTTP_2].map(status), [200, 502]);
    }
}
