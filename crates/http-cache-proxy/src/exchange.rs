//! One request: what the engine decides, done.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use http_cache_db::engine::{
    Answer, BodyPart, CacheStatus, Decision, Forward, OriginAnswer, Outcome, Purpose, Stored,
    answer, decide, not_modified, resolve,
};
use http_cache_db::fields::format_date;
use http_cache_db::policy::{Policy, RequestHead, ResponseHead, Times, end_to_end};
use http_cache_db::{Clock, SystemClock, Timestamp};
use http_cache_db::{Entry, Fill, MemoryStore};
use hyper::body::Incoming;

use crate::chained::Chained;
use crate::config::{Config, Origin};
use crate::error::Error;
use crate::plain::{Body, BoxError, boxed, empty, full, sentence};
use crate::recording::{Recorder, Recording};
use crate::socket::SharedSocket;
use crate::upstream::{NoAnswer, Upstream};

/// The name of this cache in `Cache-Status` and `Via`.
const NAME: &str = "http-cache-proxy";
const CACHE_STATUS: HeaderName = HeaderName::from_static("cache-status");

/// The cache, and the way to its origin.
#[derive(Debug)]
pub(crate) struct Proxy {
    origin: Origin,
    upstream: Upstream,
    policy: Policy,
    store: MemoryStore,
    max_body_bytes: u64,
    clock: SystemClock,
    /// The targets that are validated in the background.
    validating: Mutex<HashSet<Uri>>,
}

/// The client of a request, as far as interim responses need it.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) socket: SharedSocket,
    pub(crate) version: http::Version,
}

impl Proxy {
    pub(crate) fn new(config: &Config) -> Result<Self, Error> {
        Ok(Self {
            origin: config.origin.clone(),
            upstream: Upstream::new(&config.origin.scheme, config.timeout)?,
            policy: config.policy.clone(),
            store: MemoryStore::new(config.memory_bytes),
            max_body_bytes: config.memory_bytes / 8,
            clock: SystemClock::new(),
            validating: Mutex::default(),
        })
    }

    pub(crate) const fn clock(&self) -> &SystemClock {
        &self.clock
    }

    fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The answer to a request.
    pub(crate) async fn respond(
        self: &Arc<Self>,
        request: Request<Incoming>,
        client: Client,
    ) -> Response<Body> {
        let (parts, body) = request.into_parts();
        if parts.method == Method::CONNECT {
            let refusal = "This proxy stands in front of one origin; it opens no tunnels.\n";
            return sentence(StatusCode::METHOD_NOT_ALLOWED, refusal);
        }
        let Ok(target) = self.origin.target(&parts.uri) else {
            return sentence(StatusCode::BAD_REQUEST, "The target is not valid.\n");
        };
        let request = RequestHead::new(parts.method, target, parts.headers);
        let entries = self.store.entries(&request.target);
        let stored: Vec<&Stored> = entries.iter().map(|entry| &entry.stored).collect();
        let entry = |at: usize| entries.get(at).cloned();
        match decide(&request, &stored, self.now(), &self.policy) {
            Decision::Serve(at) => self.hit(&request, entry(at)),
            Decision::ServeAndRevalidate(at, forward) => {
                self.validate_in_background(&request, forward, entry(at));
                self.hit(&request, entry(at))
            }
            Decision::GatewayTimeout => {
                let refusal = "Nothing stored answers, and the origin may not be asked.\n";
                sentence(StatusCode::GATEWAY_TIMEOUT, refusal)
            }
            Decision::Forward(forward) => {
                let entry = forward.at.and_then(entry);
                let body = boxed(body);
                self.forward(&request, body, forward, entry, Some(client))
                    .await
            }
        }
    }

    /// The answer of a stored response.
    fn hit(&self, request: &RequestHead, entry: Option<Arc<Entry>>) -> Response<Body> {
        let Some(entry) = entry else {
            return sentence(StatusCode::BAD_GATEWAY, "The stored response is gone.\n");
        };
        self.stored_response(request, &entry.stored, entry.body.clone())
    }

    fn stored_response(
        &self,
        request: &RequestHead,
        stored: &Stored,
        body: Bytes,
    ) -> Response<Body> {
        let now = self.now();
        let lifetime = stored.lifetime(now, &self.policy);
        let ttl = lifetime.is_fresh().then(|| lifetime.remaining());
        let status = CacheStatus::new(NAME).hit(ttl);
        let answer = answer(request, stored, now, &self.policy);
        let is_head = request.method == Method::HEAD;
        let mut response = with_body(answer, body);
        if is_head && !response.headers().contains_key(header::CONTENT_LENGTH) {
            let length = HeaderValue::from(stored.body_len);
            response
                .headers_mut()
                .insert(header::CONTENT_LENGTH, length);
        }
        finished(response, &status)
    }

    /// Asks the origin, and does what becomes of its answer.
    async fn forward(
        self: &Arc<Self>,
        request: &RequestHead,
        body: Body,
        mut forward: Forward,
        entry: Option<Arc<Entry>>,
        client: Option<Client>,
    ) -> Response<Body> {
        let stored = entry.as_ref().map(|entry| &entry.stored);
        let mut body = Some(body);
        loop {
            let fill = request
                .method
                .is_safe()
                .then(|| self.store.begin(&request.target));
            let status = CacheStatus::new(NAME).forwarded(forward.reason);
            let requested_at = self.now();
            let sent = self
                .send(
                    request,
                    forward.headers(request, stored),
                    body.take().unwrap_or_else(empty),
                    client.clone(),
                )
                .await;
            let times = Times {
                requested_at,
                received_at: self.now(),
            };
            let (head, origin_body) = match sent {
                Ok(response) => {
                    let (head, body) = self.received(response, times);
                    (Ok(head), Some(body))
                }
                Err(error) => (Err(error), None),
            };
            let answer = match &head {
                Ok(head) => OriginAnswer::Response(head, times),
                Err(_) => OriginAnswer::Unreachable,
            };
            let resolution = resolve(
                request,
                forward,
                stored,
                answer,
                times.received_at,
                &self.policy,
            );
            for target in &resolution.invalidated {
                self.store.remove(target);
            }
            let (head, origin_body) = match (head, origin_body, &entry) {
                (Ok(head), Some(body), _) => (head, body),
                (_, _, Some(_)) if matches!(resolution.outcome, Outcome::ServeStale) => {
                    return self.hit(request, entry);
                }
                (head, ..) => return no_answer(head.err()),
            };
            let status = status.forward_status(head.status);
            // What the request itself made invalid is over before its answer is stored.
            let fill = fill.unwrap_or_else(|| self.store.begin(&request.target));
            return match resolution.outcome {
                Outcome::Pass(reason) => {
                    let status = status.detail(&reason.to_string());
                    finished(passed(&head, boxed(origin_body)), &status)
                }
                Outcome::Store => {
                    let recording = self.recording(request, &head, times, fill, origin_body);
                    finished(passed(&head, boxed(recording)), &status.stored())
                }
                Outcome::StoreAndAnswerNotModified => {
                    let recording = self.recording(request, &head, times, fill, origin_body);
                    tokio::spawn(drain(boxed(recording)));
                    let answer = not_modified(head.headers);
                    finished(with_body(answer, Bytes::new()), &status.stored())
                }
                Outcome::Freshen(fresh) => {
                    let body = entry.map(|entry| entry.body.clone()).unwrap_or_default();
                    fill.commit_body((*fresh).clone(), body.clone());
                    self.stored_response(request, &fresh, body)
                }
                Outcome::Complete(whole) => {
                    let beginning = entry.map(|entry| entry.body.clone()).unwrap_or_default();
                    let response = self.completed(*whole, beginning, fill, origin_body);
                    finished(response, &status.stored())
                }
                Outcome::ServeStale => self.hit(request, entry),
                Outcome::BadGateway => no_answer(None),
                Outcome::Refetch => {
                    forward = Forward {
                        at: None,
                        purpose: Purpose::Refetch,
                        ..forward
                    };
                    continue;
                }
            };
        }
    }

    async fn send(
        &self,
        request: &RequestHead,
        mut headers: HeaderMap,
        body: Body,
        client: Option<Client>,
    ) -> Result<Response<Incoming>, NoAnswer> {
        add_via(&mut headers);
        let interim = client.map(|client| {
            move |status, headers: &HeaderMap| {
                client.socket.write_interim(client.version, status, headers);
            }
        });
        let asked = (request.method.clone(), request.target.clone());
        self.upstream.send(asked, headers, body, interim).await
    }

    /// The head of an answer as it is kept, and its body.
    fn received(&self, response: Response<Incoming>, times: Times) -> (ResponseHead, Incoming) {
        let (parts, body) = response.into_parts();
        let mut headers = end_to_end(parts.headers);
        // RFC 9110, section 6.6.1: who receives a response without a date adds it.
        if let Ok(date) = HeaderValue::try_from(format_date(times.received_at)) {
            headers.entry(header::DATE).or_insert(date);
        }
        (ResponseHead::new(parts.status, headers, &self.policy), body)
    }

    fn recording(
        &self,
        request: &RequestHead,
        head: &ResponseHead,
        times: Times,
        fill: Fill,
        body: Incoming,
    ) -> Recording<Incoming> {
        let (request, head, policy) = (request.clone(), head.clone(), self.policy.clone());
        let stored = move |len| Stored::new(&request, head, times, len, &policy);
        Recording::new(body, Recorder::new(fill, self.max_body_bytes, stored))
    }

    /// The whole of which `beginning` is stored and `rest` arrives.
    fn completed(
        &self,
        whole: Stored,
        beginning: Bytes,
        mut fill: Fill,
        rest: Incoming,
    ) -> Response<Body> {
        fill.append(&beginning);
        let mut head = whole.response.clone();
        let length = HeaderValue::from(whole.body_len);
        head.headers.insert(header::CONTENT_LENGTH, length);
        let stored = move |len| (len == whole.body_len).then_some(whole);
        let rest = Recording::new(rest, Recorder::new(fill, self.max_body_bytes, stored));
        let beginning = full(beginning);
        let chained: UnsyncBoxBody<Bytes, BoxError> =
            Chained::new(beginning, boxed(rest)).boxed_unsync();
        passed(&head, chained)
    }

    fn validate_in_background(
        self: &Arc<Self>,
        request: &RequestHead,
        forward: Forward,
        entry: Option<Arc<Entry>>,
    ) {
        let is_first = self.validating().insert(request.target.clone());
        if !is_first {
            return;
        }
        let (proxy, request) = (Arc::clone(self), request.clone());
        tokio::spawn(async move {
            let answer = proxy.forward(&request, empty(), forward, entry, None).await;
            drain(answer.into_body()).await;
            proxy.validating().remove(&request.target);
        });
    }

    fn validating(&self) -> std::sync::MutexGuard<'_, HashSet<Uri>> {
        self.validating
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a body to its end, so that it is stored.
async fn drain(mut body: Body) {
    while let Some(Ok(_)) = body.frame().await {}
}

fn with_body(answer: Answer, body: Bytes) -> Response<Body> {
    let Answer {
        status,
        headers,
        body: part,
    } = answer;
    let body = match part {
        BodyPart::Empty => empty(),
        BodyPart::Whole => full(body),
        BodyPart::Slice(range) => {
            let position = |at: u64| usize::try_from(at).unwrap_or(usize::MAX).min(body.len());
            full(body.slice(position(range.start)..position(range.end)))
        }
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// The origin's answer on its way to the client.
fn passed(head: &ResponseHead, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = head.status;
    *response.headers_mut() = head.headers.clone();
    response
}

/// The response with the fields that this cache adds.
fn finished(mut response: Response<Body>, status: &CacheStatus) -> Response<Body> {
    let headers = response.headers_mut();
    if let Ok(status) = HeaderValue::try_from(status.to_string()) {
        headers.append(CACHE_STATUS, status);
    }
    add_via(headers);
    response
}

fn add_via(headers: &mut HeaderMap) {
    headers.append(
        header::VIA,
        HeaderValue::from_static("1.1 http-cache-proxy"),
    );
}

fn no_answer(error: Option<NoAnswer>) -> Response<Body> {
    match error {
        Some(NoAnswer::TimedOut) => sentence(
            StatusCode::GATEWAY_TIMEOUT,
            "The origin did not answer in time.\n",
        ),
        Some(NoAnswer::Unreachable) | None => {
            sentence(StatusCode::BAD_GATEWAY, "The origin cannot be reached.\n")
        }
    }
}
