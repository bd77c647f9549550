//! Failures of upstream and of the stores.

use std::sync::Arc;
use std::time::Duration;

use store_core::pipeline::{CacheMode, Failure, Fetched, Outcome, PipelineError};
use store_core::{CacheStoreExt, DedupeStore, ErrorKind, HOUR, Pipeline, Result, SECOND, Stores};

use super::fixture::{Fixture, UpstreamError, key, request};
use crate::{Harness, Setup};

pub async fn failures_are_not_cached(harness: &dyn Harness) -> Result<()> {
    let fixture = Fixture::open(harness, &Setup::default()).await?;
    let failed = fixture
        .run(request()?, |_| Err(Failure::new(UpstreamError::Gone)))
        .await;
    assert!(failed.is_err());
    assert_eq!(fixture.cache.value(&key()?).await?, None);
    let answer = fixture.get(request()?, "one").await.expect("an answer");
    assert_eq!(answer.outcome, Outcome::Fetched);
    Ok(())
}

pub async fn a_failure_is_kept_for_as_long_as_it_says(harness: &dyn Harness) -> Result<()> {
    let fixture = Fixture::open(harness, &Setup::default()).await?;
    let gone = |_| Err(Failure::new(UpstreamError::Gone).cache_for(SECOND));
    for _ in 0..3 {
        let failed = fixture.run(request()?, gone).await;
        assert!(matches!(
            failed,
            Err(PipelineError::Fetch(UpstreamError::Gone))
        ));
    }
    assert_eq!((fixture.sent(), fixture.used().await?), (1, 1));
    // A refresh is sent all the same, and the latest answer is the one that is kept.
    let refresh = request()?.with_cache_mode(CacheMode::Refresh);
    let answer = fixture.get(refresh.clone(), "back").await;
    assert_eq!(answer.expect("an answer").outcome, Outcome::Fetched);
    let answer = fixture.get(request()?, "another").await.expect("an answer");
    assert_eq!(
        (answer.outcome, &answer.body[..]),
        (Outcome::Hit, &b"back"[..])
    );

    fixture.clock.advance(SECOND);
    let failed = fixture.run(refresh, gone).await;
    assert!(failed.is_err());
    fixture.clock.advance(Duration::from_millis(999));
    let failed = fixture.get(request()?, "early").await;
    assert!(matches!(
        failed,
        Err(PipelineError::Fetch(UpstreamError::Gone))
    ));
    fixture.clock.advance(Duration::from_millis(1));
    let answer = fixture.get(request()?, "again").await.expect("an answer");
    assert_eq!((answer.outcome, fixture.sent()), (Outcome::Fetched, 4));
    Ok(())
}

/// A fixture whose cache holds an answer that has just become stale.
async fn with_stale_answer(harness: &dyn Harness) -> Result<Fixture> {
    let fixture = Fixture::open(harness, &Setup::default()).await?;
    let kept = |_| Ok(Fetched::new("old").fresh_for(SECOND).stale_for(HOUR));
    fixture.run(request()?, kept).await.expect("an answer");
    fixture.clock.advance(SECOND);
    Ok(fixture)
}

pub async fn a_stale_answer_stands_in_for_a_failure(harness: &dyn Harness) -> Result<()> {
    let fixture = with_stale_answer(harness).await?;
    for sent in 2..=3 {
        let answer = fixture
            .run(request()?, |_| Err(Failure::new(UpstreamError::Down)))
            .await;
        let answer = answer.expect("the old answer");
        assert_eq!(
            (answer.outcome, &answer.body[..]),
            (Outcome::Stale, &b"old"[..])
        );
        assert_eq!(fixture.sent(), sent);
    }
    fixture.clock.advance(HOUR + Duration::from_secs(1));
    let failed = fixture
        .run(request()?, |_| Err(Failure::new(UpstreamError::Down)))
        .await;
    assert!(failed.is_err());
    Ok(())
}

pub async fn a_final_answer_is_not_replaced_by_a_stale_one(harness: &dyn Harness) -> Result<()> {
    let fixture = with_stale_answer(harness).await?;
    let gone = fixture
        .run(request()?, |_| Err(Failure::new(UpstreamError::Gone)))
        .await;
    assert!(matches!(
        gone,
        Err(PipelineError::Fetch(UpstreamError::Gone))
    ));
    Ok(())
}

pub async fn a_failing_cache_costs_a_fetch(harness: &dyn Harness) -> Result<()> {
    let fixture = Fixture::open(harness, &Setup::default()).await?;
    fixture.cache.close().await?;
    for sent in 1..=2 {
        let answer = fixture.get(request()?, "one").await.expect("an answer");
        assert_eq!((answer.outcome, fixture.sent()), (Outcome::Fetched, sent));
    }
    Ok(())
}

pub async fn a_failing_dedupe_costs_a_fetch(harness: &dyn Harness) -> Result<()> {
    let fixture = Fixture::open(harness, &Setup::default()).await?;
    fixture.dedupe.close().await?;
    let answer = fixture.get(request()?, "one").await.expect("an answer");
    assert_eq!((answer.outcome, fixture.sent()), (Outcome::Fetched, 1));
    Ok(())
}

pub async fn a_failing_limiter_refuses(harness: &dyn Harness) -> Result<()> {
    let fixture = Fixture::open(harness, &Setup::default()).await?;
    fixture.rate_limit.close().await?;
    let failed = fixture.get(request()?, "one").await;
    assert!(matches!(failed, Err(PipelineError::Limiter(_))));
    assert_eq!(fixture.sent(), 0);
    Ok(())
}

pub async fn a_limited_request_is_not_sent_without_a_limiter(harness: &dyn Harness) -> Result<()> {
    let mut fixture = Fixture::open(harness, &Setup::default()).await?;
    let stores = Stores {
        cache: Some(Arc::clone(&fixture.cache)),
        ..Stores::none()
    };
    fixture.pipeline = Pipeline::new(stores);
    let failed = fixture.get(request()?, "one").await;
    let Err(PipelineError::Limiter(error)) = failed else {
        panic!("{failed:?}");
    };
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(fixture.sent(), 0);
    Ok(())
}
