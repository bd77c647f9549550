//! HTTP responses.

use std::time::Duration;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};

use crate::body::Body;

/// A response of the server.
pub(crate) type HttpResponse = Response<Body>;

pub(crate) fn json(status: StatusCode, body: Bytes) -> HttpResponse {
    with_type(status, body, "application/json; charset=utf-8")
}

pub(crate) fn javascript(status: StatusCode, body: Bytes) -> HttpResponse {
    with_type(status, body, "text/javascript; charset=utf-8")
}

pub(crate) fn xml(status: StatusCode, body: Bytes) -> HttpResponse {
    with_type(status, body, "text/xml; charset=utf-8")
}

pub(crate) fn png(body: Bytes) -> HttpResponse {
    with_type(StatusCode::OK, body, "image/png")
}

pub(crate) fn html(status: StatusCode, body: &'static str) -> HttpResponse {
    with_type(
        status,
        Bytes::from_static(body.as_bytes()),
        "text/html; charset=utf-8",
    )
}

pub(crate) fn text(status: StatusCode, body: &'static str) -> HttpResponse {
    let body = Bytes::from_static(body.as_bytes());
    with_type(status, body, "text/plain; charset=UTF-8")
}

fn with_type(status: StatusCode, body: Bytes, content_type: &'static str) -> HttpResponse {
    let mut response = Response::new(Body::full(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

pub(crate) fn with_retry_after(mut response: HttpResponse, wait: Option<Duration>) -> HttpResponse {
    if let Some(wait) = wait {
        // Rounded up, so that a client that waits exactly this long is not too early.
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        response
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
