//! Options of the stores; defaults are those of the npm packages, where these have the option.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use store_core::{
    AdaptiveConfig, Clock, Limit, MINUTE, Random, Resource, ResourceConfig, SECOND, SystemClock,
    SystemRandom,
};

/// The default of `cleanup_batch`.
const CLEANUP_BATCH: u32 = 500;

/// Options of [`stores_with`](crate::stores_with): those of the three stores.
///
/// ```
/// use store_sqlite::{CacheOptions, StoreOptions};
///
/// let options = StoreOptions::default()
///     .with_cache(CacheOptions::default().with_max_entry_bytes(16 * 1024 * 1024));
/// assert_eq!(options.dedupe.lease.as_secs(), 10);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct StoreOptions {
    /// Options of the cache.
    pub cache: CacheOptions,
    /// Options of the dedupe store.
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
    /// Sets [`cache`](Self::cache).
    #[must_use]
    pub fn with_cache(mut self, options: CacheOptions) -> Self {
        self.cache = options;
        self
    }

    /// Sets [`dedupe`](Self::dedupe).
    #[must_use]
    pub fn with_dedupe(mut self, options: DedupeOptions) -> Self {
        self.dedupe = options;
        self
    }

    /// Sets [`rate_limit`](Self::rate_limit).
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

    /// Sets the source of randomness of all three stores.
    #[must_use]
    pub fn with_random(mut self, random: impl Random) -> Self {
        let random: Arc<dyn Random> = Arc::new(random);
        self.dedupe.random = Arc::clone(&random);
        self.rate_limit.random = random;
        self
    }

    /// Disables the background cleanup of all three stores: call `cleanup` instead.
    #[must_use]
    pub fn without_cleanup(mut self) -> Self {
        self.cache.cleanup_interval = None;
        self.dedupe.cleanup_interval = None;
        self.rate_limit.cleanup_interval = None;
        self
    }
}

/// Options of [`SqliteCacheStore`](crate::SqliteCacheStore).
///
/// ```
/// use store_sqlite::CacheOptions;
///
/// let options = CacheOptions::default().with_cleanup_batch(100);
/// assert_eq!(options.max_entry_bytes, 5 * 1024 * 1024);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CacheOptions {
    /// The maximum size of a value, in bytes. Default: 5 MiB.
    pub max_entry_bytes: usize,
    /// The interval of the background cleanup of expired values; `None` disables it. Default: 60 s.
    pub cleanup_interval: Option<Duration>,
    /// The most rows that one `cleanup` removes: few enough that it does not hold the write lock for
    /// long. Default: 500.
    pub cleanup_batch: u32,
    /// The clock. Default: the system clock.
    pub clock: Arc<dyn Clock>,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            max_entry_bytes: 5 * 1024 * 1024,
            cleanup_interval: Some(MINUTE),
            cleanup_batch: CLEANUP_BATCH,
            clock: Arc::new(SystemClock::new()),
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

    /// Sets [`cleanup_interval`](Self::cleanup_interval).
    #[must_use]
    pub fn with_cleanup_interval(mut self, interval: Option<Duration>) -> Self {
        self.cleanup_interval = interval;
        self
    }

    /// Sets [`cleanup_batch`](Self::cleanup_batch).
    #[must_use]
    pub fn with_cleanup_batch(mut self, rows: u32) -> Self {
        self.cleanup_batch = rows;
        self
    }

    /// Sets [`clock`](Self::clock).
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }
}

/// Options of [`SqliteDedupeStore`](crate::SqliteDedupeStore).
///
/// ```
/// use store_core::MINUTE;
/// use store_sqlite::DedupeOptions;
///
/// let options = DedupeOptions::default().with_lease(MINUTE);
/// assert_eq!(options.result_retention.as_secs(), 5);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DedupeOptions {
    /// How long a job stays owned without a heartbeat. It replaces the npm packages' `jobTimeoutMs`
    /// of 300 s, for which a crashed owner blocked the key. Default: 10 s.
    pub lease: Duration,
    /// The maximum size of a result that is stored for callers that joined, in bytes.
    /// Default: 64 KiB.
    pub inline_limit_bytes: usize,
    /// How long the result of an ended job is kept for callers that joined it. Default: 5 s.
    pub result_retention: Duration,
    /// The interval of the background cleanup of ended and expired jobs; `None` disables it.
    /// Default: 60 s.
    pub cleanup_interval: Option<Duration>,
    /// The most rows that one `cleanup` removes: few enough that it does not hold the write lock for
    /// long. Default: 500.
    pub cleanup_batch: u32,
    /// The clock. Default: the system clock.
    pub clock: Arc<dyn Clock>,
    /// The source of job ids. Default: the system's randomness.
    pub random: Arc<dyn Random>,
}

impl Default for DedupeOptions {
    fn default() -> Self {
        Self {
            lease: SECOND * 10,
            inline_limit_bytes: 64 * 1024,
            result_retention: SECOND * 5,
            cleanup_interval: Some(MINUTE),
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

    /// Sets [`cleanup_interval`](Self::cleanup_interval).
    #[must_use]
    pub fn with_cleanup_interval(mut self, interval: Option<Duration>) -> Self {
        self.cleanup_interval = interval;
        self
    }

    /// Sets [`cleanup_batch`](Self::cleanup_batch).
    #[must_use]
    pub fn with_cleanup_batch(mut self, rows: u32) -> Self {
        self.cleanup_batch = rows;
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

/// Options of [`SqliteRateLimitStore`](crate::SqliteRateLimitStore).
///
/// ```
/// use store_core::{HOUR, Limit, Resource};
/// use store_sqlite::RateLimitOptions;
///
/// # fn main() -> store_core::Result<()> {
/// let options = RateLimitOptions::default()
///     .with_default_config(Limit::new(200, HOUR))
///     .with_resource(Resource::named("search")?, Limit::new(20, HOUR));
/// assert_eq!(options.default_config.limits[0].count, 200);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RateLimitOptions {
    /// The configuration of resources that have none of their own. Default: 60 per minute.
    pub default_config: ResourceConfig,
    /// The default configuration of single resources; a claim's or a stored one takes precedence.
    /// Default: empty.
    pub resource_configs: HashMap<Resource, ResourceConfig>,
    /// The interval of the background cleanup of admissions that no window contains any more; `None`
    /// disables it. Default: 60 s.
    pub cleanup_interval: Option<Duration>,
    /// The most rows that one `cleanup` removes: few enough that it does not hold the write lock for
    /// long. Default: 500.
    pub cleanup_batch: u32,
    /// The clock. Default: the system clock.
    pub clock: Arc<dyn Clock>,
    /// The source of permit ids. Default: the system's randomness.
    pub random: Arc<dyn Random>,
}

impl Default for RateLimitOptions {
    fn default() -> Self {
        Self {
            default_config: Limit::SEED_DEFAULT.into(),
            resource_configs: HashMap::new(),
            cleanup_interval: Some(MINUTE),
            cleanup_batch: CLEANUP_BATCH,
            clock: Arc::new(SystemClock::new()),
            random: Arc::new(SystemRandom),
        }
    }
}

impl RateLimitOptions {
    /// The default of the npm packages' adaptive store: 200 per hour, divided between users and
    /// background by activity.
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

    /// The default configuration of `resource`.
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

    /// Sets [`cleanup_interval`](Self::cleanup_interval).
    #[must_use]
    pub fn with_cleanup_interval(mut self, interval: Option<Duration>) -> Self {
        self.cleanup_interval = interval;
        self
    }

    /// Sets [`cleanup_batch`](Self::cleanup_batch).
    #[must_use]
    pub fn with_cleanup_batch(mut self, rows: u32) -> Self {
        self.cleanup_batch = rows;
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
