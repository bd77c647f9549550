//! A server on loopback, and a cache that tells what happens.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use http_cache_db::events::{Event, Listener};
use http_cache_db::{HttpCache, MemoryStore};
use store_core::ManualClock;
use tokio::net::TcpListener;

/// Counts requests.
#[derive(Clone, Default)]
pub(crate) struct Counter(Arc<AtomicUsize>);

impl Counter {
    /// The number before this one.
    pub(crate) fn count(&self) -> usize {
        self.0.fetch_add(1, Ordering::SeqCst)
    }

    pub(crate) fn counted(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// Serves `router`; the URL, and what counts the requests on the wire.
pub(crate) async fn serve(router: Router) -> (String, Counter) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let calls = Counter::default();
    let counted = calls.clone();
    let router = router.layer(from_fn(move |request: Request, next: Next| {
        counted.count();
        next.run(request)
    }));
    tokio::spawn(async { axum::serve(listener, router).await });
    (url, calls)
}

/// A cache in memory, its clock, and what it told.
pub(crate) struct Fixture {
    pub(crate) cache: HttpCache,
    pub(crate) clock: ManualClock,
    told: Arc<Mutex<Vec<Event>>>,
    _listener: Listener,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let clock = ManualClock::default();
        let cache = HttpCache::new(Arc::new(MemoryStore::new(1 << 20)));
        let cache = cache.with_clock(Arc::new(clock.clone()));
        let told = Arc::<Mutex<Vec<Event>>>::default();
        let kept = Arc::clone(&told);
        let listener = cache
            .events()
            .listen(move |event| kept.lock().unwrap().push(event.clone()));
        Self {
            cache,
            clock,
            told,
            _listener: listener,
        }
    }

    /// Waits until so many events are like this.
    pub(crate) async fn until_told(&self, number: usize, is_like: fn(&Event) -> bool) {
        let told = || {
            self.told
                .lock()
                .unwrap()
                .iter()
                .filter(|it| is_like(it))
                .count()
        };
        until(|| told() >= number).await;
    }
}

/// Lets the other tasks run until it is so.
pub(crate) async fn until(is_so: impl Fn() -> bool) {
    while !is_so() {
        tokio::task::yield_now().await;
    }
}

pub(crate) fn is_stored(event: &Event) -> bool {
    matches!(event, Event::StoreSuccess { .. })
}
