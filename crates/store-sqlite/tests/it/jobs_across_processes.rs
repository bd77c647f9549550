//! Owners that are killed, stopped or finish in one process while others wait in another.

use std::time::Duration;

use store_core::{
    Clock, DedupeStore, EndOutcome, Heartbeat, JobOutcome, JobResult, ManualClock, Priority,
    Registration, SECOND, SystemClock, Timestamp,
};
use store_sqlite::{DedupeOptions, SqliteDedupeStore};

use crate::children::{self, ChildProcess, Signal, receive_from_parent, send_to_parent};
use crate::support::{Folder, key, open};

const LEASE: Duration = SECOND;
/// What a loaded machine may add to any wait.
const SLACK: Duration = Duration::from_millis(500);

async fn jobs(file: &std::path::Path) -> SqliteDedupeStore {
    let options = DedupeOptions::default().with_lease(LEASE);
    SqliteDedupeStore::with_options(&open(file).await, options)
}

async fn register(jobs: &SqliteDedupeStore) -> Registration {
    jobs.register_or_join(&key("comics:1"), Priority::User)
        .await
        .expect("a registration")
}

// covers("A10", "F31", "F33", "F36", "F44")
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_owner_is_replaced_within_a_lease_by_exactly_one_waiter() {
    let folder = Folder::new();
    let file = folder.file();
    let mut owner = children::start("jobs_across_processes::child_owns", &file, "");
    assert_eq!(owner.receive(), "owner");
    let mut waiters: Vec<_> = (0..3)
        .map(|_| {
            children::start(
                "jobs_across_processes::child_waits_and_registers",
                &file,
                "",
            )
        })
        .collect();
    for waiter in &mut waiters {
        assert_eq!(waiter.receive(), "joined");
    }
    let clock = SystemClock::new();
    let killed_at = clock.now();
    owner.kill();
    let lines: Vec<_> = waiters.iter_mut().map(ChildProcess::receive).collect();
    let succeeded = lines
        .iter()
        .filter_map(|line| line.strip_prefix("owner "))
        .map(|at| Timestamp::from_millis(at.parse().expect("a time")));
    let succeeded: Vec<_> = succeeded.collect();
    assert_eq!(succeeded.len(), 1, "{lines:?}");
    let waited = succeeded[0].since(killed_at);
    assert!(waited <= LEASE + SLACK, "{waited:?}");
    for mut waiter in waiters {
        waiter.send("end");
        waiter.wait();
    }
}

#[tokio::test]
#[ignore = "child process of tests in this file"]
async fn child_owns() {
    let jobs = jobs(&children::file()).await;
    let Registration::Owner(mut owner) = register(&jobs).await else {
        panic!("the job has another owner");
    };
    send_to_parent("owner");
    assert_eq!(receive_from_parent(), "complete");
    let beat = jobs.heartbeat(owner.key(), owner.job()).await;
    let ended = jobs
        .complete(&mut owner, JobResult::Value("late".into()))
        .await
        .expect("an answer");
    match (beat.expect("an answer"), ended) {
        (Heartbeat::Fenced, EndOutcome::Fenced) => send_to_parent("fenced"),
        (beat, ended) => send_to_parent(format!("{beat:?} {ended:?}")),
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "child process of tests in this file"]
async fn child_waits_and_registers() {
    let jobs = jobs(&children::file()).await;
    let Registration::Joined(job) = register(&jobs).await else {
        panic!("the job has no owner");
    };
    send_to_parent("joined");
    let outcome = jobs.wait_for(&key("comics:1"), &job, SECOND * 30).await;
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
async fn a_stopped_owner_is_fenced_when_it_resumes() {
    let folder = Folder::new();
    let jobs = jobs(&folder.file()).await;
    let mut stopped = children::start("jobs_across_processes::child_owns", &folder.file(), "");
    assert_eq!(stopped.receive(), "owner");
    let Registration::Joined(job) = register(&jobs).await else {
        panic!("the child owns the job");
    };
    stopped.signal(Signal::STOP);
    let outcome = jobs.wait_for(&key("comics:1"), &job, SECOND * 30).await;
    assert_eq!(outcome.expect("an outcome"), JobOutcome::Lapsed);
    let Registration::Owner(mut successor) = register(&jobs).await else {
        panic!("no other process waits");
    };
    stopped.send("complete");
    stopped.signal(Signal::CONT);
    assert_eq!(stopped.receive(), "fenced");
    stopped.wait();
    let ended = jobs
        .complete(&mut successor, JobResult::Value("fresh".into()))
        .await;
    assert_eq!(ended.expect("an answer"), EndOutcome::Ended);
}

/// Jobs under a stopped clock: no lease expires, and a sleeping waiter wakes only for a commit.
async fn jobs_with_stopped_clock(file: &std::path::Path) -> (SqliteDedupeStore, ManualClock) {
    let clock = ManualClock::default();
    let options = DedupeOptions::default()
        .with_clock(clock.clone())
        .with_cleanup_interval(None);
    let jobs = SqliteDedupeStore::with_options(&open(file).await, options);
    (jobs, clock)
}

// covers("A10", "F42", "T20")
#[tokio::test(flavor = "multi_thread")]
async fn a_waiter_in_another_process_is_woken_by_the_end() {
    let folder = Folder::new();
    let (jobs, _clock) = jobs_with_stopped_clock(&folder.file()).await;
    let mut child = children::start("jobs_across_processes::child_waits", &folder.file(), "");
    // More than once: the first waiter starts the watch task, and the last one stops it.
    for _ in 0..3 {
        let Registration::Owner(mut owner) = register(&jobs).await else {
            panic!("no other process registers first");
        };
        child.send("join");
        assert_eq!(child.receive(), "asleep");
        let result = JobResult::Value("bytes".into());
        jobs.complete(&mut owner, result).await.expect("an answer");
        assert_eq!(child.receive(), "woken");
    }
    child.send("end");
    child.wait();
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "child process of a_waiter_in_another_process_is_woken_by_the_end"]
async fn child_waits() {
    /// Longer than any machine takes to wake a task.
    const NEVER: Duration = Duration::from_secs(30);
    let (jobs, clock) = jobs_with_stopped_clock(&children::file()).await;
    let real = SystemClock::new();
    while receive_from_parent() == "join" {
        let Registration::Joined(job) = register(&jobs).await else {
            panic!("the parent owns the job");
        };
        let waiting = tokio::spawn({
            let jobs = jobs.clone();
            async move { jobs.wait_for(&key("comics:1"), &job, SECOND).await }
        });
        while clock.sleepers() == 0 {
            real.sleep_until(real.now() + SECOND / 1000).await;
        }
        send_to_parent("asleep");
        tokio::select! {
            outcome = waiting => {
                let outcome = outcome.expect("no panic").expect("an outcome");
                assert_eq!(outcome, JobOutcome::Value("bytes".into()));
                send_to_parent("woken");
            }
            () = real.sleep_until(real.now() + NEVER) => {
                send_to_parent("still asleep");
                return;
            }
        }
    }
}
