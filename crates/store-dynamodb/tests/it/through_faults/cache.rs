//! What was stored is found, what was removed is not, and nothing in between.

use std::time::Duration;

use bytes::Bytes;
use dynamodb_local::Faults;
use store_core::backend::SeededRandom;
use store_core::{
    CacheStore, Key, Lookup, ManualClock, NewEntry, Random as _, Removal, Selection, SetOutcome,
    Tag,
};
use store_dynamodb::{CacheOptions, DynamoDbCacheStore, DynamoDbTable, Tuning};

use super::{NONE, Setting, answer, under_each};

const KEYS: [&str; 3] = ["comics:1", "comics:2", "comics:3"];
const TICK: Duration = Duration::from_millis(1);

fn key(name: &str) -> Key {
    Key::new(name).expect("a key")
}

fn tag(name: &str) -> Tag {
    Tag::new(name).expect("a tag")
}

/// A value that tells its version and cannot be compressed: of several chunks, or of one item.
fn value_of(version: u64, words: usize) -> Bytes {
    let seed = SeededRandom::new(version);
    let noise = std::iter::repeat_with(|| seed.next_u64()).take(words);
    let words = [version].into_iter().chain(noise);
    words.flat_map(u64::to_le_bytes).collect()
}

fn store(table: &DynamoDbTable, clock: &ManualClock, seed: u64) -> DynamoDbCacheStore {
    let options = CacheOptions::default()
        .with_clock(clock.clone())
        .with_random(SeededRandom::new(seed));
    let tuning = Tuning::default().with_chunk_bytes(300);
    DynamoDbCacheStore::with_tuning(table, options, tuning)
}

/// What each key may hold: the last acknowledged value, and those written since without an answer.
type Possible = [Vec<Option<Bytes>>; KEYS.len()];

/// Two processes that take steps.
struct Turns {
    kind: &'static str,
    clock: ManualClock,
    caches: [DynamoDbCacheStore; 2],
    possible: Possible,
}

impl Turns {
    /// The outcome of a change of one key: it holds this now, or may.
    fn becomes(&mut self, place: usize, value: Option<Bytes>, is_told: bool) {
        if is_told {
            self.possible[place].clear();
        }
        self.possible[place].push(value);
    }

    fn check(&self, place: usize, found: Lookup) {
        let (kind, found) = (self.kind, found.hit().map(|entry| entry.value));
        assert!(
            self.possible[place].contains(&found),
            "{kind}: {} is {found:?}, not of {:?}",
            KEYS[place],
            self.possible[place]
        );
    }

    async fn set(&mut self, step: usize, place: usize, is_tagged: bool) {
        let cache = self.caches[step % 2].clone();
        let version = u64::try_from(step).expect("few");
        let value = value_of(version, if step.is_multiple_of(2) { 100 } else { 9 });
        let tags = is_tagged.then(|| tag("t"));
        let mut entry = NewEntry::unconditional(key(KEYS[place]), value.clone()).with_tags(tags);
        if step.is_multiple_of(3) {
            let Some(token) = answer(self.kind, cache.fill_token()).await else {
                return;
            };
            entry = entry.with_token(token);
        }
        let outcome = answer(self.kind, cache.set(entry)).await;
        assert_ne!(outcome, Some(SetOutcome::Outdated), "{}", self.kind);
        self.becomes(place, Some(value), outcome.is_some());
    }

    async fn remove(&mut self, step: usize, place: usize) {
        let cache = self.caches[step % 2].clone();
        match step % 3 {
            0 => {
                let gone = answer(self.kind, cache.delete(&key(KEYS[place]))).await;
                self.becomes(place, None, gone.is_some());
            }
            1 => {
                let gone = answer(self.kind, cache.clear(&Selection::All)).await;
                (0..KEYS.len()).for_each(|place| self.becomes(place, None, gone.is_some()));
            }
            _ => {
                let gone = answer(self.kind, cache.invalidate_tags(&[tag("t")])).await;
                // Only the last has the tag, always.
                self.becomes(2, None, gone.is_some());
            }
        }
    }

    async fn look(&self, step: usize) {
        let cache = &self.caches[(step + 1) % 2];
        let keys = KEYS.map(key);
        if let Some(found) = answer(self.kind, cache.get_many(&keys)).await {
            for (place, found) in found.into_iter().enumerate() {
                self.check(place, found);
            }
        }
    }
}

// covers("F46")
#[tokio::test(flavor = "multi_thread")]
async fn what_is_found_is_what_was_stored_last() {
    under_each(async |kind, setting| {
        let clock = ManualClock::default();
        let mut steps = Turns {
            kind,
            caches: [
                store(&setting.spoiled(1).await, &clock, 1),
                store(&setting.spoiled(2).await, &clock, 2),
            ],
            clock,
            possible: KEYS.map(|_| vec![None]),
        };
        for step in 0..15 {
            // A fill that is not answered is older than the next one.
            steps.clock.advance(TICK);
            let place = step % KEYS.len();
            if step % 5 == 4 {
                steps.remove(step / 5, place).await;
            } else {
                steps.set(step, place, place == 2).await;
            }
            steps.look(step).await;
        }
        setting.heal();
        steps.look(0).await;
        steps.look(1).await;
    })
    .await;
}

/// How many chunks there are in the table.
async fn chunks(table: &DynamoDbTable) -> usize {
    let items = table.client().scan().table_name(table.name());
    let items = items.consistent_read(true).projection_expression("PK");
    let items = items.into_paginator().items().send();
    let items = items.collect::<Result<Vec<_>, _>>().await;
    let is_chunk = |name: &String| name.starts_with("CHUNK#");
    let items = items.expect("the items").into_iter();
    items
        .filter(|item| item["PK"].as_s().is_ok_and(is_chunk))
        .count()
}

async fn alone(faults: Faults) -> (Setting, DynamoDbCacheStore, ManualClock) {
    let (setting, clock) = (Setting::new(faults).await, ManualClock::default());
    let cache = store(&setting.spoiled(1).await, &clock, 1);
    (setting, cache, clock)
}

// covers("F46")
#[tokio::test]
async fn nothing_of_a_batch_that_is_left_half_done_is_forgotten() {
    let (setting, cache, clock) = alone(NONE.with_unprocessed(0.7)).await;
    let keys: Vec<Key> = (0..16).map(|n| key(&format!("comics:{n}"))).collect();
    let entry = |n: u64, version| {
        let value = value_of(version, 100);
        NewEntry::unconditional(key(&format!("comics:{n}")), value)
            .with_tags([tag(&format!("issue:{n}"))])
    };
    let outcomes = cache.set_many((0..16).map(|n| entry(n, n)).collect()).await;
    assert_eq!(outcomes.expect("outcomes"), [SetOutcome::Stored; 16]);
    assert_eq!(chunks(&setting.direct).await, 48);
    let found = cache.get_many(&keys).await.expect("answers");
    for (n, found) in (0..).zip(found) {
        let value = found.hit().map(|entry| entry.value);
        assert_eq!(value, Some(value_of(n, 100)), "{n}");
    }
    // What is replaced, swept and cleared goes with all its chunks.
    clock.advance(TICK);
    cache.set(entry(0, 99)).await.expect("capacity");
    assert_eq!(chunks(&setting.direct).await, 48);
    let tags: Vec<Tag> = (0..10).map(|n| tag(&format!("issue:{n}"))).collect();
    cache.invalidate_tags(&tags).await.expect("an end");
    let found = cache.get_many(&keys).await.expect("answers");
    let hits = found.into_iter().filter_map(Lookup::hit).count();
    assert_eq!(hits, 6);
    assert_eq!(cache.cleanup().await.expect("a count"), 10);
    assert_eq!(chunks(&setting.direct).await, 18);
    let removed = cache.clear(&Selection::All).await.expect("a count");
    assert_eq!(removed, Removal::exactly(6));
    assert_eq!(chunks(&setting.direct).await, 0);
    assert!(setting.proxy.fault_counts().unprocessed >= 5);
}

// covers("F20")
#[tokio::test]
async fn a_long_value_is_stored_whatever_other_writes_are_under_way() {
    let (setting, cache, clock) = alone(NONE.with_conflict(0.4)).await;
    for version in 0..8 {
        clock.advance(TICK);
        // Other tags than before: head and epoch are written in one transaction.
        let tags = [tag(&format!("issue:{version}"))];
        let entry =
            NewEntry::unconditional(key("comics:1"), value_of(version, 100)).with_tags(tags);
        let outcome = cache.set(entry).await.expect("patience");
        assert_eq!(outcome, SetOutcome::Stored);
        let found = cache.get(&key("comics:1")).await.expect("an answer");
        let value = found.hit().map(|entry| entry.value);
        assert_eq!(value, Some(value_of(version, 100)));
        assert_eq!(chunks(&setting.direct).await, 3);
    }
    assert!(setting.proxy.fault_counts().conflicts > 0);
}

#[tokio::test]
async fn a_long_value_whose_answers_are_lost_is_stored_and_leaves_nothing_behind() {
    let (setting, cache, clock) = alone(NONE.with_lost_response(0.25)).await;
    let mut stored = None;
    for version in 0..8 {
        clock.advance(TICK);
        let tags = [tag(&format!("issue:{}", version / 2))];
        let entry =
            NewEntry::unconditional(key("comics:1"), value_of(version, 100)).with_tags(tags);
        if answer("lost answers", cache.set(entry)).await.is_some() {
            stored = Some(version);
        }
    }
    setting.heal();
    let stored = stored.expect("patience");
    let found = cache.get(&key("comics:1")).await.expect("an answer");
    let value = found.hit().map(|entry| entry.value).expect("a value");
    assert!((stored..8).any(|version| value == value_of(version, 100)));
    assert!(setting.proxy.fault_counts().lost_responses > 0);
}
