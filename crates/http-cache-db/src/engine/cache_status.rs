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
    did: Option<Did>,
    collapsed: Option<bool>,
    forward_status: Option<StatusCode>,
    is_stored: bool,
    detail: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Did {
    Hit { ttl: Option<Duration> },
    Forward(ForwardReason),
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
            did: None,
            collapsed: None,
            forward_status: None,
            is_stored: false,
            detail: None,
        }
    }

    /// A stored response answered; it is fresh so long, or stale if `None`.
    #[must_use]
    pub fn hit(self, ttl: Option<Duration>) -> Self {
        let hit = Self {
            did: Some(Did::Hit { ttl }),
            ..self
        };
        match ttl {
            Some(_) => hit,
            None => hit.detail("stale"),
        }
    }

    /// The origin was asked.
    #[must_use]
    pub fn forwarded(self, reason: ForwardReason) -> Self {
        Self {
            did: Some(Did::Forward(reason)),
            ..self
        }
    }

    /// What the origin answered.
    #[must_use]
    pub fn forward_status(self, status: StatusCode) -> Self {
        Self {
            forward_status: Some(status),
            ..self
        }
    }

    /// The response was stored.
    #[must_use]
    pub fn stored(self) -> Self {
        Self {
            is_stored: true,
            ..self
        }
    }

    /// The request waited for the answer to an equal one: with success, or so that it had to be sent after all.
    #[must_use]
    pub fn collapsed(self, is_answered: bool) -> Self {
        Self {
            collapsed: Some(is_answered),
            ..self
        }
    }

    /// More about it, a short text.
    #[must_use]
    pub fn detail(self, text: &str) -> Self {
        Self {
            detail: Some(text.to_owned()),
            ..self
        }
    }

    /// Whether a stored response answered, fresh or stale.
    #[must_use]
    pub const fn is_hit(&self) -> bool {
        matches!(self.did, Some(Did::Hit { .. }))
    }

    /// Whether a stale response answered.
    #[must_use]
    pub const fn is_stale_hit(&self) -> bool {
        matches!(self.did, Some(Did::Hit { ttl: None }))
    }

    /// Why the request went to the origin, or would have if it had not [waited](Self::is_collapsed).
    #[must_use]
    pub const fn forward_reason(&self) -> Option<ForwardReason> {
        match self.did {
            Some(Did::Forward(reason)) => Some(reason),
            Some(Did::Hit { .. }) | None => None,
        }
    }

    /// What the origin answered, if it was asked and did.
    #[must_use]
    pub const fn origin_status(&self) -> Option<StatusCode> {
        self.forward_status
    }

    /// Whether the answer to an equal request, for which this one waited, answered it too.
    #[must_use]
    pub const fn is_collapsed(&self) -> bool {
        matches!(self.collapsed, Some(true))
    }
}

impl fmt::Display for CacheStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.cache)?;
        match self.did {
            Some(Did::Hit { ttl: Some(ttl) }) => write!(f, ";hit;ttl={}", ttl.as_secs())?,
            Some(Did::Hit { ttl: None }) => f.write_str(";hit")?,
            Some(Did::Forward(reason)) => write!(f, ";fwd={}", reason.as_str())?,
            None => {}
        }
        match self.collapsed {
            Some(true) => f.write_str(";collapsed")?,
            Some(false) => f.write_str(";collapsed=?0")?,
            None => {}
        }
        if let Some(status) = self.forward_status {
            write!(f, ";fwd-status={}", status.as_u16())?;
        }
        if self.is_stored {
            f.write_str(";stored")?;
        }
        if let Some(detail) = &self.detail {
            write!(f, ";detail=\"{detail}\"")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_have_one_order() {
        let new = || CacheStatus::new("a");
        let status = new().detail("b").stored().forward_status(StatusCode::OK);
        let status = status.collapsed(false).forwarded(ForwardReason::UriMiss);
        assert_eq!(
            status.to_string(),
            "a;fwd=uri-miss;collapsed=?0;fwd-status=200;stored;detail=\"b\""
        );
        assert_eq!(new().hit(None).to_string(), "a;hit;detail=\"stale\"");
        let waited = new().forwarded(ForwardReason::Stale).collapsed(true);
        assert_eq!(waited.to_string(), "a;fwd=stale;collapsed");
    }

    #[test]
    fn a_status_says_what_was_done() {
        let stale = CacheStatus::new("a").hit(None);
        assert!(stale.is_hit() && stale.is_stale_hit() && stale.forward_reason().is_none());
        let fresh = CacheStatus::new("a").hit(Some(Duration::ZERO));
        assert!(fresh.is_hit() && !fresh.is_stale_hit());
        let asked = CacheStatus::new("a").forwarded(ForwardReason::Request);
        let asked = asked.forward_status(StatusCode::NOT_MODIFIED);
        assert_eq!(asked.forward_reason(), Some(ForwardReason::Request));
        assert_eq!(asked.origin_status(), Some(StatusCode::NOT_MODIFIED));
        assert!(!asked.is_hit() && !asked.collapsed(false).is_collapsed());
    }
}
