//! Options of the stores; defaults are those of the TypeScript package where it has the option.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use store_core::{
    AdaptiveConfig, Clock, Limit, MINUTE, Random, Resource, ResourceConfig, SECOND, SystemClock,
    SystemRandom,
};

/// Maximum number of items that one cleanup removes.
const CLEANUP_BATCH: u32 = 500;
/// Default of `max_clock_skew`: hosts synchronised by NTP stay well below.
pub(crate) const MAX_CLOCK_SKEW: Duration = Duration::from_millis(20);

/// Options of all three stores, for [`stores_with`](crate::stores_with).
///
/// ```
/// use store_dynamodb::{CacheOptions, StoreOptions};
///
/// let options = StoreOptions::default()
///     .with_cache(CacheOptions::default().with_max_entry_bytes(8 * 1024 * 1024));
/// assert_eq!(options.dedupe.lease.as_secs(), 10);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoreOptions {
    /// Options of the cache.
    pub cache: CacheOptions,
    /// Options of the de-duplication.
    pub dedupe: DedupeOptions,
    /// Options of the rate limiter. Default: adaptive, 200 per hour.
    pub rate_limit: RateLimitOptions,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self {
            cache: CacheOptions::default(),
            dedupe: DedupeOptions::default(),
            rate_limit: RateLimitOptions::adaptive(),
        }
    }
}

impl StoreOptions {
    /// Sets the cache's options.
    #[must_use]
    pub fn with_cache(mut self, options: CacheOptions) -> Self {
        self.cache = options;
        self
    }

    /// Sets the de-duplication's options.
    #[must_use]
    pub fn with_dedupe(mut self, options: DedupeOptions) -> Self {
        self.dedupe = options;
        self
    }

    /// Sets the rate limiter's options.
    #[must_use]
    pub fn with_rate_limit(mut self, options: RateLimitOptions) -> Self {
        self.rate_limit = options;
        self
    }

    /// Sets the clock of all three stores.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(clock);
        self.cache.clock = Arc::clone(&clock);
        self.dedupe.clock = Arc::clone(&clock);
        self.rate_limit.clock = clock;
        self
    }

    /// Sets the random source of all three stores.
    #[must_use]
    pub fn with_random(mut self, random: impl Random) -> Self {
        let random: Arc<dyn Random> = Arc::new(random);
        self.cache.random = Arc::clone(&random);
        self.dedupe.random = Arc::clone(&random);
        self.rate_limit.random = random;
        self
    }
}

/// Options of [`DynamoDbCacheStore`](crate::DynamoDbCacheStore).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CacheOptions {
    /// Maximum length of a value before compression, in bytes; longer values are
    /// [`TooLarge`](store_core::ErrorKind::TooLarge). Default: 4 MiB.
    pub max_entry_bytes: usize,
    /// Maximum length of a value stored uncompressed in one item, in bytes. Longer values are compressed and,
    /// if they are still longer, split into chunks of this length. DynamoDB items hold at most 400 KB, so a
    /// value that exceeds 390 KiB with its key and tags is split whatever this is. Default: 300 KiB.
    pub chunk_bytes: usize,
    /// Maximum number of entries that one `cleanup` removes. DynamoDB removes expired items itself, within
    /// days and free of charge; a cleanup only frees the space earlier. Default: 500.
    pub cleanup_batch: u32,
    /// Time source. Default: the system clock.
    pub clock: Arc<dyn Clock>,
    /// Random source of chunk names. Default: the operating system.
    pub random: Arc<dyn Random>,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            max_entry_bytes: 4 * 1024 * 1024,
            chunk_bytes: 300 * 1024,
            cleanup_batch: CLEANUP_BATCH,
            clock: Arc::new(SystemClock::new()),
            random: Arc::new(SystemRandom),
        }
    }
}

impl CacheOptions {
    /// Sets [`max_entry_bytes`](Self::max_entry_bytes).
    #[must_use]
    pub fn with_max_entry_bytes(mut self, bytes: usize) -> Self {
        self.max_entry_bytes = bytes;
        self
    }

    /// Sets [`chunk_bytes`](Self::chunk_bytes).
    #[must_use]
    pub fn with_chunk_bytes(mut self, bytes: usize) -> Self {
        self.chunk_bytes = bytes;
        self
    }

    /// Sets [`cleanup_batch`](Self::cleanup_batch).
    #[must_use]
    pub fn with_cleanup_batch(mut self, items: u32) -> Self {
        self.cleanup_batch = items;
        self
    }

    /// Sets [`clock`](Self::clock).
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets [`random`](Self::random).
    #[must_use]
    pub fn with_random(mut self, random: impl Random) -> Self {
        self.random = Arc::new(random);
        self
    }
}

/// Options of [`DynamoDbDedupeStore`](crate::DynamoDbDedupeStore).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DedupeOptions {
    /// Lease of a job: how long it stays with an owner that sends no heartbeat. Default: 10 s (the TypeScript
    /// package's `defaultTtlSeconds` of 300 s delayed everybody by that much after a crash).
    pub lease: Duration,
    /// Maximum length of a result that is passed to callers that joined the job, in bytes; each kilobyte costs
    /// one write unit. Default: 8 KiB.
    pub inline_limit_bytes: usize,
    /// How long an ended job and its result stay visible to callers that joined it. Default: 5 s.
    pub result_retention: Duration,
    /// First interval at which a waiting process polls its jobs; it grows up to
    /// [`max_poll_interval`](Self::max_poll_interval). Default: 100 ms.
    pub poll_interval: Duration,
    /// Maximum poll interval. Default: 2 s.
    pub max_poll_interval: Duration,
    /// Maximum difference between the clocks of two hosts: other hosts treat a lease as expired only this much
    /// later. Default: 20 ms.
    pub max_clock_skew: Duration,
    /// Maximum number of items that one `cleanup` removes; DynamoDB removes ended jobs itself, within days.
    /// Default: 500.
    pub cleanup_batch: u32,
    /// Time source. Default: the system clock.
    pub clock: Arc<dyn Clock>,
    /// Random source of job ids. Default: the operating system.
    pub random: Arc<dyn Random>,
}

impl Default for DedupeOptions {
    fn default() -> Self {
        Self {
            lease: SECOND * 10,
            inline_limit_bytes: 8 * 1024,
            result_retention: SECOND * 5,
            poll_interval: Duration::from_millis(100),
            max_poll_interval: SECOND * 2,
            max_clock_skew: MAX_CLOCK_SKEW,
            cleanup_batch: CLEANUP_BATCH,
            clock: Arc::new(SystemClock::new()),
            random: Arc::new(SystemRandom),
        }
    }
}

impl DedupeOptions {
    /// Sets [`lease`](Self::lease).
    #[must_use]
    pub fn with_lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Sets [`inline_limit_bytes`](Self::inline_limit_bytes).
    #[must_use]
    pub fn with_inline_limit_bytes(mut self, bytes: usize) -> Self {
        self.inline_limit_bytes = bytes;
        self
    }

    /// Sets [`result_retention`](Self::result_retention).
    #[must_use]
    pub fn with_result_retention(mut self, retention: Duration) -> Self {
        self.result_retention = retention;
        self
    }

    /// Sets [`poll_interval`](Self::poll_interval).
    #[must_use]
    pub fn with_poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    /// Sets [`max_poll_interval`](Self::max_poll_interval).
    #[must_use]
    pub fn with_max_poll_interval(mut self, interval: Duration) -> Self {
        self.max_poll_interval = interval;
        self
    }

    /// Sets [`max_clock_skew`](Self::max_clock_skew).
    #[must_use]
    pub fn with_max_clock_skew(mut self, skew: Duration) -> Self {
        self.max_clock_skew = skew;
        self
    }

    /// Sets [`cleanup_batch`](Self::cleanup_batch).
    #[must_use]
    pub fn with_cleanup_batch(mut self, items: u32) -> Self {
        self.cleanup_batch = items;
        self
    }

    /// Sets [`clock`](Self::clock).
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets [`random`](Self::random).
    #[must_use]
    pub fn with_random(mut self, random: impl Random) -> Self {
        self.random = Arc::new(random);
        self
    }
}

/// Options of [`DynamoDbRateLimitStore`](crate::DynamoDbRateLimitStore).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RateLimitOptions {
    /// Configuration of resources without one of their own. Default: 200 per minute.
    pub default_config: ResourceConfig,
    /// Configurations per resource; a stored configuration or a claim's own takes precedence. Default: none.
    pub resource_configs: HashMap<Resource, ResourceConfig>,
    /// Number of buckets per window. A bucket leaves the window as a whole, so a permit counts for up to one
    /// bucket longer than its window; more buckets make the resource's item larger. Default: 60.
    pub buckets: NonZeroU32,
    /// Number of permits that a process takes in one write and then grants locally. They count from the write
    /// on, so no window is exceeded; permits left at the end of their bucket are given back. Those of a
    /// process that was killed stay used until the window has passed. Default: 1, none in advance.
    ///
    /// A cooldown, reset or configuration set by **another** process does not reach permits that a process
    /// already holds: it may grant up to `permit_batch_size` - 1 more to each class, until the bucket ends. A
    /// bucket is as long as the resource's smallest window divided by [`buckets`](Self::buckets): by default
    /// one second for a window of a minute. Changes made by the process itself take effect at once.
    pub permit_batch_size: NonZeroU32,
    /// Maximum difference between the clocks of two hosts: a permit counts this much longer than its window.
    /// Default: 20 ms.
    pub max_clock_skew: Duration,
    /// Maximum number of items that one `cleanup` removes; DynamoDB removes idle resources itself, within days.
    /// Default: 500.
    pub cleanup_batch: u32,
    /// Time source. Default: the system clock.
    pub clock: Arc<dyn Clock>,
    /// Random source of write ids. Default: the operating system.
    pub random: Arc<dyn Random>,
}

impl Default for RateLimitOptions {
    fn default() -> Self {
        Self {
            default_config: Limit::new(200, MINUTE).into(),
            resource_configs: HashMap::new(),
            buckets: NonZeroU32::MIN.saturating_add(59),
            permit_batch_size: NonZeroU32::MIN,
            max_clock_skew: MAX_CLOCK_SKEW,
            cleanup_batch: CLEANUP_BATCH,
            clock: Arc::new(SystemClock::new()),
            random: Arc::new(SystemRandom),
        }
    }
}

impl RateLimitOptions {
    /// Defaults of the TypeScript package's adaptive store: 200 per hour, divided between user and background
    /// requests by activity.
    #[must_use]
    pub fn adaptive() -> Self {
        let config = ResourceConfig::from(Limit::SEED_ADAPTIVE_DEFAULT);
        Self::default().with_default_config(config.adaptive(AdaptiveConfig::default()))
    }

    /// Sets [`default_config`](Self::default_config).
    #[must_use]
    pub fn with_default_config(mut self, config: impl Into<ResourceConfig>) -> Self {
        self.default_config = config.into();
        self
    }

    /// The configuration of `resource` in these options.
    pub(crate) fn config_of(&self, resource: &Resource) -> &ResourceConfig {
        let config = self.resource_configs.get(resource);
        config.unwrap_or(&self.default_config)
    }

    /// Adds to [`resource_configs`](Self::resource_configs).
    #[must_use]
    pub fn with_resource(mut self, resource: Resource, config: impl Into<ResourceConfig>) -> Self {
        self.resource_configs.insert(resource, config.into());
        self
    }

    /// Sets [`buckets`](Self::buckets).
    #[must_use]
    pub fn with_buckets(mut self, buckets: NonZeroU32) -> Self {
        self.buckets = buckets;
        self
    }

    /// Sets [`permit_batch_size`](Self::permit_batch_size).
    #[must_use]
    pub fn with_permit_batch_size(mut self, permits: NonZeroU32) -> Self {
        self.permit_batch_size = permits;
        self
    }

    /// Sets [`max_clock_skew`](Self::max_clock_skew).
    #[must_use]
    pub fn with_max_clock_skew(mut self, skew: Duration) -> Self {
        self.max_clock_skew = skew;
        self
    }

    /// Sets [`cleanup_batch`](Self::cleanup_batch).
    #[must_use]
    pub fn with_cleanup_batch(mut self, items: u32) -> Self {
        self.cleanup_batch = items;
        self
    }

    /// Sets [`clock`](Self::clock).
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets [`random`](Self::random).
    #[must_use]
    pub fn with_random(mut self, random: impl Random) -> Self {
        self.random = Arc::new(random);
        self
    }
}
