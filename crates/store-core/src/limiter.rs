//! The rate limiter that applications hold: a fair wait queue in front of a store.
//!
//! Fair within a process, not between processes: these get slots as they ask for them. The tasks of one
//! process do not race for the same slot. Of those that wait for a resource the first asks the store, and
//! several at a time only while it grants; users come before the background, each class in order of arrival,
//! and a background task that has spent half of its time waiting ranks as a user.

mod acquire;
mod options;
mod queue;
mod store_ext;

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::rate_limit::{Acquire, Decision, Permit, RateLimitStore, Reason};
use crate::time::Timestamp;

pub use options::RateLimiterOptions;
use queue::WaitQueue;
pub use store_ext::RateLimitStoreExt;

/// A rate limiter over a store, for the tasks of one process; the limits hold over every process that
/// shares the store. Clones share the wait queue: make one per store and process.
///
/// # Cancel safety
/// A dropped wait leaves the queue and takes no permit.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use store_core::{Acquire, Decision, HOUR, Limit, RateLimitStoreExt, Resource, SECOND};
/// use store_memory::MemoryRateLimitStore;
///
/// let limiter = MemoryRateLimitStore::new(Limit::new(1, HOUR)).limiter();
/// let issues = Resource::new("issues")?;
///
/// // Waits for a permit, up to a deadline.
/// let _permit = limiter.acquire(Acquire::one(&issues).max_wait(SECOND * 5)).await?;
///
/// // Now or denied.
/// match limiter.try_acquire(&issues).await? {
///     Decision::Granted(_permit) => println!("send"),
///     Decision::Denied { retry_at, reason } => println!("{reason} until {retry_at}"),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RateLimiter {
    store: Arc<dyn RateLimitStore>,
    options: Arc<RateLimiterOptions>,
    queue: Arc<Mutex<WaitQueue>>,
}

impl RateLimiter {
    /// A limiter over `store` with default options.
    #[must_use]
    pub fn new(store: impl RateLimitStore) -> Self {
        Self::with_options(store, RateLimiterOptions::default())
    }

    /// A limiter over `store`.
    #[must_use]
    pub fn with_options(store: impl RateLimitStore, options: RateLimiterOptions) -> Self {
        Self::over(Arc::new(store), options)
    }

    pub(crate) fn over(store: Arc<dyn RateLimitStore>, options: RateLimiterOptions) -> Self {
        Self {
            store,
            options: Arc::new(options),
            queue: Arc::default(),
        }
    }

    /// The store behind the limiter, for status, configuration and cooldowns.
    #[must_use]
    pub fn store(&self) -> &Arc<dyn RateLimitStore> {
        &self.store
    }

    /// A permit now, or a denial. Does not wait, and does not overtake a waiter of this limiter that was
    /// denied.
    ///
    /// # Errors
    /// The kinds of [`RateLimitStore::try_acquire`].
    pub async fn try_acquire(&self, request: impl Into<Acquire> + Send) -> Result<Decision> {
        self.acquire_observed(request.into(), Duration::ZERO).await
    }

    /// Waits for a permit, at most as long as the request's
    /// [`max_wait`](crate::Acquire::max_wait).
    ///
    /// # Errors
    /// [`AcquireError::Denied`] as soon as it is known that no permit can be had in time;
    /// [`AcquireError::Store`] if the store fails.
    pub async fn acquire(
        &self,
        request: impl Into<Acquire> + Send,
    ) -> Result<Permit, AcquireError> {
        let request = request.into();
        let max_wait = request.max_wait.unwrap_or(self.options.max_wait);
        match self.acquire_observed(request, max_wait).await? {
            Decision::Granted(permit) => Ok(permit),
            Decision::Denied { retry_at, reason } => Err(AcquireError::Denied { retry_at, reason }),
        }
    }

    /// Waits for a permit, then runs `work` and returns its output. The permit is used even if `work`
    /// fails. The output of fallible work is a result inside the result: write `run(…).await??`.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use store_core::{Limit, RateLimitStoreExt, Resource, SECOND};
    /// use store_memory::MemoryRateLimitStore;
    ///
    /// let limiter = MemoryRateLimitStore::new(Limit::new(2, SECOND)).limiter();
    /// let issues = Resource::new("issues")?;
    /// let sent = limiter.run(&issues, async || "sent").await?;
    /// assert_eq!(sent, "sent");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`AcquireError`], as for [`acquire`](Self::acquire); `work` did not run then.
    pub async fn run<F, R>(
        &self,
        request: impl Into<Acquire> + Send,
        work: F,
    ) -> Result<R::Output, AcquireError>
    where
        F: FnOnce() -> R + Send,
        R: Future + Send,
    {
        let _permit = self.acquire(request).await?;
        Ok(work().await)
    }
}

/// The error of a wait that ended without a permit.
#[derive(Debug)]
#[non_exhaustive]
pub enum AcquireError {
    /// No permit can be had within the time that the caller waits.
    Denied {
        /// When another attempt may succeed.
        retry_at: Timestamp,
        /// The reason of the last denial.
        reason: Reason,
    },
    /// The store failed; an error is never a permission to send.
    Store(Error),
}

impl fmt::Display for AcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied { retry_at, reason } => write!(f, "{reason}; try again at {retry_at}"),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for AcquireError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Denied { .. } => None,
            // The error is displayed in place of this one, so its cause is this one's.
            Self::Store(error) => std::error::Error::source(error),
        }
    }
}

impl From<Error> for AcquireError {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

#[cfg(test)]
mod tests;
