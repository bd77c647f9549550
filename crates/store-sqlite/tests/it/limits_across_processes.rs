//! One budget for all processes.

use std::time::Duration;

use store_core::{
    Acquire, Clock, Decision, HOUR, Limit, RateLimitStore, Reason, SECOND, SystemClock, Timestamp,
};
use store_sqlite::SqliteRateLimitStore;

use crate::children::{self, Process, say};
use crate::support::{Folder, open, resource};

const LIMIT: Limit = Limit::new(50, SECOND);
const PROCESSES: usize = 4;
const TASKS: usize = 16;

// covers("A20", "F1", "F29")
#[tokio::test(flavor = "multi_thread")]
async fn no_window_holds_too_many_over_all_processes_and_hardly_any_is_wasted() {
    let folder = Folder::new();
    let database = folder.open().await;
    store_sqlite::migrate(&database).await.expect("a schema");
    let mut children: Vec<_> = (0..PROCESSES)
        .map(|_| {
            let test = "limits_across_processes::child_takes_what_it_can_for_two_seconds";
            Process::start(test, &folder.file(), "")
        })
        .collect();
    for child in &mut children {
        assert_eq!(child.hear(), "ready");
    }
    let begin = SystemClock::new().now() + Duration::from_millis(50);
    for child in &mut children {
        child.tell(&begin.as_millis().to_string());
    }
    let mut admitted: Vec<i64> = Vec::new();
    for mut child in children {
        let times = child.hear();
        admitted.extend(
            times
                .split_whitespace()
                .map(|at| at.parse::<i64>().expect("a time")),
        );
        child.join();
    }
    admitted.sort_unstable();
    let window = i64::try_from(LIMIT.window.as_millis()).expect("a short window");
    let count = LIMIT.count as usize;
    for span in admitted.windows(count + 1) {
        assert!(
            span[count] - span[0] >= window,
            "too many after {}",
            span[0]
        );
    }
    let possible = 2 * count;
    assert!(
        admitted.len() * 100 >= possible * 95,
        "{} of {possible}",
        admitted.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "child process of no_window_holds_too_many_over_all_processes_and_hardly_any_is_wasted"]
async fn child_takes_what_it_can_for_two_seconds() {
    let database = open(&children::file()).await;
    let limits = SqliteRateLimitStore::new(&database, LIMIT);
    let clock = SystemClock::new();
    say("ready");
    let begin = Timestamp::from_millis(children::listen().parse().expect("a time"));
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| tokio::spawn(take_all(limits.clone(), clock, begin)))
        .collect();
    let mut admitted = Vec::new();
    for task in tasks {
        admitted.extend(task.await.expect("no panic"));
    }
    say(admitted.join(" "));
}

async fn take_all(
    limits: SqliteRateLimitStore,
    clock: SystemClock,
    begin: Timestamp,
) -> Vec<String> {
    let end = begin + 2 * SECOND;
    let issues = resource("issues");
    let mut admitted = Vec::new();
    clock.sleep_until(begin).await;
    while clock.now() < end {
        match limits.acquire(Acquire::one(&issues).user()).await {
            Ok(Decision::Granted(permit)) => {
                admitted.push(permit.admitted_at().as_millis().to_string());
                permit.commit();
            }
            Ok(Decision::Denied { retry_at, .. }) => clock.sleep_until(retry_at.min(end)).await,
            Err(error) => panic!("{error}"),
        }
    }
    admitted
}

// covers("T10", "F7")
#[tokio::test(flavor = "multi_thread")]
async fn a_cooldown_of_one_process_binds_another() {
    let folder = Folder::new();
    let limits = SqliteRateLimitStore::new(&folder.open().await, LIMIT);
    let until = SystemClock::new().now() + HOUR;
    let test = "limits_across_processes::child_sets_a_cooldown";
    let mut child = Process::start(test, &folder.file(), &until.as_millis().to_string());
    assert_eq!(child.hear(), "done");
    let decision = limits
        .acquire(Acquire::one(&resource("issues")).user())
        .await;
    let Decision::Denied { retry_at, reason } = decision.expect("a decision") else {
        panic!("admitted during a cooldown");
    };
    assert_eq!(retry_at, until);
    assert_eq!(reason, Reason::Cooldown(resource("issues")));
    child.join();
}

#[tokio::test]
#[ignore = "child process of a_cooldown_of_one_process_binds_another"]
async fn child_sets_a_cooldown() {
    let limits = SqliteRateLimitStore::new(&open(&children::file()).await, LIMIT);
    let until = Timestamp::from_millis(children::argument().parse().expect("a time"));
    let set = limits.set_cooldown(&resource("issues"), until).await;
    assert_eq!(set.expect("a cooldown"), until);
    say("done");
}
