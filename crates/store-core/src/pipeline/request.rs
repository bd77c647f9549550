//! Requests to a pipeline.

use std::time::Duration;

use crate::key::Key;
use crate::priority::Priority;
use crate::rate_limit::Claim;
use crate::time::MINUTE;

/// One request: its key, what it counts against, its priority class and how long it waits.
///
/// ```
/// use std::time::Duration;
/// use store_core::pipeline::Request;
/// use store_core::{Key, Priority, Resource};
///
/// let issues = Resource::new("issues")?;
/// let request = Request::new(Key::new("comics:issue/4000-1")?, &issues)
///     .with_priority(Priority::Background)
///     .with_max_wait(Duration::from_secs(5));
/// assert_eq!(request.claims().len(), 1);
/// # Ok::<(), store_core::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Request {
    /// The answer's key in the cache and the job's key in de-duplication.
    pub key: Key,
    claims: Vec<Claim>,
    /// The priority class. Default: user.
    pub priority: Priority,
    /// How long the caller waits for a permit or for the request in flight that it joined. Default:
    /// 60 seconds.
    pub max_wait: Duration,
    /// Whether a cached answer is good enough. Default: yes.
    pub cache_mode: CacheMode,
}

/// Whether a cached answer is good enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CacheMode {
    /// A fresh one is. The default.
    #[default]
    Use,
    /// Only one that was fetched after the request began; the new answer replaces the old.
    Refresh,
}

impl Request {
    /// A request every attempt of which counts against `claim`.
    #[must_use]
    pub fn new(key: Key, claim: impl Into<Claim>) -> Self {
        Self::unlimited(key).and(claim)
    }

    /// A request that counts against nothing: attempts are sent without a permit, even if the pipeline
    /// has a limiter.
    #[must_use]
    pub fn unlimited(key: Key) -> Self {
        Self {
            key,
            claims: Vec::new(),
            priority: Priority::default(),
            max_wait: MINUTE,
            cache_mode: CacheMode::Use,
        }
    }

    /// Adds a claim: every attempt needs a permit of each.
    #[must_use]
    pub fn and(mut self, claim: impl Into<Claim>) -> Self {
        self.claims.push(claim.into());
        self
    }

    /// What every attempt counts against; empty for an unlimited request.
    #[must_use]
    pub fn claims(&self) -> &[Claim] {
        &self.claims
    }

    /// Sets the priority class.
    #[must_use]
    pub const fn with_priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Sets how long the caller waits.
    #[must_use]
    pub const fn with_max_wait(mut self, max_wait: Duration) -> Self {
        self.max_wait = max_wait;
        self
    }

    /// Sets whether a cached answer is good enough.
    #[must_use]
    pub const fn with_cache_mode(mut self, mode: CacheMode) -> Self {
        self.cache_mode = mode;
        self
    }
}
