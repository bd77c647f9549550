//! The model of a cache: a map of the values, and a list of all removals.
//!
//! The model numbers events, so that it knows their order. A store knows only times, so after the
//! clock was set back the model allows either answer where order and time may differ.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use store_core::backend::FillMark;
use store_core::{
    Entry, EntryInfo, FillToken, Key, NewEntry, Selection, SetOutcome, Tag, Timestamp,
};

#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    values: BTreeMap<Key, Stored>,
    removals: Vec<RemovalRecord>,
    /// The number of events so far.
    events: u64,
    /// The event at which the clock was last set back.
    set_back_at: u64,
    /// Fills that began before this event may be older than any removal that a store still knows of.
    history_lost_at: u64,
    /// The number of values that a store may have hidden instead of removed.
    pub(super) hidden: u64,
    /// The keys and tags of such values.
    hidden_entries: Vec<(Key, BTreeSet<Tag>)>,
}

/// A fill that has begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fill {
    pub(super) token: FillToken,
    began: u64,
}

impl Fill {
    fn began_at(self) -> Timestamp {
        FillMark::from(self.token).began_at
    }
}

#[derive(Clone, Debug)]
pub(super) struct Stored {
    value: Bytes,
    tags: BTreeSet<Tag>,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    fill: Fill,
    /// Whether a cleanup may have removed it.
    has_expired: bool,
}

/// A removal: fills that began before it are outdated.
#[derive(Clone, Debug)]
struct RemovalRecord {
    at: u64,
    target: Target,
    /// Whether the contract requires it, or only allows it.
    is_certain: bool,
}

#[derive(Clone, Debug)]
enum Target {
    Selected(Selection),
    Key(Key),
    Tag(Tag),
}

/// The outcome that the contract requires of a `set`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ExpectedOutcome {
    Stored,
    Outdated,
    Either,
}

impl ExpectedOutcome {
    pub(super) fn allows(self, outcome: SetOutcome) -> bool {
        match self {
            Self::Stored => outcome == SetOutcome::Stored,
            Self::Outdated => outcome == SetOutcome::Outdated,
            Self::Either => true,
        }
    }
}

impl Stored {
    pub(super) fn entry(&self) -> Entry {
        Entry::new(self.value.clone(), self.created_at, self.expires_at)
    }

    fn is_live(&self, now: Timestamp) -> bool {
        self.expires_at.is_none_or(|at| now < at)
    }
}

impl RemovalRecord {
    fn concerns(&self, key: &Key, tags: &[Tag]) -> bool {
        match &self.target {
            Target::Selected(selection) => selection.contains(key),
            Target::Key(removed) => removed == key,
            Target::Tag(tag) => tags.contains(tag),
        }
    }
}

impl Model {
    /// Begins a fill with this token.
    pub(super) fn begin_fill(&mut self, token: FillToken) -> Fill {
        self.events += 1;
        Fill {
            token,
            began: self.events,
        }
    }

    /// Begins a fill without a token: it counts as begun now.
    pub(super) fn begin_fill_now(&mut self, now: Timestamp) -> Fill {
        let mark = FillMark {
            epoch: 0,
            began_at: now,
        };
        self.begin_fill(mark.into())
    }

    pub(super) fn live(&self, key: &Key, now: Timestamp) -> Option<&Stored> {
        self.values.get(key).filter(|stored| stored.is_live(now))
    }

    /// The expected outcome of a fill with a token.
    pub(super) fn expected_outcome(
        &self,
        key: &Key,
        tags: &[Tag],
        fill: Fill,
        now: Timestamp,
    ) -> ExpectedOutcome {
        let mut is_uncertain = fill.began < self.history_lost_at;
        for removed in &self.removals {
            if removed.at > fill.began && removed.concerns(key, tags) {
                if removed.is_certain {
                    return ExpectedOutcome::Outdated;
                }
                is_uncertain = true;
            }
        }
        if let Some(stored) = self.values.get(key) {
            let first = stored.fill.began.min(fill.began);
            if self.set_back_at > first {
                is_uncertain = true;
            } else if stored.fill.began_at() > fill.began_at() {
                if stored.is_live(now) {
                    return ExpectedOutcome::Outdated;
                }
                is_uncertain = true;
            } else if self.is_ordered_by_removal(fill, stored.fill) {
                is_uncertain = true;
            }
        }
        if is_uncertain {
            ExpectedOutcome::Either
        } else {
            ExpectedOutcome::Stored
        }
    }

    /// Whether there was a removal between the beginnings of two fills: a store that counts removals
    /// then knows which fill was first, even within one tick of the clock.
    fn is_ordered_by_removal(&self, first: Fill, second: Fill) -> bool {
        let between = first.began..second.began;
        let mut removals = self.removals.iter();
        removals.any(|removed| between.contains(&removed.at))
    }

    pub(super) fn store(&mut self, entry: &NewEntry, fill: Fill, now: Timestamp) {
        let expires_at = entry.ttl.expires_at(now);
        let stored = Stored {
            value: entry.value.clone(),
            tags: entry.tags.iter().cloned().collect(),
            created_at: now,
            expires_at,
            fill,
            has_expired: expires_at.is_some_and(|at| at <= now),
        };
        self.values.insert(entry.key.clone(), stored);
    }

    /// Removes the older value. Whether fills that have begun are outdated then is not promised.
    pub(super) fn set_too_large(&mut self, key: &Key) {
        self.values.remove(key);
        self.note_removal(Target::Key(key.clone()), false);
    }

    pub(super) fn delete(&mut self, key: &Key, now: Timestamp) -> u64 {
        self.note_removal(Target::Key(key.clone()), true);
        let gone = self.values.remove(key);
        u64::from(gone.is_some_and(|stored| stored.is_live(now)))
    }

    pub(super) fn clear(&mut self, selection: &Selection, now: Timestamp) -> u64 {
        self.note_removal(Target::Selected(selection.clone()), true);
        let gone = self.values.extract_if(.., |key, _| selection.contains(key));
        let gone: Vec<_> = gone.collect();
        let live = gone.iter().filter(|(_, stored)| stored.is_live(now));
        let live = live.count() as u64;
        for (key, stored) in gone {
            self.hide(key, stored.tags);
        }
        live
    }

    /// Removes the values with one of the tags. Tags of expired values may already be removed.
    pub(super) fn invalidate(&mut self, tags: &[Tag], now: Timestamp) -> u64 {
        for tag in tags {
            self.note_removal(Target::Tag(tag.clone()), true);
        }
        let carries = |stored: &Stored| tags.iter().any(|tag| stored.tags.contains(tag));
        let gone = self.values.extract_if(.., |_, stored| carries(stored));
        let gone: Vec<_> = gone.collect();
        // A store that finds a hidden value does not know since when it was hidden.
        let has_tag = |entry: &&(Key, BTreeSet<Tag>)| tags.iter().any(|tag| entry.1.contains(tag));
        let hidden_entries = self.hidden_entries.iter().filter(has_tag);
        let affected: Vec<Key> = hidden_entries.map(|(key, _)| key.clone()).collect();
        for key in affected {
            self.note_removal(Target::Key(key), false);
        }
        let mut live = 0;
        for (key, stored) in gone {
            self.note_removal(Target::Key(key.clone()), stored.is_live(now));
            live += u64::from(stored.is_live(now));
            self.hide(key, stored.tags);
        }
        live
    }

    /// Notes a value that may be hidden, and may make earlier fills of its key outdated.
    pub(super) fn hide(&mut self, key: Key, tags: BTreeSet<Tag>) {
        self.hidden += 1;
        self.note_removal(Target::Key(key.clone()), false);
        self.hidden_entries.push((key, tags));
    }

    fn note_removal(&mut self, target: Target, is_certain: bool) {
        self.events += 1;
        self.removals.push(RemovalRecord {
            at: self.events,
            target,
            is_certain,
        });
    }

    pub(super) fn list(&self, now: Timestamp) -> Vec<EntryInfo> {
        let live = self.values.iter().filter(|(_, stored)| stored.is_live(now));
        live.map(|(key, stored)| {
            EntryInfo::new(key.clone(), stored.value.len() as u64, stored.created_at)
                .with_expires_at(stored.expires_at)
                .with_tags(stored.tags.iter().cloned().collect())
        })
        .collect()
    }

    /// The number of unexpired values, and of expired values that may still be stored.
    pub(super) fn counts(&self, now: Timestamp) -> (u64, u64) {
        let live = self.values.values().filter(|stored| stored.is_live(now));
        let live = live.count();
        (live as u64, (self.values.len() - live) as u64)
    }

    pub(super) fn remove_expired(&mut self, now: Timestamp) {
        self.values.retain(|_, stored| stored.is_live(now));
    }

    pub(super) fn discard(&mut self, key: &Key) {
        self.values.remove(key);
    }

    /// Notes the values that a cleanup may remove at this time.
    pub(super) fn note_expired(&mut self, now: Timestamp) {
        for stored in self.values.values_mut() {
            stored.has_expired |= !stored.is_live(now);
        }
    }

    /// Notes that more time has passed than any store keeps removals for.
    pub(super) fn lose_history(&mut self) {
        self.events += 1;
        self.history_lost_at = self.events;
    }

    pub(super) fn set_back(&mut self) {
        self.events += 1;
        self.set_back_at = self.events;
    }

    /// The values that had expired and are unexpired again: they are stored, unless cleaned up.
    pub(super) fn unexpired_again(&mut self, now: Timestamp) -> Vec<Key> {
        let mut unexpired_again = Vec::new();
        for (key, stored) in &mut self.values {
            if stored.has_expired && stored.is_live(now) {
                stored.has_expired = false;
                unexpired_again.push(key.clone());
            }
        }
        unexpired_again
    }
}
