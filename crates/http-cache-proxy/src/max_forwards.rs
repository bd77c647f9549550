//! The field `Max-Forwards` (RFC 9110, section 7.6.2): how many hops a `TRACE` or `OPTIONS` request may still go.

use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use http_cache_db::Redaction;
use http_cache_db::cache::Body;
use http_cache_db::policy::RequestHead;

use crate::plain::sentence;

/// Takes this hop off, if the request counts them. The answer is that of this proxy if there is none left, or the field
/// is not valid.
pub(crate) fn count_hop(parts: &mut Parts, redaction: &Redaction) -> Option<Response<Body>> {
    if parts.method != Method::TRACE && parts.method != Method::OPTIONS {
        return None;
    }
    match Hops::of(&parts.headers) {
        Hops::Uncounted => None,
        Hops::Invalid => {
            let refusal = "Max-Forwards is a single number.\n";
            Some(sentence(StatusCode::BAD_REQUEST, refusal))
        }
        Hops::Left(0) if parts.method == Method::TRACE => Some(trace(parts, redaction)),
        Hops::Left(0) => Some(Response::new(Body::empty())),
        Hops::Left(hops) => {
            let left = HeaderValue::from(hops - 1);
            parts.headers.insert(header::MAX_FORWARDS, left);
            None
        }
    }
}

/// What the field says.
enum Hops {
    Uncounted,
    Left(u32),
    Invalid,
}

impl Hops {
    fn of(headers: &HeaderMap) -> Self {
        let mut lines = headers.get_all(header::MAX_FORWARDS).iter();
        let Some(value) = lines.next() else {
            return Self::Uncounted;
        };
        let value = value.to_str().unwrap_or_default();
        let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number || lines.next().is_some() {
            return Self::Invalid;
        }
        // A proxy may send less than it got.
        Self::Left(value.parse().unwrap_or(u32::MAX))
    }
}

/// The request as it came (section 9.3.8), without its secrets.
fn trace(parts: &Parts, redaction: &Redaction) -> Response<Body> {
    let (method, target) = (parts.method.clone(), parts.uri.clone());
    let request = RequestHead::new(method, target, parts.headers.clone());
    let shown = redaction.of(&request.target);
    let mut text = format!("{} {shown} {:?}\r\n", request.method, parts.version).into_bytes();
    for (name, value) in redaction.request_fields(&request) {
        text.extend_from_slice(name.as_str().as_bytes());
        text.extend_from_slice(b": ");
        text.extend_from_slice(value.as_bytes());
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(b"\r\n");
    let mut response = Response::new(Body::full(text));
    let content_type = HeaderValue::from_static("message/http");
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}
