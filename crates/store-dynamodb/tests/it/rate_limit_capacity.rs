//! What limiting costs, in the units that DynamoDB bills.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use store_core::backend::SeededRandom;
use store_core::{
    Acquire, AdaptiveConfig, Claim, Clock, Decision, ErrorKind, HOUR, Limit, MINUTE, ManualClock,
    Priority, Random, RateLimitStore, Resource, ResourceConfig, SECOND, SystemClock,
};
use store_dynamodb::{
    DynamoDbRateLimitStore, DynamoDbTable, RateLimitOptions, TableOptions, Tuning,
};

use crate::support;

fn request() -> Acquire {
    Acquire::one(&Resource::new("issues").expect("a name")).user()
}

/// What a table handle was billed for writing: refused writes cost what they would have written.
fn billed(table: &DynamoDbTable) -> f64 {
    let consumed = table.consumed_capacity();
    let refused = u32::try_from(consumed.refused_writes).expect("there are few");
    consumed.write_units + f64::from(refused)
}

/// Spends as often as is allowed, at most `times`; how often it was.
async fn spend(limits: &impl RateLimitStore, times: u32) -> u32 {
    let mut admitted = 0;
    for _ in 0..times {
        match limits.try_acquire(request()).await.expect("an answer") {
            Decision::Granted(permit) => drop(permit),
            Decision::Denied { .. } => return admitted,
        }
        admitted += 1;
    }
    admitted
}

// covers("F19")
#[tokio::test(flavor = "multi_thread")]
async fn an_admission_is_one_write_and_no_read() {
    let table = support::table().await;
    let limits = DynamoDbRateLimitStore::new(&table, Limit::new(200, HOUR));
    assert_eq!(spend(&limits, 200).await, 200);
    let consumed = table.consumed_capacity();
    let per_claim = billed(&table) / 200.0;
    println!("200 admissions one after the other: {per_claim:.3} write units each, {consumed:?}");
    assert!(per_claim <= 1.1, "{per_claim}");
    assert!(consumed.read_units <= 2.0, "{consumed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn admissions_at_the_same_time_cost_no_more() {
    let table = support::table().await;
    let limits = DynamoDbRateLimitStore::new(&table, Limit::new(200, HOUR));
    let tasks: Vec<_> = (0..64)
        .map(|_| {
            let limits = limits.clone();
            tokio::spawn(async move { spend(&limits, 3).await })
        })
        .collect();
    let mut admitted = 0;
    for task in tasks {
        admitted += task.await.expect("no panic");
    }
    assert_eq!(admitted, 192);
    let per_claim = billed(&table) / f64::from(admitted);
    println!("192 admissions of 64 tasks: {per_claim:.3} write units each");
    assert!(per_claim <= 1.1, "{per_claim}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_shares_one_write_among_many_permits() {
    let table = support::table().await;
    let options = RateLimitOptions::default().with_default_config(Limit::new(200, HOUR));
    let ten = NonZeroU32::new(10).expect("ten");
    let tuning = Tuning::default().with_permit_batch_size(ten);
    let limits = DynamoDbRateLimitStore::with_tuning(&table, options, tuning);
    assert_eq!(spend(&limits, 300).await, 200);
    let per_claim = billed(&table) / 200.0;
    println!("200 permits in batches of 10: {per_claim:.3} write units each");
    assert!(per_claim <= 0.3, "{per_claim}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_remembered_and_looked_at_once_a_second() {
    let table = support::table().await;
    let clock = ManualClock::default();
    let options = RateLimitOptions::default()
        .with_default_config(Limit::new(5, MINUTE))
        .with_clock(clock.clone());
    let limits = DynamoDbRateLimitStore::with_options(&table, options);
    assert_eq!(spend(&limits, 5).await, 5);
    let before = table.consumed_capacity();
    assert_eq!(spend(&limits, 1).await, 0);
    let first = table.consumed_capacity();
    assert!(billed(&table) - before.write_units <= 1.0, "{first:?}");
    for _ in 0..100 {
        assert_eq!(spend(&limits, 1).await, 0);
    }
    assert_eq!(table.consumed_capacity(), first, "nothing can have changed");
    for _ in 0..10 {
        clock.advance(SECOND);
        for _ in 0..100 {
            assert_eq!(spend(&limits, 1).await, 0);
        }
    }
    let after = table.consumed_capacity();
    println!("1,000 refusals in ten seconds: {first:?} became {after:?}");
    assert!(after.requests - first.requests <= 10, "{after:?}");
    assert_eq!(after.refused_writes, first.refused_writes);
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_demand_is_told_by_one_write_a_second() {
    let table = support::table().await;
    let clock = ManualClock::default();
    let config = ResourceConfig::from(Limit::new(5, HOUR)).adaptive(AdaptiveConfig::default());
    let options = RateLimitOptions::default()
        .with_default_config(config)
        .with_clock(clock.clone());
    let limits = DynamoDbRateLimitStore::with_options(&table, options);
    assert_eq!(spend(&limits, 5).await, 5);
    assert_eq!(spend(&limits, 1).await, 0);
    let before = billed(&table);
    for _ in 0..10 {
        clock.advance(SECOND);
        for _ in 0..100 {
            assert_eq!(spend(&limits, 1).await, 0);
        }
    }
    let cost = billed(&table) - before;
    println!("1,000 refusals in ten seconds of a shared limit: {cost} write units");
    assert!(cost <= 11.0, "{cost}");
}

#[tokio::test(flavor = "multi_thread")]
async fn activity_without_a_decision_costs_no_write_of_its_own() {
    let table = support::table().await;
    let config = ResourceConfig::from(Limit::new(200, HOUR)).adaptive(AdaptiveConfig::default());
    let limits = DynamoDbRateLimitStore::new(&table, config);
    assert_eq!(spend(&limits, 1).await, 1);
    let before = table.consumed_capacity();
    for _ in 0..10 {
        limits.record_activity(&request());
    }
    assert_eq!(table.consumed_capacity(), before);
    assert_eq!(spend(&limits, 1).await, 1);
    let after = table.consumed_capacity();
    assert_eq!(after.requests - before.requests, 1, "{after:?}");
    let claim = Claim::new(Resource::new("issues").expect("a name"));
    let status = limits.status(&claim, Priority::User).await;
    let adaptive = status.expect("a status").adaptive.expect("a shared limit");
    assert_eq!(adaptive.recent_user_activity, 12);
}

/// A client that is never idle: it asks, and waits until `retry_at`.
async fn saturate(limits: Arc<DynamoDbRateLimitStore>, seed: u64, span: Duration) -> Vec<i64> {
    let (clock, random) = (SystemClock::new(), SeededRandom::new(seed));
    let end = clock.now() + span;
    let mut admitted = Vec::new();
    while clock.now() < end {
        match limits.try_acquire(request()).await {
            Ok(Decision::Granted(permit)) => {
                admitted.push(permit.admitted_at().as_millis());
                drop(permit);
            }
            Ok(Decision::Denied { retry_at, .. }) => {
                let jitter = Duration::from_millis(random.next_u64() % 5);
                clock.sleep_until(retry_at.min(end) + jitter).await;
            }
            // Others were faster again and again; what that cost is counted.
            Err(error) => assert_eq!(error.kind(), ErrorKind::Busy, "{error}"),
        }
    }
    admitted
}

/// The most admissions that any window of this length held.
pub(crate) fn worst_window(admitted: &mut [i64], window: i64) -> usize {
    admitted.sort_unstable();
    let mut worst = 0;
    let mut oldest = 0;
    for (newest, at) in admitted.iter().enumerate() {
        while admitted[oldest] + window <= *at {
            oldest += 1;
        }
        worst = worst.max(newest - oldest + 1);
    }
    worst
}

fn worst_in(admitted: &mut [i64], window: Duration) -> usize {
    let millis = window.as_millis();
    worst_window(admitted, i64::try_from(millis).expect("a finite time"))
}

/// Clients with handles and tables of their own, on one limit.
async fn contend(clients: u64, limit: Limit, buckets: u32, span: Duration) -> (Vec<i64>, f64, f64) {
    let name = support::table().await.name().to_owned();
    let mut tables = Vec::new();
    let mut tasks = Vec::new();
    for seed in 0..clients {
        let options = TableOptions::default().with_table(name.clone());
        let table = DynamoDbTable::new(support::client(), options);
        let options = RateLimitOptions::default().with_default_config(limit);
        let tuning = Tuning::default()
            .with_buckets(NonZeroU32::new(buckets).expect("some"))
            .with_max_clock_skew(Duration::from_millis(5));
        let limits = DynamoDbRateLimitStore::with_tuning(&table, options, tuning);
        let limits = Arc::new(limits);
        tables.push(table);
        tasks.push(tokio::spawn(saturate(limits, seed, span)));
    }
    let mut admitted = Vec::new();
    for task in tasks {
        admitted.extend(task.await.expect("no panic"));
    }
    let billed = tables.iter().map(billed).sum();
    let read = tables
        .iter()
        .map(|table| table.consumed_capacity().read_units)
        .sum();
    (admitted, billed, read)
}

/// A window in which so many clients are held up by the limit and not by the server: one that is slow,
/// or busy with other tests, would else never be saturated.
async fn window_for(clients: u32, limit: u32) -> Duration {
    let table = support::table().await;
    let limits = DynamoDbRateLimitStore::new(&table, Limit::new(1_000_000, HOUR));
    let clock = SystemClock::new();
    let started = clock.monotonic();
    let tasks = (0..clients).map(|client| {
        let limits = limits.clone();
        let own = Resource::new(format!("client-{client}")).expect("a name");
        tokio::spawn(async move {
            for _ in 0..WRITES {
                let answer = limits.try_acquire(Acquire::one(&own).user()).await;
                assert!(matches!(answer.expect("an answer"), Decision::Granted(_)));
            }
        })
    });
    futures_util::future::join_all(tasks).await;
    let each = clock.monotonic().saturating_sub(started) / (clients * WRITES);
    (each * limit * 2).max(SECOND)
}

/// How many writes of each client tell how fast the server is.
const WRITES: u32 = 20;

/// Whether one of several rounds is good enough: the machine may be busy with other tests. No window
/// may be over in any.
async fn one_round_in(rounds: u32, mut round: impl AsyncFnMut() -> bool) -> bool {
    for _ in 0..rounds {
        if round().await {
            return true;
        }
    }
    false
}

// covers("B25")
#[tokio::test(flavor = "multi_thread")]
async fn clients_that_are_always_saturated_pay_little_more() {
    let is_cheap = one_round_in(6, async || {
        let window = window_for(6, 200).await;
        let limit = Limit::new(200, window);
        let (mut admitted, billed, read) = contend(6, limit, 60, window * 3).await;
        let count = f64::from(u32::try_from(admitted.len()).expect("few"));
        let (per_claim, reads) = (billed / count, read / count);
        let worst = worst_in(&mut admitted, window);
        println!(
            "6 saturated clients: {count} admitted, {per_claim:.3} write and {reads:.3} read units \
             each, at most {worst} in a window of {window:?}"
        );
        assert!(worst <= 200, "{worst} in a window");
        per_claim <= 1.6
    });
    assert!(is_cheap.await);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_window_is_over_and_hardly_anything_is_wasted() {
    let is_used = one_round_in(6, async || {
        let (window, buckets, windows) = (window_for(4, 40).await, 20, 4_u32);
        let limit = Limit::new(40, window);
        let (mut admitted, _, _) = contend(4, limit, buckets, window * windows).await;
        let worst = worst_in(&mut admitted, window);
        assert!(worst <= 40, "{worst} in a window");
        // A bucket leaves a window as a whole, so k of k + 1 is all that can be had.
        let possible = f64::from(40 * windows * buckets) / f64::from(buckets + 1);
        let count = f64::from(u32::try_from(admitted.len()).expect("few"));
        let used = count / possible;
        println!("4 saturated clients used {used:.3} of what is possible, at most {worst} at once");
        used >= 0.95
    });
    assert!(is_used.await);
}
