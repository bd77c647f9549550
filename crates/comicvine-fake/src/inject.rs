//! Injected faults: the errors of the API, of the cache and of the firewall in front of it.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// HTTP 420 with the envelope of status code 107.
    RateLimited,
    /// HTTP 200 with the envelope of status code 107.
    RateLimitedBody,
    /// HTTP 403 with a firewall's page.
    Forbidden,
    /// HTTP 403 with a firewall's `error code: 1015` as plain text.
    AddressBanned,
    /// HTTP 429 with a firewall's page about error 1015.
    AddressLimited,
    /// HTTP 200 with a page titled `Abnormal Traffic Detected`.
    AbnormalTraffic,
    /// HTTP 200 with the site's page about maintenance.
    Maintenance,
    /// HTTP 404 with the site's page for a path that it does not have.
    NotFound,
    /// HTTP 503 with a cache's `first byte timeout` page.
    Unavailable,
    /// HTTP 500 with a short page.
    InternalError,
    /// The normal response, its headers at once and its body after `delay`.
    Slow {
        /// The time between headers and body.
        delay: Duration,
    },
    /// The normal response, padded with spaces at the end of its body.
    Large {
        /// The length of the padded body.
        bytes: usize,
    },
    /// The headers and half of the body of the normal response, then the connection is closed.
    CutOff,
    /// The connection is reset before the first byte.
    Reset,
    /// HTTP 200 without a body.
    EmptyBody,
    /// HTTP 200 with half of the body of the normal response, and the `content-length` of that half.
    HalfBody,
    /// HTTP 200 with half of the gzip stream of the normal response, and the `content-length` of that half.
    /// For a client that does not ask for gzip, the same as [`HalfBody`](Self::HalfBody).
    HalfGzip,
    /// HTTP 200 with the envelope of the normal response, without any of its rows.
    EmptyPage,
    /// The first page of the list or search in place of the requested one.
    RepeatedPage,
}

/// A fault for the next requests within the limits.
///
/// ```
/// use std::{num::NonZeroU32, time::Duration};
/// use comicvine_fake::{Fault, Injection};
///
/// let twice = Injection::new(Fault::RateLimited)
///     .times(NonZeroU32::MIN.saturating_add(1))
///     .on_path("issues")
///     .retry_after(Duration::from_secs(30));
/// assert_eq!(twice.path.as_deref(), Some("issues"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Injection {
    /// The fault.
    pub fault: Fault,
    /// The number of requests it affects. Default: 1.
    pub times: NonZeroU32,
    /// The path it affects, such as `issues` or `search`. Default: any.
    pub path: Option<String>,
    /// The `Retry-After` header of the response, rounded up to whole seconds. Default: none, like the
    /// API.
    pub retry_after: Option<Duration>,
}

impl Injection {
    /// An injection of `fault` into one request on any path.
    #[must_use]
    pub fn new(fault: Fault) -> Self {
        Self {
            fault,
            times: NonZeroU32::MIN,
            path: None,
            retry_after: None,
        }
    }

    /// Sets the number of requests it affects.
    #[must_use]
    pub fn times(mut self, times: NonZeroU32) -> Self {
        self.times = times;
        self
    }

    /// Sets the only path it affects.
    #[must_use]
    pub fn on_path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Adds a `Retry-After` header.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }
}

/// The pending faults. A request takes the oldest that matches its path.
#[derive(Debug, Default)]
pub(crate) struct Injections(Mutex<VecDeque<Injection>>);

/// The fault of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Injected {
    pub(crate) fault: Fault,
    pub(crate) retry_after: Option<Duration>,
}

impl Injections {
    pub(crate) fn add(&self, injection: Injection) {
        self.queue().push_back(injection);
    }

    pub(crate) fn clear(&self) {
        self.queue().clear();
    }

    pub(crate) fn take(&self, path: &str) -> Option<Injected> {
        let mut queue = self.queue();
        let index = queue
            .iter()
            .position(|injection| injection.path.as_deref().is_none_or(|only| only == path))?;
        let injection = queue.get_mut(index)?;
        let injected = Injected {
            fault: injection.fault,
            retry_after: injection.retry_after,
        };
        match NonZeroU32::new(injection.times.get() - 1) {
            Some(left) => injection.times = left,
            None => {
                queue.remove(index);
            }
        }
        Some(injected)
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<Injection>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn injection_affects_its_number_of_requests_on_its_path() {
        let injections = Injections::default();
        let twice = NonZeroU32::new(2).unwrap();
        injections.add(
            Injection::new(Fault::Forbidden)
                .on_path("issue")
                .times(twice),
        );
        injections.add(Injection::new(Fault::Reset));
        let taken: Vec<Option<Fault>> = ["volume", "issue", "issue", "issue"]
            .into_iter()
            .map(|path| injections.take(path).map(|injected| injected.fault))
            .collect();
        let expected = [
            Some(Fault::Reset),
            Some(Fault::Forbidden),
            Some(Fault::Forbidden),
            None,
        ];
        assert_eq!(taken, expected);
    }
}
