//! One load over processes that share a file, whose owner ends, is killed or is stopped.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use store_core::layer::read_through::{Loaded, Previous, ReadThrough, ReadThroughOptions};
use store_core::{Clock, DAY, HOUR, MINUTE, ManualClock, Outcome, SECOND, SystemClock};
use store_sqlite::{BoxError, CacheOptions, DedupeOptions, SqliteCacheStore, SqliteDedupeStore};

use crate::children::{self, ChildProcess, Signal, receive_from_parent, send_to_parent};
use crate::support::{Folder, key, open};

const KEY: &str = "comics:4000-1";
const PROCESSES: usize = 4;
const TASKS: usize = 50;

/// Names in a file, under a clock that only the values see: leases lapse in real time.
async fn names(file: &Path, clock: impl Clock) -> ReadThrough<String> {
    let clock: Arc<dyn Clock> = Arc::new(clock);
    let database = open(file).await;
    let cache = CacheOptions::default().with_clock(Arc::clone(&clock));
    let jobs = DedupeOptions::default().with_lease(SECOND);
    let options = ReadThroughOptions::default()
        .with_ttl(MINUTE)
        .with_stale_for(DAY)
        .with_clock(clock);
    ReadThrough::builder(SqliteCacheStore::with_options(&database, cache))
        .with_dedupe(SqliteDedupeStore::with_options(&database, jobs))
        .with_options(options)
        .build()
}

/// Stores a value an hour ago.
async fn store_expired(file: &Path) {
    let hour_ago = ManualClock::at(SystemClock::new().now() - HOUR);
    let old = async |_| Ok::<_, BoxError>(Loaded::new("old".to_owned()));
    let names = names(file, hour_ago).await;
    names.get(&key(KEY), old).await.expect("a value");
}

/// The file that lets loads end.
fn release(file: &Path) -> PathBuf {
    file.with_extension("release")
}

/// Waits a little.
async fn nap() {
    SystemClock::new().sleep(Duration::from_millis(2)).await;
}

// covers("D9")
#[tokio::test(flavor = "multi_thread")]
async fn of_200_tasks_in_four_processes_one_loads_the_popular_key_that_expired() {
    let folder = Folder::new();
    let file = folder.file();
    store_expired(&file).await;
    let child = "read_through_across_processes::child_with_50_tasks";
    let start = |_| children::start(child, &file, "");
    let mut processes: Vec<_> = (0..PROCESSES).map(start).collect();
    for process in &mut processes {
        assert_eq!(process.receive(), "ready");
    }
    for process in &mut processes {
        process.send("go");
    }
    for process in &mut processes {
        assert_eq!(process.receive(), "all wait");
    }
    std::fs::write(release(&file), "").expect("a file");
    let loads: u64 = processes
        .iter_mut()
        .map(|process| process.receive().parse::<u64>().expect("a number"))
        .sum();
    assert_eq!(loads, 1);
    processes.into_iter().for_each(ChildProcess::wait);
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "child process of tests in this file"]
async fn child_with_50_tasks() {
    let names = names(&children::file(), SystemClock::new()).await;
    let release = release(&children::file());
    send_to_parent("ready");
    assert_eq!(receive_from_parent(), "go");
    let mut calls = Vec::new();
    for _ in 0..TASKS {
        let (names, release) = (names.clone(), release.clone());
        calls.push(tokio::spawn(async move {
            let load = async move |previous: Option<Previous<String>>| {
                let old = previous.and_then(|previous| previous.value);
                assert_eq!(old.as_deref(), Some("old"));
                while !release.exists() {
                    nap().await;
                }
                Ok::<_, BoxError>(Loaded::new("new".to_owned()))
            };
            names.get(&key(KEY), load).await
        }));
    }
    while names.stats().requests < TASKS as u64 {
        nap().await;
    }
    send_to_parent("all wait");
    for call in calls {
        let answer = call.await.expect("no panic").expect("a value");
        assert_eq!(answer.value.as_deref(), Some("new"));
    }
    send_to_parent(names.stats().loads);
}

/// The owner of a load that ends when the parent says so.
fn start_owner(file: &Path) -> ChildProcess {
    let mut owner = children::start("read_through_across_processes::child_that_loads", file, "");
    assert_eq!(owner.receive(), "loading");
    owner
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "child process of tests in this file"]
async fn child_that_loads() {
    let names = names(&children::file(), SystemClock::new()).await;
    let load = async |_| {
        send_to_parent("loading");
        tokio::task::spawn_blocking(receive_from_parent).await?;
        Ok::<_, BoxError>(Loaded::new("late".to_owned()))
    };
    let answer = names.get(&key(KEY), load).await.expect("a value");
    send_to_parent(answer.value.expect("a value"));
}

/// Calls that join the load of the child.
async fn join(file: &Path) -> (ReadThrough<String>, Vec<tokio::task::JoinHandle<String>>) {
    let names = names(file, SystemClock::new()).await;
    let calls = (0..TASKS).map(|_| {
        let names = names.clone();
        tokio::spawn(async move {
            let load = async |_| Ok::<_, BoxError>(Loaded::new("successor's".to_owned()));
            let answer = names.get(&key(KEY), load).await.expect("a value");
            answer.value.expect("a value")
        })
    });
    let calls = calls.collect();
    while names.stats().requests < TASKS as u64 {
        nap().await;
    }
    (names, calls)
}

// covers("D9", "F36")
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_that_loads_is_replaced_by_one_that_waits() {
    let folder = Folder::new();
    let mut owner = start_owner(&folder.file());
    let (names, calls) = join(&folder.file()).await;
    owner.kill();
    for call in calls {
        assert_eq!(call.await.expect("no panic"), "successor's");
    }
    assert_eq!(names.stats().loads, 1);
}

// covers("F60")
#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_process_that_resumes_its_load_replaces_no_newer_value() {
    let folder = Folder::new();
    let mut owner = start_owner(&folder.file());
    owner.signal(Signal::STOP);
    let (names, calls) = join(&folder.file()).await;
    for call in calls {
        assert_eq!(call.await.expect("no panic"), "successor's");
    }
    assert_eq!(names.stats().loads, 1);
    owner.send("end");
    owner.signal(Signal::CONT);
    assert_eq!(owner.receive(), "late");
    owner.wait();
    let cached = names.cached(&key(KEY)).await.expect("a value");
    assert_eq!(cached.value.as_deref(), Some("successor's"));
    assert_eq!(cached.outcome, Outcome::Hit);
}
