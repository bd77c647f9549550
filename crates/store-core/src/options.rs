//! Options that the stores of every backend have; what only one backend has is in its crate.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crate::adaptive::AdaptiveConfig;
use crate::clock::{Clock, SystemClock};
use crate::random::{Random, SystemRandom};
use crate::rate_limit::{Limit, ResourceConfig};
use crate::resource::Resource;
use crate::time::{MINUTE, SECOND};

/// Options of a [`CacheStore`](crate::CacheStore).
///
/// ```
/// use store_core::CacheOptions;
///
/// let options = CacheOptions::default().with_max_entry_bytes(16 * 1024 * 1024);
/// assert_eq!(options.max_entry_bytes, Some(16 * 1024 * 1024));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CacheOptions {
    /// The longest value, in bytes. Default: the backend's.
    pub max_entry_bytes: Option<usize>,
    /// How often a backend that sweeps by itself removes expired values; `None` leaves it to
    /// `cleanup`. Default: 60 seconds.
    pub cleanup_interval: Option<Duration>,
    /// The most values that one cleanup removes. Default: the backend's.
    pub cleanup_batch: Option<u32>,
    /// The clock. Default: the system's.
    pub clock: Arc<dyn Clock>,
    /// The source of names for what is stored. Default: the system's randomness.
    pub random: Arc<dyn Random>,
}

/// Options of a [`DedupeStore`](crate::DedupeStore).
///
/// ```
/// use store_core::{DedupeOptions, SECOND};
///
/// let options = DedupeOptions::default().with_lease(SECOND * 30);
/// assert_eq!(options.result_retention, SECOND * 5);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DedupeOptions {
    /// How long a job stays owned without a heartbeat. It takes the place of the original packages' job
    /// timeout of 300 s, which a crash always cost in full. Default: 10 seconds.
    pub lease: Duration,
    /// The longest result that other processes get, in bytes; within the process there is no limit, so
    /// that `store-memory` has none. Default: the backend's.
    pub inline_limit_bytes: Option<usize>,
    /// How long the outcome of an ended job is kept for those who joined it. Default: 5 seconds.
    pub result_retention: Duration,
    /// How often a backend that sweeps by itself removes ended and lapsed jobs; `None` leaves it to
    /// `cleanup`. Default: 60 seconds.
    pub cleanup_interval: Option<Duration>,
    /// The most jobs that one cleanup removes. Default: the backend's.
    pub cleanup_batch: Option<u32>,
    /// The clock. Default: the system's.
    pub clock: Arc<dyn Clock>,
    /// The source of job ids. Default: the system's randomness.
    pub random: Arc<dyn Random>,
}

/// Options of a [`RateLimitStore`](crate::RateLimitStore).
///
/// ```
/// use store_core::{HOUR, Limit, RateLimitOptions, Resource};
///
/// let options = RateLimitOptions::default()
///     .with_default_config(Limit::new(200, HOUR))
///     .with_resource(Resource::new("search")?, Limit::new(20, HOUR));
/// assert_eq!(options.resource_configs.len(), 1);
/// # Ok::<(), store_core::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RateLimitOptions {
    /// The config of resources that neither a claim nor the store has one for. It is not stored: every
    /// process decides by its own, so pass the same in all of them. Default: the backend's.
    pub default_config: Option<ResourceConfig>,
    /// The configs of single resources, unless a claim or the store has one. Default: none.
    pub resource_configs: HashMap<Resource, ResourceConfig>,
    /// How often a backend that sweeps by itself removes admissions that no window holds any more;
    /// `None` leaves it to `cleanup`. Default: 60 seconds.
    pub cleanup_interval: Option<Duration>,
    /// The most admissions that one cleanup removes. Default: the backend's.
    pub cleanup_batch: Option<u32>,
    /// The clock. Default: the system's.
    pub clock: Arc<dyn Clock>,
    /// The source of admission ids. Default: the system's randomness.
    pub random: Arc<dyn Random>,
}

/// Options of the three stores of one backend.
///
/// ```
/// use store_core::{CacheOptions, ManualClock, StoreOptions};
///
/// let options = StoreOptions::default()
///     .with_cache(CacheOptions::default().with_max_entry_bytes(16 * 1024 * 1024))
///     .with_clock(ManualClock::default());
/// assert_eq!(options.dedupe.lease.as_secs(), 10);
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct StoreOptions {
    /// Options of the cache.
    pub cache: CacheOptions,
    /// Options of the de-duplication.
    pub dedupe: DedupeOptions,
    /// Options of the rate limiter. Default: the backend's adaptive config.
    pub rate_limit: RateLimitOptions,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            max_entry_bytes: None,
            cleanup_interval: Some(MINUTE),
            cleanup_batch: None,
            clock: Arc::new(SystemClock::new()),
            random: Arc::new(SystemRandom),
        }
    }
}

impl Default for DedupeOptions {
    fn default() -> Self {
        Self {
            lease: SECOND * 10,
            inline_limit_bytes: None,
            result_retention: SECOND * 5,
            cleanup_interval: Some(MINUTE),
            cleanup_batch: None,
            clock: Arc::new(SystemClock::new()),
            random: Arc::new(SystemRandom),
        }
    }
}

impl Default for RateLimitOptions {
    fn default() -> Self {
        Self {
            default_config: None,
            resource_configs: HashMap::new(),
            cleanup_interval: Some(MINUTE),
            cleanup_batch: None,
            clock: Arc::new(SystemClock::new()),
            random: Arc::new(SystemRandom),
        }
    }
}

/// The setters that the options of every store have.
macro_rules! common_setters {
    ($options:ident) => {
        impl $options {
            /// Sets [`cleanup_interval`](Self::cleanup_interval).
            #[must_use]
            pub fn with_cleanup_interval(mut self, interval: Option<Duration>) -> Self {
                self.cleanup_interval = interval;
                self
            }

            /// Sets [`cleanup_batch`](Self::cleanup_batch).
            #[must_use]
            pub fn with_cleanup_batch(mut self, count: u32) -> Self {
                self.cleanup_batch = Some(count);
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
    };
}

common_setters!(CacheOptions);
common_setters!(DedupeOptions);
common_setters!(RateLimitOptions);

impl CacheOptions {
    /// Sets [`max_entry_bytes`](Self::max_entry_bytes).
    #[must_use]
    pub fn with_max_entry_bytes(mut self, bytes: usize) -> Self {
        self.max_entry_bytes = Some(bytes);
        self
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
        self.inline_limit_bytes = Some(bytes);
        self
    }

    /// Sets [`result_retention`](Self::result_retention).
    #[must_use]
    pub fn with_result_retention(mut self, retention: Duration) -> Self {
        self.result_retention = retention;
        self
    }
}

impl RateLimitOptions {
    /// Options under which `limit` is shared between users and background by recent activity.
    #[must_use]
    pub fn adaptive(limit: Limit) -> Self {
        Self::default().or_adaptive(limit)
    }

    /// Sets [`default_config`](Self::default_config), unless it is set, to `limit` shared between users and
    /// background by recent activity.
    #[must_use]
    pub fn or_adaptive(mut self, limit: Limit) -> Self {
        self.default_config
            .get_or_insert_with(|| ResourceConfig::from(limit).adaptive(AdaptiveConfig::default()));
        self
    }

    /// Sets [`default_config`](Self::default_config).
    #[must_use]
    pub fn with_default_config(mut self, config: impl Into<ResourceConfig>) -> Self {
        self.default_config = Some(config.into());
        self
    }

    /// Adds to [`resource_configs`](Self::resource_configs).
    #[must_use]
    pub fn with_resource(mut self, resource: Resource, config: impl Into<ResourceConfig>) -> Self {
        self.resource_configs.insert(resource, config.into());
        self
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

    /// Sets the clock of all three stores.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(clock);
        self.cache.clock = Arc::clone(&clock);
        self.dedupe.clock = Arc::clone(&clock);
        self.rate_limit.clock = clock;
        self
    }

    /// Sets the randomness of all three stores.
    #[must_use]
    pub fn with_random(mut self, random: impl Random) -> Self {
        let random: Arc<dyn Random> = Arc::new(random);
        self.cache.random = Arc::clone(&random);
        self.dedupe.random = Arc::clone(&random);
        self.rate_limit.random = random;
        self
    }

    /// Leaves removing what has expired to calls of `cleanup`, in all three stores.
    #[must_use]
    pub fn without_cleanup(mut self) -> Self {
        self.cache.cleanup_interval = None;
        self.dedupe.cleanup_interval = None;
        self.rate_limit.cleanup_interval = None;
        self
    }
}
