//! The read-through cache: loads that are shared, refreshed early, replaced by stale values, and finished in the
//! background.

#![expect(clippy::unwrap_used, reason = "a failed unwrap is how a test fails")]

mod background;
mod early_refresh;
mod fail_safe;
mod failing_stores;
mod faulty;
mod lifetimes;
mod single_flight;

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use store_core::backend::{Deadline, SeededRandom};
use store_core::layer::read_through::{
    Answer, Loaded, Previous, ReadThrough, ReadThroughError, ReadThroughOptions,
};
use store_core::{Clock, ManualClock};
use store_memory::{
    BoxError, CacheOptions, DedupeOptions, Key, MINUTE, MemoryCacheStore, MemoryDedupeStore, SECOND,
};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

const MILLISECOND: Duration = Duration::from_millis(1);

type Names = ReadThrough<String>;
type Given = Result<Answer<String>, ReadThroughError>;
type Load = Pin<Box<dyn Future<Output = Result<Loaded<String>, BoxError>> + Send>>;

/// Stores and loads under one clock. A load is counted when it begins.
struct Fixture {
    clock: ManualClock,
    cache: MemoryCacheStore,
    jobs: MemoryDedupeStore,
    loads: Arc<AtomicU32>,
    /// Lets a held load end for each permit.
    release: Arc<Semaphore>,
}

fn key() -> Key {
    Key::new("comics:4000-1").unwrap_or_else(|error| panic!("{error}"))
}

/// A minute fresh, a minute stale, and no early refresh.
fn options() -> ReadThroughOptions {
    ReadThroughOptions::default()
        .with_ttl(MINUTE)
        .with_stale_for(MINUTE)
        .with_beta(0.0)
}

impl Fixture {
    fn new() -> Self {
        let clock = ManualClock::default();
        let cache = CacheOptions::default().with_clock(clock.clone());
        let jobs = DedupeOptions::default().with_clock(clock.clone());
        Self {
            cache: MemoryCacheStore::with_options(cache),
            jobs: MemoryDedupeStore::with_options(jobs),
            clock,
            loads: Arc::default(),
            release: Arc::new(Semaphore::new(0)),
        }
    }

    /// The cache of one process; two of them share only the stores.
    fn process(&self, options: ReadThroughOptions) -> Names {
        let options = options
            .with_clock(self.clock.clone())
            .with_random(SeededRandom::new(1));
        ReadThrough::builder(self.cache.clone())
            .with_dedupe(self.jobs.clone())
            .with_options(options)
            .build()
    }

    fn loads(&self) -> u32 {
        self.loads.load(Ordering::SeqCst)
    }

    /// A load that ends at once.
    fn load(
        &self,
        result: Result<&'static str, &'static str>,
    ) -> impl FnOnce(Option<Previous<String>>) -> Load + Send + use<> {
        let loads = Arc::clone(&self.loads);
        move |_| {
            Box::pin(async move {
                loads.fetch_add(1, Ordering::SeqCst);
                Ok(Loaded::new(result.map(str::to_owned)?))
            })
        }
    }

    /// A load that ends when it is released.
    fn held(
        &self,
        result: Result<&'static str, &'static str>,
    ) -> impl FnOnce(Option<Previous<String>>) -> Load + Send + use<> {
        let (load, release) = (self.load(result), Arc::clone(&self.release));
        move |previous| {
            Box::pin(async move {
                let loaded = load(previous).await;
                release.acquire().await?.forget();
                loaded
            })
        }
    }

    /// A load that takes this long.
    fn slow(
        &self,
        takes: Duration,
        result: Result<&'static str, &'static str>,
    ) -> impl FnOnce(Option<Previous<String>>) -> Load + Send + use<> {
        let (load, clock) = (self.load(result), self.clock.clone());
        move |previous| {
            Box::pin(async move {
                let loaded = load(previous).await;
                clock.sleep(takes).await;
                loaded
            })
        }
    }

    /// Stores a value that is stale by now.
    async fn store_stale(&self, names: &Names, name: &'static str) {
        let loaded = names.get(&key(), self.load(Ok(name))).await;
        assert_eq!(value(&loaded), Some(name));
        self.clock.advance(MINUTE);
    }

    /// Lets time pass in steps shorter than a third of a lease.
    async fn pass(&self, duration: Duration) {
        let deadline = Deadline::after(duration, &self.clock);
        while !deadline.is_over(&self.clock) {
            self.clock.advance(SECOND.min(deadline.left(&self.clock)));
            settle().await;
        }
    }
}

/// A call in a task of its own.
fn call<F>(names: &Names, load: F) -> JoinHandle<Given>
where
    F: FnOnce(Option<Previous<String>>) -> Load + Send + 'static,
{
    let names = names.clone();
    tokio::spawn(async move { names.get(&key(), load).await })
}

/// The value of an answer, if there is one.
#[track_caller]
fn value(given: &Given) -> Option<&str> {
    match given {
        Ok(answer) => answer.value.as_deref(),
        Err(error) => panic!("{error}"),
    }
}

/// Lets every task run until it waits for something.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

/// Lets the loads end, all of which can.
async fn idle(names: &Names) {
    settle().await;
    at_once(names.wait_idle());
}

/// The output of a future that waits for nothing.
#[track_caller]
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("it waits"),
    }
}
