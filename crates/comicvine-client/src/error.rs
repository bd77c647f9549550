//! The client's error type: one variant for each thing a caller can do about it.
//!
//! Errors are shared between processes: a caller that joined the failed request of another process
//! gets the same variant with the same times. No error contains a URL or the API key.

mod encoding;

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use store_core::{ErrorChain, Reason, Timestamp};

use crate::auth::InvalidApiKey;
use crate::classify::BlockKind;
use crate::id::InvalidId;
use crate::kind::UnknownResource;
use crate::query::InvalidQuery;

/// A result whose error is a client [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Cause = Arc<dyn StdError + Send + Sync>;

/// A failed request.
///
/// ```
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let server = comicvine_fake::FakeServer::builder().start().await?;
/// # let client = comicvine_client::ComicVine::builder(comicvine_client::ApiKey::new("key")?)
/// #     .base_url(server.base_url())
/// #     .build()?;
/// use comicvine_client::{Error, IssueId};
///
/// match client.issue(IssueId::new(1)).await {
///     Ok(issue) => println!("{}", issue.value.name),
///     Err(Error::NotFound { subject }) => println!("{subject} does not exist"),
///     Err(error) if error.is_retryable() => println!("try again at {:?}", error.retry_at()),
///     Err(error) => return Err(error.into()),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, thiserror::Error, Serialize, Deserialize)]
#[serde(tag = "error", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Error {
    /// The request or a setting is invalid; nothing was sent.
    #[error("{message}")]
    InvalidInput {
        /// What is invalid, and what would be valid.
        message: String,
    },
    /// The API refuses the API key.
    #[error("comic vine refuses the api key; compare it with https://comicvine.gamespot.com/api/")]
    InvalidKey,
    /// The resource does not exist; it may have been merged with another.
    #[error("{subject} does not exist")]
    NotFound {
        /// The subject of the request: `issue 4000-1`.
        subject: String,
    },
    /// The API refuses the filter.
    #[error("comic vine refuses the filter of {subject}; check its fields and values")]
    Filter {
        /// The subject of the request.
        subject: String,
    },
    /// The API refuses the request for another reason.
    #[error("comic vine refuses {subject}: {message} (status {status_code})")]
    Refused {
        /// The subject of the request.
        subject: String,
        /// The status code in the response body.
        status_code: u16,
        /// The API's error message.
        message: String,
    },
    /// A rate limit does not allow the request before `retry_at`.
    #[error("{subject} has to wait{}: {reason}", until(*retry_at))]
    RateLimited {
        /// The subject of the request.
        subject: String,
        /// When to try again.
        #[serde(with = "encoding::millis")]
        retry_at: Option<Timestamp>,
        /// The limit that applies.
        reason: LimitReason,
    },
    /// The client is blocked in front of the API. Further requests prolong the block.
    #[error("{kind}; send nothing{}", until(*retry_at))]
    Blocked {
        /// What blocks it.
        kind: BlockKind,
        /// When to try again.
        #[serde(with = "encoding::millis")]
        retry_at: Option<Timestamp>,
    },
    /// The API is temporarily unavailable.
    #[error("comic vine is unavailable for {subject} (http status {status}); try again later")]
    Unavailable {
        /// The subject of the request.
        subject: String,
        /// The HTTP status.
        status: u16,
        /// When to try again, if the response says so.
        #[serde(with = "encoding::millis")]
        retry_at: Option<Timestamp>,
    },
    /// A web page in place of the API's response: it is down, for maintenance for example, or the base URL leads
    /// elsewhere.
    #[error(
        "comic vine answers {subject} with a web page{} (http status {status}); try again later",
        titled(title)
    )]
    WebPage {
        /// The subject of the request.
        subject: String,
        /// The HTTP status.
        status: u16,
        /// The page's title; empty if it has none.
        title: String,
    },
    /// The request was to be answered from the cache only, and it has no response.
    #[error("{subject} is not cached, and nothing may be sent")]
    NotCached {
        /// The subject of the request.
        subject: String,
    },
    /// The request timed out.
    #[error("{limit} for {subject}")]
    Timeout {
        /// The subject of the request.
        subject: String,
        /// The limit that was reached.
        #[serde(default)]
        limit: TimeLimit,
    },
    /// The connection was interrupted, or the response ends early: the API is down, or overloaded.
    #[error("the request for {subject} was interrupted: {message}; try again later")]
    Interrupted {
        /// The subject of the request.
        subject: String,
        /// The cause, without the URL.
        message: String,
    },
    /// The server cannot be reached.
    #[error("{subject}: cannot reach comic vine: {message}")]
    Transport {
        /// The subject of the request.
        subject: String,
        /// The cause, without the URL.
        message: String,
        /// The cause that `message` does not contain, if any.
        #[serde(skip)]
        #[source]
        source: Option<Cause>,
    },
    /// A page below the total has no rows, or only those of earlier pages: the list is not complete.
    #[error("{subject} is incomplete: no further rows after {received} of {total}")]
    Incomplete {
        /// The subject of the request.
        subject: String,
        /// The number of rows before the page.
        received: u64,
        /// The total number of rows as counted by the API.
        total: u64,
    },
    /// The response cannot be decoded.
    #[error("cannot decode the response for {subject}: {message}")]
    Decode {
        /// The subject of the request.
        subject: String,
        /// What is wrong with which part of the response.
        message: String,
    },
    /// A store failed, and the request needs it.
    #[error("{message}")]
    Store {
        /// The operation that failed.
        message: String,
        /// Whether the same request may succeed later.
        retryable: bool,
        /// The store's error, if it failed in this process.
        #[serde(skip)]
        #[source]
        source: Option<Cause>,
    },
}

/// The time limit that a request reached.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TimeLimit {
    /// The [`timeout`](crate::ComicVineBuilder::timeout) of the last attempt.
    #[default]
    Attempt,
    /// [`max_wait`](crate::ComicVineBuilder::max_wait), while the same request of another caller was in
    /// flight.
    MaxWait,
}

impl fmt::Display for TimeLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Attempt => "no complete response within the timeout",
            Self::MaxWait => "the same request of another caller is still in flight",
        })
    }
}

/// The limit that does not allow a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum LimitReason {
    /// The hourly budget of the path is exhausted, or the last request was too recent.
    Budget,
    /// The rest of the budget is reserved for users; this is a background request.
    Reserved,
    /// Background requests are paused because users are busy.
    Paused,
    /// A cooldown after an earlier response of the API.
    Cooldown,
    /// The API refuses the request: the key is used elsewhere too, or requests came in a burst.
    Api,
}

impl fmt::Display for LimitReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Budget => "the budget is used up",
            Self::Reserved => "the rest of the budget is reserved for users",
            Self::Paused => "background requests are paused while users are busy",
            Self::Cooldown => "comic vine asked for a break",
            Self::Api => "comic vine reports that the rate limit is exceeded",
        })
    }
}

impl Error {
    /// The failure of a store in `operation`.
    pub(crate) fn store(operation: &str, error: store_core::Error) -> Self {
        Self::Store {
            message: format!("cannot {operation}"),
            retryable: error.is_retryable(),
            source: Some(Arc::new(error)),
        }
    }

    /// A response that cannot be decoded, or not as what was asked for.
    pub(crate) fn undecodable(subject: &str, message: &impl fmt::Display) -> Self {
        Self::Decode {
            subject: subject.to_owned(),
            message: message.to_string(),
        }
    }

    pub(crate) fn invalid(message: impl fmt::Display) -> Self {
        Self::InvalidInput {
            message: message.to_string(),
        }
    }

    /// Whether the same request may succeed later without a change.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        match self {
            Self::RateLimited { .. }
            | Self::Blocked { .. }
            | Self::Unavailable { .. }
            | Self::WebPage { .. }
            | Self::Timeout { .. }
            | Self::Interrupted { .. }
            | Self::Transport { .. }
            | Self::Incomplete { .. } => true,
            Self::Store { retryable, .. } => *retryable,
            Self::InvalidInput { .. }
            | Self::InvalidKey
            | Self::NotFound { .. }
            | Self::Filter { .. }
            | Self::Refused { .. }
            | Self::NotCached { .. }
            | Self::Decode { .. } => false,
        }
    }

    /// The HTTP status of the response, if it says more than the variant.
    #[must_use]
    pub const fn http_status(&self) -> Option<u16> {
        match self {
            Self::Unavailable { status, .. } | Self::WebPage { status, .. } => Some(*status),
            Self::InvalidInput { .. }
            | Self::InvalidKey
            | Self::NotFound { .. }
            | Self::Filter { .. }
            | Self::Refused { .. }
            | Self::RateLimited { .. }
            | Self::Blocked { .. }
            | Self::NotCached { .. }
            | Self::Timeout { .. }
            | Self::Interrupted { .. }
            | Self::Transport { .. }
            | Self::Incomplete { .. }
            | Self::Decode { .. }
            | Self::Store { .. } => None,
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
            | Self::WebPage { .. }
            | Self::NotCached { .. }
            | Self::Timeout { .. }
            | Self::Interrupted { .. }
            | Self::Transport { .. }
            | Self::Incomplete { .. }
            | Self::Decode { .. }
            | Self::Store { .. } => None,
        }
    }

    /// How long to wait from `now` before trying again, if that is known.
    #[must_use]
    pub fn retry_after(&self, now: Timestamp) -> Option<Duration> {
        self.retry_at().map(|at| at.since(now))
    }
}

impl From<&Reason> for LimitReason {
    fn from(reason: &Reason) -> Self {
        match reason {
            Reason::Reserved(_) => Self::Reserved,
            Reason::Paused(_) => Self::Paused,
            Reason::Cooldown(_) => Self::Cooldown,
            Reason::WindowFull(_) | Reason::ShareUsed(_) | _ => Self::Budget,
        }
    }
}

/// The quoted title, if there is one. It comes from the server: without control characters.
fn titled(title: &str) -> String {
    let shown = title.replace(|c: char| c.is_control(), " ");
    if shown.is_empty() {
        shown
    } else {
        format!(" (`{shown}`)")
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
        Self::invalid(ErrorChain(&error).to_string())
    }
}

#[cfg(test)]
mod tests;
