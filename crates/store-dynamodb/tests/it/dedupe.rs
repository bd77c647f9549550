//! What de-duplication costs, and what it makes of skewed clocks, lost answers and sick servers.

use std::time::Duration;

use dynamodb_local::FaultProxy;
use store_core::{
    Clock, DedupeStore, EndOutcome, ErrorKind, Heartbeat, JobId, JobOutcome, JobResult, Key,
    ManualClock, Ownership, Priority, Registration, Result, SECOND, Selection, SystemClock,
};
use store_dynamodb::{DedupeOptions, DynamoDbDedupeStore, DynamoDbTable, TableOptions};
use tokio::task::JoinHandle;

use crate::faults::Faults;
use crate::support;

const MILLISECOND: Duration = Duration::from_millis(1);

fn key(name: &str) -> Key {
    Key::new(name).expect("a key")
}

fn store(table: &DynamoDbTable, clock: &ManualClock) -> DynamoDbDedupeStore {
    let options = DedupeOptions::default().with_clock(clock.clone());
    DynamoDbDedupeStore::with_options(table, options)
}

async fn register(jobs: &DynamoDbDedupeStore, name: &str) -> Registration {
    jobs.register_or_join(&key(name), Priority::Background)
        .await
        .expect("a registration")
}

async fn own(jobs: &DynamoDbDedupeStore, name: &str) -> Ownership {
    match register(jobs, name).await {
        Registration::Owner(owner) => owner,
        Registration::Joined(job) => panic!("{name} should be free, but joined {job}"),
    }
}

async fn join(jobs: &DynamoDbDedupeStore, name: &str) -> JobId {
    match register(jobs, name).await {
        Registration::Joined(job) => job,
        Registration::Owner(owner) => panic!("{name} should be taken, but became {owner:?}"),
    }
}

fn value(bytes: usize) -> JobResult {
    JobResult::Value(vec![7; bytes].into())
}

fn waiter(jobs: &DynamoDbDedupeStore, name: &str, job: JobId) -> JoinHandle<Result<JobOutcome>> {
    let (jobs, key) = (jobs.clone(), key(name));
    tokio::spawn(async move { jobs.wait_for(&key, &job, SECOND * 60).await })
}

/// Lets other tasks and the server do what they are at.
async fn breathe() {
    let real = SystemClock::new();
    real.sleep_until(real.now() + MILLISECOND * 2).await;
}

/// Lets time pass until there are so many sleepers, or the task is done.
async fn pass(clock: &ManualClock, step: Duration, times: u32) {
    for _ in 0..times {
        breathe().await;
        clock.advance(step);
    }
    breathe().await;
}

/// Waits for `done`, without letting the store's time pass.
async fn until(mut done: impl FnMut() -> bool) {
    for _ in 0..2_000 {
        if done() {
            return;
        }
        breathe().await;
    }
    panic!("it does not come about");
}

async fn heard(waiter: JoinHandle<Result<JobOutcome>>) -> Result<JobOutcome> {
    waiter.await.expect("no panic")
}

// covers("F40", "F42")
#[tokio::test]
async fn a_job_costs_two_write_units_and_two_requests() {
    let (table, clock) = (support::table().await, ManualClock::default());
    let jobs = store(&table, &clock);
    let before = table.consumed_capacity();
    for round in 0..10_u32 {
        let mut owner = own(&jobs, &format!("comics:{round}")).await;
        jobs.complete(&mut owner, value(100)).await.expect("an end");
    }
    let after = table.consumed_capacity();
    let (requests, units) = (
        after.requests - before.requests,
        after.write_units - before.write_units,
    );
    println!("10 jobs: {requests} requests, {units} write units");
    assert_eq!(requests, 20);
    assert!(units <= 20.0, "{units}");
    assert_eq!(after.refused_writes, 0);
    assert!(after.read_units <= 0.0, "{}", after.read_units);
}

// covers("F31")
#[tokio::test]
async fn a_job_that_is_replaced_again_and_again_stays_small() {
    let (table, clock) = (support::table().await, ManualClock::default());
    let jobs = store(&table, &clock);
    for (bytes, most) in [(10, 2.0), (4_096, 7.0)] {
        let mut costs = Vec::new();
        for _ in 0..20 {
            let before = table.consumed_capacity().write_units;
            let mut owner = own(&jobs, "comics:1").await;
            jobs.complete(&mut owner, value(bytes))
                .await
                .expect("an end");
            costs.push(table.consumed_capacity().write_units - before);
            clock.advance(MILLISECOND);
        }
        println!("write units per job of {bytes} bytes: {costs:?}");
        assert!(costs.iter().all(|units| *units <= most), "{costs:?}");
    }
}

// covers("F31")
#[tokio::test]
async fn joiners_of_replaced_jobs_hear_the_latest_ends_and_no_others() {
    let (table, clock) = (support::table().await, ManualClock::default());
    let jobs = store(&table, &clock);
    let mut joined = Vec::new();
    for bytes in [1, 1, 6_000, 1, 6_000, 1, 6_000] {
        let mut owner = own(&jobs, "comics:1").await;
        joined.push((*owner.job(), bytes));
        jobs.complete(&mut owner, value(bytes))
            .await
            .expect("an end");
        clock.advance(MILLISECOND);
    }
    let _owner = own(&jobs, "comics:1").await;
    for (place, (job, bytes)) in joined.iter().enumerate() {
        let outcome = jobs.wait_for(&key("comics:1"), job, Duration::ZERO).await;
        let expected = if place < 3 {
            JobOutcome::Lapsed
        } else {
            JobOutcome::Value(vec![7; *bytes].into())
        };
        assert_eq!(outcome.expect("an outcome"), expected, "{place}");
    }
}

// covers("F31")
#[tokio::test]
async fn clearing_and_cleaning_up_leave_nothing_of_a_long_result() {
    let (table, clock) = (support::table().await, ManualClock::default());
    let jobs = store(&table, &clock);
    for clears in [true, false] {
        let mut owner = own(&jobs, "comics:1").await;
        jobs.complete(&mut owner, value(6_000))
            .await
            .expect("an end");
        clock.advance(SECOND * 5);
        let removed = if clears {
            jobs.clear(&Selection::All).await
        } else {
            jobs.cleanup().await
        };
        let expected = u64::from(!clears);
        assert_eq!(
            removed.expect("a count"),
            expected,
            "only garbage is left to clear"
        );
        let left = table.client().scan().table_name(table.name()).send().await;
        assert_eq!(left.expect("what is left").count, 0);
    }
}

// covers("F42")
#[tokio::test]
async fn a_long_result_is_fetched_once_for_all_who_wait() {
    let (table, clock) = (support::table().await, ManualClock::default());
    let (owners, jobs) = (store(&table, &clock), store(&table.clone(), &clock));
    let mut owner = own(&owners, "comics:1").await;
    let waiters: Vec<_> = (0..8)
        .map(|_| waiter(&jobs, "comics:1", *owner.job()))
        .collect();
    until(|| clock.sleepers() >= 9).await;
    owners
        .complete(&mut owner, value(6_000))
        .await
        .expect("an end");
    let before = table.consumed_capacity().requests;
    clock.advance(MILLISECOND * 100);
    for waiter in waiters {
        let outcome = heard(waiter).await.expect("an outcome");
        assert_eq!(outcome, JobOutcome::Value(vec![7; 6_000].into()));
    }
    assert_eq!(table.consumed_capacity().requests - before, 2);
}

// covers("F42")
#[tokio::test]
async fn all_that_a_process_waits_for_is_one_question() {
    let (table, clock) = (support::table().await, ManualClock::default());
    let (owners, jobs) = (store(&table, &clock), store(&table.clone(), &clock));
    let mut owned = Vec::new();
    for n in 0..50 {
        owned.push(own(&owners, &format!("comics:{n}")).await);
    }
    let before = table.consumed_capacity().requests;
    let twice = owned.iter().chain(&owned);
    let waiters: Vec<_> = twice
        .map(|owner| waiter(&jobs, owner.key().as_str(), *owner.job()))
        .collect();
    until(|| table.consumed_capacity().requests - before >= 100 && clock.sleepers() >= 101).await;
    assert_eq!(
        table.consumed_capacity().requests - before,
        100,
        "each looks once"
    );
    clock.advance(MILLISECOND * 100);
    until(|| table.consumed_capacity().requests - before > 100).await;
    pass(&clock, MILLISECOND, 20).await;
    assert_eq!(
        table.consumed_capacity().requests - before,
        101,
        "then one for all"
    );

    for mut owner in owned {
        owners.complete(&mut owner, value(1)).await.expect("an end");
    }
    let before = table.consumed_capacity().requests;
    pass(&clock, MILLISECOND * 100, 6).await;
    for waiter in waiters {
        let outcome = heard(waiter).await.expect("an outcome");
        assert_eq!(outcome, JobOutcome::Value(vec![7].into()));
    }
    assert_eq!(
        table.consumed_capacity().requests - before,
        1,
        "results included"
    );
}

// covers("F42")
#[tokio::test]
async fn questions_become_rarer_and_end_with_the_last_waiter() {
    let (table, clock) = (support::table().await, ManualClock::default());
    let (owners, jobs) = (store(&table, &clock), store(&table.clone(), &clock));
    let owner = own(&owners, "comics:1").await;
    let waiter = waiter(&jobs, "comics:1", join(&jobs, "comics:1").await);
    let before = table.consumed_capacity().requests;
    // Nine seconds: the lease is good for ten.
    pass(&clock, MILLISECOND * 50, 180).await;
    let asked = table.consumed_capacity().requests - before;
    println!("nine seconds of waiting: {asked} requests");
    assert!((5..=30).contains(&asked), "{asked}");
    waiter.abort();
    pass(&clock, SECOND * 3, 3).await;
    let before = table.consumed_capacity().requests;
    pass(&clock, SECOND * 3, 10).await;
    assert_eq!(table.consumed_capacity().requests, before, "nobody waits");
    drop(owner);
}

// covers("F33")
#[tokio::test]
async fn a_lease_lapses_for_others_when_it_has_by_any_clock() {
    let (table, clock) = (support::table().await, ManualClock::default());
    let jobs = store(&table, &clock);
    let silent = own(&jobs, "comics:1").await;
    clock.advance(SECOND * 10 + MILLISECOND * 19);
    assert_eq!(join(&jobs, "comics:1").await, *silent.job());
    assert!(
        jobs.is_in_progress(&key("comics:1"))
            .await
            .expect("an answer")
    );
    clock.advance(MILLISECOND);
    let successor = own(&jobs, "comics:1").await;
    assert_ne!(successor.job(), silent.job());
}

// covers("F33")
#[tokio::test]
async fn hosts_whose_clocks_differ_by_seconds_leave_a_living_owner_alone() {
    let table = support::table().await;
    let clocks = [-2, 0, 2].map(|seconds: i64| {
        let wall = ManualClock::default().now().as_millis() + seconds * 1_000;
        ManualClock::at(store_core::Timestamp::from_millis(wall))
    });
    let [behind, right, ahead] = clocks.clone().map(|clock| store(&table, &clock));
    let owner = own(&right, "comics:1").await;
    for _ in 0..12 {
        for clock in &clocks {
            clock.advance(SECOND * 10 / 3);
        }
        for other in [&behind, &ahead] {
            assert_eq!(join(other, "comics:1").await, *owner.job());
        }
        let heard = right.heartbeat(owner.key(), owner.job()).await;
        assert_eq!(
            heard.expect("an answer"),
            Heartbeat::Renewed(Priority::Background)
        );
    }
}

// covers("F39")
#[tokio::test]
async fn an_owner_whose_answers_are_lost_is_no_stranger_to_its_job() {
    let (table, clock) = (support::table().await, ManualClock::default());
    let faults = Faults::default();
    let jobs = store(&faults.table(&table, 3), &clock);
    faults.lose(1);
    let mut owner = own(&jobs, "comics:1").await;
    let job = *owner.job();
    faults.lose(1);
    let ended = jobs
        .complete(&mut owner, value(10))
        .await
        .expect("an answer");
    assert_eq!(ended, EndOutcome::Ended);
    let outcome = jobs.wait_for(&key("comics:1"), &job, SECOND).await;
    assert_eq!(
        outcome.expect("an outcome"),
        JobOutcome::Value(vec![7; 10].into())
    );

    let mut owner = own(&jobs, "comics:1").await;
    faults.lose(2);
    let ended = jobs.fail(&mut owner, "no").await.expect("an answer");
    assert_eq!(ended, EndOutcome::Ended);
    assert_eq!(jobs.stats().await.expect("counts").ended_jobs, 2);
}

// covers("F39")
#[tokio::test]
async fn an_owner_whose_end_failed_still_owns_its_job_and_ends_it_once() {
    let (table, clock) = (support::table().await, ManualClock::default());
    let faults = Faults::default();
    let jobs = store(&faults.table(&table, 1), &clock);
    let mut owner = own(&jobs, "comics:1").await;
    let job = *owner.job();
    faults.lose(1);
    let failed = jobs.complete(&mut owner, value(10)).await;
    let error = failed.expect_err("the answer is lost");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    let ended = jobs.complete(&mut owner, value(10)).await;
    assert_eq!(ended.expect("an answer"), EndOutcome::Ended);
    drop(owner);
    let outcome = jobs.wait_for(&key("comics:1"), &job, SECOND).await;
    let whole = JobOutcome::Value(vec![7; 10].into());
    assert_eq!(outcome.expect("an outcome"), whole);
    assert_eq!(jobs.stats().await.expect("counts").ended_jobs, 1);
}

#[tokio::test]
async fn a_registration_that_failed_after_it_took_effect_is_given_back() {
    let (table, clock) = (support::table().await, ManualClock::default());
    let faults = Faults::default();
    let jobs = store(&faults.table(&table, 1), &clock);
    faults.lose(1);
    let refused = jobs
        .register_or_join(&key("comics:1"), Priority::User)
        .await;
    let error = refused.expect_err("the answer is lost");
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    // The clock stands still: its lease does not lapse.
    for _ in 0..500 {
        match register(&jobs, "comics:1").await {
            Registration::Owner(_) => return,
            Registration::Joined(_) => breathe().await,
        }
    }
    panic!("the job is kept for nobody");
}

// covers("F41")
#[tokio::test]
async fn a_waiter_outlasts_a_short_illness_of_the_server() {
    let (table, clock) = (support::table().await, ManualClock::default());
    let faults = Faults::default();
    let (owners, jobs) = (
        store(&table, &clock),
        store(&faults.table(&table, 1), &clock),
    );
    let mut owner = own(&owners, "comics:1").await;
    let job = *owner.job();
    // The first look, and two questions after it: the circuit stays closed.
    faults.lose(3);
    let waiter = waiter(&jobs, "comics:1", job);
    owners.complete(&mut owner, value(1)).await.expect("an end");
    // Less than results are kept.
    for _ in 0..45 {
        if waiter.is_finished() {
            break;
        }
        breathe().await;
        clock.advance(MILLISECOND * 100);
    }
    let outcome = heard(waiter).await.expect("an outcome");
    assert_eq!(outcome, JobOutcome::Value(vec![7].into()));
}

// covers("F41", "F43")
#[tokio::test]
async fn waiters_of_a_server_that_stays_ill_get_an_error_and_cause_no_flood() {
    let (table, clock) = (support::table().await, ManualClock::default());
    let faults = Faults::default();
    let ill = faults.table(&table, 1);
    let (owners, jobs) = (store(&table, &clock), store(&ill, &clock));
    let owner = own(&owners, "comics:1").await;
    let waiters: Vec<_> = (0..8)
        .map(|_| waiter(&jobs, "comics:1", *owner.job()))
        .collect();
    until(|| ill.consumed_capacity().requests == 8 && clock.sleepers() >= 9).await;
    faults.lose(u32::MAX);
    let before = ill.consumed_capacity().requests;
    while !waiters.iter().all(JoinHandle::is_finished) {
        breathe().await;
        clock.advance(MILLISECOND * 100);
    }
    let asked = ill.consumed_capacity().requests - before;
    assert!(asked <= 6, "{asked}");
    for waiter in waiters {
        let error = heard(waiter).await.expect_err("the server is ill");
        // The last of the failures may have opened the circuit before.
        let kinds = [ErrorKind::Unavailable, ErrorKind::CircuitOpen];
        assert!(kinds.contains(&error.kind()), "{error:?}");
        assert!(error.to_string().contains("comics:1"), "{error}");
    }
    // Nobody waits any more, and nothing was done to the job.
    let heard = owners.heartbeat(owner.key(), owner.job()).await;
    assert_eq!(
        heard.expect("an answer"),
        Heartbeat::Renewed(Priority::Background)
    );
}

// covers("F40")
#[tokio::test]
async fn a_result_that_no_item_can_hold_stays_in_its_process_and_is_no_error() {
    let (table, clock) = (support::table().await, ManualClock::default());
    let options = DedupeOptions::default()
        .with_inline_limit_bytes(usize::MAX)
        .with_clock(clock.clone());
    let jobs = DynamoDbDedupeStore::with_options(&table, options.clone());
    let other = DynamoDbDedupeStore::with_options(&table, options);
    for (bytes, shared) in [
        (300 * 1024, true),
        (300 * 1024 + 1, false),
        (3 << 20, false),
    ] {
        let mut owner = own(&jobs, "comics:1").await;
        let job = *owner.job();
        let ended = jobs.complete(&mut owner, value(bytes)).await;
        assert_eq!(ended.expect("an end"), EndOutcome::Ended);
        let whole = JobOutcome::Value(vec![7; bytes].into());
        let outcome = jobs.wait_for(&key("comics:1"), &job, SECOND).await;
        assert!(outcome.expect("an outcome") == whole, "{bytes}");
        let outcome = other.wait_for(&key("comics:1"), &job, SECOND).await;
        let expected = if shared { whole } else { JobOutcome::NotShared };
        assert!(outcome.expect("an outcome") == expected, "{bytes}");
    }
}

// covers("F40")
#[tokio::test]
async fn a_result_over_the_inline_limit_costs_what_a_short_one_costs_and_is_kept_for_a_while() {
    let (table, clock) = (support::table().await, ManualClock::default());
    let jobs = store(&table, &clock);
    let mut owner = own(&jobs, "comics:1").await;
    let job = *owner.job();
    let waiting = waiter(&jobs, "comics:1", job);
    let before = table.consumed_capacity().write_units;
    let result = value(8 * 1024 + 1);
    jobs.complete(&mut owner, result).await.expect("an end");
    let units = table.consumed_capacity().write_units - before;
    assert!(units <= 1.0, "{units}");
    let whole = JobOutcome::Value(vec![7; 8 * 1024 + 1].into());
    assert_eq!(heard(waiting).await.expect("an outcome"), whole);
    clock.advance(SECOND * 5);
    let outcome = jobs.wait_for(&key("comics:1"), &job, Duration::ZERO).await;
    assert_eq!(outcome.expect("an outcome"), JobOutcome::Lapsed);
}

// covers("F32", "F35")
#[tokio::test]
async fn a_job_that_was_let_go_by_a_closed_store_is_free() {
    let (table, clock) = (support::table().await, ManualClock::default());
    let (closed, other) = (store(&table, &clock), store(&table, &clock));
    let mut owner = own(&closed, "comics:1").await;
    let waiter = waiter(&closed, "comics:1", *owner.job());
    until(|| clock.sleepers() >= 2).await;
    closed.close().await.expect("an end");
    let error = heard(waiter).await.expect_err("the store is closed");
    assert_eq!(error.kind(), ErrorKind::Closed);
    let error = closed.complete(&mut owner, value(1)).await;
    assert_eq!(
        error.expect_err("the store is closed").kind(),
        ErrorKind::Closed
    );
    // It is still the owner's, who lets go of it.
    drop(owner);
    for _ in 0..500 {
        if !other
            .is_in_progress(&key("comics:1"))
            .await
            .expect("an answer")
        {
            return;
        }
        breathe().await;
    }
    panic!("the job is kept for nobody");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_comes_late_does_not_end_a_lease() {
    let (table, clock) = (support::table().await, ManualClock::default());
    let options = DedupeOptions::default()
        .with_clock(clock.clone())
        .with_result_retention(SECOND * 60);
    let jobs = DynamoDbDedupeStore::with_options(&table, options.clone());
    let mut owner = own(&jobs, "late").await;
    let id = join(&jobs, "late").await;

    let upstream = dynamodb_local::endpoint().expect("a server that speaks DynamoDB");
    let slow = dynamodb_local::Faults::default().with_slow(1.0);
    let slow = slow.with_delay(MILLISECOND * 400);
    let proxy = FaultProxy::start(&upstream, 1, slow)
        .await
        .expect("a free port");
    let place = TableOptions::default().with_table(table.name());
    let behind = DynamoDbTable::new(support::client_of(proxy.url()), place);
    let behind = DynamoDbDedupeStore::with_options(&behind, options.clone());
    let waiting = waiter(&behind, "late", id);
    until(|| proxy.fault_counts().slow > 0).await;
    for _ in 0..30 {
        breathe().await;
    }
    let ended = jobs
        .complete(&mut owner, value(3))
        .await
        .expect("an answer");
    assert_eq!(ended, EndOutcome::Ended);
    clock.advance(options.lease + SECOND);

    // What it looks at next is not late.
    proxy.set_faults(dynamodb_local::Faults::default());
    for _ in 0..100 {
        if !waiting.is_finished() {
            pass(&clock, MILLISECOND * 100, 3).await;
        }
    }
    let heard = waiting.await.expect("no panic").expect("an outcome");
    assert!(matches!(heard, JobOutcome::Value(_)), "{heard:?}");
}
