//! The field `Cache-Status` (RFC 9211).

use std::fmt;
use std::time::Duration;

use http::StatusCode;

/// What a cache did with a request.
///
/// ```
/// use std::time::Duration;
///
/// use http_cache_db::engine::CacheStatus;
///
/// let status = CacheStatus::new("cache.example").hit(Some(Duration::from_secs(30)));
/// assert_eq!(status.to_string(), "cache.example;hit;ttl=30");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheStatus {
    cache: String,
    parameters: String,
}

/// Why a request went to the origin (section 2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ForwardReason {
    /// The cache does not handle the request.
    Bypass,
    /// Responses to the method are not stored.
    Method,
    /// Nothing is stored for the target.
    UriMiss,
    /// No stored response is selected by the request's fields.
    VaryMiss,
    /// The request asks for more than is stored.
    Partial,
    /// The stored response is stale.
    Stale,
    /// The request asks for a validation.
    Request,
}

impl ForwardReason {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Bypass => "bypass",
            Self::Method => "method",
            Self::UriMiss => "uri-miss",
            Self::VaryMiss => "vary-miss",
            Self::Partial => "partial",
            Self::Stale => "stale",
            Self::Request => "request",
        }
    }
}

impl CacheStatus {
    /// The status of the cache of this name, a token of RFC 9651.
    #[must_use]
    pub fn new(cache: &str) -> Self {
        Self {
            cache: cache.to_owned(),
            parameters: String::new(),
        }
    }

    /// A stored response answered; it is fresh so long, or stale if `None`.
    #[must_use]
    pub fn hit(self, ttl: Option<Duration>) -> Self {
        match ttl {
            Some(ttl) => self.with(format_args!(";hit;ttl={}", ttl.as_secs())),
            None => self.with(format_args!(";hit")).detail("stale"),
        }
    }

    /// The origin was asked.
    #[must_use]
    pub fn forwarded(self, reason: ForwardReason) -> Self {
        self.with(format_args!(";fwd={}", reason.as_str()))
    }

    /// What the origin answered.
    #[must_use]
    pub fn forward_status(self, status: StatusCode) -> Self {
        self.with(format_args!(";fwd-status={}", status.as_u16()))
    }

    /// The response was stored.
    #[must_use]
    pub fn stored(self) -> Self {
        self.with(format_args!(";stored"))
    }

    /// The request waited for the answer to an equal one: with success, or so that it had to be sent after all.
    #[must_use]
    pub fn collapsed(self, is_answered: bool) -> Self {
        let value = if is_answered { "" } else { "=?0" };
        self.with(format_args!(";collapsed{value}"))
    }

    /// More about it, a short text.
    #[must_use]
    pub fn detail(self, text: &str) -> Self {
        self.with(format_args!(";detail=\"{text}\""))
    }

    fn with(mut self, parameter: fmt::Arguments<'_>) -> Self {
        self.parameters.push_str(&parameter.to_string());
        self
    }
}

impl fmt::Display for CacheStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.cache, self.parameters)
    }
}
