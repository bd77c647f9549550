//! The answers that the proxy makes itself.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use http_cache_db::cache::Body;

/// An answer in a sentence.
pub(crate) fn sentence(status: StatusCode, text: impl Into<Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::full(text));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}

/// Why a request is answered by this proxy: the status, and a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal(pub(crate) StatusCode, pub(crate) &'static str);

impl Refusal {
    pub(crate) fn answer(self) -> Response<Body> {
        sentence(self.0, self.1)
    }
}
