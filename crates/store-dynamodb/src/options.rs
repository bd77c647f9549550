//! The options that only this backend has, its defaults for the shared ones, and both together as the stores
//! use them.

use std::num::NonZeroU32;
use std::ops::Deref;
use std::time::Duration;

use store_core::SECOND;

use crate::setters::setters;

/// Maximum number of items that one cleanup removes.
pub(crate) const CLEANUP_BATCH: u32 = 500;
/// Maximum length of a value before compression, in bytes.
pub(crate) const MAX_ENTRY_BYTES: usize = 4 * 1024 * 1024;
/// Maximum length of a result that other processes get, in bytes: each kilobyte costs one write unit.
pub(crate) const INLINE_LIMIT_BYTES: usize = 8 * 1024;
/// Default of `max_clock_skew`: hosts synchronised by NTP stay well below.
pub(crate) const MAX_CLOCK_SKEW: Duration = Duration::from_millis(20);

/// The options that only DynamoDB stores have: sizes of items, polling, clocks of several hosts. Each store
/// uses its own part.
///
/// ```
/// use store_dynamodb::Tuning;
///
/// let tuning = Tuning::default().with_chunk_bytes(100 * 1024);
/// assert_eq!(tuning.max_clock_skew.as_millis(), 20);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Tuning {
    /// Cache: maximum length of a chunk, in bytes. Values of more than 8 KiB (or of more than this, if it is less) are
    /// compressed and, if they are still longer, split into chunks. DynamoDB items hold at most 400 KB, so more
    /// than 390 KiB has no effect. Default: 300 KiB.
    pub chunk_bytes: usize,
    /// De-duplication: first interval at which a waiting process polls its jobs; each is twice as long as the one
    /// before, up to [`max_poll_interval`](Self::max_poll_interval), less a random part of at most half. Default:
    /// 100 ms.
    pub poll_interval: Duration,
    /// De-duplication: maximum poll interval. Default: 2 s.
    pub max_poll_interval: Duration,
    /// De-duplication and rate limiter: maximum difference between the clocks of two hosts. Other hosts treat a
    /// lease as expired only this much later, and a permit counts this much longer than its span. Default:
    /// 20 ms.
    pub max_clock_skew: Duration,
    /// Rate limiter: number of buckets per span of a limit. A bucket leaves the span as a whole, so a permit
    /// counts for up to one bucket longer than its span; more buckets make the resource's item larger.
    /// Default: 60.
    pub buckets: NonZeroU32,
    /// Rate limiter: number of permits that a process takes in one write and then grants locally. They count
    /// from the write on, so no limit is exceeded; permits left at the end of their bucket are given back. Those
    /// of a process that was killed stay used until the span has passed. Default: 1, none in advance.
    ///
    /// A cooldown, reset or configuration set by **another** process does not reach permits that a process
    /// already holds: it may grant up to `permit_batch_size` - 1 more to each class, until the bucket ends. A
    /// bucket is as long as the resource's smallest span divided by [`buckets`](Self::buckets): by default
    /// one second for a limit per minute. Changes made by the process itself take effect at once.
    pub permit_batch_size: NonZeroU32,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            chunk_bytes: 300 * 1024,
            poll_interval: Duration::from_millis(100),
            max_poll_interval: SECOND * 2,
            max_clock_skew: MAX_CLOCK_SKEW,
            buckets: NonZeroU32::MIN.saturating_add(59),
            permit_batch_size: NonZeroU32::MIN,
        }
    }
}

impl Tuning {
    setters! {
        constant:
        with_chunk_bytes chunk_bytes: usize,
        with_poll_interval poll_interval: Duration,
        with_max_poll_interval max_poll_interval: Duration,
        with_max_clock_skew max_clock_skew: Duration,
        with_buckets buckets: NonZeroU32,
        with_permit_batch_size permit_batch_size: NonZeroU32,
    }
}

/// The options that a store shares with those of other backends, and its tuning.
#[derive(Clone, Debug)]
pub(crate) struct Settings<O> {
    shared: O,
    pub(crate) tuning: Tuning,
}

impl<O> Settings<O> {
    pub(crate) const fn new(shared: O, tuning: Tuning) -> Self {
        Self { shared, tuning }
    }
}

impl<O> Deref for Settings<O> {
    type Target = O;

    fn deref(&self) -> &O {
        &self.shared
    }
}
