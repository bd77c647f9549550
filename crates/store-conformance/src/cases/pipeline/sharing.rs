//! Single flight: one fetch for all callers of a key.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use store_core::pipeline::{CacheMode, Failure, Fetched, Outcome, PipelineError};
use store_core::{
    AdaptiveConfig, CacheStoreExt, Clock, DedupeStore, HOUR, Limit, MINUTE, NewEntry, Priority,
    Registration, ResourceConfig, Result, SECOND, Tag,
};
use tokio::sync::Notify;
use tokio::task::JoinHandle;

use super::fixture::{Fixture, RunResult, UpstreamError, fresh, key, request};
use crate::run::{advance_until_done, eventually, run_concurrently, task_result};
use crate::{Harness, Setup};

/// Starts a fetch whose upstream answers once it is notified: the notifier, and the task of the fetch.
async fn start_fetch(
    fixture: &Fixture,
    answer: Result<Fetched, UpstreamError>,
) -> Result<(Arc<Notify>, JoinHandle<Result<RunResult>>)> {
    let release = Arc::new(Notify::new());
    let task = {
        let (fixture, release, request) = (fixture.clone(), Arc::clone(&release), request()?);
        tokio::spawn(async move {
            let pipeline = fixture.pipeline.clone();
            Ok(pipeline
                .run(request, async |_| {
                    fixture.sent.fetch_add(1, Ordering::SeqCst);
                    release.notified().await;
                    answer.clone().map_err(Failure::new)
                })
                .await)
        })
    };
    eventually(async || Ok((fixture.sent() > 0).then_some(()))).await?;
    Ok((release, task))
}

pub async fn equal_requests_in_flight_are_sent_once(harness: &dyn Harness) -> Result<()> {
    let fixture = Fixture::open(harness, &Setup::default()).await?;
    let (release, owner) = start_fetch(&fixture, Ok(fresh("one"))).await?;
    let joining = fixture.clone();
    let others = (0..32).map(move |_| {
        let fixture = joining.clone();
        async move {
            let waiting = request()?.with_max_wait(MINUTE);
            Ok(fixture.get(waiting, "another").await.expect("an answer"))
        }
    });
    let others = tokio::spawn(run_concurrently(others));
    fixture.wait_for_joined(32).await?;
    release.notify_one();
    assert_eq!(
        task_result(owner).await?.expect("an answer").outcome,
        Outcome::Fetched
    );
    for answer in task_result(others).await? {
        assert_eq!(answer.body, "one");
        assert_ne!(answer.outcome, Outcome::Fetched);
    }
    assert_eq!((fixture.sent(), fixture.used().await?), (1, 1));
    Ok(())
}

pub async fn what_was_fetched_is_found_by_another_handle(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let (one, other) = (
        Fixture::open(harness, &setup).await?,
        Fixture::open(harness, &setup).await?,
    );
    one.get(request()?, "one").await.expect("an answer");
    let answer = other.get(request()?, "another").await.expect("an answer");
    assert_eq!(
        (answer.outcome, &answer.body[..]),
        (Outcome::Hit, &b"one"[..])
    );
    Ok(())
}

pub async fn a_new_owner_checks_the_cache_first(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default();
    let fixture = Fixture::open(harness, &setup).await?;
    let elsewhere = Fixture::open(harness, &setup).await?;
    // The job has an owner; this caller has missed the cache and waits.
    let registered = elsewhere
        .dedupe
        .register_or_join(&key()?, Priority::User)
        .await?;
    let Registration::Owner(owner) = registered else {
        panic!("nobody else asked");
    };
    let waiting = fixture.spawn_get(request()?.with_max_wait(MINUTE), "again");
    fixture.wait_for_joined(1).await?;
    // The owner fills the cache and is dropped without a result.
    let other_key = store_core::Key::new("comics:other")?;
    let mut fill = request()?;
    fill.key = other_key.clone();
    elsewhere.get(fill, "one").await.expect("an answer");
    let record = elsewhere
        .cache
        .value(&other_key)
        .await?
        .expect("it was kept");
    fixture
        .cache
        .set(NewEntry::unconditional(key()?, record).with_ttl(HOUR))
        .await?;
    drop(owner);
    let answer = advance_until_done(&fixture.clock, SECOND, waiting)
        .await?
        .expect("an answer");
    assert_eq!(
        (answer.outcome, &answer.body[..]),
        (Outcome::Hit, &b"one"[..])
    );
    assert_eq!(fixture.sent(), 0);
    Ok(())
}

pub async fn an_answer_that_is_stale_at_once_is_shared_all_the_same(
    harness: &dyn Harness,
) -> Result<()> {
    let fixture = Fixture::open(harness, &Setup::default()).await?;
    let (release, owner) = start_fetch(&fixture, Ok(Fetched::new("one").stale_for(HOUR))).await?;
    let joined = fixture.spawn_get(request()?.with_max_wait(MINUTE), "another");
    fixture.wait_for_joined(1).await?;
    release.notify_one();
    assert!(task_result(owner).await?.is_ok());
    let answer = task_result(joined).await?.expect("an answer");
    assert_eq!((&answer.body[..], fixture.sent()), (&b"one"[..], 1));
    Ok(())
}

pub async fn a_failure_is_shared_with_those_who_joined(harness: &dyn Harness) -> Result<()> {
    let fixture = Fixture::open(harness, &Setup::default()).await?;
    let (release, owner) = start_fetch(&fixture, Err(UpstreamError::Gone)).await?;
    let joined = fixture.spawn_get(request()?.with_max_wait(MINUTE), "another");
    fixture.wait_for_joined(1).await?;
    release.notify_one();
    for task in [owner, joined] {
        let failed = task_result(task).await?;
        assert!(matches!(
            failed,
            Err(PipelineError::Fetch(UpstreamError::Gone))
        ));
    }
    assert_eq!(fixture.sent(), 1);
    Ok(())
}

pub async fn a_joiner_that_waits_longer_tries_again(harness: &dyn Harness) -> Result<()> {
    let fixture = Fixture::open(harness, &Setup::default()).await?;
    let refused = UpstreamError::Until(fixture.clock.now() + MINUTE);
    let (release, owner) = start_fetch(&fixture, Err(refused.clone())).await?;
    let impatient = fixture.spawn_get(request()?.with_max_wait(SECOND), "another");
    let patient = fixture.spawn_get(request()?.with_max_wait(HOUR), "another");
    fixture.wait_for_joined(2).await?;
    release.notify_one();
    for waited in [owner, impatient] {
        let failed = task_result(waited).await?;
        assert!(matches!(failed, Err(PipelineError::Fetch(error)) if error == refused));
    }
    let answer = advance_until_done(&fixture.clock, SECOND, patient).await?;
    assert_eq!(answer.expect("an answer").body, "another");
    assert_eq!(fixture.sent(), 2);
    Ok(())
}

pub async fn a_dropped_owner_is_replaced(harness: &dyn Harness) -> Result<()> {
    let fixture = Fixture::open(harness, &Setup::default()).await?;
    let (_release, owner) = start_fetch(&fixture, Ok(fresh("never"))).await?;
    let joined = fixture.spawn_get(request()?.with_max_wait(MINUTE), "two");
    fixture.wait_for_joined(1).await?;
    owner.abort();
    // The clock stands still: nobody waits for the lease to end.
    let answer = task_result(joined).await?.expect("an answer");
    assert_eq!(
        (answer.outcome, &answer.body[..]),
        (Outcome::Fetched, &b"two"[..])
    );
    // What the dropped owner may have sent counts.
    assert_eq!(fixture.used().await?, 2);
    Ok(())
}

pub async fn a_joiner_raises_the_priority_of_the_owner(harness: &dyn Harness) -> Result<()> {
    let config = ResourceConfig::from(Limit::new(10, HOUR)).adaptive(AdaptiveConfig::default());
    let setup = Setup::default().with_config(config);
    let fixture = Fixture::open(harness, &setup).await?;
    // The background uses up its share; the rest is reserved for users.
    for n in 0..5 {
        let mut other = request()?;
        other.key = store_core::Key::new(format!("comics:{n}"))?;
        fixture.get(other, "body").await.expect("an answer");
    }
    let waiting = || Ok(request()?.with_max_wait(MINUTE));
    let background = fixture.spawn_get(waiting()?, "late");
    eventually(async || Ok(fixture.dedupe.is_in_progress(&key()?).await?.then_some(()))).await?;
    let user = waiting()?.with_priority(Priority::User);
    let answer = fixture.get(user, "another").await.expect("an answer");
    assert_eq!(answer.body, "late");
    assert!(task_result(background).await?.is_ok());
    Ok(())
}

pub async fn an_answer_invalidated_while_it_was_fetched_is_not_kept(
    harness: &dyn Harness,
) -> Result<()> {
    let fixture = Fixture::open(harness, &Setup::default()).await?;
    let tag = Tag::new("issue:1")?;
    let answer = fixture
        .pipeline
        .run(request()?, async |_| {
            let invalidated = fixture
                .cache
                .invalidate_tags(std::slice::from_ref(&tag))
                .await;
            invalidated.map_err(|_| Failure::new(UpstreamError::Down))?;
            Ok(fresh("old").with_tags([tag.clone()]))
        })
        .await
        .expect("an answer");
    assert_eq!(answer.body, "old");
    assert_eq!(fixture.cache.value(&key()?).await?, None);
    Ok(())
}

pub async fn an_answer_too_large_to_keep_is_still_answered(harness: &dyn Harness) -> Result<()> {
    let setup = Setup::default()
        .with_max_entry_bytes(10)
        .with_max_result_bytes(10);
    let fixture = Fixture::open(harness, &setup).await?;
    let body = "longer than anything that is kept";
    for sent in 1..=2 {
        let answer = fixture.get(request()?, body).await.expect("an answer");
        assert_eq!((answer.body, fixture.sent()), (body.into(), sent));
    }
    Ok(())
}

pub async fn an_answer_too_large_to_keep_is_fetched_once_for_the_process(
    harness: &dyn Harness,
) -> Result<()> {
    let setup = Setup::default()
        .with_max_entry_bytes(10)
        .with_max_result_bytes(10);
    let body = "longer than anything that is kept";
    for answer in [Fetched::new(body), fresh(body)] {
        let fixture = Fixture::open(harness, &setup).await?;
        let (release, owner) = start_fetch(&fixture, Ok(answer)).await?;
        let joining = || Ok(fixture.spawn_get(request()?.with_max_wait(MINUTE), "another"));
        let joined = (0..4).map(|_| joining()).collect::<Result<Vec<_>>>()?;
        fixture.wait_for_joined(4).await?;
        release.notify_one();
        assert!(task_result(owner).await?.is_ok());
        for task in joined {
            let answer = task_result(task).await?.expect("an answer");
            assert_eq!(
                (answer.outcome, &answer.body[..]),
                (Outcome::Joined, body.as_bytes())
            );
        }
        assert_eq!((fixture.sent(), fixture.used().await?), (1, 1));
        fixture.rate_limit.clear().await?;
    }
    Ok(())
}

pub async fn a_refresh_asks_again_and_replaces(harness: &dyn Harness) -> Result<()> {
    let fixture = Fixture::open(harness, &Setup::default()).await?;
    fixture.get(request()?, "old").await.expect("an answer");
    fixture.clock.advance(SECOND);
    let refresh = request()?.with_cache_mode(CacheMode::Refresh);
    let answer = fixture.get(refresh, "new").await.expect("an answer");
    assert_eq!(
        (answer.outcome, &answer.body[..]),
        (Outcome::Fetched, &b"new"[..])
    );
    let answer = fixture.get(request()?, "another").await.expect("an answer");
    assert_eq!(
        (answer.outcome, &answer.body[..]),
        (Outcome::Hit, &b"new"[..])
    );
    Ok(())
}
