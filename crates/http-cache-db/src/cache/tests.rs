//! The cache before an origin of closures, with a clock that stands still.

mod collapsing;
mod equivalent;
mod failures;
mod faulty;
mod groups;
mod purging;
mod serving;
mod sharing;
mod streaming;
mod telling;
mod users;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response};
use store_core::{Clock, ManualClock, SECOND};
use tokio::sync::Semaphore;

use super::settings::{LONGEST_WAIT, PATIENCE};
use super::*;
use crate::engine::CacheStatus;
use crate::events::Listener;
use crate::memory::MemoryStore;
use crate::policy::{Mode, Policy};

type Lines<'a> = &'a [(&'static str, &'a str)];
type Answer = dyn Fn(&Request<()>, usize) -> Result<Response<Body>, &'static str> + Send + Sync;

const URL: &str = "http://example.org/issues";
const FRESH: (&str, &str) = ("cache-control", "max-age=60");

/// An origin that answers by a function of the request and of how many came before it.
#[derive(Clone)]
struct Site {
    answer: Arc<Answer>,
    requests: Arc<Mutex<Vec<Request<()>>>>,
    /// A permit for each answer that may be given.
    gate: Arc<Semaphore>,
    is_detached: bool,
}

impl Site {
    fn new(
        answer: impl Fn(&Request<()>, usize) -> Result<Response<Body>, &'static str>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self {
            answer: Arc::new(answer),
            requests: Arc::default(),
            gate: Arc::new(Semaphore::new(Semaphore::MAX_PERMITS)),
            is_detached: false,
        }
    }

    /// Answers with these fields; the bodies are "0", "1", ….
    fn counting(lines: Lines<'static>) -> Self {
        Self::new(move |_, count| Ok(response(lines, Body::full(count.to_string()))))
    }

    /// Answers nobody before permits are added.
    fn gated(mut self) -> Self {
        self.gate = Arc::new(Semaphore::new(0));
        self
    }

    fn count(&self) -> usize {
        self.requests.lock().unwrap().len()
    }
}

impl Origin for Site {
    type Error = &'static str;

    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, &'static str> {
        let mut request = request.map(|_| ());
        request.extensions_mut().insert(self.is_detached);
        let count = {
            let mut requests = self.requests.lock().unwrap();
            requests.push(request.clone());
            requests.len() - 1
        };
        self.gate.acquire().await.unwrap().forget();
        (self.answer)(&request, count)
    }

    fn detached(&self) -> Self {
        Self {
            is_detached: true,
            ..self.clone()
        }
    }
}

fn response(lines: Lines<'_>, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.headers_mut() = crate::test_headers::headers(lines);
    response
}

/// A cache, its clock, and what it told.
struct Fixture {
    cache: HttpCache,
    clock: ManualClock,
    told: Arc<Mutex<Vec<Event>>>,
    _listener: Listener,
}

impl Fixture {
    fn new() -> Self {
        Self::over(Arc::new(MemoryStore::new(1 << 20)))
    }

    fn over(store: Arc<dyn ResponseStore>) -> Self {
        let clock = ManualClock::default();
        let told = Arc::<Mutex<Vec<Event>>>::default();
        let kept = Arc::clone(&told);
        let listener = store
            .events()
            .listen(move |event| kept.lock().unwrap().push(event.clone()));
        Self {
            cache: HttpCache::new(store).with_clock(Arc::new(clock.clone())),
            clock,
            told,
            _listener: listener,
        }
    }

    async fn get(&self, origin: &Site, lines: Lines<'_>) -> Received {
        self.send(origin, request("GET", URL, lines)).await
    }

    async fn send(&self, origin: &Site, request: Request<Body>) -> Received {
        Received::of(self.cache.handle(request, origin).await.unwrap()).await
    }

    /// How many events are like this.
    fn told(&self, is_like: impl Fn(&Event) -> bool) -> usize {
        let told = self.told.lock().unwrap();
        told.iter().filter(|event| is_like(event)).count()
    }

    async fn until_told(&self, number: usize, is_like: impl Fn(&Event) -> bool + Send + Sync) {
        until(|| self.told(&is_like) >= number).await;
    }
}

fn request(method: &str, url: &str, lines: Lines<'_>) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    *request.method_mut() = method.parse().unwrap();
    *request.uri_mut() = url.parse().unwrap();
    *request.headers_mut() = crate::test_headers::headers(lines);
    request
}

/// Lets the other tasks run until it is so.
async fn until(is_so: impl Fn() -> bool + Send) {
    while !is_so() {
        tokio::task::yield_now().await;
    }
}

/// A response whose body was read.
#[derive(Debug)]
struct Received {
    status: u16,
    body: String,
    /// What the cache did, without its name.
    did: String,
    headers: http::HeaderMap,
}

impl Received {
    async fn of(response: Response<Body>) -> Self {
        let (parts, body) = response.into_parts();
        let did = parts.extensions.get::<CacheStatus>();
        let did = did.map(ToString::to_string).unwrap_or_default();
        let did = did.split_once(';').map_or("", |(_, did)| did).to_owned();
        let bytes = body.bytes().await.unwrap();
        Self {
            status: parts.status.as_u16(),
            body: String::from_utf8(bytes.to_vec()).unwrap(),
            did,
            headers: parts.headers,
        }
    }
}
