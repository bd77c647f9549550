//! Options of a tiered cache.

use std::sync::Arc;
use std::time::Duration;

use crate::change_feed::ChangeFeed;
use crate::clock::{Clock, SystemClock};
use crate::random::{Random, SystemRandom};
use crate::time::{MINUTE, SECOND};

/// Options of a [`Tiered`](super::Tiered).
///
/// ```
/// use store_core::SECOND;
/// use store_core::layer::TieredOptions;
///
/// let options = TieredOptions::default().with_max_inner_ttl(SECOND * 30);
/// assert_eq!(options.max_staleness, SECOND * 2);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TieredOptions {
    /// The longest that a copy stays in the inner store; one whose value expires earlier stays until then.
    /// Default: 60 seconds.
    pub max_inner_ttl: Duration,
    /// The changes of the outer store. It has to be the feed of the very store that is read. Default: none.
    pub feed: Option<Arc<dyn ChangeFeed>>,
    /// With a feed: a copy is served if the feed was read this long ago or less, and otherwise after the feed was read. So
    /// long another process' change may go unseen. With zero the feed is read for every copy. Default: 50 milliseconds.
    pub max_feed_age: Duration,
    /// With a feed: how long a reading of the feed may take. After that the outer store is asked. Default: 1 second.
    pub feed_timeout: Duration,
    /// Without a feed: a copy is served for this long after its value was read from the outer store. So long another
    /// process' change may go unseen. Default: 2 seconds.
    pub max_staleness: Duration,
    /// The clock. Default: the system's.
    pub clock: Arc<dyn Clock>,
    /// The source of the number by which an instance recognises its own copies. Default: the system's randomness.
    pub random: Arc<dyn Random>,
}

impl Default for TieredOptions {
    fn default() -> Self {
        Self {
            max_inner_ttl: MINUTE,
            feed: None,
            max_feed_age: Duration::from_millis(50),
            feed_timeout: SECOND,
            max_staleness: SECOND * 2,
            clock: Arc::new(SystemClock::new()),
            random: Arc::new(SystemRandom),
        }
    }
}

impl TieredOptions {
    /// Sets [`max_inner_ttl`](Self::max_inner_ttl).
    #[must_use]
    pub fn with_max_inner_ttl(mut self, ttl: Duration) -> Self {
        self.max_inner_ttl = ttl;
        self
    }

    /// Sets [`feed`](Self::feed).
    #[must_use]
    pub fn with_feed(mut self, feed: impl ChangeFeed) -> Self {
        self.feed = Some(Arc::new(feed));
        self
    }

    /// Sets [`max_feed_age`](Self::max_feed_age).
    #[must_use]
    pub fn with_max_feed_age(mut self, age: Duration) -> Self {
        self.max_feed_age = age;
        self
    }

    /// Sets [`feed_timeout`](Self::feed_timeout).
    #[must_use]
    pub fn with_feed_timeout(mut self, timeout: Duration) -> Self {
        self.feed_timeout = timeout;
        self
    }

    /// Sets [`max_staleness`](Self::max_staleness).
    #[must_use]
    pub fn with_max_staleness(mut self, age: Duration) -> Self {
        self.max_staleness = age;
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
