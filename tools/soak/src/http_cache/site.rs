//! The targets of a soak, and the responses that are stored of them.

use http::{HeaderMap, HeaderValue, Method, StatusCode, Uri};
use http_cache_db::engine::StoredResponse;
use http_cache_db::policy::{ExchangeTimes, Mode, Policy, RequestHead, ResponseHead};
use http_cache_db::store::NewResponse;
use http_cache_db::{Salt, TargetKey, Timestamp};

use super::made::{FIELD, Made};

/// A target by its number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Site(pub(super) usize);

impl Site {
    /// Targets differ in parts that are stored and in a secret that is not.
    pub(super) fn uri(self) -> Uri {
        let (path, secret) = (self.0 / 2, self.0 % 2);
        let uri = format!("http://comics.example/issues/{path}?api_key=secret-{secret}");
        uri.parse().unwrap_or_default()
    }

    pub(super) fn key(self, salt: Salt) -> TargetKey {
        salt.target_key(&self.uri())
    }

    /// Every third target has no variants, the others two or three.
    pub(super) fn variants(self) -> usize {
        1 + self.0 % 3
    }

    fn request(self, variant: usize) -> RequestHead {
        let mut headers = HeaderMap::new();
        headers.insert("x-kind", HeaderValue::from(variant));
        headers.insert("accept", HeaderValue::from_static("application/json"));
        RequestHead::new(Method::GET, self.uri(), headers)
    }

    pub(super) fn headers(self, made: Made, freshened: Option<u64>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("cache-control", HeaderValue::from_static("max-age=60"));
        headers.insert(
            "content-type",
            HeaderValue::from_static(made.content_type()),
        );
        if self.variants() > 1 {
            headers.insert("vary", HeaderValue::from_static("x-kind"));
        }
        if let Ok(etag) = HeaderValue::from_str(&format!("\"{}\"", made.version)) {
            headers.insert("etag", etag);
        }
        if let Ok(field) = HeaderValue::from_str(&made.to_field()) {
            headers.insert(FIELD, field);
        }
        if let Some(freshened) = freshened {
            // Among them values that are new, and so header pairs that are swept later.
            headers.insert("x-freshened", HeaderValue::from(freshened % 1_000));
        }
        headers
    }

    /// The response to store; `None` if it answers no other request.
    pub(super) fn response(
        self,
        made: Made,
        headers: HeaderMap,
        body_len: u64,
        (times, salt): (ExchangeTimes, Salt),
    ) -> Option<NewResponse> {
        let policy = Policy::new(Mode::Private);
        let request = self.request(made.variant);
        let head = ResponseHead::new(StatusCode::OK, headers, &policy);
        let stored = StoredResponse::new(&request, head, times, body_len, salt, &policy)?;
        Some(NewResponse::new(request, &stored, &policy))
    }
}

/// Asked and answered at once.
pub(super) fn at(now: Timestamp) -> ExchangeTimes {
    ExchangeTimes {
        requested_at: now,
        received_at: now,
    }
}
