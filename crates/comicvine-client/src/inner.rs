//! The state that a client, its clones and their requests share.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use store_core::{Pipeline, Random, RateLimitStore};

use crate::budget::Resources;
use crate::cache_mode::CacheMode;
use crate::freshness::Freshness;
use crate::request::Coalescer;
use crate::transport::Transport;
use crate::wait::SentRequests;

/// The shared state of a client.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) transport: Transport,
    pub(crate) pipeline: Pipeline,
    /// The pipeline's rate limiter.
    pub(crate) rate_limit: Arc<dyn RateLimitStore>,
    pub(crate) resources: Resources,
    pub(crate) coalescer: Coalescer,
    /// The base URL without a trailing slash; part of every cache key.
    pub(crate) endpoint: String,
    pub(crate) freshness: Freshness,
    pub(crate) cache_mode: CacheMode,
    pub(crate) max_wait: Duration,
    pub(crate) retry_backoff: Duration,
    pub(crate) random: Arc<dyn Random>,
    /// What this client has sent, if its program is told of waits.
    pub(crate) sent_requests: Option<Arc<SentRequests>>,
    /// Whether the API has ever responded to this client.
    pub(crate) reached: AtomicBool,
}
