//! The eviction policy: `quick_cache` decides, one victim at a time.
//!
//! Its policy is of the S3-FIFO family: entries that were read again outlive those that were read once.
//! It has one bound and this cache two, so its own capacity is never reached: an entry counts there by
//! the larger of its shares of both bounds, and twice a whole holds all that both bounds admit. Space
//! is freed by [`Entries::evict`] alone, before an insert; see `docs/adr`.

use quick_cache::unsync::Cache;
use quick_cache::{DefaultHashBuilder, Lifecycle, OptionsBuilder, Weighter};
use store_core::Key;

use super::index::Stored;

/// A whole bound, in `quick_cache`'s units: fine enough that no real entry's share rounds to zero.
const WHOLE: u64 = 1 << 61;

/// The most that one entry counts: `quick_cache` refuses what its hot part could not hold.
const LARGEST: u64 = WHOLE / 4 * 3;

/// The part of the capacity for entries that were read again. The capacity is two wholes, so this
/// leaves a fifth to new entries where one bound alone binds, and more where both do.
const HOT: f64 = 0.4;

/// The least that an entry takes, in bytes, where the number of entries is estimated. Half as many
/// evicted keys are tracked as entries fit, so a cache without a bound on entries tracks not all.
const SMALLEST: usize = 1024;

/// The entries by key, and the order in which they are evicted.
#[derive(Debug)]
pub(super) struct Entries {
    /// `None` is the key of a placeholder that is inserted to evict something.
    cache: Cache<Option<Key>, Slot, Shares, DefaultHashBuilder, Evicted>,
    max_items: usize,
    max_bytes: usize,
}

#[derive(Debug)]
struct Slot {
    stored: Stored,
    share: u64,
}

#[derive(Debug)]
struct Shares;

impl Weighter<Option<Key>, Slot> for Shares {
    fn weight(&self, _: &Option<Key>, slot: &Slot) -> u64 {
        slot.share
    }
}

/// Collects the evicted entries.
#[derive(Debug)]
struct Evicted;

impl Lifecycle<Option<Key>, Slot> for Evicted {
    type RequestState = Vec<(Key, Stored)>;

    fn is_pinned(&self, key: &Option<Key>, _: &Slot) -> bool {
        key.is_none()
    }

    fn on_evict(&self, evicted: &mut Self::RequestState, key: Option<Key>, slot: Slot) {
        evicted.extend(key.map(|key| (key, slot.stored)));
    }
}

impl Entries {
    /// No entries yet; each will count against both bounds.
    #[expect(clippy::expect_used, reason = "fails only if a capacity is left out")]
    pub(super) fn new(max_items: usize, max_bytes: usize) -> Self {
        let options = OptionsBuilder::new()
            .shards(1)
            .estimated_items_capacity(max_items.min(max_bytes / SMALLEST))
            .weight_capacity(2 * WHOLE)
            .hot_allocation(HOT)
            .build()
            .expect("both capacities are given");
        let hashes = DefaultHashBuilder::default();
        Self {
            cache: Cache::with_options(options, Shares, hashes, Evicted),
            max_items,
            max_bytes,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.cache.len()
    }

    /// The entry of `key`; counts as a read.
    pub(super) fn get(&self, key: &Key) -> Option<&Stored> {
        let slot = self.cache.get(&Some(key.clone()))?;
        Some(&slot.stored)
    }

    /// The entry of `key`, without counting a read.
    pub(super) fn peek(&self, key: &Key) -> Option<&Stored> {
        let slot = self.cache.peek(&Some(key.clone()))?;
        Some(&slot.stored)
    }

    /// Inserts an entry that fits; returns the one that it replaces.
    pub(super) fn insert(&mut self, key: Key, stored: Stored) -> Option<Stored> {
        let share = self.share(stored.weight(&key));
        let (slot, mut evicted) = (Slot { stored, share }, Vec::new());
        self.cache
            .insert_with_lifecycle(Some(key), slot, &mut evicted);
        evicted.pop().map(|(_, replaced)| replaced)
    }

    pub(super) fn remove(&mut self, key: &Key) -> Option<Stored> {
        let (_, slot) = self.cache.remove(&Some(key.clone()))?;
        Some(slot.stored)
    }

    /// Evicts the least useful entry, rarely more than one; none only if there is none.
    pub(super) fn evict(&mut self) -> Vec<(Key, Stored)> {
        let mut evicted = Vec::new();
        let stored = Stored::default();
        // One unit more than is free: something is evicted for it, and then it is removed.
        let share = self.cache.capacity() - self.cache.weight() + 1;
        let slot = Slot { stored, share };
        self.cache.insert_with_lifecycle(None, slot, &mut evicted);
        self.cache.remove(&None);
        evicted
    }

    /// The larger of an entry's shares of both bounds, rounded down: their sum is at most two wholes.
    fn share(&self, bytes: usize) -> u64 {
        let of = |part: usize, whole: usize| {
            let share = part as u128 * u128::from(WHOLE) / whole.max(1) as u128;
            u64::try_from(share).unwrap_or(LARGEST)
        };
        let share = of(1, self.max_items).max(of(bytes, self.max_bytes));
        share.clamp(1, LARGEST)
    }
}
