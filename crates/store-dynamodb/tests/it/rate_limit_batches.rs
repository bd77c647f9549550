//! Permits that a process takes before it is asked for them.

use std::num::NonZeroU32;
use std::time::Duration;

use store_core::{
    Acquire, Claim, Clock, Decision, Limit, MINUTE, ManualClock, Priority, RateLimitStore,
    Resource, SECOND, SystemClock,
};
use store_dynamodb::{DynamoDbRateLimitStore, DynamoDbTable, RateLimitOptions, Tuning};

use crate::support;

fn resource() -> Resource {
    Resource::new("issues").expect("a name")
}

fn store(
    table: &DynamoDbTable,
    limit: u32,
    batch_size: u32,
    clock: &ManualClock,
) -> DynamoDbRateLimitStore {
    let limit = Limit::new(limit, MINUTE);
    let options = RateLimitOptions::default()
        .with_default_config(limit)
        .with_clock(clock.clone());
    let batch_size = NonZeroU32::new(batch_size).expect("some");
    let tuning = Tuning::default().with_permit_batch_size(batch_size);
    DynamoDbRateLimitStore::with_tuning(table, options, tuning)
}

async fn spend(limits: &DynamoDbRateLimitStore, times: u32) -> u32 {
    let mut admitted = 0;
    for _ in 0..times {
        let request = Acquire::one(&resource()).user();
        if let Decision::Granted(permit) = limits.try_acquire(request).await.expect("an answer") {
            drop(permit);
            admitted += 1;
        }
    }
    admitted
}

async fn used(limits: &DynamoDbRateLimitStore) -> u32 {
    let claim = Claim::new(resource());
    let status = limits.status(&claim, Priority::User).await;
    status.expect("a status").used
}

/// From now on two per minute.
async fn state_two(limits: &DynamoDbRateLimitStore) {
    let two = Limit::new(2, MINUTE);
    let configured = limits.set_resource_config(&resource(), two.into()).await;
    configured.expect("capacity");
}

#[tokio::test(flavor = "multi_thread")]
async fn permits_of_a_batch_count_before_they_are_granted() {
    let (table, clock) = (support::table().await, ManualClock::default());
    let (one, other) = (store(&table, 20, 8, &clock), store(&table, 20, 1, &clock));
    assert_eq!(spend(&one, 1).await, 1);
    assert_eq!(used(&other).await, 8, "seven are held");
    assert_eq!(spend(&other, 20).await, 12);
    let before = table.consumed_capacity();
    assert_eq!(spend(&one, 7).await, 7);
    assert_eq!(
        table.consumed_capacity(),
        before,
        "what is held costs nothing"
    );
    clock.advance(SECOND);
    assert_eq!(spend(&one, 5).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_rest_of_a_batch_is_given_back_when_its_bucket_ends() {
    let (table, clock) = (support::table().await, ManualClock::default());
    let limits = store(&table, 20, 8, &clock);
    assert_eq!(spend(&limits, 3).await, 3);
    clock.advance(SECOND);
    // The next bucket begins without what was not handed out in the one before.
    assert_eq!(spend(&limits, 1).await, 1);
    clock.advance(SECOND);
    assert_eq!(spend(&limits, 30).await, 16);
    assert_eq!(used(&limits).await, 20);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_process_gives_its_batch_back() {
    let (table, clock) = (support::table().await, ManualClock::default());
    let limits = store(&table, 20, 8, &clock);
    assert_eq!(spend(&limits, 3).await, 3);
    let real = SystemClock::new();
    for _ in 0..500 {
        clock.advance(Duration::from_millis(10));
        if used(&limits).await == 3 {
            return;
        }
        real.sleep_until(real.now() + Duration::from_millis(2))
            .await;
    }
    panic!("five were not given back: {} used", used(&limits).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reset_by_another_process_keeps_batches_counted() {
    let (table, clock) = (support::table().await, ManualClock::default());
    let (one, other) = (store(&table, 20, 8, &clock), store(&table, 20, 1, &clock));
    assert_eq!(spend(&one, 1).await, 1);
    other.reset(&resource()).await.expect("a reset");
    assert_eq!(used(&other).await, 7, "they may be handed out yet");
    let mut admitted = spend(&other, 20).await;
    admitted += spend(&one, 20).await;
    assert_eq!(admitted, 20);
    other.clear().await.expect("a clean slate");
    clock.advance(SECOND);
    assert_eq!(spend(&one, 1).await, 1);
}

/// The longest that a bucket of these tests is open: a minute in sixty parts.
const BUCKET: Duration = SECOND;

#[tokio::test(flavor = "multi_thread")]
async fn a_cooldown_of_another_process_applies_to_a_batch_when_its_bucket_ends() {
    let (table, clock) = (support::table().await, ManualClock::default());
    let (one, other) = (store(&table, 20, 8, &clock), store(&table, 20, 1, &clock));
    assert_eq!(spend(&one, 1).await, 1);
    let until = clock.now() + SECOND * 30;
    other.set_cooldown(&resource(), until).await.expect("one");
    clock.advance(Duration::from_millis(999));
    // Of the seven that it holds, and not one more.
    assert_eq!(spend(&one, 3).await, 3);
    clock.advance(Duration::from_millis(1));
    assert_eq!(
        spend(&one, 4).await,
        0,
        "four are held, of a bucket that is over"
    );
    clock.set_wall(until);
    assert_eq!(spend(&one, 1).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_more_than_the_batch_is_granted_after_the_cooldown_of_another_process() {
    let (table, clock) = (support::table().await, ManualClock::default());
    let (one, other) = (store(&table, 20, 8, &clock), store(&table, 20, 1, &clock));
    assert_eq!(spend(&one, 1).await, 1);
    let until = clock.now() + SECOND * 30;
    other.set_cooldown(&resource(), until).await.expect("one");
    assert_eq!(spend(&one, 20).await, 7);
    clock.advance(BUCKET);
    assert_eq!(spend(&one, 20).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_of_another_process_applies_to_a_batch_when_its_bucket_ends() {
    let (table, clock) = (support::table().await, ManualClock::default());
    let (one, other) = (store(&table, 20, 8, &clock), store(&table, 20, 1, &clock));
    assert_eq!(spend(&one, 1).await, 1);
    state_two(&other).await;
    assert_eq!(spend(&one, 3).await, 3);
    clock.advance(BUCKET);
    assert_eq!(spend(&one, 4).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_by_the_process_itself_apply_to_its_batches_at_once() {
    let (table, clock) = (support::table().await, ManualClock::default());
    let limits = store(&table, 20, 8, &clock);
    assert_eq!(spend(&limits, 1).await, 1);
    let until = clock.now() + BUCKET / 2;
    limits.set_cooldown(&resource(), until).await.expect("one");
    assert_eq!(spend(&limits, 1).await, 0);
    assert_eq!(used(&limits).await, 1, "what was held is given back");
    clock.set_wall(until);
    assert_eq!(spend(&limits, 1).await, 1);
    state_two(&limits).await;
    assert_eq!(spend(&limits, 1).await, 0);
    assert_eq!(used(&limits).await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_arrives_during_a_cooldown_call_is_not_granted() {
    let (table, clock) = (support::table().await, ManualClock::default());
    for _ in 0..20 {
        let limits = store(&table, 1_000, 8, &clock);
        let asking = {
            let limits = limits.clone();
            tokio::spawn(async move { spend(&limits, 1).await })
        };
        let until = clock.now() + BUCKET / 4;
        limits.set_cooldown(&resource(), until).await.expect("one");
        let before = asking.await.expect("an answer");
        assert!(before <= 1);
        assert_eq!(spend(&limits, 1).await, 0);
        clock.set_wall(until);
    }
}
