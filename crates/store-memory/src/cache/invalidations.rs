//! Which fills came too late: what was invalidated lately, and how often so far.
//!
//! Every invalidation gets the next epoch. A token tells the epoch that its fill began in, so an
//! invalidation of a later epoch voids it. Marks are forgotten after an hour, or sooner when there
//! are very many; then every token of their epoch or before is void, since nobody knows any more
//! what was invalidated.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use store_core::{FillToken, HOUR, Key, Selection, Tag, Timestamp};

/// How long an invalidation is remembered, and a fill may take.
const RETENTION: Duration = HOUR;

/// The most marks that are remembered.
const MOST_MARKS: usize = 100_000;

/// What an invalidation was about.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Mark {
    Everything,
    Scope(String),
    Key(Key),
    Tag(Tag),
}

impl Mark {
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
    /// Tokens of an earlier epoch are void.
    forgotten: u64,
    latest: HashMap<Mark, u64>,
    history: VecDeque<Invalidation>,
    remembered_marks: usize,
}

#[derive(Debug)]
struct Invalidation {
    epoch: u64,
    at: Timestamp,
    marks: Vec<Mark>,
}

impl Invalidations {
    /// The number of invalidations so far.
    pub(super) fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Adds one invalidation.
    pub(super) fn add(&mut self, marks: Vec<Mark>, at: Timestamp) {
        self.epoch += 1;
        for mark in &marks {
            self.latest.insert(mark.clone(), self.epoch);
        }
        self.remembered_marks += marks.len();
        self.history.push_back(Invalidation {
            epoch: self.epoch,
            at,
            marks,
        });
        self.forget(at);
    }

    /// Whether something that the entry has to do with was invalidated after `token` was handed out.
    pub(super) fn void(&self, token: FillToken, key: &Key, tags: &[Tag], now: Timestamp) -> bool {
        if token.epoch < self.forgotten || now.since(token.began_at) > RETENTION {
            return true;
        }
        if token.epoch >= self.epoch {
            return false;
        }
        let is_later = |mark| self.latest.get(&mark).is_some_and(|at| *at > token.epoch);
        is_later(Mark::Everything)
            || is_later(Mark::Key(key.clone()))
            || key
                .scope()
                .is_some_and(|scope| is_later(Mark::Scope(scope.to_owned())))
            || tags.iter().any(|tag| is_later(Mark::Tag(tag.clone())))
    }

    /// Forgets what is too old or too much.
    pub(super) fn forget(&mut self, now: Timestamp) {
        while let Some(oldest) = self.history.front()
            && (now.since(oldest.at) > RETENTION || self.remembered_marks > MOST_MARKS)
        {
            self.forgotten = oldest.epoch;
            self.remembered_marks -= oldest.marks.len();
            for mark in &oldest.marks {
                if self.latest.get(mark) == Some(&oldest.epoch) {
                    self.latest.remove(mark);
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
        Key::new(&format!("comics:{n}")).unwrap()
    }

    #[test]
    fn what_is_forgotten_voids_every_token_from_before_it() {
        let now = Timestamp::from_millis(0);
        let mut invalidations = Invalidations::default();
        let token = FillToken {
            epoch: 0,
            began_at: now,
        };
        for n in 0..=MOST_MARKS {
            invalidations.add(vec![Mark::Key(key(n))], now);
        }
        assert_eq!(invalidations.latest.len(), MOST_MARKS);
        assert!(invalidations.void(token, &key(MOST_MARKS + 1), &[], now));
        let fresh = FillToken {
            epoch: invalidations.epoch(),
            ..token
        };
        assert!(!invalidations.void(fresh, &key(0), &[], now));
    }

    #[test]
    fn nothing_is_kept_of_invalidations_long_ago() {
        let then = Timestamp::from_millis(0);
        let mut invalidations = Invalidations::default();
        invalidations.add(vec![Mark::Key(key(1)), Mark::Everything], then);
        invalidations.add(vec![Mark::Key(key(1))], then);
        invalidations.forget(then + RETENTION + Duration::from_millis(1));
        assert!(invalidations.latest.is_empty() && invalidations.history.is_empty());
        assert_eq!(invalidations.remembered_marks, 0);
    }
}
