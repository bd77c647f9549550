//! What the stores can be told when they are made.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use store_core::{
    AdaptiveConfig, Clock, Limit, Random, Resource, ResourceConfig, SECOND, SystemClock,
    SystemRandom,
};

/// Options of a [`MemoryCacheStore`](crate::MemoryCacheStore).
///
/// ```
/// let options = store_memory::CacheOptions::default().with_max_items(50);
/// assert_eq!((options.max_items, options.max_bytes), (50, 50 * 1024 * 1024));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CacheOptions {
    /// The most entries, expired ones included; of more, the least useful go, and of 0 all. Default:
    /// 1000.
    pub max_items: usize,
    /// The most bytes of keys, values and tags together, without the cache's own indexes; of more, the
    /// least useful entries go, and an entry that takes more alone is `TooLarge`. Default: 50 MiB.
    pub max_bytes: usize,
    /// The longest value, in bytes. Default: 5 MiB.
    pub max_entry_bytes: usize,
    /// The most entries that one cleanup frees. Default: 1000.
    pub cleanup_batch: u32,
    /// The store's time. Default: the system's.
    pub clock: Arc<dyn Clock>,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            max_items: 1_000,
            max_bytes: 50 * MEBIBYTE,
            max_entry_bytes: 5 * MEBIBYTE,
            cleanup_batch: CLEANUP_BATCH,
            clock: Arc::new(SystemClock::new()),
        }
    }
}

impl CacheOptions {
    /// Sets the most entries.
    #[must_use]
    pub fn with_max_items(mut self, items: usize) -> Self {
        self.max_items = items;
        self
    }

    /// Sets the most bytes.
    #[must_use]
    pub fn with_max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets the longest value, in bytes.
    #[must_use]
    pub fn with_max_entry_bytes(mut self, bytes: usize) -> Self {
        self.max_entry_bytes = bytes;
        self
    }

    /// Sets the most entries that one cleanup frees.
    #[must_use]
    pub fn with_cleanup_batch(mut self, items: u32) -> Self {
        self.cleanup_batch = items;
        self
    }

    /// Sets the store's time.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }
}

/// Options of a [`MemoryDedupeStore`](crate::MemoryDedupeStore).
///
/// ```
/// use store_core::SECOND;
/// let options = store_memory::DedupeOptions::default().with_lease(SECOND * 30);
/// assert_eq!(options.result_retention, SECOND * 5);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DedupeOptions {
    /// How long a job survives its owner's silence. Default: 10 seconds.
    pub lease: Duration,
    /// How long a result is kept for those who joined its job. Default: 5 seconds.
    pub result_retention: Duration,
    /// The longest result that is handed to those who joined, in bytes. Default: 5 MiB.
    pub inline_limit_bytes: usize,
    /// The most jobs that one cleanup frees. Default: 1000.
    pub cleanup_batch: u32,
    /// The store's time. Default: the system's.
    pub clock: Arc<dyn Clock>,
    /// Where job ids come from. Default: the system's randomness.
    pub random: Arc<dyn Random>,
}

impl Default for DedupeOptions {
    fn default() -> Self {
        Self {
            lease: SECOND * 10,
            result_retention: SECOND * 5,
            inline_limit_bytes: 5 * MEBIBYTE,
            cleanup_batch: CLEANUP_BATCH,
            clock: Arc::new(SystemClock::new()),
            random: Arc::new(SystemRandom),
        }
    }
}

impl DedupeOptions {
    /// Sets how long a job survives its owner's silence.
    #[must_use]
    pub fn with_lease(mut self, lease: Duration) -> Self {
        self.lease = lease;
        self
    }

    /// Sets how long results are kept.
    #[must_use]
    pub fn with_result_retention(mut self, retention: Duration) -> Self {
        self.result_retention = retention;
        self
    }

    /// Sets the longest result that is handed on, in bytes.
    #[must_use]
    pub fn with_inline_limit_bytes(mut self, bytes: usize) -> Self {
        self.inline_limit_bytes = bytes;
        self
    }

    /// Sets the most jobs that one cleanup frees.
    #[must_use]
    pub fn with_cleanup_batch(mut self, jobs: u32) -> Self {
        self.cleanup_batch = jobs;
        self
    }

    /// Sets the store's time.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets where job ids come from.
    #[must_use]
    pub fn with_random(mut self, random: impl Random) -> Self {
        self.random = Arc::new(random);
        self
    }
}

/// Options of a [`MemoryRateLimitStore`](crate::MemoryRateLimitStore).
///
/// ```
/// use store_core::{HOUR, Limit, Resource};
/// use store_memory::RateLimitOptions;
///
/// let options = RateLimitOptions::default()
///     .with_default_config(Limit::new(200, HOUR))
///     .with_resource(Resource::named("search")?, Limit::new(20, HOUR));
/// assert_eq!(options.resource_configs.len(), 1);
/// # Ok::<(), store_core::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RateLimitOptions {
    /// What holds for a resource unless a claim or the store was told otherwise. Default: 60 per
    /// minute, without a difference between users and background.
    pub default_config: ResourceConfig,
    /// What the store is told of single resources from the start. Default: nothing.
    pub resource_configs: HashMap<Resource, ResourceConfig>,
    /// The most admissions that one cleanup frees. Default: 1000.
    pub cleanup_batch: u32,
    /// The store's time. Default: the system's.
    pub clock: Arc<dyn Clock>,
}

impl Default for RateLimitOptions {
    fn default() -> Self {
        Self {
            default_config: Limit::SEED_DEFAULT.into(),
            resource_configs: HashMap::new(),
            cleanup_batch: CLEANUP_BATCH,
            clock: Arc::new(SystemClock::new()),
        }
    }
}

impl RateLimitOptions {
    /// The original package's default for adaptive limiting: 60 per minute, shared by activity.
    #[must_use]
    pub fn adaptive() -> Self {
        let config = ResourceConfig::from(Limit::SEED_DEFAULT);
        Self::default().with_default_config(config.adaptive(AdaptiveConfig::default()))
    }

    /// Sets what holds for a resource that nothing else is known of.
    #[must_use]
    pub fn with_default_config(mut self, config: impl Into<ResourceConfig>) -> Self {
        self.default_config = config.into();
        self
    }

    /// Tells the store what holds for one resource.
    #[must_use]
    pub fn with_resource(mut self, resource: Resource, config: impl Into<ResourceConfig>) -> Self {
        self.resource_configs.insert(resource, config.into());
        self
    }

    /// Sets the most admissions that one cleanup frees.
    #[must_use]
    pub fn with_cleanup_batch(mut self, admissions: u32) -> Self {
        self.cleanup_batch = admissions;
        self
    }

    /// Sets the store's time.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }
}

/// Options of all three stores.
///
/// ```
/// use store_core::ManualClock;
/// use store_memory::{StoreOptions, stores_with};
///
/// let stores = stores_with(StoreOptions::default().with_clock(ManualClock::default()));
/// assert!(stores.cache.is_some());
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoreOptions {
    /// Those of the cache.
    pub cache: CacheOptions,
    /// Those of the de-duplication.
    pub dedupe: DedupeOptions,
    /// Those of the rate limiter. Default: 60 per minute, shared by activity.
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
    /// Sets the options of the cache.
    #[must_use]
    pub fn with_cache(mut self, options: CacheOptions) -> Self {
        self.cache = options;
        self
    }

    /// Sets the options of the de-duplication.
    #[must_use]
    pub fn with_dedupe(mut self, options: DedupeOptions) -> Self {
        self.dedupe = options;
        self
    }

    /// Sets the options of the rate limiter.
    #[must_use]
    pub fn with_rate_limit(mut self, options: RateLimitOptions) -> Self {
        self.rate_limit = options;
        self
    }

    /// Sets the time of all three stores.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(clock);
        self.cache.clock = Arc::clone(&clock);
        self.dedupe.clock = Arc::clone(&clock);
        self.rate_limit.clock = clock;
        self
    }
}

const MEBIBYTE: usize = 1024 * 1024;
const CLEANUP_BATCH: u32 = 1_000;
