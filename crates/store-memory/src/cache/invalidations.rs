//! The recent invalidations, which void the fill tokens handed out before them.
//!
//! Every invalidation gets the next epoch. A token holds the epoch in which its fill began, so an
//! invalidation of a later epoch voids it. Invalidations are removed after an hour, or sooner when
//! there are very many; from then on every token of their epoch or an earlier one is void.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use store_core::backend::FillMark;
use store_core::{HOUR, Key, Selection, Tag, Timestamp};

/// How long an invalidation is kept, and so how long a fill may take.
const RETENTION: Duration = HOUR;

/// The most targets that are kept.
const MAX_TARGETS: usize = 100_000;

/// The target of an invalidation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Target {
    Everything,
    Scope(String),
    Key(Key),
    Tag(Tag),
}

impl Target {
    pub(super) fn of(selection: &Selection) -> Self {
        match selection {
            Selection::All => Self::Everything,
            Selection::Scope(scope) => Self::Scope(scope.as_str().to_owned()),
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Invalidations {
    epoch: u64,
    /// Tokens of an earlier epoch than this are void.
    removed_epoch: u64,
    latest: HashMap<Target, u64>,
    history: VecDeque<Invalidation>,
    target_count: usize,
}

#[derive(Debug)]
struct Invalidation {
    epoch: u64,
    at: Timestamp,
    targets: Vec<Target>,
}

impl Invalidations {
    /// The number of invalidations so far.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Adds one invalidation.
    pub(super) fn add(&mut self, targets: Vec<Target>, at: Timestamp) {
        self.epoch += 1;
        for target in &targets {
            self.latest.insert(target.clone(), self.epoch);
        }
        self.target_count += targets.len();
        self.history.push_back(Invalidation {
            epoch: self.epoch,
            at,
            targets,
        });
        self.remove_old(at);
    }

    /// Whether the entry was invalidated, by any of its targets, after the token was handed out.
    pub(super) fn voids(&self, token: FillMark, key: &Key, tags: &[Tag], now: Timestamp) -> bool {
        if token.epoch < self.removed_epoch || now.since(token.began_at) > RETENTION {
            return true;
        }
        if token.epoch >= self.epoch {
            return false;
        }
        let is_later = |target| self.latest.get(&target).is_some_and(|at| *at > token.epoch);
        is_later(Target::Everything)
            || is_later(Target::Key(key.clone()))
            || key
                .scope()
                .is_some_and(|scope| is_later(Target::Scope(scope.to_owned())))
            || tags.iter().any(|tag| is_later(Target::Tag(tag.clone())))
    }

    /// Removes the oldest invalidations: those past their retention, or beyond the most targets.
    pub(super) fn remove_old(&mut self, now: Timestamp) {
        while let Some(oldest) = self.history.front()
            && (now.since(oldest.at) > RETENTION || self.target_count > MAX_TARGETS)
        {
            self.removed_epoch = oldest.epoch;
            self.target_count -= oldest.targets.len();
            for target in &oldest.targets {
                if self.latest.get(target) == Some(&oldest.epoch) {
                    self.latest.remove(target);
                }
            }
            self.history.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(n: usize) -> Key {
        Key::new(format!("comics:{n}")).unwrap()
    }

    #[test]
    fn a_removed_invalidation_voids_every_token_from_before_it() {
        let now = Timestamp::from_millis(0);
        let mut invalidations = Invalidations::default();
        let token = FillMark {
            epoch: 0,
            began_at: now,
        };
        for n in 0..=MAX_TARGETS {
            invalidations.add(vec![Target::Key(key(n))], now);
        }
        assert_eq!(invalidations.latest.len(), MAX_TARGETS);
        assert!(invalidations.voids(token, &key(MAX_TARGETS + 1), &[], now));
        let fresh = FillMark {
            epoch: invalidations.epoch(),
            ..token
        };
        assert!(!invalidations.voids(fresh, &key(0), &[], now));
    }

    #[test]
    fn nothing_is_kept_of_invalidations_long_ago() {
        let then = Timestamp::from_millis(0);
        let mut invalidations = Invalidations::default();
        invalidations.add(vec![Target::Key(key(1)), Target::Everything], then);
        invalidations.add(vec![Target::Key(key(1))], then);
        invalidations.remove_old(then + RETENTION + Duration::from_millis(1));
        assert!(invalidations.latest.is_empty() && invalidations.history.is_empty());
        assert_eq!(invalidations.target_count, 0);
    }
}
