//! The targets whose stored responses are invalid, but may still be in the store.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::keys::TargetKey;
use crate::store::Purge;

/// More than this are not told apart: then everything is invalid.
const MAX_TARGETS: usize = 10_000;
/// Likewise more failed purges than this.
const MAX_PURGES: usize = 100;

/// Targets whose invalidation has begun, and has not succeeded yet. Nothing stored answers them.
#[derive(Debug, Default)]
pub(super) struct InvalidTargets(Mutex<Marks>);

#[derive(Debug, Default)]
struct Marks {
    last: u64,
    targets: HashMap<TargetKey, Mark>,
    /// Purges that have failed.
    purges: BTreeMap<Mark, Purge>,
    /// The first and the last mark of targets that are not told apart.
    others: Option<(Mark, Mark)>,
}

/// The mark of an invalidation. A later invalidation of the same target has another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark(u64);

/// What has to be removed before stored responses of a target may answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Invalid {
    Target,
    /// What these purges select, which may be any response.
    Purges(Vec<(Mark, Purge)>),
    /// All responses; the mark is the last before that begins.
    Everything(Mark),
}

impl InvalidTargets {
    /// Marks a target before it is invalidated.
    pub(super) fn mark(&self, target: TargetKey) -> Mark {
        let mut marks = self.marks();
        marks.last += 1;
        let mark = Mark(marks.last);
        if marks.targets.len() < MAX_TARGETS || marks.targets.contains_key(&target) {
            marks.targets.insert(target, mark);
        } else {
            let first = marks.others.map_or(mark, |(first, _)| first);
            marks.others = Some((first, mark));
        }
        mark
    }

    /// The invalidation with this mark has succeeded. One that began later still counts.
    pub(super) fn removed(&self, target: TargetKey, mark: Mark) {
        let mut marks = self.marks();
        if marks.targets.get(&target) == Some(&mark) {
            marks.targets.remove(&target);
        }
        if marks.others == Some((mark, mark)) {
            marks.others = None;
        }
    }

    /// Marks what a purge selects, which has failed, or takes long.
    pub(super) fn purge_failed(&self, purge: Purge) -> Mark {
        let mut marks = self.marks();
        marks.last += 1;
        let mark = Mark(marks.last);
        if marks.purges.len() < MAX_PURGES {
            marks.purges.insert(mark, purge);
        } else {
            let first = marks.others.map_or(mark, |(first, _)| first);
            marks.others = Some((first, mark));
        }
        mark
    }

    /// The purge with this mark has succeeded.
    pub(super) fn purged(&self, mark: Mark) {
        self.marks().purges.remove(&mark);
    }

    /// All responses were removed since this mark.
    pub(super) fn cleared(&self, mark: Mark) {
        let mut marks = self.marks();
        marks.purges.retain(|other, _| *other > mark);
        marks.targets.retain(|_, other| *other > mark);
        if marks.others.is_some_and(|(_, last)| last <= mark) {
            marks.others = None;
        }
    }

    /// `None` if stored responses of the target may answer.
    pub(super) fn of(&self, target: TargetKey) -> Option<Invalid> {
        let marks = self.marks();
        if marks.others.is_some() {
            return Some(Invalid::Everything(Mark(marks.last)));
        }
        if !marks.purges.is_empty() {
            let purges = marks.purges.iter();
            let purges = purges.map(|(mark, purge)| (*mark, purge.clone()));
            return Some(Invalid::Purges(purges.collect()));
        }
        marks.targets.get(&target).map(|_| Invalid::Target)
    }

    fn marks(&self) -> MutexGuard<'_, Marks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use http::Uri;

    use super::*;
    use crate::keys::Salt;

    fn target(number: usize) -> TargetKey {
        let target = format!("http://example.org/{number}");
        Salt::from_bytes([0; 16]).target_key(&target.parse::<Uri>().unwrap())
    }

    #[test]
    fn a_later_invalidation_outlives_the_success_of_an_earlier_one() {
        let targets = InvalidTargets::default();
        let (first, second) = (targets.mark(target(1)), targets.mark(target(1)));
        targets.removed(target(1), first);
        assert_eq!(targets.of(target(1)), Some(Invalid::Target));
        targets.removed(target(1), second);
        assert_eq!(targets.of(target(1)), None);
    }

    #[test]
    fn a_failed_purge_is_of_every_target_until_it_has_succeeded() {
        let targets = InvalidTargets::default();
        let purge = Purge::host("example.org").unwrap();
        targets.purge_failed(purge.clone());
        let Some(Invalid::Purges(purges)) = targets.of(target(1)) else {
            panic!("{targets:?}");
        };
        assert_eq!(purges, [(Mark(1), purge.clone())]);
        targets.purged(purges[0].0);
        assert_eq!(targets.of(target(1)), None);
        for _ in 0..=MAX_PURGES {
            targets.purge_failed(purge.clone());
        }
        let Some(Invalid::Everything(mark)) = targets.of(target(1)) else {
            panic!("{targets:?}");
        };
        targets.cleared(mark);
        assert_eq!(targets.of(target(1)), None);
    }

    #[test]
    fn with_too_many_everything_is_invalid() {
        let targets = InvalidTargets::default();
        for number in 0..MAX_TARGETS {
            targets.mark(target(number));
        }
        let (other, unknown) = (target(MAX_TARGETS), target(MAX_TARGETS + 1));
        assert_eq!(targets.of(unknown), None);
        let mark = targets.mark(other);
        assert_eq!(targets.of(unknown), Some(Invalid::Everything(mark)));
        // One that succeeds at once leaves no trace, but among others.
        targets.removed(other, mark);
        assert_eq!(targets.of(unknown), None);
        targets.mark(other);
        let mark = targets.mark(unknown);
        targets.removed(unknown, mark);
        assert_eq!(targets.of(unknown), Some(Invalid::Everything(mark)));
        let later = targets.mark(target(0));
        targets.cleared(mark);
        assert_eq!((targets.of(other), targets.of(target(1))), (None, None));
        assert_eq!(targets.of(target(0)), Some(Invalid::Target));
        targets.removed(target(0), later);
        assert_eq!(targets.of(target(0)), None);
    }
}
