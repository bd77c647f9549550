//! What a cache holds, in the plainest form: a map, and a list of everything that was removed.
//!
//! The model counts what happens, so that it knows what came before what. A store knows only times,
//! so once the clock was set back the model allows either answer where order and time may differ.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use store_core::{
    Entry, EntryInfo, FillToken, Key, NewEntry, Selection, SetOutcome, Tag, Timestamp,
};

#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    values: BTreeMap<Key, Stored>,
    removals: Vec<Removed>,
    /// How much has happened so far.
    count: u64,
    /// When the clock was last set back, as `count` goes.
    set_back_at: u64,
    /// Fills that began before may have taken longer than a store remembers removals.
    leapt_at: u64,
    /// How many values are gone that a store may have hidden instead of removed.
    pub(super) hidden: u64,
    /// The keys that such values may still stand at, and their tags.
    ghosts: Vec<(Key, BTreeSet<Tag>)>,
}

/// A fill under way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fill {
    pub(super) token: FillToken,
    began: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Stored {
    value: Bytes,
    tags: BTreeSet<Tag>,
    created_at: Timestamp,
    expires_at: Option<Timestamp>,
    fill: Fill,
    /// Whether there was a moment at which a sweep would have taken it.
    has_expired: bool,
}

/// Something that voids the fills from before it.
#[derive(Clone, Debug)]
struct Removed {
    at: u64,
    what: What,
    /// Whether the contract says so, or only allows it.
    is_certain: bool,
}

#[derive(Clone, Debug)]
enum What {
    Selected(Selection),
    Key(Key),
    Tag(Tag),
}

/// What may become of a value to store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Stored,
    Outdated,
    Either,
}

impl Verdict {
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

impl Removed {
    fn concerns(&self, key: &Key, tags: &[Tag]) -> bool {
        match &self.what {
            What::Selected(selection) => selection.contains(key),
            What::Key(removed) => removed == key,
            What::Tag(tag) => tags.contains(tag),
        }
    }
}

impl Model {
    /// A fill that began with this token.
    pub(super) fn begin(&mut self, token: FillToken) -> Fill {
        self.count += 1;
        Fill {
            token,
            began: self.count,
        }
    }

    /// A fill without a token: it counts as begun now.
    pub(super) fn begin_now(&mut self, now: Timestamp) -> Fill {
        self.begin(FillToken {
            epoch: 0,
            began_at: now,
        })
    }

    pub(super) fn live(&self, key: &Key, now: Timestamp) -> Option<&Stored> {
        self.values.get(key).filter(|stored| stored.is_live(now))
    }

    /// What may become of a fill that has a token.
    pub(super) fn verdict(&self, key: &Key, tags: &[Tag], fill: Fill, now: Timestamp) -> Verdict {
        let mut is_doubtful = fill.began < self.leapt_at;
        for removed in &self.removals {
            if removed.at > fill.began && removed.concerns(key, tags) {
                if removed.is_certain {
                    return Verdict::Outdated;
                }
                is_doubtful = true;
            }
        }
        if let Some(stored) = self.values.get(key) {
            let first = stored.fill.began.min(fill.began);
            if self.set_back_at > first {
                is_doubtful = true;
            } else if stored.fill.token.began_at > fill.token.began_at {
                if stored.is_live(now) {
                    return Verdict::Outdated;
                }
                is_doubtful = true;
            } else if self.is_told_apart(fill, stored.fill) {
                is_doubtful = true;
            }
        }
        if is_doubtful {
            Verdict::Either
        } else {
            Verdict::Stored
        }
    }

    /// Whether something was removed between the beginnings of two fills: a store that counts removals
    /// knows then which was first, also within one tick of the clock.
    fn is_told_apart(&self, first: Fill, second: Fill) -> bool {
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

    /// The older value is gone. Whether that voids fills under way is not promised.
    pub(super) fn drop_too_large(&mut self, key: &Key) {
        self.values.remove(key);
        self.remove(What::Key(key.clone()), false);
    }

    pub(super) fn delete(&mut self, key: &Key, now: Timestamp) -> u64 {
        self.remove(What::Key(key.clone()), true);
        let gone = self.values.remove(key);
        u64::from(gone.is_some_and(|stored| stored.is_live(now)))
    }

    pub(super) fn clear(&mut self, selection: &Selection, now: Timestamp) -> u64 {
        self.remove(What::Selected(selection.clone()), true);
        let gone = self.values.extract_if(.., |key, _| selection.contains(key));
        gone.filter(|(_, stored)| stored.is_live(now)).count() as u64
    }

    /// Removes what carries one of the tags. That of an expired value may have been forgotten.
    pub(super) fn invalidate(&mut self, tags: &[Tag], now: Timestamp) -> u64 {
        for tag in tags {
            self.remove(What::Tag(tag.clone()), true);
        }
        let carries = |stored: &Stored| tags.iter().any(|tag| stored.tags.contains(tag));
        let gone = self.values.extract_if(.., |_, stored| carries(stored));
        let gone: Vec<_> = gone.collect();
        // A store that finds a hidden value in its place cannot tell since when it was hidden.
        let has_tag = |ghost: &&(Key, BTreeSet<Tag>)| tags.iter().any(|tag| ghost.1.contains(tag));
        let ghosts = self.ghosts.iter().filter(has_tag);
        let haunted: Vec<Key> = ghosts.map(|(key, _)| key.clone()).collect();
        for key in haunted {
            self.remove(What::Key(key), false);
        }
        let mut live = 0;
        for (key, stored) in gone {
            self.remove(What::Key(key.clone()), stored.is_live(now));
            live += u64::from(stored.is_live(now));
            self.hide(key, stored.tags);
        }
        live
    }

    /// A value may be there that nobody sees, and void other fills of its key from before.
    pub(super) fn hide(&mut self, key: Key, tags: BTreeSet<Tag>) {
        self.hidden += 1;
        self.remove(What::Key(key.clone()), false);
        self.ghosts.push((key, tags));
    }

    fn remove(&mut self, what: What, is_certain: bool) {
        self.count += 1;
        self.removals.push(Removed {
            at: self.count,
            what,
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

    /// How many values are unexpired, and how many are expired and may still be there.
    pub(super) fn counts(&self, now: Timestamp) -> (u64, u64) {
        let live = self.values.values().filter(|stored| stored.is_live(now));
        let live = live.count();
        (live as u64, (self.values.len() - live) as u64)
    }

    pub(super) fn forget_expired(&mut self, now: Timestamp) {
        self.values.retain(|_, stored| stored.is_live(now));
    }

    pub(super) fn forget(&mut self, key: &Key) {
        self.values.remove(key);
    }

    /// Notes what a sweep would take at this time.
    pub(super) fn watch(&mut self, now: Timestamp) {
        for stored in self.values.values_mut() {
            stored.has_expired |= !stored.is_live(now);
        }
    }

    /// A time passed that is longer than any store remembers removals.
    pub(super) fn leap(&mut self) {
        self.count += 1;
        self.leapt_at = self.count;
    }

    pub(super) fn set_back(&mut self) {
        self.count += 1;
        self.set_back_at = self.count;
    }

    /// What had expired and has not any more: it is there, or it was swept.
    pub(super) fn revived(&mut self, now: Timestamp) -> Vec<Key> {
        let mut revived = Vec::new();
        for (key, stored) in &mut self.values {
            if stored.has_expired && stored.is_live(now) {
                stored.has_expired = false;
                revived.push(key.clone());
            }
        }
        revived
    }
}
