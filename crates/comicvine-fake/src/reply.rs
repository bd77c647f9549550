//! Responses and their headers.

use std::time::Duration;

use bytes::Bytes;
use hyper::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use hyper::{Response, StatusCode};

use crate::body::Body;

pub(crate) type Reply = Response<Body>;

pub(crate) fn json(status: StatusCode, body: Bytes) -> Reply {
    with_type(status, body, "application/json; charset=utf-8")
}

pub(crate) fn javascript(status: StatusCode, body: Bytes) -> Reply {
    with_type(status, body, "text/javascript; charset=utf-8")
}

pub(crate) fn html(status: StatusCode, body: &'static str) -> Reply {
    with_type(
        status,
        Bytes::from_static(body.as_bytes()),
        "text/html; charset=utf-8",
    )
}

fn with_type(status: StatusCode, body: Bytes, content_type: &'static str) -> Reply {
    let mut reply = Response::new(Body::full(body));
    *reply.status_mut() = status;
    reply
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    reply
}

pub(crate) fn with_retry_after(mut reply: Reply, wait: Option<Duration>) -> Reply {
    if let Some(wait) = wait {
        // Rounded up: a client that comes back when told must not come too soon.
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        reply
            .headers_mut()
            .insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    reply
}
