//! What can go wrong, as far as a caller can act on it.
//!
//! An error crosses processes: whoever joined a request that failed elsewhere gets the same kind
//! with the same times. No error holds a URL or a key.

mod shared;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use store_core::{Reason, Timestamp};

use crate::auth::InvalidApiKey;
use crate::block::BlockKind;
use crate::id::InvalidId;
use crate::kind::UnknownResource;
use crate::query::InvalidQuery;

/// A result whose error is a client [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Cause = Arc<dyn StdError + Send + Sync>;

/// A failed request.
#[derive(Clone, Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "error", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Error {
    /// The request cannot be asked; nothing was sent.
    #[error("{message}")]
    InvalidInput {
        /// What is wrong with it, and what would be right.
        message: String,
    },
    /// The API does not accept the key.
    #[error("comic vine refuses the api key; compare it with https://comicvine.gamespot.com/api/")]
    InvalidKey,
    /// There is no such resource; it may have been merged with another.
    #[error("{subject} does not exist")]
    NotFound {
        /// What was asked for: `issue 4000-1`.
        subject: String,
    },
    /// The API refuses the filter.
    #[error("comic vine refuses the filter of {subject}; check its fields and values")]
    Filter {
        /// What was asked for.
        subject: String,
    },
    /// The API refuses the request for another reason.
    #[error("comic vine refuses {subject}: {message} (status {status_code})")]
    Refused {
        /// What was asked for.
        subject: String,
        /// The status code in the answer's body.
        status_code: u16,
        /// The API's words.
        message: String,
    },
    /// The budget does not allow the request before `retry_at`.
    #[error("{subject} has to wait{}: {reason}", until(*retry_at))]
    RateLimited {
        /// What was asked for.
        subject: String,
        /// When to try again.
        #[serde(with = "shared::millis")]
        retry_at: Option<Timestamp>,
        /// Whose limit it is.
        reason: LimitReason,
    },
    /// Something in front of the API refuses the client. Going on makes it worse.
    #[error("{kind}; send nothing{}", until(*retry_at))]
    Blocked {
        /// Who refuses.
        kind: BlockKind,
        /// When to try again.
        #[serde(with = "shared::millis")]
        retry_at: Option<Timestamp>,
    },
    /// The API is out of order for the moment.
    #[error("comic vine is unavailable for {subject} (http status {status}); try again later")]
    Unavailable {
        /// What was asked for.
        subject: String,
        /// The HTTP status.
        status: u16,
        /// When to try again, if the answer says so.
        #[serde(with = "shared::millis")]
        retry_at: Option<Timestamp>,
    },
    /// No answer in time.
    #[error("no answer in time for {subject}")]
    Timeout {
        /// What was asked for.
        subject: String,
    },
    /// The API could not be reached, or the connection broke.
    #[error("{subject}: cannot reach comic vine: {message}")]
    Transport {
        /// What was asked for.
        subject: String,
        /// What failed, without the address.
        message: String,
        /// What failed, if it failed in this process.
        #[serde(skip)]
        #[source]
        source: Option<Cause>,
    },
    /// The answer is not what the API sends.
    #[error("cannot read the answer for {subject}: {message}")]
    Decode {
        /// What was asked for, and which part of the answer is wrong.
        subject: String,
        /// What is wrong.
        message: String,
    },
    /// A store failed and the request could not go on without it.
    #[error("{message}")]
    Store {
        /// Which part failed.
        message: String,
        /// Whether the same call may succeed later.
        retryable: bool,
        /// The store's error, if it failed in this process.
        #[serde(skip)]
        #[source]
        source: Option<Cause>,
    },
}

/// Whose limit a request ran into.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LimitReason {
    /// The hourly budget of the path is used up, or the last request was too short ago.
    Budget,
    /// What is left is kept for users; this was a background request.
    Reserved,
    /// Background requests are paused because users are busy.
    Paused,
    /// The API asked for quiet earlier.
    Cooldown,
    /// The API refuses, because somebody else uses the key or because of a burst.
    Api,
}

impl fmt::Display for LimitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Budget => "the budget is used up",
            Self::Reserved => "the rest of the budget is reserved for users",
            Self::Paused => "background requests are paused while users are busy",
            Self::Cooldown => "comic vine asked for a break",
            Self::Api => "comic vine says that the rate limit is exceeded",
        })
    }
}

impl Error {
    /// A store failed while it did `what`.
    pub(crate) fn store(what: &str, error: store_core::Error) -> Self {
        Self::Store {
            message: format!("cannot {what}"),
            retryable: error.is_retryable(),
            source: Some(Arc::new(error)),
        }
    }

    pub(crate) fn invalid(message: impl fmt::Display) -> Self {
        Self::InvalidInput {
            message: message.to_string(),
        }
    }

    /// Whether the same request may succeed later without anybody changing anything.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::RateLimited { .. }
            | Self::Blocked { .. }
            | Self::Unavailable { .. }
            | Self::Timeout { .. }
            | Self::Transport { .. } => true,
            Self::Store { retryable, .. } => *retryable,
            Self::InvalidInput { .. }
            | Self::InvalidKey
            | Self::NotFound { .. }
            | Self::Filter { .. }
            | Self::Refused { .. }
            | Self::Decode { .. } => false,
        }
    }

    /// When to try again, if that is known.
    #[must_use]
    pub const fn retry_at(&self) -> Option<Timestamp> {
        match self {
            Self::RateLimited { retry_at, .. }
            | Self::Blocked { retry_at, .. }
            | Self::Unavailable { retry_at, .. } => *retry_at,
            Self::InvalidInput { .. }
            | Self::InvalidKey
            | Self::NotFound { .. }
            | Self::Filter { .. }
            | Self::Refused { .. }
            | Self::Timeout { .. }
            | Self::Transport { .. }
            | Self::Decode { .. }
            | Self::Store { .. } => None,
        }
    }

    /// How long to wait from `now` on before trying again, if that is known.
    #[must_use]
    pub fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        self.retry_at().map(|at| at.since(now))
    }
}

impl From<&Reason> for LimitReason {
    fn from(reason: &Reason) -> Self {
        match reason {
            Reason::WindowFull(_) | Reason::ShareUsed(_) => Self::Budget,
            Reason::Reserved(_) => Self::Reserved,
            Reason::Paused(_) => Self::Paused,
            Reason::Cooldown(_) => Self::Cooldown,
        }
    }
}

fn until(at: Option<Timestamp>) -> String {
    at.map(|at| format!(" until {at}")).unwrap_or_default()
}

impl From<InvalidId> for Error {
    fn from(error: InvalidId) -> Self {
        Self::invalid(error)
    }
}

impl From<InvalidQuery> for Error {
    fn from(error: InvalidQuery) -> Self {
        Self::invalid(error)
    }
}

impl From<UnknownResource> for Error {
    fn from(error: UnknownResource) -> Self {
        Self::invalid(error)
    }
}

impl From<InvalidApiKey> for Error {
    fn from(error: InvalidApiKey) -> Self {
        Self::invalid(error)
    }
}

#[cfg(test)]
mod tests;
