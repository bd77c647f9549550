//! What was invalidated, and when, counted in invalidations.
//!
//! One item holds the count, the epoch of the newest clearing of everything, and 256 slots: the epoch of
//! the newest invalidation of any [`Subject`] (a tag, or a scope) that falls into the slot. It comes with
//! every lookup. A head tells the epoch that its fill began in; where the slots of its subjects are not
//! newer, nothing that concerns it was invalidated since. Where one is, the subject's own item tells: a
//! slot is shared, and another subject may have been meant.
//!
//! What must stay true: a subject's item is written before its slot moves, and every invalidation moves
//! the slots of its subjects. So what was once read of a subject holds for as long as its slot stands
//! still, and each process asks for it once.

use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};
use store_core::backend::FillMark;
use store_core::{Key, Result, Tag, Timestamp};

use crate::item::{Item, ItemKey, number};
use crate::table::{Update, Values};

/// The most subjects that a process remembers.
const MOST_REMEMBERED: usize = 20_000;

/// What an invalidation is about, other than one key or everything.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Subject {
    Tag(String),
    Scope(String),
}

impl Subject {
    /// Those that a key with these tags has to do with.
    pub(super) fn of(key: &Key, tags: &[Tag]) -> Vec<Self> {
        let scope = key.scope().map(|scope| Self::Scope(scope.to_owned()));
        let tags = tags.iter().map(Self::tag);
        scope.into_iter().chain(tags).collect()
    }

    pub(super) fn tag(tag: &Tag) -> Self {
        Self::Tag(tag.as_str().to_owned())
    }

    /// Where its own item lives.
    pub(super) fn item_key(&self) -> ItemKey {
        match self {
            Self::Tag(name) => ItemKey::new(format!("TAG#{name}"), "TAG"),
            Self::Scope(name) => ItemKey::new(format!("SCOPE#{name}"), "SCOPE"),
        }
    }

    fn slot(&self) -> u8 {
        let digest = Sha256::digest(self.item_key().partition);
        digest.first().copied().unwrap_or_default()
    }
}

/// The epoch's own item.
pub(super) fn epoch_key() -> ItemKey {
    ItemKey::new("CACHE", "EPOCH")
}

/// The most slots that an update spells out in full: expressions have at most 4 KB.
const MOST_IN_FULL: usize = 40;

/// Counts one more invalidation of `subjects`, or of everything; their items are written already.
#[derive(Debug)]
pub(super) struct Advance {
    slots: BTreeSet<u8>,
    everything: bool,
}

impl Advance {
    pub(super) fn of(subjects: &[Subject]) -> Self {
        Self {
            slots: subjects.iter().map(Subject::slot).collect(),
            everything: false,
        }
    }

    pub(super) fn of_everything() -> Self {
        Self {
            slots: BTreeSet::new(),
            everything: true,
        }
    }

    /// Whether the epoch's item has to be there before the [`update`](Self::update).
    pub(super) fn needs_item(&self) -> bool {
        self.slots.len() > MOST_IN_FULL
    }

    pub(super) fn update(&self) -> Update {
        let zero = Values::default().with(":o", number(1));
        let (next, values) = if self.needs_item() {
            ("#e+:o", zero)
        } else {
            ("if_not_exists(#e,:z)+:o", zero.with(":z", number(0)))
        };
        let marks = self.slots.iter().map(|slot| slot_name(*slot));
        let marks = marks.chain(self.everything.then(|| "all".to_owned()));
        let parts: Vec<String> = ["e".to_owned()]
            .into_iter()
            .chain(marks)
            .map(|mark| format!("#{mark}={next}"))
            .collect();
        Update {
            key: epoch_key(),
            change: format!("SET {}", parts.join(",")),
            condition: String::new(),
            values,
        }
    }
}

/// Makes the epoch's item, if there is none.
pub(super) fn first() -> Update {
    Update {
        key: epoch_key(),
        change: "SET #e = if_not_exists(#e, :zero)".to_owned(),
        condition: String::new(),
        values: Values::default().with(":zero", number(0)),
    }
}

fn slot_name(slot: u8) -> String {
    format!("{slot:02x}")
}

/// The epoch's item as it was read.
#[derive(Clone, Debug, Default)]
pub(super) struct Epoch(Item);

impl Epoch {
    /// What a read of the item found; nothing was ever invalidated if nothing.
    pub(super) fn of(item: Option<Item>) -> Self {
        Self(item.unwrap_or_default())
    }

    /// How many invalidations there were.
    pub(super) fn count(&self) -> Result<u64> {
        self.0.count("e")
    }

    /// The newest clearing of everything.
    pub(super) fn all(&self) -> Result<u64> {
        self.0.count("all")
    }

    pub(super) fn token(&self, now: Timestamp) -> Result<FillMark> {
        Ok(FillMark {
            epoch: self.count()?,
            began_at: now,
        })
    }

    fn slot(&self, subject: &Subject) -> Result<u64> {
        self.0.count(&slot_name(subject.slot()))
    }

    /// Those of `subjects` that may have been invalidated after the epoch `than`, each with its slot.
    pub(super) fn suspicious<'a>(
        &self,
        than: u64,
        subjects: &'a [Subject],
    ) -> Result<Vec<(&'a Subject, u64)>> {
        if than >= self.count()? {
            return Ok(Vec::new());
        }
        let slots = subjects.iter().map(|subject| {
            let slot = self.slot(subject)?;
            Ok((slot > than).then_some((subject, slot)))
        });
        slots.filter_map(Result::transpose).collect()
    }
}

/// The newest invalidation of each requested subject.
#[derive(Debug, Default)]
pub(super) struct Invalidations {
    all: u64,
    newest: HashMap<Subject, u64>,
}

impl Invalidations {
    pub(super) fn new(epoch: &Epoch) -> Result<Self> {
        Ok(Self {
            all: epoch.all()?,
            newest: HashMap::new(),
        })
    }

    pub(super) fn learn(&mut self, subject: Subject, epoch: u64) {
        self.newest.insert(subject, epoch);
    }

    pub(super) fn has(&self, subject: &Subject) -> bool {
        self.newest.contains_key(subject)
    }

    /// The newest invalidation after the epoch `than` of one of `subjects`, all of which were asked
    /// about, or of everything.
    pub(super) fn newest_after(&self, than: u64, subjects: &[Subject]) -> Option<u64> {
        let newest = subjects.iter().filter_map(|one| self.newest.get(one));
        let newest = newest.copied().chain([self.all]).max()?;
        (newest > than).then_some(newest)
    }
}

/// In-process cache of subjects' slots and epochs.
#[derive(Debug, Default)]
pub(super) struct EpochCache(Mutex<HashMap<Subject, (u64, u64)>>);

impl EpochCache {
    /// The newest invalidation of the subject, if it was read when its slot was what it is now.
    pub(super) fn recall(&self, subject: &Subject, slot: u64) -> Option<u64> {
        let subjects = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (seen, epoch) = *subjects.get(subject)?;
        (seen == slot).then_some(epoch)
    }

    pub(super) fn remember(&self, subject: Subject, slot: u64, epoch: u64) {
        let mut subjects = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if subjects.len() >= MOST_REMEMBERED {
            // Reading them again costs one request, less than tracking which to keep.
            subjects.clear();
        }
        subjects.insert(subject, (slot, epoch));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(name: &str) -> Subject {
        Subject::Tag(name.to_owned())
    }

    #[test]
    fn slots_of_subjects_stay_what_they_are() {
        // Stored epochs are found by them: the first byte of the SHA-256 of TAG#issue:1.
        assert_eq!(slot_name(tag("issue:1").slot()), "1b");
        assert_ne!(
            tag("comics").item_key(),
            Subject::Scope("comics".to_owned()).item_key()
        );
    }

    #[test]
    fn only_newer_slots_are_suspicious() {
        let name = slot_name(tag("a").slot());
        let epoch = Item::default().with("e", number(9)).with(&name, number(5));
        let epoch = Epoch::of(Some(epoch));
        let subjects = [tag("a")];
        assert_eq!(epoch.suspicious(4, &subjects).unwrap().len(), 1);
        assert_eq!(epoch.suspicious(5, &subjects).unwrap().len(), 0);
        assert_eq!(epoch.suspicious(9, &subjects).unwrap().len(), 0);
    }

    #[test]
    fn what_is_remembered_holds_while_the_slot_stands_still() {
        let epochs = EpochCache::default();
        epochs.remember(tag("a"), 5, 3);
        assert_eq!(epochs.recall(&tag("a"), 5), Some(3));
        assert_eq!(epochs.recall(&tag("a"), 6), None);
        assert_eq!(epochs.recall(&tag("b"), 5), None);
    }

    #[test]
    fn one_invalidation_moves_each_slot_once() {
        let update = Advance::of(&[tag("a"), tag("a")]).update();
        let slot = slot_name(tag("a").slot());
        assert_eq!(update.change.matches(&format!("#{slot}=")).count(), 1);
    }

    // covers("F53")
    #[test]
    fn all_slots_at_once_fit_into_an_expression() {
        let subjects: Vec<Subject> = (0..5_000).map(|n| tag(&n.to_string())).collect();
        let advance = Advance::of(&subjects);
        assert_eq!(advance.slots.len(), 256);
        // At most 4 KB and 300 operators.
        let change = advance.update().change;
        assert!(change.len() < 4_096 && change.matches('+').count() < 300);
        let few = Advance::of(&subjects[..MOST_IN_FULL]).update().change;
        assert!(few.len() < 4_096);
    }
}
