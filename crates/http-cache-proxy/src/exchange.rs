//! One request: what the engine decides, done.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use http_body::Body as _;
use http_body_util::BodyExt;
use http_cache_db::engine::{
    Answer, BodyPart, CacheStatus, Decision, Forward, Keep, OriginResponse, Outcome, Purpose,
    StoredResponse, answer, decide, not_modified, resolve,
};
use http_cache_db::fields::format_date;
use http_cache_db::policy::{
    ExchangeTimes, Policy, RequestHead, ResponseHead, end_to_end, is_safe,
};
use http_cache_db::{Clock, SystemClock, Timestamp};
use http_cache_db::{Entry, Fill, MemoryStore};
use hyper::body::Incoming;

use crate::chained::Chained;
use crate::config::{Config, Origin};
use crate::error::Error;
use crate::plain::{Body, boxed, empty, full, sentence};
use crate::recording::{Recorder, Recording};
use crate::socket::SharedSocket;
use crate::upstream::{NoAnswer, OriginBody, Upstream};

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

/// An answer of the origin whose head has arrived.
struct Arrived {
    head: ResponseHead,
    body: OriginBody,
    times: ExchangeTimes,
    fill: Fill,
    status: CacheStatus,
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
        let hosts = parts.headers.get_all(header::HOST).iter().count();
        if hosts > 1 || (hosts == 0 && client.version >= Version::HTTP_11) {
            // RFC 9112, section 3.2.
            let refusal = "A request names its host once.\n";
            return sentence(StatusCode::BAD_REQUEST, refusal);
        }
        let Some(target) = self.origin.target(&parts.uri) else {
            return sentence(StatusCode::BAD_REQUEST, "The target is no path.\n");
        };
        // As the origin gets them: what `Connection` hides from it must not select a variant.
        let request = RequestHead::new(parts.method, target, end_to_end(parts.headers));
        let entries = self.store.entries(&request.target);
        let stored: Vec<&StoredResponse> = entries.iter().map(|entry| &entry.stored).collect();
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
                let entry = forward.stored_index.and_then(entry);
                let exchange =
                    Arc::clone(self).exchange(request, boxed(body), forward, entry, client);
                exchange.await
            }
        }
    }

    /// Asks the origin. A change goes on if the client goes away, so that what it invalidates is removed.
    async fn exchange(
        self: Arc<Self>,
        request: RequestHead,
        body: Body,
        forward: Forward,
        entry: Option<Arc<Entry>>,
        client: Client,
    ) -> Response<Body> {
        let is_change = !is_safe(&request.method);
        let answer = async move {
            self.forward(&request, body, forward, entry, Some(client))
                .await
        };
        if !is_change {
            return answer.await;
        }
        let answer = tokio::spawn(answer).await;
        answer.unwrap_or_else(|_| no_answer(None))
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
        stored: &StoredResponse,
        body: Bytes,
    ) -> Response<Body> {
        let now = self.now();
        let lifetime = stored.freshness(now, &self.policy);
        let ttl = lifetime.is_fresh().then(|| lifetime.remaining());
        let status = CacheStatus::new(NAME).hit(ttl);
        finished(self.stored_answer(request, stored, body), &status)
    }

    fn stored_answer(
        &self,
        request: &RequestHead,
        stored: &StoredResponse,
        body: Bytes,
    ) -> Response<Body> {
        let answer = answer(request, stored, self.now(), &self.policy);
        let has_length = request.method == Method::HEAD && answer.status.is_success();
        let mut response = with_body(answer, body);
        // That of the body, which the server adds, and not what the origin said.
        response.headers_mut().remove(header::CONTENT_LENGTH);
        if has_length && response.status() != StatusCode::NO_CONTENT {
            let length = HeaderValue::from(stored.body_len);
            response
                .headers_mut()
                .insert(header::CONTENT_LENGTH, length);
        }
        response
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
            let fill = is_safe(&request.method).then(|| self.store.begin_fill(&request.target));
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
            let times = ExchangeTimes {
                requested_at,
                received_at: self.now(),
            };
            let (head, origin_body) = match sent {
                Ok(response) => {
                    let (head, body) = self.received(request, response, times);
                    (Ok(head), Some(body))
                }
                Err(error) => (Err(error), None),
            };
            let answer = match &head {
                Ok(head) => OriginResponse::Response(head, times),
                Err(_) => OriginResponse::Unreachable,
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
                (head, ..) => return finished(no_answer(head.err()), &status),
            };
            if matches!(resolution.outcome, Outcome::Refetch) {
                forward = Forward {
                    stored_index: None,
                    purpose: Purpose::Refetch,
                    ..forward
                };
                continue;
            }
            let arrived = Arrived {
                status: status.forward_status(head.status),
                head,
                body: origin_body,
                times,
                // What the request itself made invalid is over before its answer is stored.
                fill: fill.unwrap_or_else(|| self.store.begin_fill(&request.target)),
            };
            return self.settle(request, arrived, resolution.outcome, entry);
        }
    }

    /// The answer to the client, and what is stored of the origin's.
    fn settle(
        &self,
        request: &RequestHead,
        arrived: Arrived,
        outcome: Outcome,
        entry: Option<Arc<Entry>>,
    ) -> Response<Body> {
        let body = |entry: Option<Arc<Entry>>| entry.map(|entry| entry.body.clone());
        match outcome {
            Outcome::Pass(reason) => {
                let status = arrived.status.detail(&reason.to_string());
                finished(passed(&arrived.head, boxed(arrived.body)), &status)
            }
            Outcome::Store => {
                let (status, head) = (arrived.status.clone(), arrived.head.clone());
                let status = if arrived.body.size_hint().lower() <= self.max_body_bytes {
                    status.stored()
                } else {
                    status.detail("too long")
                };
                let recording = self.recording(request, arrived, None);
                finished(passed(&head, boxed(recording)), &status)
            }
            Outcome::StoreAndAnswerNotModified => {
                let status = arrived.status.clone();
                let answer = not_modified(arrived.head.headers.clone());
                let recording = self.recording(request, arrived, None);
                tokio::spawn(drain(boxed(recording), self.max_body_bytes));
                finished(with_body(answer, Bytes::new()), &status.stored())
            }
            Outcome::Freshen { stored, own, keep } => {
                let body = body(entry).unwrap_or_default();
                let mut response = self.stored_answer(request, &stored, body.clone());
                response.headers_mut().extend(own);
                match keep {
                    Keep::Stored => {
                        arrived.fill.commit_body(*stored, body);
                        finished(response, &arrived.status.stored())
                    }
                    Keep::Once => finished(response, &arrived.status),
                }
            }
            Outcome::Complete {
                head,
                body_len,
                keep,
            } => {
                let beginning = body(entry).unwrap_or_default();
                self.completed(request, arrived, (*head, body_len, keep), beginning)
            }
            Outcome::ServeStale => self.hit(request, entry),
            Outcome::BadGateway | Outcome::Refetch => no_answer(None),
        }
    }

    /// The stored beginning, then the rest.
    fn completed(
        &self,
        request: &RequestHead,
        mut arrived: Arrived,
        (head, body_len, keep): (ResponseHead, u64, Keep),
        beginning: Bytes,
    ) -> Response<Body> {
        let mut response = passed(&head, empty());
        let length = HeaderValue::from(body_len);
        response
            .headers_mut()
            .insert(header::CONTENT_LENGTH, length);
        let status = arrived.status.clone();
        let (rest, status) = match keep {
            Keep::Once => (boxed(arrived.body), status),
            Keep::Stored => {
                arrived.fill.append(&beginning);
                arrived.head = head;
                let rest = self.recording(request, arrived, Some(body_len));
                (boxed(rest), status.stored())
            }
        };
        let body = Chained::new(full(beginning), rest);
        finished(response.map(|_| boxed(body)), &status)
    }

    async fn send(
        &self,
        request: &RequestHead,
        mut headers: HeaderMap,
        body: Body,
        client: Option<Client>,
    ) -> Result<Response<OriginBody>, NoAnswer> {
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
    fn received(
        &self,
        request: &RequestHead,
        response: Response<OriginBody>,
        times: ExchangeTimes,
    ) -> (ResponseHead, OriginBody) {
        let (parts, body) = response.into_parts();
        let is_chunked = parts.headers.contains_key(header::TRANSFER_ENCODING);
        let mut headers = end_to_end(parts.headers);
        // RFC 9112, section 6.3: the transfer coding overrides the length. What frames the body is what counts.
        if request.method != Method::HEAD || is_chunked {
            headers.remove(header::CONTENT_LENGTH);
        }
        if let Some(length) = body.size_hint().exact()
            && has_body(&request.method, parts.status)
        {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        // RFC 9110, section 6.6.1: who receives a response without a date adds it.
        if let Ok(date) = HeaderValue::try_from(format_date(times.received_at)) {
            headers.entry(header::DATE).or_insert(date);
        }
        (ResponseHead::new(parts.status, headers, &self.policy), body)
    }

    /// The body on its way, to be stored if it is complete and, where that is known, of this length.
    fn recording(
        &self,
        request: &RequestHead,
        arrived: Arrived,
        expected_len: Option<u64>,
    ) -> Recording<OriginBody> {
        let Arrived {
            head,
            body,
            times,
            fill,
            ..
        } = arrived;
        let (request, policy) = (request.clone(), self.policy.clone());
        let stored = move |len| {
            let is_whole = expected_len.is_none_or(|expected| len == expected);
            let stored = is_whole.then(|| StoredResponse::new(&request, head, times, len, &policy));
            stored.flatten()
        };
        Recording::new(body, Recorder::new(fill, self.max_body_bytes, stored))
    }

    fn validate_in_background(
        self: &Arc<Self>,
        request: &RequestHead,
        forward: Forward,
        entry: Option<Arc<Entry>>,
    ) {
        let Some(validating) = Validating::new(self, &request.target) else {
            return;
        };
        let request = request.clone();
        tokio::spawn(async move {
            let proxy = &validating.proxy;
            let answer = proxy.forward(&request, empty(), forward, entry, None);
            drain(answer.await.into_body(), proxy.max_body_bytes).await;
        });
    }
}

/// The validation of a target in the background; there is one at a time.
struct Validating {
    proxy: Arc<Proxy>,
    target: Uri,
}

impl Validating {
    /// `None` if there is one already.
    fn new(proxy: &Arc<Proxy>, target: &Uri) -> Option<Self> {
        let is_first = proxy.validating().insert(target.clone());
        is_first.then(|| Self {
            proxy: Arc::clone(proxy),
            target: target.clone(),
        })
    }
}

impl Drop for Validating {
    fn drop(&mut self) {
        self.proxy.validating().remove(&self.target);
    }
}

impl Proxy {
    fn validating(&self) -> MutexGuard<'_, HashSet<Uri>> {
        self.validating
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads a body to its end, so that it is stored; gives up on one that is too long for it.
async fn drain(mut body: Body, max_bytes: u64) {
    let mut read = 0;
    while read <= max_bytes
        && let Some(Ok(frame)) = body.frame().await
    {
        read += frame.data_ref().map_or(0, |data| data.len() as u64);
    }
}

/// Whether a response has a body (RFC 9112, section 6.3).
fn has_body(method: &Method, status: StatusCode) -> bool {
    let is_empty = matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    *method != Method::HEAD && !is_empty
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
