//! Rows that many responses share, by their ids: header pairs, statuses and codecs.
//!
//! Ids become known only once the transaction that made them has been committed, and are never used again for
//! another row. Known pairs may be swept by another process, so writers look whether any were.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher as _, BuildHasherDefault, Hasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use http::{HeaderName, HeaderValue};

/// The pairs that are kept in memory; beyond that, all are read again.
const MAX_PAIRS: usize = 1 << 13;
/// The pairs of which is known that they were seen once.
const MAX_SEEN: usize = 1 << 12;

/// What this process knows of the shared rows of one file.
#[derive(Debug, Default)]
pub(super) struct Interned {
    for_reads: RwLock<ById>,
    for_writes: Mutex<Known>,
    /// Hashes of pairs that were written once, without an id.
    seen: Mutex<HashSet<u64>>,
    hash_keys: RandomState,
}

/// Known rows, by their ids.
#[derive(Debug, Default)]
pub(super) struct ById {
    pub(super) pairs: HashMap<i64, (HeaderName, HeaderValue), BuildHasherDefault<IdHasher>>,
    /// The names of codecs.
    pub(super) codecs: HashMap<i64, Arc<str>, BuildHasherDefault<IdHasher>>,
}

/// Spreads the bits of an id, which nobody outside chooses: a hit looks up a dozen.
#[derive(Debug, Default)]
pub(super) struct IdHasher(u64);

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_i64(i64::from(*byte));
        }
    }

    fn write_i64(&mut self, id: i64) {
        // 2^64 divided by the golden ratio.
        const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
        self.0 = (self.0 ^ id.cast_unsigned()).wrapping_mul(FACTOR);
    }
}

/// Known rows, by their values.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The number of sweeps after which the pairs were found.
    pub(super) sweeps: i64,
    pub(super) pairs: HashMap<(HeaderName, HeaderValue), i64>,
    pub(super) codecs: HashMap<String, i64>,
    pub(super) statuses: HashSet<u16>,
}

impl Interned {
    /// What is known by ids. Learn nothing while this is held.
    pub(super) fn by_id(&self) -> RwLockReadGuard<'_, ById> {
        self.for_reads
            .read()
            .unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn learn_pairs(&self, new: Vec<(i64, (HeaderName, HeaderValue))>) {
        if new.is_empty() {
            return;
        }
        let mut by_id = self
            .for_reads
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        if by_id.pairs.len() >= MAX_PAIRS {
            by_id.pairs.clear();
        }
        by_id.pairs.extend(new);
    }

    pub(super) fn learn_codec(&self, id: i64, name: Arc<str>) {
        let mut by_id = self
            .for_reads
            .write()
            .unwrap_or_else(PoisonError::into_inner);
        by_id.codecs.insert(id, name);
    }

    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        self.for_writes
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The id of a pair, if it is known and no pairs were swept since.
    pub(super) fn pair_id(&self, pair: &(HeaderName, HeaderValue), sweeps: i64) -> Option<i64> {
        let known = self.known();
        let id = known.pairs.get(pair).copied();
        id.filter(|_| known.sweeps == sweeps)
    }

    /// Whether a pair that has no id is seen for the first time, and notes that it was.
    pub(super) fn is_first_sight(&self, pair: &(HeaderName, HeaderValue)) -> bool {
        let hash = self.hash_keys.hash_one(pair);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= MAX_SEEN {
            seen.clear();
        }
        seen.insert(hash)
    }

    /// Adds what a transaction found or made, once it has been committed.
    pub(super) fn learn(&self, new: Known) {
        let mut known = self.known();
        known.codecs.extend(new.codecs);
        known.statuses.extend(new.statuses);
        // Transactions may be learned from in another order than they were committed in.
        if new.sweeps < known.sweeps {
            return;
        }
        if new.sweeps > known.sweeps || known.pairs.len() >= MAX_PAIRS {
            known.pairs.clear();
            known.sweeps = new.sweeps;
        }
        known.pairs.extend(new.pairs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_learned_before_a_sweep_is_not_used_after_it() {
        let pair = (
            HeaderName::from_static("x-a"),
            HeaderValue::from_static("1"),
        );
        let known = |sweeps, id| Known {
            sweeps,
            pairs: HashMap::from([(pair.clone(), id)]),
            ..Known::default()
        };
        let interned = Interned::default();
        interned.learn(known(0, 1));
        assert_eq!(interned.pair_id(&pair, 0), Some(1));
        assert_eq!(interned.pair_id(&pair, 1), None);
        interned.learn(known(1, 2));
        // Committed before the sweep, and told late.
        interned.learn(known(0, 1));
        assert_eq!(interned.pair_id(&pair, 1), Some(2));
    }
}
