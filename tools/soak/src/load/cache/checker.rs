//! Did a value come back after its invalidation, and is everything there that must be?

use std::collections::BTreeMap;

use store_core::{CacheStore, Key};

use crate::error::Error;
use crate::load::events::CacheEvent as Event;

use super::value::decode;

#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) hits: usize,
    pub(crate) outdated: usize,
    /// Hits on values that had been invalidated, or were not whole.
    pub(crate) stale: usize,
    /// Keys that must hold what was written down last.
    pub(crate) kept: usize,
    /// Reads of them, at the end or on the way, that found something else.
    pub(crate) lost: usize,
    pub(crate) complaints: Vec<String>,
}

/// The values that each key that must stay may hold: the last one, or the one being written when its
/// worker died.
#[derive(Debug, Default)]
struct Kept {
    keys: BTreeMap<String, Vec<Option<u64>>>,
}

impl Kept {
    fn may_hold(&self, key: &str, value: Option<u64>) -> bool {
        match self.keys.get(key) {
            Some(values) => values.contains(&value),
            None => value.is_none(),
        }
    }
}

/// Checks the events of all workers, each in its order, and what `store` holds at the end.
pub(crate) async fn check<'a>(
    events: impl IntoIterator<Item = &'a Event>,
    store: &impl CacheStore,
) -> Result<Counters, Error> {
    let (mut counters, kept) = check_events(events);
    for key in kept.keys.keys() {
        let found = store.get(&Key::new(key)?).await?.hit();
        let found = found.map(|entry| decode(&entry.value).unwrap_or(u64::MAX));
        counters.check(&kept, key, found);
    }
    Ok(counters)
}

fn check_events<'a>(events: impl IntoIterator<Item = &'a Event>) -> (Counters, Kept) {
    let (mut counters, mut kept) = (Counters::default(), Kept::default());
    for event in events {
        match event {
            Event::Hit {
                key,
                version,
                floor,
            } => {
                counters.hits += 1;
                if version.is_none_or(|version| version < *floor) {
                    counters.stale += 1;
                    counters.complaints.push(format!(
                        "key {key}: version {version:?} was read after everything below {floor} \
                         had been invalidated"
                    ));
                }
            }
            Event::Outdated => counters.outdated += 1,
            Event::Will { key, value } => {
                let values = kept.keys.entry(key.clone());
                // Before the first time there is nothing.
                values.or_insert_with(|| vec![None]).push(*value);
            }
            Event::Did { key, value } => {
                kept.keys.insert(key.clone(), vec![*value]);
            }
            Event::Found { key, value } => counters.check(&kept, key, *value),
        }
    }
    counters.kept = kept.keys.len();
    (counters, kept)
}

impl Counters {
    /// Checks what a key that must stay was found to hold.
    fn check(&mut self, kept: &Kept, key: &str, found: Option<u64>) {
        if !kept.may_hold(key, found) {
            self.lost += 1;
            let due = kept.keys.get(key);
            self.complaints.push(format!(
                "{key}: holds {found:?} and should hold one of {due:?}"
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hit(version: Option<u64>, floor: u64) -> Event {
        Event::Hit {
            key: 1,
            version,
            floor,
        }
    }

    fn will(value: Option<u64>) -> Event {
        let key = "kept:1".to_owned();
        Event::Will { key, value }
    }

    fn did(value: Option<u64>) -> Event {
        let key = "kept:1".to_owned();
        Event::Did { key, value }
    }

    #[test]
    fn a_value_from_before_its_invalidation_is_stale() {
        let (counters, _) = check_events(&[hit(Some(3), 3), hit(Some(4), 3)]);
        assert_eq!((counters.hits, counters.stale), (2, 0));
        assert_eq!(check_events(&[hit(Some(2), 3)]).0.stale, 1);
        assert_eq!(check_events(&[hit(None, 0)]).0.stale, 1);
    }

    #[test]
    fn a_value_that_was_stored_must_be_there() {
        let (mut counters, kept) = check_events(&[will(Some(1)), did(Some(1))]);
        counters.check(&kept, "kept:1", Some(1));
        assert_eq!((counters.kept, counters.lost), (1, 0));
        counters.check(&kept, "kept:1", None);
        counters.check(&kept, "kept:1", Some(2));
        assert_eq!(counters.lost, 2);
    }

    #[test]
    fn a_value_that_was_removed_must_be_gone() {
        let (mut counters, kept) =
            check_events(&[will(Some(1)), did(Some(1)), will(None), did(None)]);
        counters.check(&kept, "kept:1", Some(1));
        assert_eq!(counters.lost, 1);
    }

    #[test]
    fn a_worker_that_died_while_it_stored_leaves_both_open() {
        let (mut counters, kept) = check_events(&[will(Some(1)), did(Some(1)), will(Some(2))]);
        counters.check(&kept, "kept:1", Some(1));
        counters.check(&kept, "kept:1", Some(2));
        assert_eq!(counters.lost, 0);
        counters.check(&kept, "kept:1", None);
        assert_eq!(counters.lost, 1);
    }

    #[test]
    fn a_loss_on_the_way_is_seen_even_if_the_end_is_right() {
        let found = Event::Found {
            key: "kept:1".to_owned(),
            value: None,
        };
        let events = [did(Some(1)), found, did(Some(2))];
        assert_eq!(check_events(&events).0.lost, 1);
    }
}
