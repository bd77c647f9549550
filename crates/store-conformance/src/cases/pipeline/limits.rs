//! Permits and cooldowns of requests.

use std::time::Duration;

use store_core::pipeline::{Failure, Outcome, PipelineError, Request};
use store_core::{Clock, DedupeStore, HOUR, MINUTE, Priority, Reason, Result, SECOND};

use super::fixture::{Fixture, UpstreamError, fresh, key, one_per_hour, request, resource};
use crate::run::{advance_until_done, eventually, task_result};
use crate::{Harness, Setup};

pub async fn a_fresh_hit_waits_for_no_limit_and_no_cooldown(harness: &dyn Harness) -> Result<()> {
    let fixture = Fixture::open(harness, &one_per_hour()).await?;
    fixture.get(request()?, "one").await.expect("an answer");
    let until = fixture.clock.now() + HOUR;
    fixture.rate_limit.set_cooldown(&resource()?, until).await?;
    let answer = fixture.get(request()?, "another").await.expect("an answer");
    assert_eq!(
        (answer.outcome, &answer.body[..]),
        (Outcome::Hit, &b"one"[..])
    );
    assert_eq!(fixture.used().await?, 1);
    Ok(())
}

pub async fn every_attempt_takes_a_permit(harness: &dyn Harness) -> Result<()> {
    let fixture = Fixture::open(harness, &Setup::default()).await?;
    let retried = request()?.with_max_wait(MINUTE);
    let failed = fixture
        .run(retried, |_| {
            Err(Failure::new(UpstreamError::Down).retry_after(Duration::ZERO))
        })
        .await;
    assert!(matches!(
        failed,
        Err(PipelineError::Fetch(UpstreamError::Down))
    ));
    assert_eq!((fixture.sent(), fixture.used().await?), (3, 3));
    Ok(())
}

pub async fn an_attempt_that_sent_nothing_gives_its_permit_back(
    harness: &dyn Harness,
) -> Result<()> {
    let fixture = Fixture::open(harness, &one_per_hour()).await?;
    let unsent = fixture.run(request()?, |_| {
        Err(Failure::new(UpstreamError::Down).nothing_sent())
    });
    assert!(unsent.await.is_err());
    eventually(async || Ok((fixture.used().await? == 0).then_some(()))).await?;
    fixture
        .get(request()?, "one")
        .await
        .expect("permission to send");
    Ok(())
}

pub async fn a_request_that_cannot_be_sent_in_time_is_refused(harness: &dyn Harness) -> Result<()> {
    let fixture = Fixture::open(harness, &one_per_hour()).await?;
    fixture.get(request()?, "one").await.expect("an answer");
    let full_until = fixture.clock.now() + HOUR;
    let mut other = request()?
        .with_max_wait(MINUTE)
        .with_priority(Priority::User);
    other.key = store_core::Key::new("comics:other")?;
    let refused = fixture.get(other, "two").await;
    let Err(PipelineError::Denied { retry_at, reason }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!(
        (retry_at, reason),
        (full_until, Reason::WindowFull(resource()?))
    );
    assert_eq!(fixture.sent(), 1);
    Ok(())
}

pub async fn a_cooldown_of_one_request_applies_to_the_next(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let fixture = Fixture::open(harness, &setup).await?;
    let other = Fixture::open(harness, &setup).await?;
    let resource = resource()?;
    let blocked = fixture
        .run(request()?, |_| {
            Err(Failure::new(UpstreamError::Down).with_cooldown(resource.clone(), MINUTE))
        })
        .await;
    assert!(blocked.is_err());
    let refused = other.get(request()?, "one").await;
    assert!(matches!(
        refused,
        Err(PipelineError::Denied {
            reason: Reason::Cooldown(_),
            ..
        })
    ));
    let waiting = other.spawn_get(request()?.with_max_wait(HOUR), "one");
    let answer = advance_until_done(&fixture.clock, SECOND, waiting).await?;
    assert!(answer.is_ok());
    Ok(())
}

pub async fn a_request_goes_on_after_its_cooldown(harness: &dyn Harness) -> Result<()> {
    let fixture = Fixture::open(harness, &Setup::default()).await?;
    let limited_resource = resource()?;
    let limited = move || {
        Failure::new(UpstreamError::Down)
            .with_cooldown(limited_resource.clone(), MINUTE)
            .retry_after_cooldowns()
    };
    let impatient = request()?.with_max_wait(MINUTE / 2);
    let failed = fixture.run(impatient, |_| Err(limited())).await;
    assert!(matches!(
        failed,
        Err(PipelineError::Fetch(UpstreamError::Down))
    ));
    assert_eq!(fixture.sent(), 1);

    let began = fixture.clock.now();
    let patient = {
        let (fixture, request) = (fixture.clone(), request()?.with_max_wait(HOUR));
        // More often than a failure is repeated that has no cooldown.
        let answer = move |attempt| match attempt {
            0..5 => Err(limited()),
            _ => Ok(fresh("one")),
        };
        tokio::spawn(async move { Ok(fixture.run(request, answer).await) })
    };
    let answer = advance_until_done(&fixture.clock, SECOND, patient).await?;
    assert_eq!(answer.expect("an answer").body, "one");
    assert_eq!(fixture.sent(), 7);
    assert!(fixture.clock.now().since(began) >= MINUTE * 6);
    Ok(())
}

/// Two programs, with a cooldown of the resource that is over just now.
async fn after_a_cooldown(harness: &dyn Harness) -> Result<(Fixture, Fixture)> {
    let setup = Setup::default();
    let one = Fixture::open(harness, &setup).await?;
    let other = Fixture::open(harness, &setup).await?;
    let until = setup.clock.now() + MINUTE;
    one.rate_limit.set_cooldown(&resource()?, until).await?;
    setup.clock.set_wall(until);
    Ok((one, other))
}

/// Whether a request of its own key is refused because of a cooldown.
async fn is_refused(fixture: &Fixture, name: &str) -> Result<bool> {
    let mut request = request()?;
    request.key = store_core::Key::new(name)?;
    Ok(matches!(
        fixture.get(request, "one").await,
        Err(PipelineError::Denied {
            reason: Reason::Cooldown(_),
            ..
        })
    ))
}

pub async fn one_caller_probes_after_a_cooldown(harness: &dyn Harness) -> Result<()> {
    let (one, other) = after_a_cooldown(harness).await?;
    let cooled = resource()?;
    for is_blocked in [true, false] {
        let probe = one.run(request()?, |_| {
            Err(Failure::new(UpstreamError::Down).with_cooldown(cooled.clone(), MINUTE))
        });
        let answered = one.pipeline.run(request()?, async |_| {
            // Nobody else is let through while the probe is out.
            assert!(is_refused(&one, "comics:2").await.unwrap_or(false));
            assert!(is_refused(&other, "comics:3").await.unwrap_or(false));
            Ok::<_, Failure<UpstreamError>>(fresh("one"))
        });
        if is_blocked {
            assert!(probe.await.is_err());
            assert!(is_refused(&other, "comics:4").await?);
            one.clock.advance(MINUTE);
        } else {
            assert!(Box::pin(answered).await.is_ok());
        }
    }
    // A process may keep a denial for a second.
    one.clock.advance(SECOND);
    assert!(!is_refused(&other, "comics:5").await?);
    assert!(!is_refused(&one, "comics:6").await?);
    Ok(())
}

pub async fn a_probe_that_failed_for_a_moment_is_left_to_the_next(
    harness: &dyn Harness,
) -> Result<()> {
    let (one, other) = after_a_cooldown(harness).await?;
    let interrupted = one
        .run(request()?, |_| {
            Err(Failure::new(UpstreamError::Down).retry_after(HOUR))
        })
        .await;
    assert!(interrupted.is_err());
    let answered = other.pipeline.run(request()?, async |_| {
        assert!(is_refused(&one, "comics:2").await.unwrap_or(false));
        Ok::<_, Failure<UpstreamError>>(fresh("one"))
    });
    assert!(Box::pin(answered).await.is_ok());
    one.clock.advance(SECOND);
    assert!(!is_refused(&one, "comics:3").await?);
    Ok(())
}

pub async fn a_caller_that_stops_waiting_leaves_nothing_behind(
    harness: &dyn Harness,
) -> Result<()> {
    let fixture = Fixture::open(harness, &one_per_hour()).await?;
    let mut first = request()?;
    first.key = store_core::Key::new("comics:first")?;
    fixture.get(first, "one").await.expect("an answer");
    let waiting = fixture.spawn_get(request()?.with_max_wait(HOUR * 2), "late");
    eventually(async || Ok(fixture.dedupe.is_in_progress(&key()?).await?.then_some(()))).await?;
    waiting.abort();
    assert!(task_result(waiting).await.is_err());
    eventually(async || Ok((!fixture.dedupe.is_in_progress(&key()?).await?).then_some(()))).await?;
    fixture.clock.advance(HOUR);
    fixture
        .get(request()?, "two")
        .await
        .expect("permission to send");
    assert_eq!((fixture.sent(), fixture.used().await?), (2, 1));
    Ok(())
}

pub async fn a_request_without_claims_takes_no_permit(harness: &dyn Harness) -> Result<()> {
    let fixture = Fixture::open(harness, &one_per_hour()).await?;
    fixture.get(request()?, "one").await.expect("an answer");
    for n in 0..3 {
        let key = store_core::Key::new(format!("comics:{n}"))?;
        let unlimited = Request::unlimited(key);
        fixture.get(unlimited, "body").await.expect("an answer");
    }
    assert_eq!((fixture.sent(), fixture.used().await?), (4, 1));
    Ok(())
}
