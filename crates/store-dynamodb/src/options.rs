//! The options that only this backend has, its defaults for the shared ones, and both together as the stores
//! use them.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use store_core::backend::DefaultConfigs;
use store_core::{
    CacheOptions, Clock, DedupeOptions, Limit, MINUTE, Random, RateLimitOptions, SECOND,
};

/// Maximum number of items that one cleanup removes.
const CLEANUP_BATCH: u32 = 500;
/// Maximum length of a value before compression, in bytes.
const MAX_ENTRY_BYTES: usize = 4 * 1024 * 1024;
/// Maximum length of a result that other processes get, in bytes: each kilobyte costs one write unit.
const INLINE_LIMIT_BYTES: usize = 8 * 1024;
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
    /// De-duplication: first interval at which a waiting process polls its jobs; it grows up to
    /// [`max_poll_interval`](Self::max_poll_interval). Default: 100 ms.
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
    /// Sets [`chunk_bytes`](Self::chunk_bytes).
    #[must_use]
    pub const fn with_chunk_bytes(mut self, bytes: usize) -> Self {
        self.chunk_bytes = bytes;
        self
    }

    /// Sets [`poll_interval`](Self::poll_interval).
    #[must_use]
    pub const fn with_poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    /// Sets [`max_poll_interval`](Self::max_poll_interval).
    #[must_use]
    pub const fn with_max_poll_interval(mut self, interval: Duration) -> Self {
        self.max_poll_interval = interval;
        self
    }

    /// Sets [`max_clock_skew`](Self::max_clock_skew).
    #[must_use]
    pub const fn with_max_clock_skew(mut self, skew: Duration) -> Self {
        self.max_clock_skew = skew;
        self
    }

    /// Sets [`buckets`](Self::buckets).
    #[must_use]
    pub const fn with_buckets(mut self, buckets: NonZeroU32) -> Self {
        self.buckets = buckets;
        self
    }

    /// Sets [`permit_batch_size`](Self::permit_batch_size).
    #[must_use]
    pub const fn with_permit_batch_size(mut self, permits: NonZeroU32) -> Self {
        self.permit_batch_size = permits;
        self
    }
}

/// Shared options and tuning of a cache, defaults filled in.
#[derive(Clone, Debug)]
pub(crate) struct CacheSettings {
    pub(crate) max_entry_bytes: usize,
    pub(crate) chunk_bytes: usize,
    pub(crate) cleanup_batch: u32,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
}

impl CacheSettings {
    pub(crate) fn new(options: CacheOptions, tuning: Tuning) -> Self {
        Self {
            max_entry_bytes: options.max_entry_bytes.unwrap_or(MAX_ENTRY_BYTES),
            chunk_bytes: tuning.chunk_bytes,
            cleanup_batch: options.cleanup_batch.unwrap_or(CLEANUP_BATCH),
            clock: options.clock,
            random: options.random,
        }
    }
}

/// Shared options and tuning of a de-duplication, defaults filled in.
#[derive(Clone, Debug)]
pub(crate) struct DedupeSettings {
    pub(crate) lease: Duration,
    pub(crate) inline_limit_bytes: usize,
    pub(crate) result_retention: Duration,
    pub(crate) poll_interval: Duration,
    pub(crate) max_poll_interval: Duration,
    pub(crate) max_clock_skew: Duration,
    pub(crate) cleanup_batch: u32,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
}

impl DedupeSettings {
    pub(crate) fn new(options: DedupeOptions, tuning: Tuning) -> Self {
        Self {
            lease: options.lease,
            inline_limit_bytes: options.inline_limit_bytes.unwrap_or(INLINE_LIMIT_BYTES),
            result_retention: options.result_retention,
            poll_interval: tuning.poll_interval,
            max_poll_interval: tuning.max_poll_interval,
            max_clock_skew: tuning.max_clock_skew,
            cleanup_batch: options.cleanup_batch.unwrap_or(CLEANUP_BATCH),
            clock: options.clock,
            random: options.random,
        }
    }
}

/// Shared options and tuning of a rate limiter, defaults filled in.
#[derive(Clone, Debug)]
pub(crate) struct RateLimitSettings {
    pub(crate) defaults: DefaultConfigs,
    pub(crate) buckets: NonZeroU32,
    pub(crate) permit_batch_size: NonZeroU32,
    pub(crate) max_clock_skew: Duration,
    pub(crate) cleanup_batch: u32,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
}

impl RateLimitSettings {
    pub(crate) fn new(options: RateLimitOptions, tuning: Tuning) -> Self {
        Self {
            defaults: DefaultConfigs::new(&options, Limit::new(200, MINUTE)),
            buckets: tuning.buckets,
            permit_batch_size: tuning.permit_batch_size,
            max_clock_skew: tuning.max_clock_skew,
            cleanup_batch: options.cleanup_batch.unwrap_or(CLEANUP_BATCH),
            clock: options.clock,
            random: options.random,
        }
    }
}
