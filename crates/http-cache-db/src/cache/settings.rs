//! The settings of a cache, and their defaults.

use std::sync::Arc;
use std::time::Duration;

use store_core::{Clock, DedupeStore, SECOND, SystemClock};

use super::HttpCache;
use super::jobs::Jobs;
use crate::policy::{Mode, Policy};
use crate::redaction::Redaction;

const NAME: &str = "http-cache";
pub(super) const PATIENCE: Duration = Duration::from_millis(500);
pub(super) const LONGEST_WAIT: Duration = SECOND.saturating_mul(10);

/// What each clone of a cache has of its own.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) policy: Arc<Policy>,
    pub(super) name: String,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) redaction: Redaction,
    pub(super) sends_status: bool,
    pub(super) patience: Duration,
    pub(super) longest_wait: Option<Duration>,
    pub(super) jobs: Option<Arc<Jobs>>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            policy: Arc::new(Policy::new(Mode::Private)),
            name: NAME.to_owned(),
            clock: Arc::new(SystemClock::new()),
            redaction: Redaction::default(),
            sends_status: true,
            patience: PATIENCE,
            longest_wait: Some(LONGEST_WAIT),
            jobs: None,
        }
    }
}

impl HttpCache {
    /// Sets the rules. A [`Policy`] among the extensions of a request takes their place for that request.
    ///
    /// Default: those of a cache that serves one user.
    #[must_use]
    pub fn with_policy(self, policy: Policy) -> Self {
        self.with(|settings| settings.policy = Arc::new(policy))
    }

    /// Sets the name in `Cache-Status`, a token of RFC 9651. Default: `http-cache`.
    #[must_use]
    pub fn with_name(self, name: impl Into<String>) -> Self {
        self.with(|settings| settings.name = name.into())
    }

    /// Sets the source of time. Default: that of the operating system.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        self.with(|settings| settings.clock = clock)
    }

    /// Sets which parameters of targets are secret. Default: those that commonly are.
    #[must_use]
    pub fn with_redaction(self, redaction: Redaction) -> Self {
        self.with(|settings| settings.redaction = redaction)
    }

    /// Sends no field `Cache-Status`; the status is still among the extensions of a response.
    #[must_use]
    pub fn without_cache_status_header(self) -> Self {
        self.with(|settings| settings.sends_status = false)
    }

    /// Sets how long a request, or a part of a body, waits for the store before it goes on without. Default: 500
    /// ms.
    #[must_use]
    pub fn with_patience(self, patience: Duration) -> Self {
        self.with(|settings| settings.patience = patience)
    }

    /// Sets how long a request waits for the answer to an equal one before it goes to the origin itself. Default:
    /// 10 s.
    ///
    /// The answer is there for others once its body was read to the end: whoever keeps one unread and asks again
    /// waits for itself.
    #[must_use]
    pub fn with_collapsing(self, longest_wait: Duration) -> Self {
        self.with(|settings| settings.longest_wait = Some(longest_wait))
    }

    /// Lets no request wait for another.
    #[must_use]
    pub fn without_collapsing(self) -> Self {
        self.with(|settings| settings.longest_wait = None)
    }

    /// Lets equal requests of all processes that share `store`, and the file of responses, wait for one of them, as
    /// those of one process do; validations in the background are one per target, too. Default: each process asks the
    /// origin for itself.
    ///
    /// A process that is killed while it asks is replaced by one that waits, once the
    /// [lease](store_core::DedupeOptions::lease) of its job has lapsed: let that be shorter than
    /// [the longest wait](Self::with_collapsing). If the store fails, each process asks for itself, and
    /// [events](Self::events) tell of it. What is in the store are salted hashes of targets, and nothing of requests or
    /// answers. The cache does not close it.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use http_cache_db::{HttpCache, MemoryStore};
    /// use store_memory::MemoryDedupeStore; // stands for one of several processes
    ///
    /// let jobs = Arc::new(MemoryDedupeStore::new());
    /// let cache = HttpCache::new(Arc::new(MemoryStore::new(64 * 1024 * 1024))).with_dedupe(jobs);
    /// ```
    #[must_use]
    pub fn with_dedupe(self, store: Arc<dyn DedupeStore>) -> Self {
        self.with(|settings| settings.jobs = Some(Arc::new(Jobs::new(store))))
    }

    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }

    #[cfg(feature = "tower")]
    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.settings.clock
    }

    #[cfg(feature = "reqwest")]
    pub(crate) fn policy(&self) -> &Policy {
        &self.settings.policy
    }
}
