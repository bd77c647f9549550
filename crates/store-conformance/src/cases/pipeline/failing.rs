//! When upstream or a store fails.

use std::time::Duration;

use store_core::pipeline::{CacheUse, Failure, Fetched, Outcome, PipelineError};
use store_core::{CacheStoreExt, HOUR, Result, SECOND};

use super::{Refusal, Stage, key, request};
use crate::{Harness, Setup};

pub async fn failures_are_not_cached(harness: &dyn Harness) -> Result<()> {
    let stage = Stage::open(harness, &Setup::default()).await?;
    let failed = stage
        .run(request()?, |_| Err(Failure::new(Refusal::Gone)))
        .await;
    assert!(failed.is_err());
    assert_eq!(stage.cache.value(&key()?).await?, None);
    let answer = stage.ask(request()?, "one").await.expect("an answer");
    assert_eq!(answer.outcome, Outcome::Fetched);
    Ok(())
}

pub async fn a_failure_is_kept_for_as_long_as_it_says(harness: &dyn Harness) -> Result<()> {
    let stage = Stage::open(harness, &Setup::default()).await?;
    let gone = |_| Err(Failure::new(Refusal::Gone).keep_for(SECOND));
    for _ in 0..3 {
        let refused = stage.run(request()?, gone).await;
        assert!(matches!(refused, Err(PipelineError::Fetch(Refusal::Gone))));
    }
    assert_eq!((stage.sent(), stage.used().await?), (1, 1));
    // Who insists, asks; and what is said last counts.
    let insisting = request()?.with_cache(CacheUse::Refresh);
    let answer = stage.ask(insisting.clone(), "back").await;
    assert_eq!(answer.expect("an answer").outcome, Outcome::Fetched);
    let answer = stage.ask(request()?, "another").await.expect("an answer");
    assert_eq!(
        (answer.outcome, &answer.body[..]),
        (Outcome::Hit, &b"back"[..])
    );

    stage.clock.advance(SECOND);
    let refused = stage.run(insisting, gone).await;
    assert!(refused.is_err());
    stage.clock.advance(Duration::from_millis(999));
    let refused = stage.ask(request()?, "early").await;
    assert!(matches!(refused, Err(PipelineError::Fetch(Refusal::Gone))));
    stage.clock.advance(Duration::from_millis(1));
    let answer = stage.ask(request()?, "again").await.expect("an answer");
    assert_eq!((answer.outcome, stage.sent()), (Outcome::Fetched, 4));
    Ok(())
}

/// A stage with an answer that has just gone stale.
async fn with_stale_answer(harness: &dyn Harness) -> Result<Stage> {
    let stage = Stage::open(harness, &Setup::default()).await?;
    let kept = |_| Ok(Fetched::new("old").fresh_for(SECOND).stale_for(HOUR));
    stage.run(request()?, kept).await.expect("an answer");
    stage.clock.advance(SECOND);
    Ok(stage)
}

pub async fn a_stale_answer_stands_in_for_a_failure(harness: &dyn Harness) -> Result<()> {
    let stage = with_stale_answer(harness).await?;
    for sent in 2..=3 {
        let answer = stage
            .run(request()?, |_| Err(Failure::new(Refusal::Down)))
            .await;
        let answer = answer.expect("the old answer");
        assert_eq!(
            (answer.outcome, &answer.body[..]),
            (Outcome::Stale, &b"old"[..])
        );
        assert_eq!(stage.sent(), sent);
    }
    stage.clock.advance(HOUR + Duration::from_secs(1));
    let failed = stage
        .run(request()?, |_| Err(Failure::new(Refusal::Down)))
        .await;
    assert!(failed.is_err());
    Ok(())
}

pub async fn a_final_answer_is_not_replaced_by_a_stale_one(harness: &dyn Harness) -> Result<()> {
    let stage = with_stale_answer(harness).await?;
    let gone = stage
        .run(request()?, |_| Err(Failure::new(Refusal::Gone)))
        .await;
    assert!(matches!(gone, Err(PipelineError::Fetch(Refusal::Gone))));
    Ok(())
}

pub async fn a_failing_cache_costs_a_fetch(harness: &dyn Harness) -> Result<()> {
    let stage = Stage::open(harness, &Setup::default()).await?;
    stage.cache.close().await?;
    for sent in 1..=2 {
        let answer = stage.ask(request()?, "one").await.expect("an answer");
        assert_eq!((answer.outcome, stage.sent()), (Outcome::Fetched, sent));
    }
    Ok(())
}

pub async fn a_failing_dedupe_costs_a_fetch(harness: &dyn Harness) -> Result<()> {
    let stage = Stage::open(harness, &Setup::default()).await?;
    stage.dedupe.close().await?;
    let answer = stage.ask(request()?, "one").await.expect("an answer");
    assert_eq!((answer.outcome, stage.sent()), (Outcome::Fetched, 1));
    Ok(())
}

pub async fn a_failing_limiter_refuses(harness: &dyn Harness) -> Result<()> {
    let stage = Stage::open(harness, &Setup::default()).await?;
    stage.rate_limit.close().await?;
    let refused = stage.ask(request()?, "one").await;
    assert!(matches!(refused, Err(PipelineError::Limiter(_))));
    assert_eq!(stage.sent(), 0);
    Ok(())
}
