//! Failed attempts, and the errors of a pipeline.

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use crate::error::{BoxError, Error};
use crate::rate_limit::Reason;
use crate::resource::Resource;
use crate::time::Timestamp;

/// An error that the owner of a request shares with those who joined it, in other processes too.
///
/// Implemented for [`BoxError`], `String` and [`std::io::Error`]; implement it for an error type of
/// your own to give it to those who joined as what it is.
pub trait SharedError: fmt::Debug + fmt::Display + Send + Sync + 'static {
    /// The error as text that [`from_shared`](Self::from_shared) understands. It is written to the
    /// store: no secrets.
    fn to_shared(&self) -> String;

    /// The error that another caller shared, from this version of the program or another.
    fn from_shared(text: &str) -> Self;

    /// Whether a stale answer may be given in its place: yes for an answer that cannot be had now, no
    /// for one that says no.
    fn allows_stale(&self) -> bool;

    /// The error's own cause, as [`StdError::source`].
    fn cause(&self) -> Option<&(dyn StdError + 'static)>;

    /// When another attempt may succeed. A caller that joined and waits longer than the owner tries
    /// again then, instead of failing with it. Default: `None`, unknown.
    fn retry_at(&self) -> Option<Timestamp> {
        None
    }
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

    fn cause(&self) -> Option<&(dyn StdError + 'static)> {
        None
    }
}

impl SharedError for BoxError {
    fn to_shared(&self) -> String {
        self.to_string()
    }

    fn from_shared(text: &str) -> Self {
        text.into()
    }

    fn allows_stale(&self) -> bool {
        true
    }

    fn cause(&self) -> Option<&(dyn StdError + 'static)> {
        self.source()
    }
}

impl SharedError for std::io::Error {
    fn to_shared(&self) -> String {
        self.to_string()
    }

    fn from_shared(text: &str) -> Self {
        Self::other(text)
    }

    fn allows_stale(&self) -> bool {
        true
    }

    fn cause(&self) -> Option<&(dyn StdError + 'static)> {
        self.source()
    }
}

/// A failed attempt, and what follows from it.
///
/// `?` turns any error into a final failure:
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use store_core::pipeline::{Failure, Fetched, Retry};
///
/// async fn fetch(path: &str) -> Result<Fetched, Failure> {
///     let body = std::fs::read(path)?;
///     Ok(Fetched::new(body))
/// }
///
/// let failure = fetch("no/such/file").await.unwrap_err();
/// assert_eq!(failure.retry, Retry::Never);
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Failure<E = BoxError> {
    /// The error.
    pub error: E,
    /// Whether nothing was sent, so that the permit is given back. Default: no, the attempt counts.
    pub nothing_sent: bool,
    /// Whether to try again. Default: never.
    pub retry: Retry,
    /// The resources to cool down, for every process. Default: none.
    pub cooldowns: Vec<(Resource, Duration)>,
    /// How long the failure is cached as an answer, if it is the last. Default: zero, not at all.
    pub cache_for: Duration,
}

/// Whether to try a failed attempt again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retry {
    /// It would fail again. The default.
    #[default]
    Never,
    /// After this much time, at most [`max_retries`](super::PipelineBuilder::max_retries) times.
    After(Duration),
    /// Once the failure's cooldowns are over, as often as the caller's deadline allows.
    AfterCooldowns,
}

impl<E> Failure<E> {
    /// A final failure of an attempt that counts.
    ///
    /// ```
    /// use store_core::pipeline::Failure;
    ///
    /// let typed: Failure<String> = Failure::new("not found".to_owned());
    /// let boxed: Failure = Failure::new("not found".into());
    /// ```
    #[must_use]
    pub const fn new(error: E) -> Self {
        Self {
            error,
            nothing_sent: false,
            retry: Retry::Never,
            cooldowns: Vec::new(),
            cache_for: Duration::ZERO,
        }
    }

    /// Marks that nothing was sent: the permit is given back.
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

    /// Allows another attempt once the failure's cooldowns are over, however many there were.
    ///
    /// ```
    /// use std::time::Duration;
    /// use store_core::Resource;
    /// use store_core::pipeline::{Failure, Retry};
    ///
    /// let limited = Failure::new("slow down".to_owned())
    ///     .with_cooldown(Resource::new("issues")?, Duration::from_secs(60))
    ///     .retry_after_cooldowns();
    /// assert_eq!(limited.retry, Retry::AfterCooldowns);
    /// # Ok::<(), store_core::Error>(())
    /// ```
    #[must_use]
    pub fn retry_after_cooldowns(mut self) -> Self {
        self.retry = Retry::AfterCooldowns;
        self
    }

    /// Caches the failure as the answer for `duration`: for an upstream that is sure that there is
    /// nothing. It replaces what was cached before.
    ///
    /// ```
    /// use std::time::Duration;
    /// use store_core::pipeline::Failure;
    ///
    /// let missing = Failure::new("not found".to_owned()).cache_for(Duration::from_secs(60));
    /// assert_eq!(missing.cache_for, Duration::from_secs(60));
    /// ```
    #[must_use]
    pub const fn cache_for(mut self, duration: Duration) -> Self {
        self.cache_for = duration;
        self
    }

    /// Cools `resource` down for `duration`.
    #[must_use]
    pub fn with_cooldown(mut self, resource: Resource, duration: Duration) -> Self {
        self.cooldowns.push((resource, duration));
        self
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Failure<BoxError> {
    fn from(error: E) -> Self {
        Self::new(error.into())
    }
}

/// The error of a request that has no answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum PipelineError<E = BoxError> {
    /// The fetch failed, here or at the owner that was joined.
    Fetch(E),
    /// No permit can be had within the time that the caller waits.
    Denied {
        /// When another attempt may succeed.
        retry_at: Timestamp,
        /// The reason of the last denial.
        reason: Reason,
    },
    /// The request in flight that was joined did not end within the time that the caller waits.
    TimedOut,
    /// The limiter failed, and nothing is sent without it.
    Limiter(Error),
    /// The answer cannot be decoded as the type that was asked for.
    Decode(Error),
}

impl<E: SharedError> PipelineError<E> {
    pub(super) fn allows_stale(&self) -> bool {
        match self {
            Self::Fetch(error) => error.allows_stale(),
            Self::Denied { .. } | Self::TimedOut | Self::Limiter(_) => true,
            Self::Decode(_) => false,
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
            Self::Decode(_) => f.write_str("the answer is not of the expected form"),
        }
    }
}

impl<E: SharedError> StdError for PipelineError<E> {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            // The error is displayed in place of this one, so its cause is this one's.
            Self::Fetch(error) => error.cause(),
            Self::Limiter(error) | Self::Decode(error) => Some(error),
            Self::Denied { .. } | Self::TimedOut => None,
        }
    }
}
