//! What a caller asks of the pipeline.

use std::time::Duration;

use crate::key::Key;
use crate::priority::Priority;
use crate::rate_limit::Claim;
use crate::time::MINUTE;

/// One request: its name, what it counts against, who waits and how long.
///
/// ```
/// use std::time::Duration;
/// use store_core::pipeline::Request;
/// use store_core::{Claim, Key, Priority, Resource};
///
/// let request = Request::new(Key::new("comics:issue/4000-1")?)
///     .with_claims([Claim::new(Resource::named("issue")?)])
///     .with_priority(Priority::User)
///     .with_max_wait(Duration::from_secs(5));
/// assert_eq!(request.claims.len(), 1);
/// # Ok::<(), store_core::Error>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Request {
    /// The answer's name in the cache and the job's name in de-duplication.
    pub key: Key,
    /// What every attempt counts against. Default: nothing, no permit is asked for.
    pub claims: Vec<Claim>,
    /// Who waits. Default: background.
    pub priority: Priority,
    /// How long the caller waits for a permit or for the request in flight that it joined. Default:
    /// 60 seconds.
    pub max_wait: Duration,
    /// Whether an answer in the cache is good enough. Default: yes.
    pub cache: CacheUse,
}

/// Whether an answer in the cache is good enough.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CacheUse {
    /// A fresh answer is. The default.
    #[default]
    Read,
    /// Only one that was fetched after the request began; the new answer replaces the old.
    Refresh,
}

impl Request {
    /// A background request that waits up to a minute.
    #[must_use]
    pub const fn new(key: Key) -> Self {
        Self {
            key,
            claims: Vec::new(),
            priority: Priority::Background,
            max_wait: MINUTE,
            cache: CacheUse::Read,
        }
    }

    /// Sets what every attempt counts against.
    #[must_use]
    pub fn with_claims(mut self, claims: impl IntoIterator<Item = Claim>) -> Self {
        self.claims = claims.into_iter().collect();
        self
    }

    /// Sets who waits.
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

    /// Sets whether an answer in the cache is good enough.
    #[must_use]
    pub const fn with_cache(mut self, cache: CacheUse) -> Self {
        self.cache = cache;
        self
    }
}
