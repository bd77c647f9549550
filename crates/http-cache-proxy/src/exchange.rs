//! One request of a client, from its checks to its answer.

use std::sync::{Arc, PoisonError, RwLock};

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_cache_db::cache::{self, Body};
use http_cache_db::engine::CacheStatus;
use http_cache_db::fields::{combined_value, list_members};
use http_cache_db::store::ResponseStore;
use http_cache_db::{DedupeStore, HttpCache, Redaction, SystemClock};
use hyper::body::Incoming;

use crate::config::Config;
use crate::error::Error;
use crate::metrics::Metrics;
use crate::plain::sentence;
use crate::routing::Routing;
use crate::socket::SharedSocket;
use crate::upstream::{NoAnswer, ReceivedIn, Upstream};
use crate::via::Via;
use crate::{admin, host, http2, max_forwards};

/// The name of this cache in `Cache-Status`, and the beginning of that in `Via`.
const NAME: &str = "http-cache-proxy";

/// The cache, and the ways to its origins.
#[derive(Debug)]
pub(crate) struct Proxy {
    /// The one store; each route has its own rules.
    cache: HttpCache,
    routing: RwLock<Arc<Routing>>,
    redaction: Redaction,
    via: Arc<Via>,
    metrics: Option<Metrics>,
    clock: SystemClock,
}

/// The client of a request, as far as interim responses need it.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) socket: SharedSocket,
    pub(crate) version: Version,
}

/// The origin, as a request of a client reaches it.
#[derive(Clone, Debug)]
struct Sender {
    upstream: Upstream,
    via: Arc<Via>,
    /// In which the request was received.
    version: Version,
    metrics: Option<Metrics>,
    /// `None` if no client waits.
    client: Option<Client>,
}

/// A request that the origin did not answer.
struct Unanswered {
    reason: NoAnswer,
    /// What the cache did before it was sent.
    status: Option<CacheStatus>,
}

impl cache::Origin for Sender {
    type Error = Unanswered;

    async fn send(&self, mut request: Request<Body>) -> Result<Response<Body>, Unanswered> {
        self.via.add_to(request.headers_mut(), self.version);
        let status = request.extensions().get().cloned();
        let interim = self.client.clone().map(|client| {
            move |status, headers: &HeaderMap| {
                // Whether to go on is said by the server, which the client expects it of.
                if status != StatusCode::CONTINUE {
                    client.socket.write_interim(client.version, status, headers);
                }
            }
        });
        let answer = self.upstream.send(request, interim).await;
        if let Some(metrics) = &self.metrics {
            metrics.asked(answer.as_ref().err().copied());
        }
        answer.map_err(|reason| Unanswered { reason, status })
    }

    fn detached(&self) -> Self {
        Self {
            upstream: self.upstream.clone(),
            via: Arc::clone(&self.via),
            version: self.version,
            metrics: self.metrics.clone(),
            client: None,
        }
    }
}

impl Proxy {
    /// A proxy whose equal requests wait for those of others that share `jobs`.
    pub(crate) fn new(
        config: &Config,
        store: Arc<dyn ResponseStore>,
        jobs: Option<Arc<dyn DedupeStore>>,
        metrics: Option<Metrics>,
    ) -> Result<Self, Error> {
        let mut cache = HttpCache::new(store)
            .with_redaction(config.redaction.clone())
            .with_name(NAME);
        if let Some(jobs) = jobs {
            cache = cache.with_dedupe(jobs);
        }
        let routing = Routing::new(config, &cache, None)?;
        Ok(Self {
            cache,
            routing: RwLock::new(Arc::new(routing)),
            redaction: config.redaction.clone(),
            via: Arc::new(Via::new(NAME)),
            metrics,
            clock: SystemClock::new(),
        })
    }

    /// The cache, without the rules of any route.
    pub(crate) const fn cache(&self) -> &HttpCache {
        &self.cache
    }

    pub(crate) const fn clock(&self) -> &SystemClock {
        &self.clock
    }

    pub(crate) const fn metrics(&self) -> Option<&Metrics> {
        self.metrics.as_ref()
    }

    pub(crate) const fn redaction(&self) -> &Redaction {
        &self.redaction
    }

    /// The routes and what else a reload changes. They stay as they are for who has them.
    pub(crate) fn routing(&self) -> Arc<Routing> {
        let routing = self.routing.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&routing)
    }

    /// Serves requests that come from now on by these settings. If they cannot be, nothing has changed.
    pub(crate) fn change(&self, config: &Config) -> Result<(), Error> {
        let next = Routing::new(config, &self.cache, Some(&self.routing()))?;
        let mut routing = self.routing.write().unwrap_or_else(PoisonError::into_inner);
        *routing = Arc::new(next);
        Ok(())
    }

    /// Writes what is pending, and closes the store.
    pub(crate) async fn close(&self) -> Result<(), Error> {
        let closed = self.cache.close().await;
        closed.map_err(|source| Error::Close(Box::new(source)))
    }

    /// The answer to a request.
    pub(crate) async fn respond(
        &self,
        routing: &Routing,
        request: Request<Incoming>,
        client: Client,
    ) -> Response<Body> {
        let (mut parts, body) = request.into_parts();
        let version = parts.version;
        http2::generic(&mut parts);
        if parts.method == Method::CONNECT {
            let refusal =
                "This proxy opens no tunnels: nothing of what passes through one can be cached.\n";
            return sentence(StatusCode::METHOD_NOT_ALLOWED, refusal);
        }
        if !host::is_named(&parts) {
            let refusal = "A request names its host once, such as example.org:8080.\n";
            return sentence(StatusCode::BAD_REQUEST, refusal);
        }
        if self.via.is_in(&parts.headers) {
            let refusal =
                "The request has passed this proxy before: its origin leads back to it.\n";
            return sentence(StatusCode::LOOP_DETECTED, refusal);
        }
        if !is_coding_known(&parts.headers) {
            // RFC 9112, section 6.1. The server takes off `chunked`; the origin would not learn of another.
            let refusal =
                "Bodies of requests may be chunked; other transfer codings are not known.\n";
            return sentence(StatusCode::NOT_IMPLEMENTED, refusal);
        }
        if let Some(answer) = max_forwards::count_hop(&mut parts, &self.redaction) {
            return answer;
        }
        let (way, target) = match routing.find(&parts) {
            Ok(found) => found,
            Err(refusal) => return refusal.answer(),
        };
        parts.uri = target;
        if parts.method.as_str() == "PURGE"
            && let Some(token) = &routing.token
        {
            let purge = admin::by_method(&way.cache, token, (&parts.uri, &parts.headers));
            return purge.await;
        }
        parts.extensions.clear();
        let sender = Sender {
            upstream: way.upstream.clone(),
            via: Arc::clone(&self.via),
            version,
            metrics: self.metrics.clone(),
            client: Some(client),
        };
        let request = Request::from_parts(parts, Body::new(body));
        let answer = way.cache.handle(request, &sender).await;
        let mut response = answer.unwrap_or_else(no_answer);
        let received = response.extensions().get::<ReceivedIn>();
        let received = received.map_or(Version::HTTP_11, |ReceivedIn(version)| *version);
        self.via.add_to(response.headers_mut(), received);
        http2::expressible(response, version)
    }
}

/// Whether the body of a request has no transfer coding but `chunked`.
fn is_coding_known(headers: &HeaderMap) -> bool {
    let codings = combined_value(headers, "transfer-encoding").unwrap_or_default();
    let mut codings = list_members(&codings);
    codings
        .next()
        .is_none_or(|coding| coding.eq_ignore_ascii_case("chunked"))
        && codings.next().is_none()
}

fn no_answer(error: Unanswered) -> Response<Body> {
    let (status, text) = match error.reason {
        NoAnswer::BrokenRequest => (
            StatusCode::BAD_REQUEST,
            "The body of the request is incomplete or not well-formed.\n",
        ),
        NoAnswer::StalledRequest => (
            StatusCode::REQUEST_TIMEOUT,
            "The body of the request made no progress for too long.\n",
        ),
        NoAnswer::TimedOut => (
            StatusCode::GATEWAY_TIMEOUT,
            "The origin did not answer in time.\n",
        ),
        NoAnswer::Refused => (
            StatusCode::FORBIDDEN,
            "The host has no public address, and the proxy reaches others only if they are allowed (--allow).\n",
        ),
        NoAnswer::Unreachable => (StatusCode::BAD_GATEWAY, "The origin cannot be reached.\n"),
    };
    let mut response = sentence(status, text);
    if let Some(status) = error.status {
        let status = status.detail(error.reason.label());
        if let Ok(value) = HeaderValue::try_from(status.to_string()) {
            response.headers_mut().append("cache-status", value);
        }
        response.extensions_mut().insert(status);
    }
    response
}
