//! Which entries stay when not all can: `quick_cache` decides, one victim at a time.
//!
//! Its policy is of the S3-FIFO family: what was asked for again outlives what passed through once.
//! It knows one bound and we keep two, so its own capacity is never reached: an entry counts there by
//! the larger of its shares of our bounds, and twice a whole holds all that both bounds let in. Room
//! is made by [`Engine::evict`] alone, before anything is inserted; see `docs/adr`.

use quick_cache::unsync::Cache;
use quick_cache::{DefaultHashBuilder, Lifecycle, OptionsBuilder, Weighter};
use store_core::Key;

use super::shelf::Stored;

/// A whole bound, in the engine's units: fine enough that no real entry's share rounds to nothing.
const WHOLE: u64 = 1 << 61;

/// The most that one entry counts: the engine refuses what its hot part could not hold.
const LARGEST: u64 = WHOLE / 4 * 3;

/// How much of the capacity entries have that proved useful. The capacity is two wholes, so this
/// leaves a fifth to newcomers where one bound alone is felt, and more where both are.
const HOT: f64 = 0.4;

/// What an entry takes at least, in bytes, where the number of entries is a guess. Half as many
/// evicted keys are remembered as fit, so a cache without a bound on entries remembers not all.
const SMALLEST: usize = 1024;

/// The keys with their values, and the order in which they go.
#[derive(Debug)]
pub(super) struct Engine {
    /// `None` is the key of what is only inserted to push something out.
    cache: Cache<Option<Key>, Slot, Shares, DefaultHashBuilder, Leave>,
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

/// Hands on what leaves.
#[derive(Debug)]
struct Leave;

impl Lifecycle<Option<Key>, Slot> for Leave {
    type RequestState = Vec<(Key, Stored)>;

    fn is_pinned(&self, key: &Option<Key>, _: &Slot) -> bool {
        key.is_none()
    }

    fn on_evict(&self, gone: &mut Self::RequestState, key: Option<Key>, slot: Slot) {
        gone.extend(key.map(|key| (key, slot.stored)));
    }
}

impl Engine {
    /// An empty engine that weighs entries against both bounds.
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
            cache: Cache::with_options(options, Shares, hashes, Leave),
            max_items,
            max_bytes,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.cache.len()
    }

    /// The value of `key`, which counts as a use of it.
    pub(super) fn take_out(&self, key: &Key) -> Option<&Stored> {
        let slot = self.cache.get(&Some(key.clone()))?;
        Some(&slot.stored)
    }

    /// The value of `key`, unnoticed.
    pub(super) fn peek(&self, key: &Key) -> Option<&Stored> {
        let slot = self.cache.peek(&Some(key.clone()))?;
        Some(&slot.stored)
    }

    /// Puts a value there, for which there is room; what it replaces.
    pub(super) fn insert(&mut self, key: Key, stored: Stored) -> Option<Stored> {
        let share = self.share(stored.weight(&key));
        let (slot, mut gone) = (Slot { stored, share }, Vec::new());
        self.cache.insert_with_lifecycle(Some(key), slot, &mut gone);
        gone.pop().map(|(_, replaced)| replaced)
    }

    pub(super) fn remove(&mut self, key: &Key) -> Option<Stored> {
        let (_, slot) = self.cache.remove(&Some(key.clone()))?;
        Some(slot.stored)
    }

    /// Lets the least useful entry go, and seldom more than one; nothing only if there is none.
    pub(super) fn evict(&mut self) -> Vec<(Key, Stored)> {
        let mut gone = Vec::new();
        let stored = Stored::default();
        // One unit more than is free: the engine makes room for it, and then it is taken away.
        let share = self.cache.capacity() - self.cache.weight() + 1;
        let slot = Slot { stored, share };
        self.cache.insert_with_lifecycle(None, slot, &mut gone);
        self.cache.remove(&None);
        gone
    }

    /// The larger of what an entry takes of both bounds, rounded down: their sum is two wholes.
    fn share(&self, bytes: usize) -> u64 {
        let of = |part: usize, whole: usize| {
            let share = part as u128 * u128::from(WHOLE) / whole.max(1) as u128;
            u64::try_from(share).unwrap_or(LARGEST)
        };
        let share = of(1, self.max_items).max(of(bytes, self.max_bytes));
        share.clamp(1, LARGEST)
    }
}
