//! What can go wrong, as far as a caller can act on it.
//!
//! An error crosses processes: whoever joined a request that failed elsewhere gets the same kind
//! with the same times. No error holds a URL or a key.

use std::error::Error as StdError;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use store_core::pipeline::SharedError;
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
        #[serde(with = "millis")]
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
        #[serde(with = "millis")]
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
        #[serde(with = "millis")]
        retry_at: Option<Timestamp>,
    },
    /// No answer in time.
    #[error("no answer in time for {subject}")]
    Timeout {
        /// What was asked for.
        subject: String,
    },
    /// The API could not be reached, or the connection broke.
    #[error("cannot reach comic vine for {subject}: {message}")]
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

    /// Writes the error so that another process can [`decode`](Self::decode) it. Causes are written
    /// into the message.
    #[must_use]
    pub fn encode(&self) -> String {
        let mut shared = self.clone();
        if let Self::Transport {
            message, source, ..
        }
        | Self::Store {
            message, source, ..
        } = &mut shared
        {
            let mut cause = source.as_deref().map(|source| source as &dyn StdError);
            while let Some(error) = cause {
                message.push_str(": ");
                message.push_str(&error.to_string());
                cause = error.source();
            }
        }
        serde_json::to_string(&shared).unwrap_or_default()
    }

    /// Reads an error that another process wrote; what is not understood becomes a
    /// [`Transport`](Self::Transport) error with that text.
    #[must_use]
    pub fn decode(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_else(|_| Self::Transport {
            subject: "a request made elsewhere".to_owned(),
            message: text.to_owned(),
            source: None,
        })
    }
}

impl SharedError for Error {
    fn to_shared(&self) -> String {
        self.encode()
    }

    fn from_shared(text: &str) -> Self {
        Self::decode(text)
    }
}

impl From<&Reason> for LimitReason {
    fn from(reason: &Reason) -> Self {
        match reason {
            Reason::WindowFull(_) => Self::Budget,
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

/// A [`Timestamp`] as whole milliseconds.
mod millis {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};
    use store_core::Timestamp;

    #[expect(clippy::ref_option, reason = "serde passes the field by reference")]
    pub(super) fn serialize<S: Serializer>(
        at: &Option<Timestamp>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        at.map(Timestamp::as_millis).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Timestamp>, D::Error> {
        Ok(Option::deserialize(deserializer)?.map(Timestamp::from_millis))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one_of_each() -> Vec<Error> {
        let subject = || "issue 4000-1".to_owned();
        let retry_at = Some(Timestamp::from_millis(1_700_000_000_000));
        let source: Option<Cause> = Some(Arc::new(std::io::Error::other("connection refused")));
        vec![
            Error::invalid("limit must be between 1 and 100"),
            Error::InvalidKey,
            Error::NotFound { subject: subject() },
            Error::Filter { subject: subject() },
            Error::Refused {
                subject: subject(),
                status_code: 102,
                message: "Error".to_owned(),
            },
            Error::RateLimited {
                subject: subject(),
                retry_at,
                reason: LimitReason::Reserved,
            },
            Error::Blocked {
                kind: BlockKind::AbnormalTraffic,
                retry_at,
            },
            Error::Unavailable {
                subject: subject(),
                status: 503,
                retry_at,
            },
            Error::Timeout { subject: subject() },
            Error::Transport {
                subject: subject(),
                message: "connect".to_owned(),
                source: source.clone(),
            },
            Error::Decode {
                subject: subject(),
                message: "is no object".to_owned(),
            },
            Error::Store {
                message: "rate limit".to_owned(),
                retryable: true,
                source,
            },
        ]
    }

    #[test]
    fn errors_survive_the_way_to_another_process() {
        for error in one_of_each() {
            let other = Error::decode(&error.encode());
            assert_eq!(
                std::mem::discriminant(&other),
                std::mem::discriminant(&error)
            );
            assert_eq!(other.retry_at(), error.retry_at());
            assert_eq!(other.is_retryable(), error.is_retryable());
            if error.source().is_none() {
                assert_eq!(other.to_string(), error.to_string());
            } else {
                assert_eq!(other.to_string(), format!("{error}: connection refused"));
                assert!(!error.to_string().contains("connection refused"));
            }
        }
    }

    #[test]
    fn unreadable_error_of_another_process_keeps_its_text() {
        let error = Error::decode("something else");
        assert!(error.to_string().ends_with("something else"));
        assert!(error.is_retryable());
    }

    #[test]
    fn limits_and_blocks_say_until_when() {
        let said: Vec<_> = one_of_each().iter().map(ToString::to_string).collect();
        assert_eq!(
            said[5],
            "issue 4000-1 has to wait until 2023-11-14T22:13:20.000Z: \
             the rest of the budget is reserved for users"
        );
        assert!(said[6].ends_with("send nothing until 2023-11-14T22:13:20.000Z"));
    }
}
