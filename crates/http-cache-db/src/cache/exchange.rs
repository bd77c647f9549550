//! A request on its way through the cache.

use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use http::uri::Authority;
use http::{Extensions, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use store_core::Timestamp;
use url::Url;

use super::HttpCache;
use super::body::Body;
use super::target::Target;
use crate::engine::{CacheStatus, Forward, StoredResponse};
use crate::events::Event;
use crate::policy::{Policy, RequestHead, end_to_end};
use crate::store::{Hit, ResponseId, Tags, shortened};

/// A request on its way through the cache.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub(super) target: Target,
    /// Its target is in the normal form of URLs, so that what an answer names is found under the same name.
    pub(super) request: RequestHead,
    pub(super) policy: Arc<Policy>,
    /// The target as it was asked for, which the origin gets.
    asked: Uri,
    extensions: Extensions,
    started: Duration,
    /// Whether a client waits for the answer.
    has_client: bool,
}

impl Exchange {
    /// `None` if the target is not absolute.
    pub(super) fn new(cache: &HttpCache, parts: Parts, has_body: bool) -> Option<Self> {
        parts.uri.scheme()?;
        let uri: Uri = Url::parse(&parts.uri.to_string())
            .ok()?
            .as_str()
            .parse()
            .ok()?;
        let of_request = parts.extensions.get::<Policy>().cloned().map(Arc::new);
        // Without what `Connection` hides from the origin: it must not select a variant.
        let headers = end_to_end(parts.headers);
        Some(Self {
            target: Target::new(cache, uri.clone()),
            request: RequestHead::new(parts.method, uri, headers).with_body(has_body),
            policy: of_request.unwrap_or_else(|| Arc::clone(&cache.settings.policy)),
            asked: parts.uri,
            extensions: parts.extensions,
            started: cache.settings.clock.monotonic(),
            has_client: true,
        })
    }

    /// The same request on its own behalf.
    pub(super) fn detached(&self) -> Self {
        Self {
            has_client: false,
            ..self.clone()
        }
    }

    pub(super) const fn cache(&self) -> &HttpCache {
        &self.target.cache
    }

    pub(super) fn now(&self) -> Timestamp {
        self.cache().settings.clock.now()
    }

    pub(super) fn is_get(&self) -> bool {
        self.request.method == Method::GET
    }

    pub(super) fn cache_status(&self) -> CacheStatus {
        CacheStatus::new(&self.cache().settings.name)
    }

    /// The tags that the request gives what is stored to answer it.
    pub(super) fn tags(&self) -> Tags {
        self.extensions.get().cloned().unwrap_or_default()
    }

    /// The request as the origin gets it.
    pub(super) fn to_origin(
        &self,
        forward: Forward,
        stored: Option<&StoredResponse>,
        body: Body,
    ) -> Request<Body> {
        let mut request = Request::new(body);
        *request.method_mut() = self.request.method.clone();
        *request.uri_mut() = self.asked.clone();
        *request.headers_mut() = forward.headers(&self.request, stored);
        *request.extensions_mut() = self.extensions.clone();
        request
    }

    /// The response with what this cache did.
    pub(super) fn finished(
        &self,
        mut response: Response<Body>,
        status: CacheStatus,
    ) -> Response<Body> {
        if self.cache().settings.sends_status
            && let Ok(value) = HeaderValue::try_from(status.to_string())
        {
            response.headers_mut().append("cache-status", value);
        }
        response.extensions_mut().insert(status);
        response
    }

    /// Counts a request that `response` answered with so many bytes, or the origin if it is `None`.
    pub(super) fn count(&self, response: Option<ResponseId>, bytes: u64) {
        if !self.has_client || !matches!(self.request.method, Method::GET | Method::HEAD) {
            return;
        }
        if response.is_none() {
            self.target.emit(|url| Event::CacheMiss { url });
        }
        let clock = &self.cache().settings.clock;
        self.cache().count(Hit {
            response,
            host: shortened(host_and_port(&self.request.target)).into_owned(),
            path: shortened(self.request.target.path()).into_owned(),
            at: clock.now(),
            duration: clock.monotonic().saturating_sub(self.started),
            bytes,
        });
    }
}

/// A normal URL names its port only if that is not the one of its scheme.
fn host_and_port(target: &Uri) -> &str {
    let authority = target.authority().map_or("", Authority::as_str);
    authority
        .rsplit_once('@')
        .map_or(authority, |(_, host)| host)
}

/// An answer of the cache itself, in a sentence.
pub(super) fn sentence(status: StatusCode, text: &'static str) -> Response<Body> {
    let mut response = Response::new(Body::full(text));
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static("text/plain; charset=utf-8");
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}
