//! The limiter over a store that admits one request per second.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::acquire::MIN_ANSWER_TIME;
use super::*;
use crate::backend::Deadline;
use crate::clock::{Clock, ManualClock};
use crate::error::{Error, ErrorKind};
use crate::page::{Page, PageRequest};
use crate::priority::Priority;
use crate::random::SeededRandom;
use crate::rate_limit::{
    Attempt, Claim, Permit, RateLimitStats, ResourceConfig, ResourceInfo, Status,
};
use crate::resource::Resource;
use crate::wait::ObservedWait;

/// One admission per second; records the order of admissions.
#[derive(Debug)]
struct OnePerSecond {
    clock: ManualClock,
    free_at: Mutex<Timestamp>,
    admitted: Mutex<Vec<(Priority, u32)>>,
    asked: AtomicU32,
    activity: AtomicU32,
    mode: Mutex<Mode>,
}

/// How the store answers.
#[derive(Clone, Copy, Debug)]
enum Mode {
    Working,
    Silent,
    Busy,
    /// Denies, but the slot is free by the time the answer comes; that many times, then it works.
    Late(u32),
}

#[async_trait]
impl RateLimitStore for OnePerSecond {
    async fn try_acquire(&self, request: Acquire) -> Result<Decision> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        if request.attempt == Attempt::First {
            self.record_activity(&request);
        }
        let mode = *self.mode.lock().unwrap();
        match mode {
            Mode::Working => {}
            Mode::Silent => std::future::pending().await,
            Mode::Busy => return Err(Error::new(ErrorKind::Busy, "test", "acquire")),
            Mode::Late(times) => {
                *self.mode.lock().unwrap() = match times {
                    0 => Mode::Working,
                    left => Mode::Late(left - 1),
                };
                return Ok(Decision::Denied {
                    retry_at: self.clock.now(),
                    reason: Reason::WindowFull(request.claims[0].resource.clone()),
                });
            }
        }
        let mut free_at = self.free_at.lock().unwrap();
        let now = self.clock.now();
        if now < *free_at {
            return Ok(Decision::Denied {
                retry_at: *free_at,
                reason: Reason::WindowFull(request.claims[0].resource.clone()),
            });
        }
        *free_at = now + Duration::from_secs(1) * request.permits.get();
        self.admitted
            .lock()
            .unwrap()
            .push((request.priority, request.permits.get()));
        Ok(Decision::Granted(Permit::new(now, || {})))
    }

    fn record_activity(&self, _: &Acquire) {
        self.activity.fetch_add(1, Ordering::Relaxed);
    }
    async fn record(&self, _: Acquire) -> Result<()> {
        Err(unused())
    }
    async fn status(&self, _: &Claim, _: Priority) -> Result<Status> {
        Err(unused())
    }
    async fn reset(&self, _: &Resource) -> Result<()> {
        Err(unused())
    }
    async fn clear(&self) -> Result<()> {
        Err(unused())
    }
    async fn set_cooldown(&self, _: &Resource, _: Timestamp) -> Result<Timestamp> {
        Err(unused())
    }
    async fn cooldown(&self, _: &Resource) -> Result<Option<Timestamp>> {
        Err(unused())
    }
    async fn clear_cooldown(&self, _: &Resource, _: Timestamp) -> Result<()> {
        Err(unused())
    }
    async fn move_cooldown(&self, _: &Resource, _: Timestamp, _: Timestamp) -> Result<bool> {
        Err(unused())
    }
    async fn set_resource_config(&self, _: &Resource, _: ResourceConfig) -> Result<()> {
        Err(unused())
    }
    async fn resource_config(&self, _: &Resource) -> Result<Option<ResourceConfig>> {
        Err(unused())
    }
    async fn list(&self, _: &PageRequest) -> Result<Page<ResourceInfo>> {
        Err(unused())
    }
    async fn stats(&self) -> Result<RateLimitStats> {
        Err(unused())
    }
    async fn cleanup(&self) -> Result<u64> {
        Err(unused())
    }
    async fn close(&self) -> Result<()> {
        Err(unused())
    }
    fn resolution(&self, _: Duration) -> Duration {
        Duration::ZERO
    }
}

fn unused() -> Error {
    Error::new(ErrorKind::InvalidInput, "test", "not part of waiting")
}

struct Fixture {
    clock: ManualClock,
    limiter: Arc<OnePerSecond>,
    queue: RateLimiter,
}

impl Fixture {
    fn new() -> Self {
        let clock = ManualClock::default();
        let limiter = Arc::new(OnePerSecond {
            free_at: Mutex::new(clock.now()),
            clock: clock.clone(),
            admitted: Mutex::default(),
            asked: AtomicU32::new(0),
            activity: AtomicU32::new(0),
            mode: Mutex::new(Mode::Working),
        });
        let options = RateLimiterOptions::default()
            .with_jitter(Duration::ZERO)
            .with_clock(clock.clone())
            .with_random(SeededRandom::new(1));
        let queue = RateLimiter::with_options(Arc::clone(&limiter), options);
        Self {
            clock,
            limiter,
            queue,
        }
    }

    /// A task that waits in the queue; returns once it really does.
    async fn wait(&self, priority: Priority, patience: Duration) -> JoinHandle<Decision> {
        self.wait_raised(priority, patience, None).await
    }

    async fn wait_raised(
        &self,
        priority: Priority,
        patience: Duration,
        raised: Option<watch::Receiver<Priority>>,
    ) -> JoinHandle<Decision> {
        let asked = self.ask(priority, patience, raised);
        let task = tokio::spawn(async move { asked.await.unwrap() });
        run_tasks().await;
        task
    }

    fn ask(
        &self,
        priority: Priority,
        patience: Duration,
        raised: Option<watch::Receiver<Priority>>,
    ) -> impl Future<Output = Result<Decision>> + use<> {
        let queue = self.queue.clone();
        let deadline = Deadline::after(patience, &self.clock);
        let resource = Resource::new("issues").unwrap();
        let request = Acquire::one(&resource).priority(priority);
        async move {
            let mut wait = ObservedWait::new(None, &[]);
            let asked = queue.acquire_until(request, deadline, raised, &mut wait);
            asked.await
        }
    }

    async fn pass(&self, seconds: u64) {
        for _ in 0..seconds {
            self.clock.advance(Duration::from_secs(1));
            run_tasks().await;
        }
    }

    fn set_mode(&self, mode: Mode) {
        *self.limiter.mode.lock().unwrap() = mode;
    }

    fn admitted(&self) -> Vec<Priority> {
        let admitted = self.limiter.admitted.lock().unwrap();
        admitted.iter().map(|(priority, _)| *priority).collect()
    }
}

/// Lets every task run until it waits for something.
async fn run_tasks() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

use Priority::{Background, User};

const PATIENT: Duration = Duration::from_mins(10);

// covers("F30")
#[tokio::test]
async fn users_come_first_and_each_class_in_order_of_arrival() {
    let fixture = Fixture::new();
    let mut tasks = Vec::new();
    for priority in [Background, Background, User, Background, User] {
        tasks.push(fixture.wait(priority, PATIENT).await);
    }
    fixture.pass(5).await;
    assert_eq!(
        fixture.admitted(),
        [Background, User, User, Background, Background]
    );
    for task in tasks {
        assert!(matches!(task.await.unwrap(), Decision::Granted(_)));
    }
}

// covers("F30")
#[tokio::test]
async fn only_the_first_in_the_queue_asks_the_store() {
    let fixture = Fixture::new();
    let mut tasks = Vec::new();
    for _ in 0..100 {
        tasks.push(fixture.wait(Background, PATIENT).await);
    }
    fixture.pass(100).await;
    assert_eq!(fixture.admitted().len(), 100);
    // One is granted and one denied per slot.
    assert!(fixture.limiter.asked.load(Ordering::Relaxed) <= 201);
    // Those who wait behind others count as activity all the same, once each.
    assert_eq!(fixture.limiter.activity.load(Ordering::Relaxed), 100);
}

#[tokio::test]
async fn background_that_waited_long_is_not_overtaken_any_more() {
    let fixture = Fixture::new();
    let first = fixture.wait(User, PATIENT).await;
    let background = fixture.wait(Background, PATIENT).await;
    let mut users = Vec::new();
    for _ in 0..60 {
        users.push(fixture.wait(User, PATIENT).await);
    }
    fixture.pass(29).await;
    assert!(!background.is_finished());
    fixture.pass(3).await;
    assert!(background.is_finished());
    assert!(users.iter().any(|user| !user.is_finished()));
    drop(first);
}

#[tokio::test]
async fn a_wait_that_cannot_end_in_time_is_refused_at_once() {
    let fixture = Fixture::new();
    drop(fixture.wait(User, PATIENT).await);
    let hasty = fixture.wait(User, Duration::from_millis(500)).await;
    assert!(hasty.is_finished());
    assert!(matches!(hasty.await.unwrap(), Decision::Denied { .. }));
}

#[tokio::test]
async fn a_waiter_behind_others_is_refused_at_its_deadline() {
    let fixture = Fixture::new();
    let mut patient = Vec::new();
    for _ in 0..10 {
        patient.push(fixture.wait(User, PATIENT).await);
    }
    let hasty = fixture.wait(User, Duration::from_secs(3)).await;
    fixture.pass(3).await;
    assert!(matches!(hasty.await.unwrap(), Decision::Denied { .. }));
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_given_up_at_the_deadline() {
    let fixture = Fixture::new();
    fixture.set_mode(Mode::Silent);
    let waiter = tokio::spawn(fixture.ask(User, Duration::from_secs(3), None));
    run_tasks().await;
    fixture.pass(2).await;
    assert!(!waiter.is_finished());
    fixture.pass(1).await;
    let error = waiter.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(error.key(), Some("issues"));
}

#[tokio::test]
async fn the_last_denial_of_a_limiter_that_fell_silent_is_returned_at_the_deadline() {
    let fixture = Fixture::new();
    drop(fixture.wait(User, PATIENT).await);
    let waiter = fixture.wait(User, Duration::from_secs(2)).await;
    fixture.set_mode(Mode::Silent);
    fixture.pass(2).await;
    assert!(matches!(waiter.await.unwrap(), Decision::Denied { .. }));
}

#[tokio::test]
async fn the_store_gets_a_second_to_answer() {
    let fixture = Fixture::new();
    fixture.set_mode(Mode::Silent);
    let waiter = tokio::spawn(fixture.ask(User, Duration::ZERO, None));
    run_tasks().await;
    assert!(!waiter.is_finished());
    fixture.clock.advance(MIN_ANSWER_TIME);
    run_tasks().await;
    assert!(waiter.is_finished());
}

#[tokio::test]
async fn a_limiter_that_others_keep_busy_is_asked_again_until_the_deadline() {
    let fixture = Fixture::new();
    fixture.set_mode(Mode::Busy);
    let patient = fixture.wait(User, PATIENT).await;
    let hasty = tokio::spawn(fixture.ask(User, Duration::from_secs(2), None));
    run_tasks().await;
    fixture.pass(2).await;
    assert_eq!(hasty.await.unwrap().unwrap_err().kind(), ErrorKind::Busy);
    assert!(!patient.is_finished());
    fixture.set_mode(Mode::Working);
    fixture.pass(1).await;
    assert!(matches!(patient.await.unwrap(), Decision::Granted(_)));
}

/// The clock stands still: nobody sleeps.
#[tokio::test]
async fn a_denial_that_is_over_when_it_comes_is_asked_again_at_once() {
    let fixture = Fixture::new();
    fixture.set_mode(Mode::Late(0));
    let first = fixture.wait(User, PATIENT).await;
    assert!(first.is_finished(), "sleeps though a slot is free");
    assert_eq!(fixture.limiter.asked.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_store_whose_clock_is_behind_is_not_asked_without_end() {
    let fixture = Fixture::new();
    fixture.set_mode(Mode::Late(u32::MAX));
    let waiter = fixture.wait(User, PATIENT).await;
    fixture.pass(60).await;
    assert!(!waiter.is_finished());
    let asked = fixture.limiter.asked.load(Ordering::Relaxed);
    assert!(asked <= 2 + 10 + 60, "{asked}");
}

#[tokio::test]
async fn a_waiter_that_leaves_holds_nobody_up() {
    let fixture = Fixture::new();
    drop(fixture.wait(User, PATIENT).await);
    let leaving = fixture.wait(User, PATIENT).await;
    let staying = fixture.wait(User, PATIENT).await;
    leaving.abort();
    run_tasks().await;
    fixture.pass(1).await;
    assert!(staying.is_finished());
}

#[tokio::test]
async fn a_raised_priority_counts_at_once() {
    let fixture = Fixture::new();
    drop(fixture.wait(User, PATIENT).await);
    let other = fixture.wait(Background, PATIENT).await;
    let (sender, receiver) = watch::channel(Background);
    let raised = fixture
        .wait_raised(Background, PATIENT, Some(receiver))
        .await;
    sender.send_replace(User);
    run_tasks().await;
    fixture.pass(1).await;
    assert!(raised.is_finished());
    assert!(!other.is_finished());
}

/// A request of several permits at once, and then as many single ones as there are slots.
#[tokio::test]
async fn a_request_of_several_permits_is_not_overtaken_by_later_ones() {
    let fixture = Fixture::new();
    drop(fixture.wait(User, PATIENT).await);
    let resource = Resource::new("issues").unwrap();
    let several = Acquire::one(&resource).permits(std::num::NonZeroU32::new(5).unwrap());
    let queue = fixture.queue.clone();
    let several = tokio::spawn(async move { queue.acquire(several.max_wait(PATIENT)).await });
    run_tasks().await;
    let mut singles = Vec::new();
    for _ in 0..10 {
        singles.push(fixture.wait(User, PATIENT).await);
        let now = fixture.queue.try_acquire(&resource).await.unwrap();
        assert!(matches!(now, Decision::Denied { .. }));
    }
    fixture.pass(1).await;
    assert!(several.is_finished());
    fixture.pass(20).await;
    let admitted = fixture.limiter.admitted.lock().unwrap().clone();
    assert_eq!(admitted[1], (User, 5));
    assert_eq!(admitted.len(), 12);
}

/// Its deadline comes before the limiter's own `promote_after`.
#[tokio::test]
async fn background_with_a_short_deadline_is_promoted_at_half_of_it() {
    let fixture = Fixture::new();
    drop(fixture.wait(User, PATIENT).await);
    let background = fixture.wait(Background, Duration::from_secs(10)).await;
    let mut users = Vec::new();
    for _ in 0..60 {
        users.push(fixture.wait(User, PATIENT).await);
    }
    fixture.pass(4).await;
    assert!(!background.is_finished());
    fixture.pass(3).await;
    assert!(matches!(background.await.unwrap(), Decision::Granted(_)));
}

#[tokio::test]
async fn a_dropped_permit_is_used() {
    let fixture = Fixture::new();
    let resource = Resource::new("issues").unwrap();
    assert!(matches!(
        fixture.queue.try_acquire(&resource).await.unwrap(),
        Decision::Granted(_)
    ));
    assert!(matches!(
        fixture.queue.try_acquire(&resource).await.unwrap(),
        Decision::Denied { .. }
    ));
}

#[tokio::test]
async fn the_scoped_form_runs_the_work_under_a_permit_or_not_at_all() {
    let fixture = Fixture::new();
    let resource = Resource::new("issues").unwrap();
    let sent = fixture.queue.run(&resource, async || 7).await.unwrap();
    assert_eq!(sent, 7);
    let hasty = Acquire::one(&resource).max_wait(Duration::ZERO);
    let refused = fixture
        .queue
        .run(hasty, async || panic!("ran without a permit"))
        .await;
    assert!(matches!(refused, Err(AcquireError::Denied { .. })));
}
