//! The epoch: how many invalidations there were, and when each part of the cache was invalidated last.
//!
//! One item, the authority, holds the count, the epoch of the newest clearing of everything, and 128
//! slots: the epoch of the newest invalidation of any [`Subject`] (a tag, or a scope) that falls into the
//! slot. [`COPIES`] items are equal to it whenever no invalidation is under way; a lookup reads any one
//! of them, so that no partition takes all lookups. A head tells the epoch that its fill began in; where
//! the slots of its subjects are not newer, nothing that concerns it was invalidated since. Where one
//! is, the subject's own item tells: a slot is shared, and another subject may have been meant.
//!
//! What must stay true: a subject's item is written before its slot moves, and every invalidation moves
//! the slots of its subjects in the authority first. A copy is what the authority was at some moment,
//! never goes back, and so is never ahead of it ([`super::invalidation`]).

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};
use store_core::backend::FillMark;
use store_core::{Key, Result, Tag, Timestamp};

use crate::item::{Item, ItemKey, number};
use crate::table::{Condition, Update, Values};

/// How many items show the epoch, the authority among them. Part of the format: all processes of a
/// table have to write and read the same ones.
pub(super) const COPIES: u8 = 8;
/// The copy that counts.
pub(super) const AUTHORITY: u8 = 0;
const SORT: &str = "EPOCH";
const EVERYTHING: &str = "all";

/// Where a copy of the epoch lives: a partition of its own.
pub(super) fn epoch_key(copy: u8) -> ItemKey {
    ItemKey::new(format!("EPOCH#{copy}"), SORT)
}

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
        let partition = match self {
            Self::Tag(name) => format!("TAG#{name}"),
            Self::Scope(name) => format!("SCOPE#{name}"),
        };
        ItemKey::new(partition, SORT)
    }

    /// What its slot is called. Names and numbers of 128 slots fit into one write unit.
    fn slot(&self) -> String {
        let digest = Sha256::digest(self.item_key().partition);
        format!("{:02x}", digest.first().copied().unwrap_or_default() >> 1)
    }
}

/// What one more invalidation moves, beside the count.
#[derive(Debug, Default)]
pub(super) struct Advance(BTreeSet<String>);

impl Advance {
    pub(super) fn of<'a>(subjects: impl IntoIterator<Item = &'a Subject>) -> Self {
        Self(subjects.into_iter().map(Subject::slot).collect())
    }

    pub(super) fn of_everything() -> Self {
        Self([EVERYTHING.to_owned()].into())
    }

    /// The change of the authority; the subjects' items are written already.
    pub(super) fn update(&self) -> Update {
        let moved = ["e"].into_iter().chain(self.0.iter().map(String::as_str));
        let parts: Vec<String> = moved
            .map(|name| format!("#{name}=if_not_exists(#e,:z)+:o"))
            .collect();
        Update {
            key: epoch_key(AUTHORITY),
            change: format!("SET {}", parts.join(",")),
            condition: String::new(),
            values: Values::default()
                .with(":o", number(1))
                .with(":z", number(0)),
        }
    }
}

/// A copy of the epoch as it was read.
#[derive(Clone, Debug, Default)]
pub(super) struct Epoch(Item);

impl Epoch {
    /// What a read of the item found; nothing was ever invalidated if nothing.
    pub(super) fn of(item: Option<Item>) -> Self {
        Self(item.unwrap_or_default())
    }

    /// What another copy is to hold.
    pub(super) fn item(&self) -> Item {
        self.0.clone()
    }

    /// How many invalidations there were.
    pub(super) fn count(&self) -> Result<u64> {
        self.0.count("e")
    }

    /// The newest clearing of everything.
    pub(super) fn all(&self) -> Result<u64> {
        self.0.count(EVERYTHING)
    }

    pub(super) fn token(&self, now: Timestamp) -> Result<FillMark> {
        Ok(FillMark {
            epoch: self.count()?,
            began_at: now,
        })
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
            let slot = self.0.count(&subject.slot())?;
            Ok((slot > than).then_some((subject, slot)))
        });
        slots.filter_map(Result::transpose).collect()
    }

    /// Holds of the authority while none of `subjects`, nor everything, was invalidated since this was
    /// read. Whatever else is invalidated or deleted does not disturb.
    pub(super) fn unmoved<'a>(
        &self,
        subjects: impl IntoIterator<Item = &'a Subject>,
    ) -> Result<Condition> {
        let mut names = Advance::of(subjects).0;
        names.insert(EVERYTHING.to_owned());
        let (mut parts, mut values) = (Vec::new(), Values::default());
        for name in names {
            let seen = self.0.count(&name)?;
            if seen == 0 {
                parts.push(format!("attribute_not_exists(#{name})"));
            } else {
                parts.push(format!("#{name}=:{name}"));
                values = values.with(&format!(":{name}"), number(seen));
            }
        }
        Ok((parts.join(" AND "), values))
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
        // Stored epochs are found by them: the first seven bits of the SHA-256 of TAG#issue:1, 1b….
        assert_eq!(tag("issue:1").slot(), "0d");
        assert_ne!(
            tag("comics").item_key(),
            Subject::Scope("comics".to_owned()).item_key()
        );
    }

    #[test]
    fn only_newer_slots_are_suspicious() {
        let name = tag("a").slot();
        let epoch = Item::default().with("e", number(9)).with(&name, number(5));
        let epoch = Epoch::of(Some(epoch));
        let subjects = [tag("a")];
        assert_eq!(epoch.suspicious(4, &subjects).unwrap().len(), 1);
        assert_eq!(epoch.suspicious(5, &subjects).unwrap().len(), 0);
        assert_eq!(epoch.suspicious(9, &subjects).unwrap().len(), 0);
    }

    #[test]
    fn one_invalidation_moves_each_slot_once() {
        let update = Advance::of(&[tag("a"), tag("a")]).update();
        let slot = tag("a").slot();
        assert_eq!(update.change.matches(&format!("#{slot}=")).count(), 1);
    }

    // covers("F53")
    #[test]
    fn all_slots_at_once_fit_into_an_expression() {
        let subjects: Vec<Subject> = (0..5_000).map(|n| tag(&n.to_string())).collect();
        let advance = Advance::of(&subjects);
        assert_eq!(advance.0.len(), 128);
        // At most 4 KB and 300 operators and functions.
        let change = advance.update().change;
        assert!(change.len() < 4_096, "{}", change.len());
        assert!(change.matches(['+', '(']).count() < 300);
        let slots = advance.0.iter().map(|name| (name.as_str(), 10_000_000_u64));
        let item = slots.fold(Item::default(), |item, (name, at)| {
            item.with(name, number(at))
        });
        let (unmoved, _) = Epoch::of(Some(item)).unmoved(&subjects).unwrap();
        assert!(unmoved.len() < 4_096, "{}", unmoved.len());
        assert!(unmoved.matches(['=', '(']).count() + unmoved.matches("AND").count() < 300);
    }
}
