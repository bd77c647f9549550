//! What a request counts, and what it may not do.

use std::time::Duration;

use store_core::pipeline::{Failure, Outcome, PipelineError};
use store_core::{Clock, HOUR, MINUTE, Priority, Reason, Result, SECOND};

use super::{Refusal, Stage, fresh, key, request, resource, tight};
use crate::run::{drive, eventually, outcome};
use crate::{Harness, Setup};

pub async fn a_fresh_hit_waits_for_no_limit_and_no_cooldown(harness: &dyn Harness) -> Result<()> {
    let stage = Stage::open(harness, &tight()).await?;
    stage.ask(request()?, "one").await.expect("an answer");
    let until = stage.clock.now() + HOUR;
    stage.rate_limit.set_cooldown(&resource()?, until).await?;
    let answer = stage.ask(request()?, "another").await.expect("an answer");
    assert_eq!(
        (answer.outcome, &answer.body[..]),
        (Outcome::Hit, &b"one"[..])
    );
    assert_eq!(stage.used().await?, 1);
    Ok(())
}

pub async fn every_attempt_takes_a_permit(harness: &dyn Harness) -> Result<()> {
    let stage = Stage::open(harness, &Setup::default()).await?;
    let retried = request()?.with_max_wait(MINUTE);
    let failed = stage
        .run(retried, |_| {
            Err(Failure::new(Refusal::Down).retry_after(Duration::ZERO))
        })
        .await;
    assert!(matches!(failed, Err(PipelineError::Fetch(Refusal::Down))));
    assert_eq!((stage.sent(), stage.used().await?), (3, 3));
    Ok(())
}

pub async fn an_attempt_that_sent_nothing_gives_its_permit_back(
    harness: &dyn Harness,
) -> Result<()> {
    let stage = Stage::open(harness, &tight()).await?;
    let unsent = stage.run(request()?, |_| {
        Err(Failure::new(Refusal::Down).nothing_sent())
    });
    assert!(unsent.await.is_err());
    eventually(async || Ok((stage.used().await? == 0).then_some(()))).await?;
    stage.ask(request()?, "one").await.expect("leave to send");
    Ok(())
}

pub async fn a_request_that_cannot_be_sent_in_time_is_refused(harness: &dyn Harness) -> Result<()> {
    let stage = Stage::open(harness, &tight()).await?;
    stage.ask(request()?, "one").await.expect("an answer");
    let full_until = stage.clock.now() + HOUR;
    let mut other = request()?
        .with_max_wait(MINUTE)
        .with_priority(Priority::User);
    other.key = store_core::Key::new("comics:other")?;
    let refused = stage.ask(other, "two").await;
    let Err(PipelineError::Denied { retry_at, reason }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(
        (retry_at, reason),
        (full_until, Reason::WindowFull(resource()?))
    );
    assert_eq!(stage.sent(), 1);
    Ok(())
}

pub async fn a_cooldown_of_one_request_binds_the_next(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let stage = Stage::open(harness, &setup).await?;
    let other = Stage::open(harness, &setup).await?;
    let resource = resource()?;
    let blocked = stage
        .run(request()?, |_| {
            Err(Failure::new(Refusal::Down).with_cooldown(resource.clone(), MINUTE))
        })
        .await;
    assert!(blocked.is_err());
    let refused = other.ask(request()?, "one").await;
    assert!(matches!(
        refused,
        Err(PipelineError::Denied {
            reason: Reason::Cooldown(_),
            ..
        })
    ));
    let waiting = {
        let (other, patient) = (other.clone(), request()?.with_max_wait(HOUR));
        tokio::spawn(async move { Ok(other.ask(patient, "one").await) })
    };
    let answer = drive(&stage.clock, SECOND, waiting).await?;
    assert!(answer.is_ok());
    Ok(())
}

pub async fn a_caller_that_stops_waiting_leaves_nothing_behind(
    harness: &dyn Harness,
) -> Result<()> {
    let stage = Stage::open(harness, &tight()).await?;
    let mut first = request()?;
    first.key = store_core::Key::new("comics:first")?;
    stage.ask(first, "one").await.expect("an answer");
    let waiting = {
        let (stage, patient) = (stage.clone(), request()?.with_max_wait(HOUR * 2));
        tokio::spawn(async move { Ok(stage.run(patient, |_| Ok(fresh("late"))).await) })
    };
    eventually(async || Ok(stage.dedupe.is_in_progress(&key()?).await?.then_some(()))).await?;
    waiting.abort();
    assert!(outcome(waiting).await.is_err());
    eventually(async || Ok((!stage.dedupe.is_in_progress(&key()?).await?).then_some(()))).await?;
    stage.clock.advance(HOUR);
    stage.ask(request()?, "two").await.expect("leave to send");
    assert_eq!((stage.sent(), stage.used().await?), (2, 1));
    Ok(())
}
