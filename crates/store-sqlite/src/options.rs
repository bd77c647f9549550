//! How the stores behave; the defaults are those of the original packages where these have them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use store_core::{
    AdaptiveConfig, Clock, Limit, MINUTE, Random, Resource, ResourceConfig, SECOND, SystemClock,
    SystemRandom,
};

/// The most rows that one run of a cleanup removes.
const CLEANUP_BATCH: u32 = 500;

/// Options of the three stores together.
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
        self.dedupe.random = Arc::clone(&random);
        self.rate_limit.random = random;
        self
    }

    /// Leaves sweeping to calls of `cleanup`, in all three.
    #[must_use]
    pub fn without_cleanup(mut self) -> Self {
        self.cache.cleanup_interval = None;
        self.dedupe.cleanup_interval = None;
        self.rate_limit.cleanup_interval = None;
        self
    }
}

/// Options of [`SqliteCacheStore`](crate::SqliteCacheStore).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CacheOptions {
    /// The longest value, in bytes. Default: 5 MiB.
    pub max_entry_bytes: usize,
    /// How often expired values are swept; `None` leaves it to `cleanup`. Default: 60 s.
    pub cleanup_interval: Option<Duration>,
    /// The most rows that one run of `cleanup` removes: few enough that nobody waits long for the
    /// lock. Default: 500.
    pub cleanup_batch: u32,
    /// The clock. Default: the system's.
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
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DedupeOptions {
    /// How long a job survives its owner's silence; it takes the place of the original packages'
    /// `jobTimeoutMs` of 300 s, which a crash always cost in full. Default: 10 s.
    pub lease: Duration,
    /// The longest result that is handed to those who joined, in bytes. Default: 64 KiB.
    pub inline_limit_bytes: usize,
    /// How long an ended job can be seen by those who joined it. Default: 5 s.
    pub result_retention: Duration,
    /// How often ended and lapsed jobs are swept; `None` leaves it to `cleanup`. Default: 60 s.
    pub cleanup_interval: Option<Duration>,
    /// The most rows that one run of `cleanup` removes: few enough that nobody waits long for the
    /// lock. Default: 500.
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
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RateLimitOptions {
    /// What holds for resources that nothing was stated for. Default: 60 per minute.
    pub default_config: ResourceConfig,
    /// What holds for these resources, unless a claim or the stored configuration says otherwise.
    /// Default: nothing.
    pub resource_configs: HashMap<Resource, ResourceConfig>,
    /// How often admissions that no window holds any more are swept; `None` leaves it to `cleanup`.
    /// Default: 60 s.
    pub cleanup_interval: Option<Duration>,
    /// The most rows that one run of `cleanup` removes: few enough that nobody waits long for the
    /// lock. Default: 500.
    pub cleanup_batch: u32,
    /// The clock. Default: the system's.
    pub clock: Arc<dyn Clock>,
    /// Where the marks of permits come from. Default: the system's randomness.
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
