//! A fallback limiter of this process where the shared one fails, and forced refreshes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use store_core::backend::SeededRandom;
use store_core::pipeline::{Answer, CacheMode, Outcome};
use store_core::{Clock, ManualClock};
use store_memory::{
    BoxError, CacheOptions, DedupeOptions, Failure, Fetched, HOUR, Key, Limit, MemoryCacheStore,
    MemoryDedupeStore, MemoryRateLimitStore, Pipeline, PipelineError, RateLimitOptions,
    RateLimitStore, Request, Resource, Result, SECOND, Stores,
};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

#[tokio::test]
async fn a_fallback_limiter_replaces_a_failing_one() -> Result<()> {
    let clock = ManualClock::default();
    let limiter = || {
        let options = RateLimitOptions::default()
            .with_default_config(Limit::new(1, HOUR))
            .with_clock(clock.clone());
        MemoryRateLimitStore::with_options(options)
    };
    let (shared, fallback) = (limiter(), limiter());
    shared.close().await?;
    let pipeline = Pipeline::builder(Stores::none().with_rate_limit(shared))
        .clock(clock.clone())
        .random(SeededRandom::new(1))
        .fallback_limiter(fallback)
        .build();
    let request =
        Request::new(Key::new("comics:1")?, &Resource::new("issue")?).with_max_wait(Duration::ZERO);
    let send = async |_| Ok::<_, Failure<String>>(Fetched::new("one"));
    assert!(pipeline.run(request.clone(), send).await.is_ok());
    let refused = pipeline.run(request, send).await;
    assert!(matches!(refused, Err(PipelineError::Denied { .. })));
    Ok(())
}

/// A server that is asked through a pipeline and answers when it is told to, with what its version
/// was when it was asked.
struct Fixture {
    clock: ManualClock,
    pipeline: Pipeline,
    version: Arc<AtomicU32>,
    fetches: Arc<AtomicU32>,
    release: Arc<Notify>,
}

impl Fixture {
    fn new() -> Self {
        let clock = ManualClock::default();
        let options = DedupeOptions::default().with_clock(clock.clone());
        let jobs = MemoryDedupeStore::with_options(options);
        let stores = Stores::none().with_dedupe(jobs);
        Self {
            pipeline: Pipeline::builder(stores).clock(clock.clone()).build(),
            clock,
            version: Arc::new(AtomicU32::new(1)),
            fetches: Arc::default(),
            release: Arc::default(),
        }
    }

    /// A call that goes on until it waits for something.
    async fn call(
        &self,
        mode: CacheMode,
    ) -> Result<JoinHandle<std::result::Result<Answer, BoxError>>> {
        let request = Request::unlimited(Key::new("comics:1")?).with_cache_mode(mode);
        let pipeline = self.pipeline.clone();
        let (version, fetches) = (Arc::clone(&self.version), Arc::clone(&self.fetches));
        let release = Arc::clone(&self.release);
        let call = tokio::spawn(async move {
            let send = async |_| {
                let body = version.load(Ordering::SeqCst).to_string();
                fetches.fetch_add(1, Ordering::SeqCst);
                release.notified().await;
                Ok::<_, Failure>(Fetched::new(body).fresh_for(HOUR))
            };
            Ok(pipeline.run(request, send).await?)
        });
        settle().await;
        Ok(call)
    }
}

/// Lets every task run until it waits for something.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_forced_refresh_takes_no_answer_that_was_asked_for_before_it()
-> std::result::Result<(), BoxError> {
    let fixture = Fixture::new();
    let before = fixture.call(CacheMode::Use).await?;
    fixture.clock.advance(SECOND);
    fixture.version.store(2, Ordering::SeqCst);
    let mut refreshes = Vec::new();
    for _ in 0..3 {
        refreshes.push(fixture.call(CacheMode::Refresh).await?);
    }
    for _ in 0..2 {
        fixture.release.notify_one();
        settle().await;
    }
    assert_eq!(before.await??.body, "1");
    for refresh in refreshes {
        assert!(refresh.is_finished(), "another fetch");
        assert_eq!(refresh.await??.body, "2");
    }
    assert_eq!(fixture.fetches.load(Ordering::SeqCst), 2);
    Ok(())
}

#[tokio::test]
async fn answer_from_the_future_is_not_fresh_beyond_a_minute() -> Result<()> {
    let clock = ManualClock::default();
    let cache = MemoryCacheStore::with_options(CacheOptions::default().with_clock(clock.clone()));
    let pipeline = Pipeline::builder(Stores::none().with_cache(cache))
        .clock(clock.clone())
        .build();
    let ask = async || {
        let request = Request::unlimited(Key::new("comics:1")?);
        let send = async |_| Ok::<_, Failure<String>>(Fetched::new("one").fresh_for(HOUR));
        let answer = pipeline.run(request, send).await;
        Ok::<_, store_memory::Error>(answer.map(|answer| answer.outcome).ok())
    };
    assert_eq!(ask().await?, Some(Outcome::Fetched));
    clock.set_wall(clock.now() - SECOND * 50);
    assert_eq!(ask().await?, Some(Outcome::Hit));
    clock.set_wall(clock.now() - SECOND * 50);
    assert_eq!(ask().await?, Some(Outcome::Fetched));
    assert_eq!(ask().await?, Some(Outcome::Hit));
    Ok(())
}
