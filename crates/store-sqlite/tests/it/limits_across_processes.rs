//! One rate limit for all processes.

use std::path::Path;
use std::time::Duration;

use sqlite_database::SqliteDatabase;
use store_core::{
    Acquire, Claim, Clock, Decision, HOUR, Limit, Priority, RateLimitStore, Reason, SECOND,
    SystemClock, Timestamp,
};
use store_sqlite::{DatabaseOptions, RateLimitOptions, SqliteRateLimitStore};

use crate::children::{self, send_to_parent};
use crate::support::{Folder, hold_write_lock, is_pending, open, resource};

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
            children::start(test, &folder.file(), "")
        })
        .collect();
    for child in &mut children {
        assert_eq!(child.receive(), "ready");
    }
    let begin = SystemClock::new().now() + Duration::from_millis(50);
    for child in &mut children {
        child.send(&begin.as_millis().to_string());
    }
    let mut admitted: Vec<i64> = Vec::new();
    for mut child in children {
        let times = child.receive();
        admitted.extend(
            times
                .split_whitespace()
                .map(|at| at.parse::<i64>().expect("a time")),
        );
        child.wait();
    }
    admitted.sort_unstable();
    let window_ms = i64::try_from(LIMIT.window().as_millis()).expect("a short window");
    let count = LIMIT.count() as usize;
    for window in admitted.windows(count + 1) {
        assert!(
            window[count] - window[0] >= window_ms,
            "too many after {}",
            window[0]
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
    send_to_parent("ready");
    let begin = Timestamp::from_millis(children::receive_from_parent().parse().expect("a time"));
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| tokio::spawn(take_all(limits.clone(), clock, begin)))
        .collect();
    let mut admitted = Vec::new();
    for task in tasks {
        admitted.extend(task.await.expect("no panic"));
    }
    send_to_parent(admitted.join(" "));
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
        match limits.try_acquire(Acquire::one(&issues).user()).await {
            Ok(Decision::Granted(permit)) => {
                admitted.push(permit.admitted_at().as_millis().to_string());
                drop(permit);
            }
            Ok(Decision::Denied { retry_at, .. }) => clock.sleep_until(retry_at.min(end)).await,
            Err(error) => panic!("{error}"),
        }
    }
    admitted
}

/// The number of transactions in the write-ahead log: the last frame of each has the file's size.
fn commits(file: &Path) -> usize {
    const HEADER: usize = 32;
    const FRAME_HEADER: usize = 24;
    let log = std::fs::read(file.with_extension("db-wal")).expect("a write-ahead log");
    let page = log[8..12].try_into().expect("four bytes");
    let page = usize::try_from(u32::from_be_bytes(page)).expect("a page");
    let frames = log[HEADER..].chunks_exact(FRAME_HEADER + page);
    // Frames from before the last reset have other salts.
    let current = frames.take_while(|frame| frame[8..16] == log[16..24]);
    current.filter(|frame| frame[4..8] != [0; 4]).count()
}

fn limiter(database: &SqliteDatabase, limit: Limit) -> SqliteRateLimitStore {
    let options = RateLimitOptions::default()
        .with_default_config(limit)
        .with_cleanup_interval(None);
    SqliteRateLimitStore::with_options(database, options)
}

// covers("F29")
#[tokio::test(flavor = "multi_thread")]
async fn callers_that_meet_share_a_commit() {
    const CALLERS: usize = 64;
    let folder = Folder::new();
    let database = folder.open().await;
    let limits = limiter(&database, Limit::new(1_000, HOUR));
    let issues = resource("issues");
    let acquire = || limits.try_acquire(Acquire::one(&issues).user());
    drop(acquire().await.expect("a decision"));
    let release = hold_write_lock(&database);
    let before = commits(&folder.file());
    let mut calls: Vec<_> = (0..CALLERS).map(|_| Box::pin(acquire())).collect();
    for call in &mut calls {
        assert!(is_pending(call.as_mut()));
    }
    release.send(()).expect("the holder of the lock");
    for call in calls {
        match call.await.expect("a decision") {
            Decision::Granted(permit) => drop(permit),
            denied @ Decision::Denied { .. } => panic!("{denied:?}"),
        }
    }
    let shared = commits(&folder.file()) - before;
    assert!((1..=2).contains(&shared), "{shared} for {CALLERS}");
}

// covers("F29")
#[tokio::test(flavor = "multi_thread")]
async fn waiting_for_a_lock_stops_nobody_else_on_the_thread() {
    let folder = Folder::new();
    let patient = DatabaseOptions::default().with_busy_timeout(60 * SECOND);
    let database = SqliteDatabase::open_with(folder.file(), patient).await;
    let database = database.expect("a database");
    store_sqlite::migrate(&database).await.expect("a schema");
    let limits = limiter(&database, LIMIT);
    let issues = resource("issues");
    // To SQLite another handle is like another process.
    let release = hold_write_lock(&folder.open().await);
    let mut call = Box::pin(limits.try_acquire(Acquire::one(&issues).user()));
    // A thread that waited for the lock would have got it.
    assert!(is_pending(call.as_mut()));
    let status = limits
        .status(&Claim::new(issues.clone()), Priority::User)
        .await;
    assert_eq!(status.expect("a status").used, 0);
    release.send(()).expect("the holder of the lock");
    assert!(matches!(call.await, Ok(Decision::Granted(_))));
}

// covers("T10", "F7")
#[tokio::test(flavor = "multi_thread")]
async fn a_cooldown_of_one_process_binds_another() {
    let folder = Folder::new();
    let limits = SqliteRateLimitStore::new(&folder.open().await, LIMIT);
    let until = SystemClock::new().now() + HOUR;
    let test = "limits_across_processes::child_sets_a_cooldown";
    let mut child = children::start(test, &folder.file(), &until.as_millis().to_string());
    assert_eq!(child.receive(), "done");
    let decision = limits
        .try_acquire(Acquire::one(&resource("issues")).user())
        .await;
    let Decision::Denied { retry_at, reason } = decision.expect("a decision") else {
        panic!("admitted during a cooldown");
    };
    assert_eq!(retry_at, until);
    assert_eq!(reason, Reason::Cooldown(resource("issues")));
    child.wait();
}

#[tokio::test]
#[ignore = "child process of a_cooldown_of_one_process_binds_another"]
async fn child_sets_a_cooldown() {
    let limits = SqliteRateLimitStore::new(&open(&children::file()).await, LIMIT);
    let until = Timestamp::from_millis(children::argument().parse().expect("a time"));
    let set = limits.set_cooldown(&resource("issues"), until).await;
    assert_eq!(set.expect("a cooldown"), until);
    send_to_parent("done");
}
