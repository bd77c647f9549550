//! Work that is done once, by one of all its callers.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tracing::warn;

use crate::backend::Deadline;
use crate::clock::{Clock, SystemClock};
use crate::codec::{Codec, Json};
use crate::dedupe::lease::{end_job, hold_lease};
use crate::dedupe::{DedupeStore, JobEnd, JobOutcome, JobResult, Ownership, Registration};
use crate::error::{BoxError, Error};
use crate::key::Key;
use crate::priority::Priority;
use crate::time::MINUTE;

/// Options of [`DedupeStoreExt::run_once_with`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RunOnceOptions {
    /// The priority class. Default: user.
    pub priority: Priority,
    /// How long a caller waits for the owner's result. Default: 60 seconds.
    pub max_wait: Duration,
    /// The clock. Default: the system's.
    pub clock: Arc<dyn Clock>,
}

impl Default for RunOnceOptions {
    fn default() -> Self {
        Self {
            priority: Priority::default(),
            max_wait: MINUTE,
            clock: Arc::new(SystemClock::new()),
        }
    }
}

impl RunOnceOptions {
    /// Sets [`priority`](Self::priority).
    #[must_use]
    pub fn with_priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Sets [`max_wait`](Self::max_wait).
    #[must_use]
    pub fn with_max_wait(mut self, max_wait: Duration) -> Self {
        self.max_wait = max_wait;
        self
    }

    /// Sets [`clock`](Self::clock).
    #[must_use]
    pub fn with_clock(mut self, clock: impl Clock) -> Self {
        self.clock = Arc::new(clock);
        self
    }
}

/// Conveniences over any [`DedupeStore`].
pub trait DedupeStoreExt: DedupeStore + Sized {
    /// Runs `work` in one of all callers of `key`, over all processes that share the store, and gives
    /// its value to everyone who called while it ran.
    ///
    /// The lease is kept while `work` runs, however long; a caller whose owner crashes takes over. Work
    /// that blocks its thread for longer than the lease loses it, and is done again: move it to
    /// `spawn_blocking`. The value travels as JSON: within the process whatever its length, to other
    /// processes up to the store's inline limit; beyond it, they run their own work.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use store_core::{DedupeStoreExt, Key, RunOnceError};
    /// use store_memory::MemoryDedupeStore;
    ///
    /// let jobs = MemoryDedupeStore::new();
    /// let key = Key::new("comics:issue/4000-1")?;
    /// let name: String = jobs
    ///     .run_once(&key, async || Ok::<_, std::io::Error>("Cry for the Moon".to_owned()))
    ///     .await?;
    /// assert_eq!(name, "Cry for the Moon");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Cancel safety
    /// A dropped owner abandons its job, and a waiter takes over at once.
    ///
    /// # Errors
    /// [`RunOnceError`]: the work failed, here or at the owner; the owner did not end in time; or the
    /// store failed before the work began.
    fn run_once<T, E, F, R>(
        &self,
        key: &Key,
        work: F,
    ) -> impl Future<Output = Result<T, RunOnceError>> + Send
    where
        T: Serialize + DeserializeOwned + Send + Sync,
        E: Into<BoxError> + Send,
        F: FnOnce() -> R + Send,
        R: Future<Output = Result<T, E>> + Send,
    {
        self.run_once_with(key, RunOnceOptions::default(), work)
    }

    /// [`run_once`](Self::run_once) with options.
    ///
    /// # Errors
    /// Those of [`run_once`](Self::run_once).
    fn run_once_with<T, E, F, R>(
        &self,
        key: &Key,
        options: RunOnceOptions,
        work: F,
    ) -> impl Future<Output = Result<T, RunOnceError>> + Send
    where
        T: Serialize + DeserializeOwned + Send + Sync,
        E: Into<BoxError> + Send,
        F: FnOnce() -> R + Send,
        R: Future<Output = Result<T, E>> + Send,
    {
        async move {
            let clock = &*options.clock;
            let deadline = Deadline::after(options.max_wait, clock);
            loop {
                let job = match self.register_or_join(key, options.priority).await? {
                    Registration::Owner(owner) => {
                        return self.run_as_owner(clock, owner, work()).await;
                    }
                    Registration::Joined(job) => job,
                };
                let left = deadline.left(clock);
                match self.wait_for(key, &job, left).await? {
                    JobOutcome::Value(bytes) => match Json.decode(&bytes) {
                        Ok(value) => return Ok(value),
                        Err(error) => warn!(%key, %error, "a shared value cannot be decoded"),
                    },
                    JobOutcome::OwnerFailed(error) => return Err(RunOnceError::OwnerFailed(error)),
                    JobOutcome::TimedOut => return Err(RunOnceError::TimedOut),
                    JobOutcome::Lapsed | JobOutcome::NotShared => {}
                }
            }
        }
    }

    /// Runs `work` as the owner of a job, and gives its value to those who have joined it: the part of
    /// [`run_once`](Self::run_once) after [`register_or_join`](DedupeStore::register_or_join), for callers that
    /// wait for the owner in a way of their own.
    ///
    /// The lease is kept while `work` runs, and the value travels, as [`run_once`](Self::run_once) says.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use store_core::{DedupeStore, DedupeStoreExt, Key, Priority, Registration, SystemClock};
    /// use store_memory::MemoryDedupeStore;
    ///
    /// let (jobs, clock) = (MemoryDedupeStore::new(), SystemClock::new());
    /// let key = Key::new("comics:issue/4000-1")?;
    /// if let Registration::Owner(owner) = jobs.register_or_join(&key, Priority::User).await? {
    ///     let work = async { Ok::<_, std::io::Error>("Cry for the Moon".to_owned()) };
    ///     jobs.run_as_owner(&clock, owner, work).await?;
    /// }
    /// assert!(!jobs.is_in_progress(&key).await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Cancel safety
    /// Dropped, it abandons the job, and a waiter takes over at once.
    ///
    /// # Errors
    /// [`RunOnceError::Work`] if the work failed.
    fn run_as_owner<T, E, R>(
        &self,
        clock: &dyn Clock,
        mut owner: Ownership,
        work: R,
    ) -> impl Future<Output = Result<T, RunOnceError>> + Send
    where
        T: Serialize + Send,
        E: Into<BoxError> + Send,
        R: Future<Output = Result<T, E>> + Send,
    {
        async move {
            let result = hold_lease(self, clock, &owner, work).await;
            let (result, end) = match result {
                Ok(value) => {
                    let encoded = Json.encode(&value);
                    let shared = encoded.map_or(JobResult::NotShared, JobResult::Value);
                    (Ok(value), JobEnd::Completed(shared))
                }
                Err(error) => {
                    let error: BoxError = error.into();
                    let text = error.to_string();
                    (Err(RunOnceError::Work(error)), JobEnd::Failed(text))
                }
            };
            if let Err(error) = end_job(self, clock, &mut owner, &end).await {
                warn!(key = %owner.key(), %error, "the result of a job is not shared");
            }
            result
        }
    }
}

impl<S: DedupeStore> DedupeStoreExt for S {}

/// The error of work that was to be done once.
#[derive(Debug)]
#[non_exhaustive]
pub enum RunOnceError {
    /// This caller owned the job, and its work failed.
    Work(BoxError),
    /// The work of the owner that was joined failed; its error as text.
    OwnerFailed(String),
    /// The owner that was joined did not end within the time that the caller waits.
    TimedOut,
    /// The store failed before the work began.
    Store(Error),
}

impl fmt::Display for RunOnceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Work(error) => error.fmt(f),
            Self::OwnerFailed(error) => f.write_str(error),
            Self::TimedOut => f.write_str("the same work of another caller is still in progress"),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl StdError for RunOnceError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            // Either error is displayed in place of this one, so its cause is this one's.
            Self::Work(error) => error.source(),
            Self::Store(error) => error.source(),
            Self::OwnerFailed(_) | Self::TimedOut => None,
        }
    }
}

impl From<Error> for RunOnceError {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}
