//! A limiter of this process alone, where the shared one fails.

use std::sync::Arc;
use std::time::Duration;

use store_core::pipeline::{Failure, Fetched, PipelineError, PipelineOptions, Request};
use store_core::{
    Claim, Clock, HOUR, Key, Limit, ManualClock, Pipeline, Random, RateLimitStore, Resource,
    SeededRandom, Stores,
};
use store_memory::{MemoryRateLimitStore, RateLimitOptions};

#[tokio::test]
async fn a_local_budget_stands_in_for_a_failing_limiter() -> store_core::Result<()> {
    let clock = ManualClock::default();
    let limiter = || {
        let options = RateLimitOptions::default()
            .with_default_config(Limit::new(1, HOUR))
            .with_clock(clock.clone());
        MemoryRateLimitStore::with_options(options)
    };
    let (shared, local) = (limiter(), limiter());
    shared.close().await?;
    let shared_clock: Arc<dyn Clock> = Arc::new(clock.clone());
    let random: Arc<dyn Random> = Arc::new(SeededRandom::new(1));
    let pipeline = Pipeline::with(
        Stores::none().with_rate_limit(shared),
        &shared_clock,
        &random,
        PipelineOptions::default().with_local_budget(local),
    );
    let request = Request::new(Key::new("comics:1")?)
        .with_claims([Claim::new(Resource::named("issue")?)])
        .with_max_wait(Duration::ZERO);
    let send = async |_| Ok::<_, Failure<String>>(Fetched::new("one"));
    assert!(pipeline.run(request.clone(), send).await.is_ok());
    let refused = pipeline.run(request, send).await;
    assert!(matches!(refused, Err(PipelineError::Denied { .. })));
    Ok(())
}
