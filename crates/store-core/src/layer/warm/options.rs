//! Options of [`warm`](super::warm()).

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use super::WarmProgress;
use crate::clock::{Clock, SystemClock};

/// Who is told how far the work has got.
type Observer = Arc<dyn Fn(WarmProgress) + Send + Sync>;

/// Options of [`warm`](super::warm()).
#[derive(Clone)]
#[non_exhaustive]
pub struct WarmOptions {
    /// How many items are worked on at once. Default: 4.
    pub concurrency: NonZeroUsize,
    /// How long new items are begun; those under way are finished. Default: no limit.
    pub time_limit: Option<Duration>,
    /// After this many failures no further item is begun: whatever is asked is down. Default: 10.
    pub max_failures: u64,
    /// Called after each item. Default: nobody.
    pub on_progress: Option<Observer>,
    /// The clock. Default: the system's.
    pub clock: Arc<dyn Clock>,
}

impl Default for WarmOptions {
    fn default() -> Self {
        Self {
            concurrency: NonZeroUsize::MIN.saturating_add(3),
            time_limit: None,
            max_failures: 10,
            on_progress: None,
            clock: Arc::new(SystemClock::new()),
        }
    }
}

impl WarmOptions {
    /// Sets [`concurrency`](Self::concurrency).
    #[must_use]
    pub fn with_concurrency(mut self, items: NonZeroUsize) -> Self {
        self.concurrency = items;
        self
    }

    /// Sets [`time_limit`](Self::time_limit).
    #[must_use]
    pub fn with_time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// Sets [`max_failures`](Self::max_failures).
    #[must_use]
    pub fn with_max_failures(mut self, failures: u64) -> Self {
        self.max_failures = failures;
        self
    }

    /// Sets [`on_progress`](Self::on_progress).
    #[must_use]
    pub fn with_on_progress(
        mut self,
        observer: impl Fn(WarmProgress) + Send + Sync + 'static,
    ) -> Self {
        self.on_progress = Some(Arc::new(observer));
        self
    }

    /// Sets [`clock`](Self::clock).
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }
}

impl fmt::Debug for WarmOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WarmOptions")
            .field("concurrency", &self.concurrency)
            .field("time_limit", &self.time_limit)
            .field("max_failures", &self.max_failures)
            .finish_non_exhaustive()
    }
}
