//! How the stores behave; the defaults are those of the original package where it has them.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use store_core::{
    AdaptiveConfig, Clock, Limit, MINUTE, Random, Resource, ResourceConfig, SECOND, SystemClock,
    SystemRandom,
};

/// The most items that one run of a cleanup removes.
const CLEANUP_BATCH: u32 = 500;
/// By how much the clocks of two hosts may differ: those that keep time by NTP stay well below.
pub(crate) const MAX_CLOCK_SKEW: Duration = Duration::from_millis(20);

/// Options of the three stores together.
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
    /// Of the cache.
    pub cache: CacheOptions,
    /// Of the de-duplication.
    pub dedupe: DedupeOptions,
    /// Of the rate limiter. Default: adaptive, 200 per hour.
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

    /// Sets the clock of all three.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(clock);
        self.cache.clock = Arc::clone(&clock);
        self.dedupe.clock = Arc::clone(&clock);
        self.rate_limit.clock = clock;
        self
    }

    /// Sets the randomness of all three.
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
    /// The longest value, in bytes, before it is compressed. Default: 4 MiB.
    pub max_entry_bytes: usize,
    /// The longest value that is kept in one item as it is, in bytes; longer ones are compressed and,
    /// if need be, cut into items of this length. DynamoDB takes items of up to 400 KB with all they
    /// hold, so what exceeds 390 KiB with key and tags is cut whatever this says. Default: 300 KiB.
    pub chunk_bytes: usize,
    /// The most entries that one run of `cleanup` removes. DynamoDB removes expired items by itself,
    /// within days and free of charge; a cleanup is for those who want the room earlier. Default: 500.
    pub cleanup_batch: u32,
    /// The clock. Default: the system's.
    pub clock: Arc<dyn Clock>,
    /// Where the names of chunks come from. Default: the system's randomness.
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
    /// How long a job survives its owner's silence; it takes the place of the original package's
    /// `defaultTtlSeconds` of 300 s, which a crash always cost in full. Default: 10 s.
    pub lease: Duration,
    /// The longest result that is handed to those who joined, in bytes; each kilobyte costs a write
    /// unit. Default: 8 KiB.
    pub inline_limit_bytes: usize,
    /// How long an ended job can be seen by those who joined it. Default: 5 s.
    pub result_retention: Duration,
    /// How soon after it began to wait a process first asks for the jobs that it waits for; later it
    /// asks less and less often, up to [`max_poll_interval`](Self::max_poll_interval). Default: 100 ms.
    pub poll_interval: Duration,
    /// The longest time between two such questions. Default: 2 s.
    pub max_poll_interval: Duration,
    /// By how much the clocks of two hosts may differ: a lease lapses for others this much later.
    /// Default: 20 ms.
    pub max_clock_skew: Duration,
    /// The most items that one run of `cleanup` removes; DynamoDB removes ended jobs by itself, within
    /// days. Default: 500.
    pub cleanup_batch: u32,
    /// The clock. Default: the system's.
    pub clock: Arc<dyn Clock>,
    /// Where job ids come from. Default: the system's randomness.
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
    /// What holds for resources that nothing was stated for. Default: 200 per minute.
    pub default_config: ResourceConfig,
    /// What holds for these resources, unless a claim or the stored configuration says otherwise.
    /// Default: nothing.
    pub resource_configs: HashMap<Resource, ResourceConfig>,
    /// Into how many buckets a window is cut. A bucket leaves the window as a whole, so an admission
    /// may count for longer than its window, by one bucket at most; more buckets make the item that
    /// holds them larger. Default: 60.
    pub buckets: NonZeroU32,
    /// How many permits a process takes in one write and then hands out by itself. They count from the
    /// write on, so no window is over; what is left of them when their bucket ends is given back. Those
    /// of a process that was killed stay used until the window has passed. Default: 1, none in advance.
    ///
    /// A cooldown, a reset or a configuration that **another** process states does not reach permits
    /// that are held already: after it a process hands out at most `lease` - 1 more to each class, and
    /// none once their bucket is over. A bucket is as long as the resource's smallest window divided by
    /// [`buckets`](Self::buckets): a second, of a minute and by default. What the process itself states
    /// binds at once.
    pub lease: NonZeroU32,
    /// By how much the clocks of two hosts may differ: an admission counts this much longer than its
    /// window. Default: 20 ms.
    pub max_clock_skew: Duration,
    /// The most items that one run of `cleanup` removes; DynamoDB removes idle resources by itself,
    /// within days. Default: 500.
    pub cleanup_batch: u32,
    /// The clock. Default: the system's.
    pub clock: Arc<dyn Clock>,
    /// Where the marks of writes come from. Default: the system's randomness.
    pub random: Arc<dyn Random>,
}

impl Default for RateLimitOptions {
    fn default() -> Self {
        Self {
            default_config: Limit::new(200, MINUTE).into(),
            resource_configs: HashMap::new(),
            buckets: NonZeroU32::MIN.saturating_add(59),
            lease: NonZeroU32::MIN,
            max_clock_skew: MAX_CLOCK_SKEW,
            cleanup_batch: CLEANUP_BATCH,
            clock: Arc::new(SystemClock::new()),
            random: Arc::new(SystemRandom),
        }
    }
}

impl RateLimitOptions {
    /// The default of the original packages' adaptive store: 200 per hour, shared by activity.
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

    /// What holds for `resource` unless a claim or the stored configuration says otherwise.
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

    /// Sets [`lease`](Self::lease).
    #[must_use]
    pub fn with_lease(mut self, permits: NonZeroU32) -> Self {
        self.lease = permits;
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
