//! The parts that the clones of a pipeline share.

use std::sync::Arc;

use super::stats::Counters;
use crate::cache::CacheStore;
use crate::clock::Clock;
use crate::dedupe::DedupeStore;
use crate::limiter::RateLimiter;
use crate::wait::WaitObserver;

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) cache: Option<Arc<dyn CacheStore>>,
    pub(super) dedupe: Option<Arc<dyn DedupeStore>>,
    pub(super) limiter: Option<RateLimiter>,
    pub(super) fallback_limiter: Option<RateLimiter>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) max_retries: u32,
    pub(super) on_wait: Option<WaitObserver>,
    pub(super) counters: Counters,
}
