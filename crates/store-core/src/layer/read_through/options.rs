//! Options of a read-through cache.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, SystemClock};
use crate::random::{Random, SystemRandom};
use crate::time::{MINUTE, SECOND};
use crate::ttl::Ttl;

/// Options of a [`ReadThrough`](super::ReadThrough).
///
/// ```
/// use store_core::layer::ReadThroughOptions;
/// use store_core::{DAY, HOUR, SECOND};
///
/// let options = ReadThroughOptions::default()
///     .with_ttl(HOUR)
///     .with_stale_for(DAY)
///     .with_soft_timeout(SECOND / 10)
///     .with_ttl_jitter(0.1);
/// assert_eq!(options.retry_after, SECOND * 5);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ReadThroughOptions {
    /// How long a value is fresh whose load does not say so itself. Default: 30 seconds.
    pub ttl: Ttl,
    /// How long it is known that there is no value, if the load does not say so itself; zero does not cache
    /// that. Default: 5 seconds.
    pub absent_ttl: Ttl,
    /// How much longer a value is kept, to be given when it cannot be loaded (fail-safe). Default: zero, not at
    /// all.
    pub stale_for: Duration,
    /// How long after a failed load, of which a value is left to give, this process does not try again. Default:
    /// 5 seconds.
    pub retry_after: Duration,
    /// How long a load may take before a caller who has a stale value gets that one. The load goes on in the
    /// background. Zero gives it at once (stale while revalidate). Default: `Duration::MAX`, without a bound.
    pub soft_timeout: Duration,
    /// How long a caller waits at most. The load goes on in the background. Default: `Duration::MAX`, as long as
    /// the load takes.
    pub hard_timeout: Duration,
    /// How long a load may take before it is given up, whoever waits for it: no task of this cache runs longer
    /// than twice this, the time of another process's load and of its own, apart from what the stores take.
    /// Default: 60 seconds.
    pub load_timeout: Duration,
    /// β of the `XFetch` rule, by which a fresh value is loaded again a little before it expires: more is earlier,
    /// zero is never. Default: 1.
    pub beta: f64,
    /// The largest part of its lifetime by which a value expires earlier, from 0 to 1, at random, so that what
    /// was loaded together does not expire together. Default: 0. Recommended: 0.1.
    pub ttl_jitter: f64,
    /// The clock. Default: the system's.
    pub clock: Arc<dyn Clock>,
    /// The randomness. Default: the system's.
    pub random: Arc<dyn Random>,
}

impl Default for ReadThroughOptions {
    fn default() -> Self {
        Self {
            ttl: Ttl::After(SECOND * 30),
            absent_ttl: Ttl::After(SECOND * 5),
            stale_for: Duration::ZERO,
            retry_after: SECOND * 5,
            soft_timeout: Duration::MAX,
            hard_timeout: Duration::MAX,
            load_timeout: MINUTE,
            beta: 1.0,
            ttl_jitter: 0.0,
            clock: Arc::new(SystemClock::new()),
            random: Arc::new(SystemRandom),
        }
    }
}

impl ReadThroughOptions {
    /// Sets [`ttl`](Self::ttl).
    #[must_use]
    pub fn with_ttl(mut self, ttl: impl Into<Ttl>) -> Self {
        self.ttl = ttl.into();
        self
    }

    /// Sets [`absent_ttl`](Self::absent_ttl).
    #[must_use]
    pub fn with_absent_ttl(mut self, ttl: impl Into<Ttl>) -> Self {
        self.absent_ttl = ttl.into();
        self
    }

    /// Sets [`stale_for`](Self::stale_for).
    #[must_use]
    pub fn with_stale_for(mut self, stale_for: Duration) -> Self {
        self.stale_for = stale_for;
        self
    }

    /// Sets [`retry_after`](Self::retry_after).
    #[must_use]
    pub fn with_retry_after(mut self, retry_after: Duration) -> Self {
        self.retry_after = retry_after;
        self
    }

    /// Sets [`soft_timeout`](Self::soft_timeout).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use store_core::layer::read_through::{Loaded, ReadThrough, ReadThroughOptions};
    /// use store_core::{DAY, Key, Outcome};
    /// use store_memory::MemoryCacheStore;
    /// use std::time::Duration;
    ///
    /// let options = ReadThroughOptions::default()
    ///     .with_ttl(Duration::ZERO)
    ///     .with_stale_for(DAY)
    ///     .with_soft_timeout(Duration::ZERO);
    /// let titles: ReadThrough<u32> = ReadThrough::builder(MemoryCacheStore::new())
    ///     .with_options(options)
    ///     .build();
    /// let key = Key::new("comics:issue/4000-1")?;
    /// titles.get(&key, async |_| Ok::<_, std::io::Error>(Loaded::new(1))).await?;
    ///
    /// let answer = titles.get(&key, async |_| Ok::<_, std::io::Error>(Loaded::new(2))).await?;
    /// assert_eq!((answer.value, answer.outcome), (Some(1), Outcome::Stale));
    /// titles.wait_idle().await; // the load goes on
    /// assert_eq!(titles.cached(&key).await.and_then(|answer| answer.value), Some(2));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_soft_timeout(mut self, timeout: Duration) -> Self {
        self.soft_timeout = timeout;
        self
    }

    /// Sets [`hard_timeout`](Self::hard_timeout).
    #[must_use]
    pub fn with_hard_timeout(mut self, timeout: Duration) -> Self {
        self.hard_timeout = timeout;
        self
    }

    /// Sets [`load_timeout`](Self::load_timeout).
    #[must_use]
    pub fn with_load_timeout(mut self, timeout: Duration) -> Self {
        self.load_timeout = timeout;
        self
    }

    /// Sets [`beta`](Self::beta).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use store_core::backend::SeededRandom;
    /// use store_core::layer::read_through::{Loaded, ReadThrough, ReadThroughOptions};
    /// use store_core::{CacheOptions, Key, MINUTE, ManualClock, Outcome, SECOND};
    /// use store_memory::MemoryCacheStore;
    ///
    /// let clock = ManualClock::default();
    /// let store = MemoryCacheStore::with_options(CacheOptions::default().with_clock(clock.clone()));
    /// let options = ReadThroughOptions::default()
    ///     .with_ttl(MINUTE)
    ///     .with_beta(1.0)
    ///     .with_clock(clock.clone())
    ///     .with_random(SeededRandom::new(1));
    /// let titles: ReadThrough<u32> = ReadThrough::builder(store).with_options(options).build();
    /// let key = Key::new("comics:issue/4000-1")?;
    /// let takes_a_second = || {
    ///     let clock = clock.clone();
    ///     async move |_| {
    ///         clock.advance(SECOND);
    ///         Ok::<_, std::io::Error>(Loaded::new(1))
    ///     }
    /// };
    /// titles.get(&key, takes_a_second()).await?;
    /// clock.advance(SECOND * 59);
    /// // A second before the expiry, each of them refreshes with a probability of 1/e until one does.
    /// for _ in 0..20 {
    ///     assert_eq!(titles.get(&key, takes_a_second()).await?.outcome, Outcome::Hit);
    /// }
    /// titles.wait_idle().await;
    /// assert_eq!(titles.stats().early_refreshes, 1);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn with_beta(mut self, beta: f64) -> Self {
        self.beta = beta;
        self
    }

    /// Sets [`ttl_jitter`](Self::ttl_jitter).
    #[must_use]
    pub fn with_ttl_jitter(mut self, fraction: f64) -> Self {
        self.ttl_jitter = fraction;
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
