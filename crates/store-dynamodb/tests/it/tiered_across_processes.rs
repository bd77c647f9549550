//! Memory before one table in real processes: what others change, or were killed while changing, is seen within the
//! bound on the age of copies.

#![expect(clippy::print_stdout, reason = "the runner shows what was tried")]

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use store_core::layer::{Tiered, TieredOptions};
use store_core::{CacheStore, Clock, Key, NewEntry, SystemClock};
use store_dynamodb::{DynamoDbCacheStore, DynamoDbTable};
use store_memory::MemoryCacheStore;
use tokio::task::JoinSet;

use crate::children::{self, ChildProcess, receive_from_parent, send_to_parent};
use crate::support;

/// Processes that change keys at once, each its own.
const WRITERS: usize = 2;
/// Changes that a process makes at once.
const AT_ONCE: usize = 16;
/// Between two lookups of all keys: the machine belongs to the writers, too.
const PAUSE: Duration = Duration::from_millis(100);

fn key(index: usize) -> Key {
    Key::new(format!("comics:{index}")).expect("a key")
}

/// What a key has after a round; deleted in every fourth.
fn value(round: usize, index: usize) -> Option<Bytes> {
    let is_deleted = (round + index).is_multiple_of(4);
    (!is_deleted).then(|| format!("{round} {index}").into())
}

async fn values(cache: &impl CacheStore, keys: &[Key]) -> Vec<Option<Bytes>> {
    let found = cache.get_many(keys).await.expect("answers").into_iter();
    found.map(|one| one.hit().map(|hit| hit.value)).collect()
}

/// A process that changes keys, by their indexes.
struct Writer {
    process: ChildProcess,
    indexes: BTreeSet<usize>,
}

impl Writer {
    fn start(table: &DynamoDbTable, indexes: impl Iterator<Item = usize>) -> Self {
        Self {
            process: start(table),
            indexes: indexes.collect(),
        }
    }

    fn begin(&mut self, round: usize) {
        self.send(round, &self.indexes.clone());
    }

    fn send(&mut self, round: usize, indexes: &BTreeSet<usize>) {
        let numbers = [&round].into_iter().chain(indexes);
        let numbers: Vec<String> = numbers.map(ToString::to_string).collect();
        self.process.send(&numbers.join(" "));
    }

    /// Waits until every change of the round has returned.
    fn finish(&mut self, mut left: BTreeSet<usize>) {
        while !left.is_empty() {
            self.receive(&mut left);
        }
        assert_eq!(self.process.receive(), "done");
    }

    /// Kills the process among its changes; another one makes those that have not returned, for all that is known.
    fn kill_and_finish(&mut self, table: &DynamoDbTable, round: usize) {
        let mut left = self.indexes.clone();
        for _ in 0..self.indexes.len() / 2 {
            self.receive(&mut left);
        }
        self.process.kill();
        self.process = start(table);
        self.send(round, &left);
        self.finish(left);
    }

    fn receive(&mut self, left: &mut BTreeSet<usize>) {
        let index = self.process.receive().parse().expect("an index");
        assert!(left.remove(&index), "{index} was changed twice");
    }
}

fn start(table: &DynamoDbTable) -> ChildProcess {
    let mut process = children::start("tiered_across_processes::child_changes", table, "");
    assert_eq!(process.receive(), "ready");
    process
}

/// Lets processes change `count` keys in each round, and looks at what a cache of this process has of them.
async fn trials(rounds: usize, count: usize) {
    let table = support::table().await;
    let direct = DynamoDbCacheStore::new(&table);
    let cache = Tiered::new(MemoryCacheStore::new(), direct.clone());
    let (bound, real) = (TieredOptions::default().max_staleness, SystemClock::new());
    let keys: Vec<Key> = (0..count).map(key).collect();
    let mut writers: Vec<Writer> = (0..WRITERS)
        .map(|writer| Writer::start(&table, (writer..count).step_by(WRITERS)))
        .collect();
    // Copies are made all the time, of every age, and while their values change.
    let mut looking = JoinSet::new();
    let (hot, all) = (cache.clone(), keys.clone());
    looking.spawn(async move {
        loop {
            values(&hot, &all).await;
            real.sleep(PAUSE).await;
        }
    });
    let (mut stale, mut latest, mut killed) = (0, Duration::ZERO, 0);
    for round in 0..rounds {
        for writer in &mut writers {
            writer.begin(round);
        }
        for (number, writer) in writers.iter_mut().enumerate() {
            if (round + number) % 4 == 1 {
                writer.kill_and_finish(&table, round);
                killed += 1;
            } else {
                writer.finish(writer.indexes.clone());
            }
        }
        // Every change has returned, and nobody makes another one meanwhile.
        let told = real.monotonic();
        let changed: Vec<_> = (0..count).map(|index| value(round, index)).collect();
        assert_eq!(values(&direct, &keys).await, changed, "round {round}");
        loop {
            let began = real.monotonic().saturating_sub(told);
            let found = values(&cache, &keys).await;
            let differences = found
                .iter()
                .zip(&changed)
                .filter(|(one, other)| one != other);
            let differences = differences.count();
            if differences == 0 {
                break;
            }
            assert!(began < bound, "{differences} stale values after {began:?}");
            stale += differences;
            latest = latest.max(began);
            real.sleep(PAUSE).await;
        }
    }
    println!(
        "{} of {} changes were seen; {killed} processes were killed; {stale} stale copies within the bound, \
         the last one {latest:?} after the changes",
        rounds * count,
        rounds * count,
    );
    assert!(stale > 0, "no copy was stale, so that nothing was tried");
    assert!(looking.try_join_next().is_none(), "a lookup failed");
}

// covers("D2")
#[tokio::test(flavor = "multi_thread")]
async fn a_change_of_another_process_is_seen_within_2_s() {
    trials(2, 40).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute or two"]
async fn ten_thousand_changes_of_other_processes_are_seen_within_2_s() {
    trials(20, 500).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "child process of a_change_of_another_process_is_seen_within_2_s"]
async fn child_changes() {
    let cache = DynamoDbCacheStore::new(&children::table());
    send_to_parent("ready");
    loop {
        let order = receive_from_parent();
        let mut numbers = order.split(' ').map_while(|number| number.parse().ok());
        let Some(round) = numbers.next() else {
            return;
        };
        let indexes: Vec<usize> = numbers.collect();
        let mut changes = JoinSet::new();
        for part in indexes.chunks(indexes.len().div_ceil(AT_ONCE).max(1)) {
            let (cache, part) = (cache.clone(), part.to_vec());
            changes.spawn(async move {
                for index in part {
                    change(&cache, round, index).await;
                    send_to_parent(index);
                }
            });
        }
        changes.join_all().await;
        send_to_parent("done");
    }
}

async fn change(cache: &DynamoDbCacheStore, round: usize, index: usize) {
    match value(round, index) {
        Some(value) => {
            let entry = NewEntry::unconditional(key(index), value);
            cache.set(entry).await.expect("stored");
        }
        None => {
            cache.delete(&key(index)).await.expect("deleted");
        }
    }
}
