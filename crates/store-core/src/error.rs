//! The error type of every store: its kind, operation and key.
//!
//! Results that are part of normal work (denied, fenced, joined, outdated) are outcomes, not errors.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

/// Any error, as applications pass it on.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// A result whose error is a store [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The kind of an [`Error`], as far as a caller can act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The call can never succeed as it stands: a malformed key, more permits than a limit has.
    InvalidInput,
    /// The value exceeds the store's largest entry; the value stored under its key before is removed.
    TooLarge,
    /// Other writers hold the store at the moment.
    Busy,
    /// The backend asks to slow down.
    Throttled,
    /// The backend did not answer in time; the operation may or may not have taken effect.
    Timeout,
    /// The backend cannot be reached or opened.
    Unavailable,
    /// Too many failures in a row: nothing was sent.
    CircuitOpen,
    /// What was read is damaged, or was not written by this store.
    Corrupt,
    /// The stored schema is newer than this program.
    SchemaNewer,
    /// The table or schema that this store needs does not exist.
    SchemaMissing,
    /// The store cannot be written to.
    ReadOnly,
    /// No space is left.
    StorageFull,
    /// A value could not be encoded or decoded.
    Codec,
    /// The store was closed.
    Closed,
}

impl ErrorKind {
    /// Whether the same call may succeed later by itself.
    ///
    /// ```
    /// use store_core::ErrorKind;
    /// assert!(ErrorKind::Busy.is_retryable());
    /// assert!(!ErrorKind::SchemaNewer.is_retryable());
    /// ```
    #[must_use]
    pub const fn is_retryable(self) -> bool {
        match self {
            Self::Busy
            | Self::Throttled
            | Self::Timeout
            | Self::Unavailable
            | Self::CircuitOpen => true,
            Self::InvalidInput
            | Self::TooLarge
            | Self::Corrupt
            | Self::SchemaNewer
            | Self::SchemaMissing
            | Self::ReadOnly
            | Self::StorageFull
            | Self::Codec
            | Self::Closed => false,
        }
    }

    const fn describe(self) -> &'static str {
        match self {
            Self::InvalidInput => "invalid input",
            Self::TooLarge => "too large",
            Self::Busy => "busy",
            Self::Throttled => "throttled",
            Self::Timeout => "timed out",
            Self::Unavailable => "unavailable",
            Self::CircuitOpen => "circuit open",
            Self::Corrupt => "corrupt",
            Self::SchemaNewer => "schema is newer than this program",
            Self::SchemaMissing => "schema is missing",
            Self::ReadOnly => "read-only",
            Self::StorageFull => "storage is full",
            Self::Codec => "codec failure",
            Self::Closed => "closed",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.describe())
    }
}

/// A failed store operation.
///
/// `Display` names backend, operation, key and remedy, and leaves its source to the code that prints the
/// chain, so that each cause is printed once.
///
/// ```
/// use store_core::{Error, ErrorKind};
///
/// let error = Error::new(ErrorKind::ReadOnly, "sqlite", "set")
///     .with_key("comics:1")
///     .with_detail("comics.db cannot be written; check its permissions");
/// assert_eq!(
///     error.to_string(),
///     "sqlite: set comics:1: comics.db cannot be written; check its permissions"
/// );
/// ```
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    backend: &'static str,
    operation: &'static str,
    key: Option<String>,
    detail: Option<Cow<'static, str>>,
    retry_after: Option<Duration>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind` in `operation` of `backend`.
    #[must_use]
    pub const fn new(kind: ErrorKind, backend: &'static str, operation: &'static str) -> Self {
        Self {
            kind,
            backend,
            operation,
            key: None,
            detail: None,
            retry_after: None,
            source: None,
        }
    }

    pub(crate) fn invalid(operation: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::InvalidInput, "store", operation).with_detail(detail)
    }

    /// Sets the operation: an error from inside it gets the name of the method that was called.
    #[must_use]
    pub const fn with_operation(mut self, operation: &'static str) -> Self {
        self.operation = operation;
        self
    }

    /// Sets the key, tag or resource that the operation was about. Never pass a secret.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<String>) -> Self {
        self.key = Some(key.into());
        self
    }

    /// Sets the message: what happened and what to do about it. Never pass a secret.
    #[must_use]
    pub fn with_detail(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Sets how long the backend asks to wait.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Attaches the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// The error's kind, to decide by.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The backend that failed: `memory`, `sqlite`, …
    #[must_use]
    pub const fn backend(&self) -> &'static str {
        self.backend
    }

    /// The operation that failed, by its method name.
    #[must_use]
    pub const fn operation(&self) -> &'static str {
        self.operation
    }

    /// The key, tag or resource that the operation was about.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.key.as_deref()
    }

    /// Whether the same call may succeed later by itself.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        self.kind.is_retryable()
    }

    /// How long the backend asks to wait, if it said so.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.backend, self.operation)?;
        if let Some(key) = &self.key {
            write!(f, " {key}")?;
        }
        match &self.detail {
            Some(detail) => write!(f, ": {detail}"),
            None => write!(f, ": {}", self.kind),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

/// An error and its causes on one line. The errors here leave their cause out of their own text, so that
/// a program prints each once:
///
/// ```
/// use store_core::{Error, ErrorChain, ErrorKind};
///
/// let error = Error::new(ErrorKind::Unavailable, "sqlite", "get")
///     .with_source(std::io::Error::other("disk on fire"));
/// assert_eq!(ErrorChain(&error).to_string(), "sqlite: get: unavailable: disk on fire");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ErrorChain<'a>(pub &'a (dyn StdError + 'static));

impl fmt::Display for ErrorChain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cause_is_printed_by_the_chain_and_not_by_the_error() {
        let error = Error::new(ErrorKind::Unavailable, "sqlite", "get")
            .with_source(std::io::Error::other("disk on fire"));
        assert_eq!(error.to_string(), "sqlite: get: unavailable");
        let cause = error.source().map(ToString::to_string);
        assert_eq!(cause.as_deref(), Some("disk on fire"));
    }

    #[test]
    fn retry_after_is_kept() {
        let error = Error::new(ErrorKind::Throttled, "dynamodb", "set")
            .with_retry_after(Duration::from_millis(50));
        assert!(error.is_retryable());
        assert_eq!(error.retry_after(), Some(Duration::from_millis(50)));
    }
}
