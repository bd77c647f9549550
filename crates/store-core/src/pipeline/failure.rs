//! What can go wrong on the way to an answer.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use crate::error::Error;
use crate::rate_limit::Reason;
use crate::resource::Resource;
use crate::time::Timestamp;

/// An error of upstream that can be told to those who joined the request, in other processes too.
pub trait SharedError: fmt::Display + Send + Sync + 'static {
    /// The error as text that [`from_shared`](Self::from_shared) understands. No secrets: it is
    /// written to the store.
    fn to_shared(&self) -> String;

    /// The error that another caller told, of this version of the program or another.
    fn from_shared(text: &str) -> Self;

    /// Whether an older answer may stand in: it does for an answer that is late, not for one that
    /// says no.
    fn allows_stale(&self) -> bool;
}

impl SharedError for String {
    fn to_shared(&self) -> String {
        self.clone()
    }

    fn from_shared(text: &str) -> Self {
        text.to_owned()
    }

    fn allows_stale(&self) -> bool {
        true
    }
}

/// A failed attempt, and what follows from it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Failure<E> {
    /// What went wrong.
    pub error: E,
    /// Whether the attempt counts. Default: it does, something may have reached the server.
    pub nothing_sent: bool,
    /// Whether to try again. Default: never.
    pub retry: Retry,
    /// What must be left alone for a while, for every process. Default: nothing.
    pub cooldowns: Vec<(Resource, Duration)>,
    /// How long the failure answers those who ask later, should it be the last. Default: zero, not at
    /// all.
    pub keep: Duration,
}

/// Whether to try a failed attempt again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retry {
    /// It would fail again. The default.
    #[default]
    Never,
    /// Once this much time has passed.
    After(Duration),
}

impl<E> Failure<E> {
    /// A failure that counts and is final.
    #[must_use]
    pub const fn new(error: E) -> Self {
        Self {
            error,
            nothing_sent: false,
            retry: Retry::Never,
            cooldowns: Vec::new(),
            keep: Duration::ZERO,
        }
    }

    /// States that nothing reached the server: the permit goes back.
    #[must_use]
    pub fn nothing_sent(mut self) -> Self {
        self.nothing_sent = true;
        self
    }

    /// Allows another attempt after `wait`.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry = Retry::After(wait);
        self
    }

    /// Answers those who ask within `keep` with this failure, from the cache: for an upstream that
    /// says for sure that there is nothing. What was cached before is replaced.
    ///
    /// ```
    /// use std::time::Duration;
    /// use store_core::pipeline::Failure;
    ///
    /// let missing = Failure::new("not found".to_owned()).keep_for(Duration::from_secs(60));
    /// assert_eq!(missing.keep, Duration::from_secs(60));
    /// ```
    #[must_use]
    pub const fn keep_for(mut self, keep: Duration) -> Self {
        self.keep = keep;
        self
    }

    /// Leaves `resource` alone for `duration`.
    #[must_use]
    pub fn with_cooldown(mut self, resource: Resource, duration: Duration) -> Self {
        self.cooldowns.push((resource, duration));
        self
    }
}

/// Why there is no answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum PipelineError<E> {
    /// The fetch failed, here or at the owner that was joined.
    Fetch(E),
    /// There is no leave to send within the time that the caller waits.
    Denied {
        /// When asking again may help.
        retry_at: Timestamp,
        /// What stands in the way.
        reason: Reason,
    },
    /// The request in flight that was joined did not end within the time that the caller waits.
    TimedOut,
    /// The limiter failed, and nothing is sent without it.
    Limiter(Error),
}

impl<E: SharedError> PipelineError<E> {
    pub(super) fn allows_stale(&self) -> bool {
        match self {
            Self::Fetch(error) => error.allows_stale(),
            Self::Denied { .. } | Self::TimedOut | Self::Limiter(_) => true,
        }
    }
}

impl<E: fmt::Display> fmt::Display for PipelineError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fetch(error) => error.fmt(f),
            Self::Denied { retry_at, reason } => write!(f, "{reason}; try again at {retry_at}"),
            Self::TimedOut => f.write_str("the same request of another caller is still in flight"),
            Self::Limiter(_) => f.write_str("nothing is sent while the rate limiter fails"),
        }
    }
}

impl<E: StdError + 'static> StdError for PipelineError<E> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            // Shown in its place, so its cause is ours.
            Self::Fetch(error) => error.source(),
            Self::Limiter(error) => Some(error),
            Self::Denied { .. } | Self::TimedOut => None,
        }
    }
}
