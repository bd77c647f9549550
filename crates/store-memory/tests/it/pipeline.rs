//! A fallback limiter of this process, where the shared one fails.

use std::time::Duration;

use store_core::ManualClock;
use store_core::backend::SeededRandom;
use store_memory::{
    Failure, Fetched, HOUR, Key, Limit, MemoryRateLimitStore, Pipeline, PipelineError,
    RateLimitOptions, RateLimitStore, Request, Resource, Result, Stores,
};

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
