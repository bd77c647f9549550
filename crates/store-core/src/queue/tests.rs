//! The queue in front of a limiter that admits what it is told to.

use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use tokio::task::JoinHandle;

use super::*;
use crate::clock::ManualClock;
use crate::error::{Error, ErrorKind};
use crate::page::{Page, PageRequest};
use crate::random::SeededRandom;
use crate::rate_limit::{
    Claim, Permit, RateLimitStats, Reason, ResourceConfig, ResourceInfo, Status,
};
use crate::resource::Resource;

/// One admission per second, whoever asks; notes who was admitted in which order.
#[derive(Debug)]
struct OnePerSecond {
    clock: ManualClock,
    free_at: Mutex<Timestamp>,
    admitted: Mutex<Vec<Priority>>,
    asked: AtomicU32,
    mood: Mutex<Mood>,
}

/// How the limiter answers.
#[derive(Clone, Copy, Debug)]
enum Mood {
    Well,
    Silent,
    Busy,
}

#[async_trait]
impl RateLimitStore for OnePerSecond {
    async fn acquire(&self, request: Acquire) -> Result<Decision> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let mood = *self.mood.lock().unwrap();
        match mood {
            Mood::Well => {}
            Mood::Silent => std::future::pending().await,
            Mood::Busy => return Err(Error::new(ErrorKind::Busy, "test", "acquire")),
        }
        let mut free_at = self.free_at.lock().unwrap();
        let now = self.clock.now();
        if now < *free_at {
            return Ok(Decision::Denied {
                retry_at: *free_at,
                reason: Reason::WindowFull(request.claims[0].resource.clone()),
            });
        }
        *free_at = now + Duration::from_secs(1);
        self.admitted.lock().unwrap().push(request.priority);
        Ok(Decision::Granted(Permit::new(now, || {})))
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

struct Setting {
    clock: ManualClock,
    limiter: Arc<OnePerSecond>,
    queue: AcquireQueue,
}

impl Setting {
    fn new() -> Self {
        let clock = ManualClock::default();
        let limiter = Arc::new(OnePerSecond {
            free_at: Mutex::new(clock.now()),
            clock: clock.clone(),
            admitted: Mutex::default(),
            asked: AtomicU32::new(0),
            mood: Mutex::new(Mood::Well),
        });
        let queue = AcquireQueue::new(
            Arc::new(Arc::clone(&limiter)),
            Arc::new(clock.clone()),
            Arc::new(SeededRandom::new(1)),
            QueueOptions::default().with_jitter(Duration::ZERO),
        );
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
        demand: Option<watch::Receiver<Priority>>,
    ) -> JoinHandle<Decision> {
        let asked = self.ask(priority, patience, demand);
        let task = tokio::spawn(async move { asked.await.unwrap() });
        settle().await;
        task
    }

    fn ask(
        &self,
        priority: Priority,
        patience: Duration,
        demand: Option<watch::Receiver<Priority>>,
    ) -> impl Future<Output = Result<Decision>> + use<> {
        let queue = self.queue.clone();
        let deadline = self.clock.now() + patience;
        let resource = Resource::named("issues").unwrap();
        let request = Acquire::one(&resource).priority(priority);
        async move { queue.acquire_wait(request, deadline, demand).await }
    }

    async fn pass(&self, seconds: u64) {
        for _ in 0..seconds {
            self.clock.advance(Duration::from_secs(1));
            settle().await;
        }
    }

    fn is(&self, mood: Mood) {
        *self.limiter.mood.lock().unwrap() = mood;
    }

    fn admitted(&self) -> Vec<Priority> {
        self.limiter.admitted.lock().unwrap().clone()
    }
}

/// Lets every task run until it waits for something.
async fn settle() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

use Priority::{Background, User};

const PATIENT: Duration = Duration::from_mins(10);

// covers("F30")
#[tokio::test]
async fn users_come_first_and_each_class_in_order_of_arrival() {
    let setting = Setting::new();
    let mut tasks = Vec::new();
    for priority in [Background, Background, User, Background, User] {
        tasks.push(setting.wait(priority, PATIENT).await);
    }
    setting.pass(5).await;
    assert_eq!(
        setting.admitted(),
        [Background, User, User, Background, Background]
    );
    for task in tasks {
        assert!(matches!(task.await.unwrap(), Decision::Granted(_)));
    }
}

// covers("F30")
#[tokio::test]
async fn only_the_first_in_line_asks_the_store_again() {
    let setting = Setting::new();
    let mut tasks = Vec::new();
    for _ in 0..100 {
        tasks.push(setting.wait(Background, PATIENT).await);
    }
    setting.pass(100).await;
    assert_eq!(setting.admitted().len(), 100);
    // Everybody asks once, to be counted; after that one is granted and one refused per slot.
    assert!(setting.limiter.asked.load(Ordering::Relaxed) <= 300);
}

#[tokio::test]
async fn background_that_waited_long_is_not_overtaken_any_more() {
    let setting = Setting::new();
    let first = setting.wait(User, PATIENT).await;
    let background = setting.wait(Background, PATIENT).await;
    let mut users = Vec::new();
    for _ in 0..60 {
        users.push(setting.wait(User, PATIENT).await);
    }
    setting.pass(29).await;
    assert!(!background.is_finished());
    setting.pass(3).await;
    assert!(background.is_finished());
    assert!(users.iter().any(|user| !user.is_finished()));
    drop(first);
}

#[tokio::test]
async fn a_wait_that_cannot_end_in_time_is_refused_at_once() {
    let setting = Setting::new();
    drop(setting.wait(User, PATIENT).await);
    let hasty = setting.wait(User, Duration::from_millis(500)).await;
    assert!(hasty.is_finished());
    assert!(matches!(hasty.await.unwrap(), Decision::Denied { .. }));
}

#[tokio::test]
async fn a_waiter_behind_others_is_refused_at_its_deadline() {
    let setting = Setting::new();
    let mut patient = Vec::new();
    for _ in 0..10 {
        patient.push(setting.wait(User, PATIENT).await);
    }
    let hasty = setting.wait(User, Duration::from_secs(3)).await;
    setting.pass(3).await;
    assert!(matches!(hasty.await.unwrap(), Decision::Denied { .. }));
}

#[tokio::test]
async fn a_limiter_that_does_not_answer_is_given_up_at_the_deadline() {
    let setting = Setting::new();
    setting.is(Mood::Silent);
    let waiter = tokio::spawn(setting.ask(User, Duration::from_secs(3), None));
    settle().await;
    setting.pass(2).await;
    assert!(!waiter.is_finished());
    setting.pass(1).await;
    let error = waiter.await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(error.key(), Some("issues"));
}

#[tokio::test]
async fn what_is_known_of_a_limiter_that_fell_silent_is_told_at_the_deadline() {
    let setting = Setting::new();
    drop(setting.wait(User, PATIENT).await);
    let waiter = setting.wait(User, Duration::from_secs(2)).await;
    setting.is(Mood::Silent);
    setting.pass(2).await;
    assert!(matches!(waiter.await.unwrap(), Decision::Denied { .. }));
}

#[tokio::test]
async fn a_question_is_not_broken_off_at_once() {
    let setting = Setting::new();
    setting.is(Mood::Silent);
    let waiter = tokio::spawn(setting.ask(User, Duration::ZERO, None));
    settle().await;
    assert!(!waiter.is_finished());
    setting.clock.advance(LEAST_PATIENCE);
    settle().await;
    assert!(waiter.is_finished());
}

#[tokio::test]
async fn a_limiter_that_others_keep_busy_is_asked_again_until_the_deadline() {
    let setting = Setting::new();
    setting.is(Mood::Busy);
    let patient = setting.wait(User, PATIENT).await;
    let hasty = tokio::spawn(setting.ask(User, Duration::from_secs(2), None));
    settle().await;
    setting.pass(2).await;
    assert_eq!(hasty.await.unwrap().unwrap_err().kind(), ErrorKind::Busy);
    assert!(!patient.is_finished());
    setting.is(Mood::Well);
    setting.pass(1).await;
    assert!(matches!(patient.await.unwrap(), Decision::Granted(_)));
}

#[tokio::test]
async fn a_waiter_that_leaves_holds_nobody_up() {
    let setting = Setting::new();
    drop(setting.wait(User, PATIENT).await);
    let leaving = setting.wait(User, PATIENT).await;
    let staying = setting.wait(User, PATIENT).await;
    leaving.abort();
    settle().await;
    setting.pass(1).await;
    assert!(staying.is_finished());
}

#[tokio::test]
async fn a_raised_priority_counts_at_once() {
    let setting = Setting::new();
    drop(setting.wait(User, PATIENT).await);
    let other = setting.wait(Background, PATIENT).await;
    let (raise, demand) = watch::channel(Background);
    let raised = setting.wait_raised(Background, PATIENT, Some(demand)).await;
    raise.send_replace(User);
    settle().await;
    setting.pass(1).await;
    assert!(raised.is_finished());
    assert!(!other.is_finished());
}
