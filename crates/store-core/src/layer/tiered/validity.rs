//! Which copies may be served. It is kept in the memory of the process and never awaits, so that neither a failing inner
//! store nor a dropped call leaves a stale copy valid.
//!
//! A copy carries a [`Mark`] from before its value was read. Two things make it invalid: the generation has changed, or
//! a write of its key, or of one that shares its slot, did not complete after the mark.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::key::Key;
use crate::random::Random;

/// Keys share slots. A write that does not complete invalidates the copies of its slot: one in so many.
const SLOTS: usize = 256;

#[derive(Debug)]
pub(super) struct Validity {
    /// Begins at random, so that copies from another process' life, or of another instance, are invalid.
    generation: AtomicU64,
    /// The number of writes that did not complete.
    incomplete: AtomicU64,
    /// Of each slot, the latest of them.
    latest: [AtomicU64; SLOTS],
}

/// The state of a [`Validity`] before a value was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) generation: u64,
    pub(super) incomplete: u64,
}

impl Validity {
    pub(super) fn new(random: &dyn Random) -> Self {
        Self {
            generation: AtomicU64::new(random.next_u64()),
            incomplete: AtomicU64::new(0),
            latest: std::array::from_fn(|_| AtomicU64::new(0)),
        }
    }

    pub(super) fn mark(&self) -> Mark {
        Mark {
            generation: self.generation.load(Ordering::SeqCst),
            incomplete: self.incomplete.load(Ordering::SeqCst),
        }
    }

    /// Whether a copy of `key` with this mark may be served.
    pub(super) fn holds(&self, mark: Mark, key: &Key) -> bool {
        let now = self.mark();
        // Nothing is hashed while every write has completed.
        mark == now
            || (mark.generation == now.generation
                && mark.incomplete >= self.latest[slot(key)].load(Ordering::SeqCst))
    }

    /// Invalidates every copy.
    pub(super) fn invalidate_all(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    /// Invalidates the copies of `key`.
    pub(super) fn invalidate(&self, key: &Key) {
        let number = self.incomplete.fetch_add(1, Ordering::SeqCst) + 1;
        self.latest[slot(key)].fetch_max(number, Ordering::SeqCst);
    }

    /// Guards a write of `keys`.
    pub(super) fn writing<'a>(&'a self, keys: &'a [Key]) -> WriteGuard<'a> {
        WriteGuard {
            validity: self,
            concerned: Concerned::Keys(keys),
        }
    }

    /// Guards a write that concerns keys that are not known.
    pub(super) fn writing_any(&self) -> WriteGuard<'_> {
        WriteGuard {
            validity: self,
            concerned: Concerned::Everything,
        }
    }
}

fn slot(key: &Key) -> usize {
    let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(key);
    usize::try_from(hash % SLOTS as u64).unwrap_or(0)
}

/// A write whose copies are still in the inner store, for all that is known. Dropping this invalidates them, and so does
/// the end of a call that was dropped or has panicked.
#[derive(Debug)]
#[must_use]
pub(super) struct WriteGuard<'a> {
    validity: &'a Validity,
    concerned: Concerned<'a>,
}

#[derive(Debug)]
enum Concerned<'a> {
    Keys(&'a [Key]),
    Everything,
}

impl WriteGuard<'_> {
    /// Notes that the inner store has dropped the copies.
    pub(super) fn complete(mut self) {
        self.concerned = Concerned::Keys(&[]);
    }
}

impl Drop for WriteGuard<'_> {
    fn drop(&mut self) {
        match self.concerned {
            Concerned::Keys(keys) => keys.iter().for_each(|key| self.validity.invalidate(key)),
            Concerned::Everything => self.validity.invalidate_all(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SeededRandom;

    fn key(text: &str) -> Key {
        Key::new(text).unwrap()
    }

    #[test]
    fn an_incomplete_write_invalidates_earlier_copies_of_its_key() {
        let validity = Validity::new(&SeededRandom::new(1));
        let (one, other) = (key("comics:1"), key("comics:2"));
        assert_ne!(slot(&one), slot(&other), "the test needs two slots");
        let before = validity.mark();
        drop(validity.writing(std::slice::from_ref(&one)));
        assert!(!validity.holds(before, &one));
        assert!(validity.holds(before, &other));
        assert!(validity.holds(validity.mark(), &one));
    }

    #[test]
    fn a_complete_write_invalidates_nothing() {
        let validity = Validity::new(&SeededRandom::new(1));
        let before = validity.mark();
        validity.writing(&[key("comics:1")]).complete();
        validity.writing_any().complete();
        assert!(validity.holds(before, &key("comics:1")));
    }

    #[test]
    fn an_incomplete_write_of_unknown_keys_invalidates_every_copy() {
        let validity = Validity::new(&SeededRandom::new(1));
        let before = validity.mark();
        drop(validity.writing_any());
        assert!(!validity.holds(before, &key("comics:1")));
    }

    #[test]
    fn a_copy_of_another_instance_is_invalid() {
        let [one, other] = [1, 2].map(|seed| Validity::new(&SeededRandom::new(seed)));
        assert!(!one.holds(other.mark(), &key("comics:1")));
    }
}
