//! What is known of invalidations: which subjects of a head were invalidated since its fill began.
//!
//! The answer takes no request where no slot is newer than the head. Where one is, the subject's item is
//! read once per process and change of the slot: an invalidation writes the subject's item before any
//! copy of the epoch shows its slot, so what was read once holds for as long as the slot stands still.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use store_core::Result;

use super::epoch::{Epoch, Subject};
use super::head::Head;
use super::session::Session;
use crate::item::ItemKey;

/// The most subjects that a process remembers.
const MOST_REMEMBERED: usize = 20_000;

/// The newest invalidation of each requested subject.
#[derive(Debug, Default)]
pub(super) struct Invalidations {
    all: u64,
    newest: HashMap<Subject, u64>,
}

impl Invalidations {
    pub(super) fn learn(&mut self, subject: Subject, epoch: u64) {
        self.newest.insert(subject, epoch);
    }

    /// The newest invalidation after the epoch `than` of one of `subjects`, all of which were asked
    /// about, or of everything.
    pub(super) fn newest_after(&self, than: u64, subjects: &[Subject]) -> Option<u64> {
        let newest = subjects.iter().filter_map(|one| self.newest.get(one));
        let newest = newest.copied().chain([self.all]).max()?;
        (newest > than).then_some(newest)
    }

    /// The same since the fill of a head began.
    pub(super) fn hidden_at(&self, head: &Head) -> Option<u64> {
        self.newest_after(head.epoch, &head.subjects)
    }
}

/// In-process cache of subjects' slots and epochs.
#[derive(Debug, Default)]
pub(super) struct EpochCache(Mutex<HashMap<Subject, (u64, u64)>>);

impl EpochCache {
    /// The newest invalidation of the subject, if it was read when its slot was what it is now.
    fn recall(&self, subject: &Subject, slot: u64) -> Option<u64> {
        let subjects = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (seen, epoch) = *subjects.get(subject)?;
        (seen == slot).then_some(epoch)
    }

    fn remember(&self, subject: Subject, slot: u64, epoch: u64) {
        let mut subjects = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if subjects.len() >= MOST_REMEMBERED {
            // Reading them again costs one request, less than tracking which to keep.
            subjects.clear();
        }
        subjects.insert(subject, (slot, epoch));
    }
}

impl Session<'_> {
    /// Finds out which of the subjects were invalidated, and when, as of `epoch`. Each comes with the
    /// epoch after which it matters.
    pub(super) async fn known(
        &self,
        epoch: &Epoch,
        asked: impl IntoIterator<Item = (u64, &[Subject])> + Send,
    ) -> Result<Invalidations> {
        let mut known = Invalidations {
            all: epoch.all()?,
            newest: HashMap::new(),
        };
        let mut unseen: Vec<(ItemKey, &Subject, u64)> = Vec::new();
        for (than, subjects) in asked {
            for (subject, slot) in epoch.suspicious(than, subjects)? {
                if known.newest.contains_key(subject) {
                    continue;
                }
                let seen = self.epochs.recall(subject, slot);
                known.learn(subject.clone(), seen.unwrap_or_default());
                if seen.is_none() {
                    unseen.push((subject.item_key(), subject, slot));
                }
            }
        }
        if unseen.is_empty() {
            return Ok(known);
        }
        let keys: Vec<ItemKey> = unseen.iter().map(|(key, ..)| key.clone()).collect();
        let found = self.requests.batch_get(&keys).await?;
        for (key, subject, slot) in unseen {
            let newest = match found.get(&key) {
                Some(item) => item.count("e")?,
                None => 0,
            };
            known.learn(subject.clone(), newest);
            self.epochs.remember(subject.clone(), slot, newest);
        }
        Ok(known)
    }

    /// The same for heads that were read.
    pub(super) async fn known_of(
        &self,
        epoch: &Epoch,
        heads: impl IntoIterator<Item = &Head>,
    ) -> Result<Invalidations> {
        let asked: Vec<(u64, &[Subject])> = heads
            .into_iter()
            .map(|head| (head.epoch, &*head.subjects))
            .collect();
        self.known(epoch, asked).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::{Item, number, text, texts};
    use crate::table::SchemaNames;

    fn tag(name: &str) -> Subject {
        Subject::Tag(name.to_owned())
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
    fn memory_stays_bounded_and_keeps_the_latest() {
        let epochs = EpochCache::default();
        for n in 0..MOST_REMEMBERED {
            epochs.remember(tag(&n.to_string()), 1, 9);
        }
        assert_eq!(epochs.recall(&tag("0"), 1), Some(9));
        epochs.remember(tag("last"), 1, 9);
        assert_eq!(epochs.recall(&tag("0"), 1), None);
        assert_eq!(epochs.recall(&tag("last"), 1), Some(9));
    }

    #[test]
    fn a_head_is_hidden_by_what_came_after_its_fill_began() {
        let mut known = Invalidations {
            all: 3,
            newest: HashMap::new(),
        };
        known.learn(tag("a"), 7);
        let hidden_at = |epoch: u64, tags: &[&str]| {
            let tags = tags.iter().map(|name| (*name).to_owned());
            let item = Item::default()
                .with("e", number(epoch))
                .with("id", text("1"))
                .with_some("tags", texts(tags.collect()));
            let head = Head::read(item, "key", &SchemaNames::default());
            known.hidden_at(&head.unwrap().unwrap())
        };
        assert_eq!(hidden_at(6, &["a"]), Some(7));
        assert_eq!(hidden_at(7, &["a"]), None, "it began with it");
        assert_eq!(hidden_at(8, &["a"]), None);
        assert_eq!(hidden_at(2, &["b"]), Some(3), "by a clearing of everything");
        assert_eq!(hidden_at(3, &["b"]), None);
        assert_eq!(hidden_at(2, &["a", "b"]), Some(7), "the newest counts");
    }
}
