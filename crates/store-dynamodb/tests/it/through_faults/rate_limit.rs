//! No window is over, and what was handed out is counted.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use store_core::backend::SeededRandom;
use store_core::{
    Acquire, Claim, Clock, Decision, Limit, MINUTE, ManualClock, PageRequest, Priority,
    RateLimitStore, Resource, SECOND, SystemClock,
};
use store_dynamodb::{DynamoDbRateLimitStore, DynamoDbTable, RateLimitOptions};

use super::{NONE, Setting, answer, under_each};
use crate::faults::Faults as LostAnswers;
use crate::rate_limit_capacity::worst_window;
use crate::support;

const LIMIT: Limit = Limit::new(6, SECOND);

fn resource() -> Resource {
    Resource::new("issues").expect("a name")
}

fn request() -> Acquire {
    Acquire::one(&resource()).user()
}

fn store(
    table: &DynamoDbTable,
    limit: Limit,
    clock: &ManualClock,
    seed: u64,
) -> DynamoDbRateLimitStore {
    let options = RateLimitOptions::default()
        .with_default_config(limit)
        .with_clock(clock.clone())
        .with_random(SeededRandom::new(seed));
    DynamoDbRateLimitStore::with_options(table, options)
}

async fn used(limits: &DynamoDbRateLimitStore) -> u32 {
    let claim = Claim::new(resource());
    let status = limits.status(&claim, Priority::User).await;
    status.expect("a status").used
}

/// What several tasks did with a limit.
#[derive(Debug, Default)]
struct Counts {
    /// When permits were granted that were used.
    admitted: Mutex<Vec<i64>>,
    /// Calls that failed, and may have been counted all the same.
    failed: Mutex<u32>,
}

impl Counts {
    async fn acquire(&self, kind: &str, limits: &DynamoDbRateLimitStore) {
        match answer(kind, limits.try_acquire(request())).await {
            Some(Decision::Granted(permit)) => {
                let at = permit.admitted_at().as_millis();
                drop(permit);
                let mut admitted = self.admitted.lock().unwrap_or_else(PoisonError::into_inner);
                admitted.push(at);
            }
            Some(Decision::Denied { .. }) => {}
            None => *self.failed.lock().unwrap_or_else(PoisonError::into_inner) += 1,
        }
    }

    fn admitted(&self) -> Vec<i64> {
        let admitted = self.admitted.lock().unwrap_or_else(PoisonError::into_inner);
        admitted.clone()
    }

    fn failed(&self) -> u32 {
        *self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_window_is_over_whatever_goes_wrong() {
    under_each(async |kind, setting| {
        let (clock, counts) = (ManualClock::default(), Arc::new(Counts::default()));
        let mut tasks = Vec::new();
        for seed in 0..2 {
            let limits = store(&setting.spoiled(seed).await, LIMIT, &clock, seed);
            for task in 0..2 {
                let (limits, clock, counts) = (limits.clone(), clock.clone(), Arc::clone(&counts));
                tasks.push(tokio::spawn(async move {
                    for _ in 0..12 {
                        counts.acquire(kind, &limits).await;
                        if task == 0 {
                            clock.advance(Duration::from_millis(70));
                        }
                    }
                }));
            }
        }
        for task in tasks {
            task.await.expect("no complaint");
        }
        let mut admitted = counts.admitted();
        let worst = worst_window(&mut admitted, 1_000);
        assert!(worst <= 6, "{kind}: {worst} in a window");
        assert!(!admitted.is_empty(), "{kind}: nothing was ever admitted");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_granted_is_counted_once_and_what_failed_at_most_once() {
    under_each(async |kind, setting| {
        let (clock, counts) = (ManualClock::default(), Counts::default());
        let (many, table) = (Limit::new(1_000, MINUTE), setting.spoiled(1).await);
        let limits = store(&table, many, &clock, 1);
        for _ in 0..20 {
            counts.acquire(kind, &limits).await;
            clock.advance(Duration::from_millis(300));
        }
        let granted = u32::try_from(counts.admitted().len()).expect("few");
        let used = used(&store(&setting.direct, many, &clock, 2)).await;
        let most = granted + counts.failed();
        let is_counted = granted <= used && used <= most;
        assert!(is_counted, "{kind}: {used} for {granted} to {most}");
        // A refusal and an answer that may pass leave nothing behind.
        if counts.failed() == 0 {
            assert_eq!(used, 20, "{kind}");
        }
    })
    .await;
}

/// A handle of a process whose next answers can be lost; a request is sent twice at most.
async fn losing(lost: &LostAnswers) -> (DynamoDbRateLimitStore, DynamoDbRateLimitStore) {
    let (table, clock) = (support::table().await, ManualClock::default());
    let limit = Limit::new(20, MINUTE);
    let limits = store(&lost.table(&table, 2), limit, &clock, 1);
    (limits, store(&table, limit, &clock, 2))
}

#[tokio::test]
async fn an_admission_whose_answer_is_lost_is_counted_once() {
    let lost = LostAnswers::default();
    let (limits, direct) = losing(&lost).await;
    for taken in 1..=5 {
        lost.lose(u32::from(taken > 1));
        match limits.try_acquire(request()).await.expect("an answer") {
            Decision::Granted(permit) => drop(permit),
            denied @ Decision::Denied { .. } => panic!("there is capacity: {denied:?}"),
        }
        assert_eq!(used(&direct).await, taken);
    }
    lost.lose(1);
    limits.record(request()).await.expect("a record");
    assert_eq!(used(&direct).await, 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_permit_whose_return_is_not_answered_is_given_back_once() {
    let lost = LostAnswers::default();
    let (limits, direct) = losing(&lost).await;
    limits.record(request()).await.expect("a record");
    let Decision::Granted(permit) = limits.try_acquire(request()).await.expect("an answer") else {
        panic!("there is capacity");
    };
    assert_eq!(used(&direct).await, 2);
    lost.lose(1);
    permit.give_back();
    let real = SystemClock::new();
    for _ in 0..1_000 {
        if used(&direct).await != 2 {
            break;
        }
        real.sleep_until(real.now() + Duration::from_millis(2))
            .await;
    }
    // What it sends again after the lost answer must find that it was done.
    for _ in 0..20 {
        assert_eq!(used(&direct).await, 1);
    }
}

#[tokio::test]
async fn a_cooldown_that_was_moved_without_an_answer_was_moved() {
    let lost = LostAnswers::default();
    let (limits, direct) = losing(&lost).await;
    let (resource, until) = (resource(), ManualClock::default().now() + SECOND);
    let set = limits.set_cooldown(&resource, until).await;
    assert_eq!(set.expect("a cooldown"), until);
    lost.lose(1);
    let moved = limits.move_cooldown(&resource, until, until + SECOND).await;
    assert!(moved.expect("an answer"));
    let there = direct.cooldown(&resource).await.expect("an answer");
    assert_eq!(there, Some(until + SECOND));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_stated_is_there_and_a_reset_forgets() {
    under_each(async |kind, setting| {
        let (clock, resource) = (ManualClock::default(), resource());
        let limits = store(&setting.spoiled(1).await, LIMIT, &clock, 1);
        let direct = store(&setting.direct, LIMIT, &clock, 2);
        for round in 1..=4_u32 {
            direct.record(request()).await.expect("a record");
            let until = clock.now() + SECOND * round;
            if let Some(found) = answer(kind, limits.set_cooldown(&resource, until)).await {
                assert_eq!(found, until, "{kind}");
                let there = direct.cooldown(&resource).await.expect("a cooldown");
                assert_eq!(there, Some(until), "{kind}");
            }
            let config = Limit::new(10 + round, MINUTE);
            let answered = limits.set_resource_config(&resource, config.into());
            if answer(kind, answered).await.is_some() {
                let found = direct.resource_config(&resource).await;
                assert_eq!(found.expect("an answer"), Some(config.into()), "{kind}");
            }
            if answer(kind, limits.reset(&resource)).await.is_some() {
                assert_eq!(used(&direct).await, 0, "{kind}");
            }
        }
    })
    .await;
}

// covers("F46")
#[tokio::test]
async fn resources_of_half_a_batch_are_asked_for_again() {
    let setting = Setting::new(NONE.with_unprocessed(0.7)).await;
    let clock = ManualClock::default();
    let limits = store(&setting.spoiled(1).await, LIMIT, &clock, 1);
    let direct = store(&setting.direct, LIMIT, &clock, 2);
    for n in 0..12 {
        let resource = Resource::new(format!("issues-{n:02}")).expect("a name");
        let request = Acquire::one(&resource).user();
        direct.record(request).await.expect("a record");
    }
    let page = limits.list(&PageRequest::default()).await.expect("a list");
    let used: Vec<u32> = page.items.iter().map(|info| info.status.used).collect();
    assert_eq!(used, [1; 12]);
    let stats = limits.stats().await.expect("counts");
    assert_eq!(stats.total_requests, 12);
    clock.advance(MINUTE);
    assert_eq!(limits.cleanup().await.expect("a count"), 12);
    limits.clear().await.expect("a clean slate");
    let page = direct.list(&PageRequest::default()).await.expect("a list");
    assert!(page.items.is_empty(), "{page:?}");
    assert!(setting.proxy.fault_counts().unprocessed >= 3);
}
