//! Owners that die, freeze or finish in one process while others wait in another.

use std::time::Duration;

use store_core::{
    Clock, DedupeStore, EndOutcome, Heartbeat, JobOutcome, JobResult, Key, Ownership, Priority,
    Registration, SECOND, SystemClock, Timestamp,
};
use store_dynamodb::{DedupeOptions, DynamoDbDedupeStore, DynamoDbTable};
use tokio::task::JoinHandle;

use crate::children::{self, ChildProcess, Signal, argument, receive_from_parent, send_to_parent};
use crate::support;

const LEASE: Duration = SECOND;
/// What skewed clocks add to a lease, and a busy machine to any wait.
const SLACK: Duration = Duration::from_millis(20 + 1_000);

fn jobs(table: &DynamoDbTable) -> DynamoDbDedupeStore {
    let options = DedupeOptions::default().with_lease(LEASE);
    DynamoDbDedupeStore::with_options(table, options)
}

fn key() -> Key {
    Key::new("comics:1").expect("a key")
}

async fn register(jobs: &DynamoDbDedupeStore) -> Registration {
    jobs.register_or_join(&key(), Priority::User)
        .await
        .expect("a registration")
}

/// Renews the lease, however long the other processes take, until aborted or killed.
fn beats(jobs: &DynamoDbDedupeStore, owner: &Ownership) -> JoinHandle<()> {
    let (jobs, job) = (jobs.clone(), *owner.job());
    tokio::spawn(async move {
        let clock = SystemClock::new();
        while let Ok(Heartbeat::Renewed(_)) = jobs.heartbeat(&key(), &job).await {
            clock.sleep_until(clock.now() + LEASE / 5).await;
        }
    })
}

// covers("A10", "F31", "F33", "F36", "F44")
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_owner_is_replaced_within_a_lease_by_exactly_one_waiter() {
    let table = support::table().await;
    let mut owner = children::start("dedupe_across_processes::child_owns", &table, "");
    assert_eq!(owner.receive(), "owner");
    let mut waiters: Vec<_> = (0..3)
        .map(|_| children::start("dedupe_across_processes::child_succeeds", &table, ""))
        .collect();
    for waiter in &mut waiters {
        assert_eq!(waiter.receive(), "joined");
    }
    let clock = SystemClock::new();
    let killed_at = clock.now();
    owner.kill();
    let said: Vec<_> = waiters.iter_mut().map(ChildProcess::receive).collect();
    let succeeded = said
        .iter()
        .filter_map(|line| line.strip_prefix("owner "))
        .map(|at| Timestamp::from_millis(at.parse().expect("a time")));
    let succeeded: Vec<_> = succeeded.collect();
    assert_eq!(succeeded.len(), 1, "{said:?}");
    let waited = succeeded[0].since(killed_at);
    println!("taken over {waited:?} after the death, with a lease of {LEASE:?}");
    assert!(waited <= LEASE + SLACK, "{waited:?}");
    for mut waiter in waiters {
        waiter.send("end");
        waiter.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "child process of tests in this file"]
async fn child_owns() {
    let jobs = jobs(&children::table());
    let Registration::Owner(mut owner) = register(&jobs).await else {
        panic!("somebody else owns the job");
    };
    // Until it is killed or frozen: the others have time to start.
    let beats = beats(&jobs, &owner);
    send_to_parent("owner");
    let order = tokio::task::spawn_blocking(receive_from_parent).await;
    assert_eq!(order.expect("an order"), "complete");
    let beat = jobs.heartbeat(owner.key(), owner.job()).await;
    let ended = jobs
        .complete(&mut owner, JobResult::Value("late".into()))
        .await
        .expect("an answer");
    match (beat.expect("an answer"), ended) {
        (Heartbeat::Fenced, EndOutcome::Fenced) => send_to_parent("fenced"),
        (beat, ended) => send_to_parent(format!("{beat:?} {ended:?}")),
    }
    beats.abort();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "child process of tests in this file"]
async fn child_succeeds() {
    let jobs = jobs(&children::table());
    let Registration::Joined(job) = register(&jobs).await else {
        panic!("nobody owns the job");
    };
    send_to_parent("joined");
    let outcome = jobs.wait_for(&key(), &job, SECOND * 30).await;
    assert_eq!(outcome.expect("an outcome"), JobOutcome::Lapsed);
    let registration = register(&jobs).await;
    match &registration {
        Registration::Owner(_) => {
            let now = SystemClock::new().now().as_millis();
            send_to_parent(format!("owner {now}"));
        }
        Registration::Joined(_) => send_to_parent("joined"),
    }
    assert_eq!(receive_from_parent(), "end");
}

// covers("F32", "F35")
#[tokio::test(flavor = "multi_thread")]
async fn an_owner_that_froze_is_fenced_when_it_thaws() {
    let table = support::table().await;
    let jobs = jobs(&table);
    let mut frozen = children::start("dedupe_across_processes::child_owns", &table, "");
    assert_eq!(frozen.receive(), "owner");
    let Registration::Joined(job) = register(&jobs).await else {
        panic!("the child owns the job");
    };
    frozen.signal(Signal::STOP);
    let outcome = jobs.wait_for(&key(), &job, SECOND * 30).await;
    assert_eq!(outcome.expect("an outcome"), JobOutcome::Lapsed);
    let Registration::Owner(mut successor) = register(&jobs).await else {
        panic!("nobody else waits");
    };
    // However long the child takes to thaw and speak, its successor lives.
    let beats = beats(&jobs, &successor);
    frozen.send("complete");
    frozen.signal(Signal::CONT);
    assert_eq!(frozen.receive(), "fenced");
    frozen.wait();
    beats.abort();
    let ended = jobs
        .complete(&mut successor, JobResult::Value("fresh".into()))
        .await;
    assert_eq!(ended.expect("an answer"), EndOutcome::Ended);
}

// covers("A10", "F44", "T20")
#[tokio::test(flavor = "multi_thread")]
async fn a_waiter_in_another_process_hears_of_the_end_and_of_long_results() {
    let table = support::table().await;
    let jobs = jobs(&table);
    for bytes in [10, 5_000] {
        let Registration::Owner(mut owner) = register(&jobs).await else {
            panic!("nobody else registers first");
        };
        let size = bytes.to_string();
        let mut child = children::start("dedupe_across_processes::child_waits", &table, &size);
        let beats = beats(&jobs, &owner);
        assert_eq!(child.receive(), "joined");
        let result = JobResult::Value(vec![7; bytes].into());
        let ended_at = SystemClock::new().now();
        jobs.complete(&mut owner, result).await.expect("an answer");
        let heard = child.receive();
        let heard_at = Timestamp::from_millis(heard.parse().expect("a time"));
        let waited = heard_at.since(ended_at);
        println!("{bytes} bytes heard of after {waited:?}");
        assert!(waited <= SLACK, "{waited:?}");
        child.wait();
        beats.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "child process of a_waiter_in_another_process_hears_of_the_end_and_of_long_results"]
async fn child_waits() {
    let jobs = jobs(&children::table());
    let Registration::Joined(job) = register(&jobs).await else {
        panic!("the parent owns the job");
    };
    send_to_parent("joined");
    let outcome = jobs.wait_for(&key(), &job, SECOND * 30).await;
    let bytes = argument().parse().expect("a number");
    assert_eq!(
        outcome.expect("an outcome"),
        JobOutcome::Value(vec![7; bytes].into())
    );
    send_to_parent(SystemClock::new().now().as_millis());
}
