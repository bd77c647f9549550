//! How a pipeline is made.

use std::sync::Arc;

use super::Pipeline;
use super::inner::Inner;
use super::stats::Counters;
use crate::clock::{Clock, SystemClock};
use crate::limiter::{RateLimiter, RateLimiterOptions};
use crate::random::{Random, SystemRandom};
use crate::rate_limit::RateLimitStore;
use crate::stores::Stores;
use crate::wait::WaitObserver;

/// A builder of a [`Pipeline`].
///
/// ```
/// use store_core::pipeline::Pipeline;
/// use store_memory::MemoryRateLimitStore;
///
/// let pipeline = Pipeline::builder(store_memory::stores())
///     .max_retries(3)
///     .fallback_limiter(MemoryRateLimitStore::adaptive())
///     .build();
/// assert!(pipeline.cache().is_some());
/// ```
#[derive(Clone, Debug)]
pub struct PipelineBuilder {
    stores: Stores,
    max_retries: u32,
    limiter: RateLimiterOptions,
    fallback_limiter: Option<Arc<dyn RateLimitStore>>,
    on_wait: Option<WaitObserver>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl PipelineBuilder {
    pub(super) fn new(stores: Stores) -> Self {
        Self {
            stores,
            max_retries: 2,
            limiter: RateLimiterOptions::default(),
            fallback_limiter: None,
            on_wait: None,
            clock: Arc::new(SystemClock::new()),
            random: Arc::new(SystemRandom),
        }
    }

    /// Sets how often a failed attempt is repeated if its failure allows it. What is repeated after a
    /// cooldown does not count. Default: 2.
    #[must_use]
    pub fn max_retries(mut self, retries: u32) -> Self {
        self.max_retries = retries;
        self
    }

    /// Sets how waiting for a permit is done; clock, randomness and observer are the pipeline's.
    #[must_use]
    pub fn limiter_options(mut self, options: RateLimiterOptions) -> Self {
        self.limiter = options;
        self
    }

    /// Sets a limiter of this process alone that is asked when the shared one fails. Default: none,
    /// requests are denied then.
    #[must_use]
    pub fn fallback_limiter(mut self, store: impl RateLimitStore) -> Self {
        self.fallback_limiter = Some(Arc::new(store));
        self
    }

    /// Sets what is told of the waits of requests: for a permit, for another attempt, and for the same
    /// request of another caller. Default: nothing.
    #[must_use]
    pub fn on_wait(mut self, observer: WaitObserver) -> Self {
        self.on_wait = Some(observer);
        self
    }

    /// Sets the clock. Default: the system's.
    #[must_use]
    pub fn clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Sets the randomness. Default: the system's.
    #[must_use]
    pub fn random(mut self, random: impl Random) -> Self {
        self.random = Arc::new(random);
        self
    }

    /// The pipeline.
    #[must_use]
    pub fn build(self) -> Pipeline {
        let options = self
            .limiter
            .with_clock(Arc::clone(&self.clock))
            .with_random(self.random);
        let limiter = |store| RateLimiter::over(store, options.clone());
        let inner = Inner {
            cache: self.stores.cache,
            dedupe: self.stores.dedupe,
            limiter: self.stores.rate_limit.map(limiter),
            fallback_limiter: self.fallback_limiter.map(limiter),
            max_retries: self.max_retries,
            on_wait: self.on_wait,
            counters: Counters::default(),
            clock: self.clock,
        };
        Pipeline {
            inner: Arc::new(inner),
        }
    }
}
