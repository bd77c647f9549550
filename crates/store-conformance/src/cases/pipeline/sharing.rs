//! One fetch for everybody who wants the answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use store_core::pipeline::{CacheUse, Failure, Fetched, Outcome, PipelineError};
use store_core::{
    AdaptiveConfig, CacheStoreExt, HOUR, Limit, MINUTE, Priority, Registration, ResourceConfig,
    Result, SECOND, Tag,
};
use tokio::sync::Notify;

use super::{Refusal, Stage, fresh, key, request};
use crate::run::{drive, eventually, outcome, together};
use crate::{Harness, Setup};

/// A stage whose upstream waits to be told before it answers, and a task that has sent to it.
async fn under_way(
    stage: &Stage,
    answer: Result<Fetched, Refusal>,
) -> Result<(Arc<Notify>, tokio::task::JoinHandle<Result<super::Outcome>>)> {
    let go = Arc::new(Notify::new());
    let task = {
        let (stage, go, request) = (stage.clone(), Arc::clone(&go), request()?);
        tokio::spawn(async move {
            let pipeline = stage.pipeline.clone();
            Ok(pipeline
                .run(request, async |_| {
                    stage.sent.fetch_add(1, Ordering::SeqCst);
                    go.notified().await;
                    answer.clone().map_err(Failure::new)
                })
                .await)
        })
    };
    eventually(async || Ok((stage.sent() > 0).then_some(()))).await?;
    Ok((go, task))
}

/// Completes once so many callers wait for the request under way: each sleeps on the clock until the
/// owner's lease would lapse, and so does the owner between two heartbeats.
async fn all_wait(stage: &Stage, callers: usize) -> Result<()> {
    eventually(async || Ok((stage.clock.sleepers() > callers).then_some(()))).await
}

pub async fn equal_requests_in_flight_are_sent_once(harness: &dyn Harness) -> Result<()> {
    let stage = Stage::open(harness, &Setup::default()).await?;
    let (go, owner) = under_way(&stage, Ok(fresh("one"))).await?;
    let joining = stage.clone();
    let others = (0..32).map(move |_| {
        let stage = joining.clone();
        async move {
            let patient = request()?.with_max_wait(MINUTE);
            Ok(stage.ask(patient, "another").await.expect("an answer"))
        }
    });
    let others = tokio::spawn(together(others));
    all_wait(&stage, 32).await?;
    go.notify_one();
    assert_eq!(
        outcome(owner).await?.expect("an answer").outcome,
        Outcome::Fetched
    );
    for answer in outcome(others).await? {
        assert_eq!(answer.body, "one");
        assert_ne!(answer.outcome, Outcome::Fetched);
    }
    assert_eq!((stage.sent(), stage.used().await?), (1, 1));
    Ok(())
}

pub async fn what_was_fetched_is_found_by_another_handle(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let (one, other) = (
        Stage::open(harness, &setup).await?,
        Stage::open(harness, &setup).await?,
    );
    one.ask(request()?, "one").await.expect("an answer");
    let answer = other.ask(request()?, "another").await.expect("an answer");
    assert_eq!(
        (answer.outcome, &answer.body[..]),
        (Outcome::Hit, &b"one"[..])
    );
    Ok(())
}

pub async fn a_new_owner_looks_into_the_cache_first(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let stage = Stage::open(harness, &setup).await?;
    let elsewhere = Stage::open(harness, &setup).await?;
    // Somebody owns the job; this caller has looked into the empty cache and waits.
    let registered = elsewhere
        .dedupe
        .register_or_join(&key()?, Priority::User)
        .await?;
    let Registration::Owner(owner) = registered else {
        panic!("nobody else asked");
    };
    let waiting = {
        let (stage, patient) = (stage.clone(), request()?.with_max_wait(MINUTE));
        tokio::spawn(async move { Ok(stage.ask(patient, "again").await) })
    };
    all_wait(&stage, 0).await?;
    // The owner fills the cache and is gone without a word.
    let other_key = store_core::Key::new("comics:other")?;
    let mut fill = request()?;
    fill.key = other_key.clone();
    elsewhere.ask(fill, "one").await.expect("an answer");
    let record = elsewhere
        .cache
        .value(&other_key)
        .await?
        .expect("it was kept");
    stage
        .cache
        .put(&key()?, record, store_core::Ttl::After(HOUR))
        .await?;
    drop(owner);
    let answer = drive(&stage.clock, SECOND, waiting)
        .await?
        .expect("an answer");
    assert_eq!(
        (answer.outcome, &answer.body[..]),
        (Outcome::Hit, &b"one"[..])
    );
    assert_eq!(stage.sent(), 0);
    Ok(())
}

pub async fn an_answer_that_is_stale_at_once_is_shared_all_the_same(
    harness: &dyn Harness,
) -> Result<()> {
    let stage = Stage::open(harness, &Setup::default()).await?;
    let (go, owner) = under_way(&stage, Ok(Fetched::new("one").stale_for(HOUR))).await?;
    let joined = {
        let (stage, patient) = (stage.clone(), request()?.with_max_wait(MINUTE));
        tokio::spawn(async move { Ok(stage.ask(patient, "another").await) })
    };
    all_wait(&stage, 1).await?;
    go.notify_one();
    assert!(outcome(owner).await?.is_ok());
    let answer = outcome(joined).await?.expect("an answer");
    assert_eq!((&answer.body[..], stage.sent()), (&b"one"[..], 1));
    Ok(())
}

pub async fn a_failure_is_shared_with_those_who_joined(harness: &dyn Harness) -> Result<()> {
    let stage = Stage::open(harness, &Setup::default()).await?;
    let (go, owner) = under_way(&stage, Err(Refusal::Gone)).await?;
    let joined = {
        let (stage, patient) = (stage.clone(), request()?.with_max_wait(MINUTE));
        tokio::spawn(async move { Ok(stage.ask(patient, "another").await) })
    };
    all_wait(&stage, 1).await?;
    go.notify_one();
    for task in [owner, joined] {
        let failed = outcome(task).await?;
        assert!(matches!(failed, Err(PipelineError::Fetch(Refusal::Gone))));
    }
    assert_eq!(stage.sent(), 1);
    Ok(())
}

pub async fn a_dropped_owner_is_replaced(harness: &dyn Harness) -> Result<()> {
    let stage = Stage::open(harness, &Setup::default()).await?;
    let (_go, owner) = under_way(&stage, Ok(fresh("never"))).await?;
    let joined = {
        let (stage, patient) = (stage.clone(), request()?.with_max_wait(MINUTE));
        tokio::spawn(async move { Ok(stage.ask(patient, "two").await) })
    };
    all_wait(&stage, 1).await?;
    owner.abort();
    // Without waiting for the lease: the clock stands still.
    let answer = outcome(joined).await?.expect("an answer");
    assert_eq!(
        (answer.outcome, &answer.body[..]),
        (Outcome::Fetched, &b"two"[..])
    );
    // What the dropped owner may have sent counts.
    assert_eq!(stage.used().await?, 2);
    Ok(())
}

pub async fn a_joiner_raises_the_priority_of_the_owner(harness: &dyn Harness) -> Result<()> {
    let config = ResourceConfig::from(Limit::new(10, HOUR)).adaptive(AdaptiveConfig::default());
    let setup = Setup::default().with_config(config);
    let stage = Stage::open(harness, &setup).await?;
    // The background uses up its share; the rest is for users.
    for n in 0..5 {
        let mut other = request()?;
        other.key = store_core::Key::new(&format!("comics:{n}"))?;
        stage.ask(other, "body").await.expect("an answer");
    }
    let patient = || Ok(request()?.with_max_wait(MINUTE));
    let background = {
        let (stage, patient) = (stage.clone(), patient()?);
        tokio::spawn(async move { Ok(stage.ask(patient, "late").await) })
    };
    eventually(async || Ok(stage.dedupe.is_in_progress(&key()?).await?.then_some(()))).await?;
    let user = patient()?.with_priority(Priority::User);
    let answer = stage.ask(user, "another").await.expect("an answer");
    assert_eq!(answer.body, "late");
    assert!(outcome(background).await?.is_ok());
    Ok(())
}

pub async fn an_answer_invalidated_while_it_was_fetched_is_not_kept(
    harness: &dyn Harness,
) -> Result<()> {
    let stage = Stage::open(harness, &Setup::default()).await?;
    let tag = Tag::new("issue:1")?;
    let answer = stage
        .pipeline
        .run(request()?, async |_| {
            let invalidated = stage
                .cache
                .invalidate_tags(std::slice::from_ref(&tag))
                .await;
            invalidated.map_err(|_| Failure::new(Refusal::Down))?;
            Ok(fresh("old").with_tags([tag.clone()]))
        })
        .await
        .expect("an answer");
    assert_eq!(answer.body, "old");
    assert_eq!(stage.cache.value(&key()?).await?, None);
    Ok(())
}

pub async fn an_answer_too_large_to_keep_is_still_answered(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default()
        .with_max_entry_bytes(10)
        .with_max_result_bytes(10);
    let stage = Stage::open(harness, &setup).await?;
    let body = "longer than anything that is kept";
    for sent in 1..=2 {
        let answer = stage.ask(request()?, body).await.expect("an answer");
        assert_eq!((answer.body, stage.sent()), (body.into(), sent));
    }
    Ok(())
}

pub async fn a_refresh_asks_again_and_replaces(harness: &dyn Harness) -> Result<()> {
    let stage = Stage::open(harness, &Setup::default()).await?;
    stage.ask(request()?, "old").await.expect("an answer");
    stage.clock.advance(SECOND);
    let refresh = request()?.with_cache(CacheUse::Refresh);
    let answer = stage.ask(refresh, "new").await.expect("an answer");
    assert_eq!(
        (answer.outcome, &answer.body[..]),
        (Outcome::Fetched, &b"new"[..])
    );
    let answer = stage.ask(request()?, "another").await.expect("an answer");
    assert_eq!(
        (answer.outcome, &answer.body[..]),
        (Outcome::Hit, &b"new"[..])
    );
    Ok(())
}
