//! The pipeline as a tower layer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use store_core::pipeline::tower::PipelineLayer;
use store_core::pipeline::{Answer, Failure, Fetched, PipelineError};
use store_memory::{
    BoxError, Decision, HOUR, Key, Limit, MemoryRateLimitStore, Outcome, Pipeline, RateLimitStore,
    Request, Resource, stores,
};
use tower::{Layer, Service, ServiceExt, service_fn};

#[tokio::test]
async fn a_hit_needs_no_inner_service_and_every_attempt_takes_a_permit() -> Result<(), BoxError> {
    let issues = Resource::new("issues")?;
    let limits = MemoryRateLimitStore::new(Limit::new(3, HOUR));
    let pipeline = Pipeline::new(stores().with_rate_limit(limits.clone()));
    let calls = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&calls);
    // Fails once, then answers.
    let inner = service_fn(move |name: String| {
        let attempt = counted.fetch_add(1, Ordering::SeqCst);
        async move {
            match attempt {
                0 => Err(Failure::new("down".to_owned()).retry_after(Duration::ZERO)),
                _ => Ok(Fetched::new(name).fresh_for(HOUR)),
            }
        }
    });
    let claimed = issues.clone();
    let key = Key::new("comics:issue/4000-1")?;
    let layer = PipelineLayer::new(pipeline, move |_: &String| {
        Request::new(key.clone(), &claimed)
    });
    let service = layer.layer(inner);
    for (name, outcome) in [("one", Outcome::Fetched), ("two", Outcome::Hit)] {
        let answer = ask(service.clone(), name).await?;
        assert_eq!((answer.outcome, &answer.body[..]), (outcome, &b"one"[..]));
    }
    assert_eq!(calls.load(Ordering::SeqCst), 2);
    let third = limits.try_acquire((&issues).into()).await?;
    let fourth = limits.try_acquire((&issues).into()).await?;
    assert!(matches!(third, Decision::Granted(_)) && matches!(fourth, Decision::Denied { .. }));
    Ok(())
}

async fn ask<S>(service: S, name: &str) -> Result<Answer, PipelineError<String>>
where
    S: Service<String, Response = Answer, Error = PipelineError<String>>,
{
    service.oneshot(name.to_owned()).await
}
