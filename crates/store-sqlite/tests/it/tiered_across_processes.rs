//! Memory before one file in real processes: what one changes, another sees within the bound, also if the one is killed
//! or the other was stopped.

#![expect(clippy::print_stdout, reason = "the runner shows what was tried")]

use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use store_core::layer::{Tiered, TieredOptions};
use store_core::{CacheStore, Clock, Key, NewEntry, SystemClock, Tag};
use store_memory::MemoryCacheStore;
use store_sqlite::SqliteCacheStore;

use crate::children::{self, ChildProcess, Signal, receive_from_parent, send_to_parent};
use crate::support::{Folder, key, open};

/// Each key of a round is a trial.
const KEYS: usize = 50;

async fn cache(file: &Path) -> Tiered<MemoryCacheStore, SqliteCacheStore> {
    let outer = SqliteCacheStore::new(&open(file).await);
    Tiered::following(MemoryCacheStore::new(), outer)
}

fn keys() -> Vec<Key> {
    (0..KEYS).map(|n| key(&format!("comics:{n}"))).collect()
}

async fn values(cache: &impl CacheStore, keys: &[Key]) -> Vec<Option<Bytes>> {
    let found = cache.get_many(keys).await.expect("answers").into_iter();
    found.map(|one| one.hit().map(|hit| hit.value)).collect()
}

/// Starts a process that changes every key once per round.
fn writer(file: &Path) -> ChildProcess {
    let mut writer = children::start("tiered_across_processes::child_writes", file, "");
    assert_eq!(writer.receive(), "ready");
    writer
}

/// Lets one process change the keys and another one check what it sees. Every eighth round the writer is killed among its
/// changes, and in every eighth one the reader is stopped during them.
async fn trials(rounds: usize) {
    let folder = Folder::new();
    let file = folder.file();
    drop(cache(&file).await);
    let mut writing = writer(&file);
    let mut reading = children::start("tiered_across_processes::child_reads", &file, "");
    assert_eq!(reading.receive(), "ready");
    for round in 0..rounds {
        let (is_stopped, is_killed) = (round % 8 == 3, round % 8 == 7);
        if is_stopped {
            reading.signal(Signal::STOP);
        }
        writing.send(&round.to_string());
        let changes = if is_killed { round % KEYS } else { KEYS };
        for _ in 0..changes {
            assert_eq!(writing.receive(), "changed");
        }
        if is_killed {
            writing.kill();
        } else {
            assert_eq!(writing.receive(), "done");
        }
        if is_stopped {
            reading.signal(Signal::CONT);
        }
        // The changes have returned, or their process is gone.
        reading.send("check");
        assert_eq!(reading.receive(), "seen", "round {round}");
        if is_killed {
            writing = writer(&file);
        }
    }
    reading.send("end");
    let stale: u32 = reading.receive().parse().expect("a number");
    println!(
        "{} trials, {stale} stale copies within the bound",
        rounds * KEYS
    );
    assert!(stale > 0, "no copy was stale, so that nothing was tried");
    reading.wait();
}

// covers("D2")
#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_another_process_is_seen_within_50_ms() {
    trials(16).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes half a minute"]
async fn ten_thousand_changes_of_another_process_are_seen_within_50_ms() {
    trials(10_000 / KEYS).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "child process of a_change_of_another_process_is_seen_within_50_ms"]
async fn child_writes() {
    let cache = cache(&children::file()).await;
    let tag = Tag::new("sometimes").expect("a tag");
    values(&cache, &keys()).await;
    send_to_parent("ready");
    while let Ok(round) = receive_from_parent().parse::<usize>() {
        for (index, key) in keys().into_iter().enumerate() {
            if (round + index).is_multiple_of(4) {
                cache.delete(&key).await.expect("deleted");
            } else {
                let entry = NewEntry::unconditional(key, format!("{round} {index}"));
                let tags = (index % 3 == 0).then(|| tag.clone());
                cache.set(entry.with_tags(tags)).await.expect("stored");
            }
            send_to_parent("changed");
        }
        if round % 3 == 2 {
            let removed = cache.invalidate_tags(std::slice::from_ref(&tag)).await;
            removed.expect("invalidated");
        }
        send_to_parent("done");
    }
}

/// Looks again and again, so that it has copies. A lookup that begins as late as the bound after the message began later
/// than that after every change.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "child process of a_change_of_another_process_is_seen_within_50_ms"]
async fn child_reads() {
    let file = children::file();
    let (cache, direct) = (
        cache(&file).await,
        SqliteCacheStore::new(&open(&file).await),
    );
    let bound = TieredOptions::default().max_feed_age;
    let (real, keys) = (SystemClock::new(), keys());
    values(&cache, &keys).await;
    send_to_parent("ready");
    let (mut stale, mut latest) = (0, Duration::ZERO);
    while receive_from_parent() == "check" {
        let told = real.monotonic();
        // Nobody writes meanwhile.
        let stored = values(&direct, &keys).await;
        loop {
            let began = real.monotonic().saturating_sub(told);
            let found = values(&cache, &keys).await;
            let differences = found
                .iter()
                .zip(&stored)
                .filter(|(found, stored)| found != stored);
            let differences = differences.count();
            if differences == 0 {
                break;
            }
            assert!(began < bound, "{differences} stale values after {began:?}");
            stale += differences;
            latest = latest.max(began);
        }
        // What the next changes make stale.
        values(&cache, &keys).await;
        send_to_parent("seen");
    }
    println!("the last stale copy was {latest:?} after the changes");
    send_to_parent(stale);
}
