//! What an observer is told of waits: of the limiter alone, and of whole requests.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use store_core::ManualClock;
use store_core::backend::SeededRandom;
use store_memory::{
    Acquire, BoxError, Clock, DedupeOptions, Failure, Fetched, HOUR, Key, Limit, MINUTE,
    MemoryDedupeStore, MemoryRateLimitStore, Pipeline, RateLimitOptions, RateLimitStore,
    RateLimiter, RateLimiterOptions, Reason, Request, Resource, SECOND, Stores, Timestamp, Wait,
    WaitEvent, WaitObserver, WaitReason,
};
use tokio::task::JoinHandle;

/// One request per second, with a memory of what the observer was told.
struct Fixture {
    clock: ManualClock,
    limits: Arc<dyn RateLimitStore>,
    pipeline: Pipeline,
    told: Arc<Mutex<Vec<WaitEvent>>>,
}

fn issues() -> Resource {
    Resource::new("issues").unwrap()
}

impl Fixture {
    fn new() -> Self {
        let (clock, told) = (ManualClock::default(), Arc::default());
        let limits = RateLimitOptions::default()
            .with_default_config(Limit::new(1, SECOND))
            .with_clock(clock.clone());
        let limits: Arc<dyn RateLimitStore> = Arc::new(MemoryRateLimitStore::with_options(limits));
        let jobs = DedupeOptions::default().with_clock(clock.clone());
        let mut stores = Stores::none().with_dedupe(MemoryDedupeStore::with_options(jobs));
        stores.rate_limit = Some(Arc::clone(&limits));
        let pipeline = Pipeline::builder(stores)
            .clock(clock.clone())
            .random(SeededRandom::new(1))
            .limiter_options(RateLimiterOptions::default().with_jitter(Duration::ZERO))
            .on_wait(observer(&told))
            .build();
        Self {
            clock,
            limits,
            pipeline,
            told,
        }
    }

    fn limiter(&self) -> RateLimiter {
        let options = RateLimiterOptions::default()
            .with_clock(self.clock.clone())
            .with_jitter(Duration::ZERO)
            .with_on_wait(observer(&self.told));
        RateLimiter::with_options(Arc::clone(&self.limits), options)
    }

    /// A request whose first attempts end with these failures; goes on until it waits for something.
    async fn call(&self, key: &str, failures: Vec<Failure<String>>) -> JoinHandle<bool> {
        let request = Request::new(Key::new(key).unwrap(), issues()).with_max_wait(HOUR);
        let (pipeline, failures) = (self.pipeline.clone(), Mutex::new(failures.into_iter()));
        let call = tokio::spawn(async move {
            let send = async |_| match failures.lock().unwrap().next() {
                Some(failure) => Err(failure),
                None => Ok(Fetched::new("one")),
            };
            pipeline.run(request, send).await.is_ok()
        });
        settle().await;
        call
    }

    async fn pass(&self, seconds: u32) {
        for _ in 0..seconds {
            self.clock.advance(SECOND);
            settle().await;
        }
    }

    /// What was told since the last call.
    fn told(&self) -> Vec<Told> {
        let mut told = self.told.lock().unwrap();
        told.drain(..).map(|event| Told::from(&event)).collect()
    }
}

/// An event without the identity of its wait.
#[derive(Clone, Debug, PartialEq)]
enum Told {
    Waiting(Option<Timestamp>, WaitReason),
    Ended,
}

impl From<&WaitEvent> for Told {
    fn from(event: &WaitEvent) -> Self {
        match event {
            WaitEvent::Waiting(Wait { until, reason, .. }) => Self::Waiting(*until, reason.clone()),
            WaitEvent::Ended(_) | _ => Self::Ended,
        }
    }
}

fn observer(told: &Arc<Mutex<Vec<WaitEvent>>>) -> WaitObserver {
    let told = Arc::clone(told);
    WaitObserver::new(move |event| told.lock().unwrap().push(event))
}

/// Lets every task run until it waits for something.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

fn denied(until: Timestamp, reason: Reason) -> Told {
    Told::Waiting(Some(until), WaitReason::Denied(reason))
}

#[tokio::test]
async fn full_limit_is_told_once_with_its_end_and_ends_with_the_permit() -> Result<(), BoxError> {
    let fixture = Fixture::new();
    let limiter = fixture.limiter();
    drop(limiter.acquire(&issues()).await?);
    assert_eq!(fixture.told(), []);
    let until = fixture.clock.now() + SECOND;
    let waiter = tokio::spawn({
        let limiter = limiter.clone();
        async move { limiter.acquire(&issues()).await.is_ok() }
    });
    settle().await;
    assert_eq!(
        fixture.told(),
        [denied(until, Reason::WindowFull(issues()))]
    );
    fixture.clock.advance(SECOND / 2);
    settle().await;
    assert_eq!(fixture.told(), []);
    fixture.clock.advance(SECOND / 2);
    assert!(waiter.await.is_ok_and(|granted| granted));
    assert_eq!(fixture.told(), [Told::Ended]);
    Ok(())
}

#[tokio::test]
async fn dropped_wait_ends_and_a_denial_at_once_is_none() -> Result<(), BoxError> {
    let fixture = Fixture::new();
    let limiter = fixture.limiter();
    drop(limiter.acquire(&issues()).await?);
    let hasty = Acquire::one(&issues()).max_wait(SECOND / 2);
    assert!(limiter.acquire(hasty).await.is_err());
    assert_eq!(fixture.told(), []);
    let waiter = tokio::spawn(async move { limiter.acquire(&issues()).await.is_ok() });
    settle().await;
    assert_eq!(fixture.told().len(), 1);
    waiter.abort();
    settle().await;
    assert_eq!(fixture.told(), [Told::Ended]);
    Ok(())
}

#[tokio::test]
async fn waits_of_several_requests_can_be_told_apart() -> Result<(), BoxError> {
    let fixture = Fixture::new();
    let mut calls = Vec::new();
    for key in ["comics:1", "comics:2", "comics:3"] {
        calls.push(fixture.call(key, Vec::new()).await);
    }
    fixture.pass(2).await;
    for call in calls {
        assert!(call.await?);
    }
    let mut open = BTreeSet::new();
    let mut waits = 0;
    for event in fixture.told.lock().unwrap().drain(..) {
        match event {
            WaitEvent::Waiting(wait) => {
                assert_eq!(wait.resource, Some(issues()));
                waits += u32::from(open.insert(wait.id));
            }
            WaitEvent::Ended(id) => assert!(open.remove(&id)),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((waits, open.len()), (2, 0));
    Ok(())
}

#[tokio::test]
async fn retry_is_told_with_the_moment_of_the_next_attempt() -> Result<(), BoxError> {
    let fixture = Fixture::new();
    let failure = Failure::new("down".to_owned()).retry_after(MINUTE);
    let until = fixture.clock.now() + MINUTE;
    let call = fixture.call("comics:1", vec![failure]).await;
    assert_eq!(
        fixture.told(),
        [Told::Waiting(Some(until), WaitReason::Retry)]
    );
    fixture.clock.advance(MINUTE);
    assert!(call.await?);
    assert_eq!(fixture.told(), [Told::Ended]);
    Ok(())
}

/// One waits for the end of the cooldown that its own refusal set, the other for that of the first, which
/// probes first.
#[tokio::test]
async fn cooldown_is_told_and_then_the_probe_of_another_caller() -> Result<(), BoxError> {
    let fixture = Fixture::new();
    let refusal = || {
        Failure::new("slow down".to_owned())
            .with_cooldown(issues(), SECOND * 9)
            .retry_after_cooldowns()
    };
    let until = fixture.clock.now() + SECOND * 9;
    let refused = fixture.call("comics:1", vec![refusal()]).await;
    assert_eq!(fixture.told(), [denied(until, Reason::Cooldown(issues()))]);
    let other = fixture.call("comics:2", Vec::new()).await;
    assert_eq!(fixture.told(), [denied(until, Reason::Cooldown(issues()))]);
    // A caller of another process, which is first.
    fixture.pass(8).await;
    let lease = fixture.clock.now() + SECOND * 3;
    assert!(
        fixture
            .limits
            .move_cooldown(&issues(), until, lease)
            .await?
    );
    fixture.pass(2).await;
    let probed = Told::Waiting(None, WaitReason::Probed(issues()));
    // Whoever is behind the other in the wait queue may not have looked yet.
    let told = fixture.told();
    assert!(
        !told.is_empty() && told.iter().all(|told| *told == probed),
        "{told:?}"
    );
    fixture.limits.clear_cooldown(&issues(), lease).await?;
    fixture.pass(3).await;
    assert!(refused.await? && other.await?);
    Ok(())
}

#[tokio::test]
async fn same_request_of_another_caller_is_told() -> Result<(), BoxError> {
    let fixture = Fixture::new();
    let failure = Failure::new("down".to_owned()).retry_after(SECOND * 3);
    let owner = fixture.call("comics:1", vec![failure]).await;
    fixture.told();
    let joiner = fixture.call("comics:1", Vec::new()).await;
    assert_eq!(fixture.told(), [Told::Waiting(None, WaitReason::Joined)]);
    fixture.pass(4).await;
    assert!(owner.await? && joiner.await?);
    assert_eq!(fixture.told(), [Told::Ended, Told::Ended]);
    Ok(())
}
