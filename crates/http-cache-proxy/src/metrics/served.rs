//! What the cache did with a request, as it is counted.

use http::{Response, StatusCode};
use http_cache_db::engine::{CacheStatus, ForwardReason};

/// What the cache did with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Served {
    /// A fresh response answered.
    Hit,
    /// A stale one did.
    StaleHit,
    /// The answer to an equal request answered.
    Collapsed,
    /// The origin confirmed the stored response, which answered.
    Validated,
    /// The origin answered: nothing was stored.
    UriMiss,
    /// No variant fitted.
    VaryMiss,
    /// A part was stored.
    Partial,
    /// The stored response was stale.
    Stale,
    /// The request wanted a validation.
    Request,
    /// Answers to the method are not stored.
    Method,
    /// Only the origin can answer.
    Bypass,
    /// The proxy answered by itself, or in place of the origin.
    Proxy,
    /// The client left before the answer began.
    Aborted,
}

impl Served {
    pub(crate) const ALL: [Self; 13] = [
        Self::Hit,
        Self::StaleHit,
        Self::Collapsed,
        Self::Validated,
        Self::UriMiss,
        Self::VaryMiss,
        Self::Partial,
        Self::Stale,
        Self::Request,
        Self::Method,
        Self::Bypass,
        Self::Proxy,
        Self::Aborted,
    ];
    /// By whether the cache answered: without the origin, after it was asked, or neither.
    pub(super) const GROUPS: [&'static str; 3] = ["hit", "miss", "none"];

    /// What was done to get this answer.
    pub(crate) fn of<B>(response: &Response<B>) -> Self {
        let Some(status) = response.extensions().get::<CacheStatus>() else {
            return Self::Proxy;
        };
        if status.is_hit() {
            return if status.is_stale_hit() {
                Self::StaleHit
            } else {
                Self::Hit
            };
        }
        if status.is_collapsed() {
            return Self::Collapsed;
        }
        let is_confirmed = status.origin_status() == Some(StatusCode::NOT_MODIFIED);
        match status.forward_reason() {
            Some(ForwardReason::Stale | ForwardReason::Request) if is_confirmed => Self::Validated,
            Some(ForwardReason::UriMiss) => Self::UriMiss,
            Some(ForwardReason::VaryMiss) => Self::VaryMiss,
            Some(ForwardReason::Partial) => Self::Partial,
            Some(ForwardReason::Stale) => Self::Stale,
            Some(ForwardReason::Request) => Self::Request,
            Some(ForwardReason::Method) => Self::Method,
            Some(ForwardReason::Bypass) => Self::Bypass,
            None => Self::Proxy,
        }
    }

    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Hit => "hit",
            Self::StaleHit => "stale-hit",
            Self::Collapsed => "collapsed",
            Self::Validated => "validated",
            Self::UriMiss => "uri-miss",
            Self::VaryMiss => "vary-miss",
            Self::Partial => "partial",
            Self::Stale => "stale",
            Self::Request => "request",
            Self::Method => "method",
            Self::Bypass => "bypass",
            Self::Proxy => "proxy",
            Self::Aborted => "aborted",
        }
    }

    /// That in [`Self::ALL`].
    pub(super) const fn index(self) -> usize {
        self as usize
    }

    /// That in [`Self::GROUPS`].
    pub(super) const fn group(self) -> usize {
        match self {
            Self::Hit | Self::StaleHit => 0,
            Self::Collapsed
            | Self::Validated
            | Self::UriMiss
            | Self::VaryMiss
            | Self::Partial
            | Self::Stale
            | Self::Request
            | Self::Method
            | Self::Bypass => 1,
            Self::Proxy | Self::Aborted => 2,
        }
    }

    /// Whether the body came from the cache.
    pub(super) const fn is_saved(self) -> bool {
        matches!(
            self,
            Self::Hit | Self::StaleHit | Self::Collapsed | Self::Validated
        )
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn of(status: Option<CacheStatus>) -> Served {
        let mut response = Response::new(());
        if let Some(status) = status {
            response.extensions_mut().insert(status);
        }
        Served::of(&response)
    }

    #[test]
    fn an_answer_says_what_was_done() {
        let new = || CacheStatus::new("a");
        let confirmed = |reason| {
            let status = new().forwarded(reason);
            of(Some(status.forward_status(StatusCode::NOT_MODIFIED)))
        };
        assert_eq!(of(Some(new().hit(Some(Duration::ZERO)))), Served::Hit);
        assert_eq!(of(Some(new().hit(None))), Served::StaleHit);
        assert_eq!(confirmed(ForwardReason::Stale), Served::Validated);
        // The client's own condition.
        assert_eq!(confirmed(ForwardReason::UriMiss), Served::UriMiss);
        let waited = new().forwarded(ForwardReason::UriMiss).collapsed(true);
        assert_eq!(of(Some(waited)), Served::Collapsed);
        assert_eq!(
            of(Some(new().forwarded(ForwardReason::Bypass))),
            Served::Bypass
        );
        assert_eq!(of(Some(new().detail("only-if-cached"))), Served::Proxy);
        assert_eq!(of(None), Served::Proxy);
    }
}
