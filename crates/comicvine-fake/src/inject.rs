//! Faults on request: what the API, its cache and its firewall answer on a bad day.

use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// One way to misbehave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// HTTP 420 and the envelope of status 107.
    RateLimited,
    /// HTTP 403 and a firewall's page.
    Forbidden,
    /// HTTP 200 and a page titled `Abnormal Traffic Detected`.
    AbnormalTraffic,
    /// HTTP 503 and a cache's `first byte timeout` page.
    Unavailable,
    /// HTTP 500 and a short page.
    InternalError,
    /// The right answer: its headers at once, its body after `delay`.
    Slow {
        /// Time between headers and body.
        delay: Duration,
    },
    /// The right answer's headers and half of its body, then the connection ends.
    CutOff,
    /// The connection is reset before the first byte.
    Reset,
}

/// A fault for the next requests that are within the limits.
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
    /// What happens.
    pub fault: Fault,
    /// To how many requests. Default: 1.
    pub times: NonZeroU32,
    /// Only to requests of this path of the API, such as `issues` or `search`. Default: any.
    pub path: Option<String>,
    /// A `Retry-After` header on the answer, in whole seconds, rounded up. Default: none, like
    /// the API.
    pub retry_after: Option<Duration>,
}

impl Injection {
    /// `fault`, once, on any path.
    #[must_use]
    pub fn new(fault: Fault) -> Self {
        Self {
            fault,
            times: NonZeroU32::MIN,
            path: None,
            retry_after: None,
        }
    }

    /// Sets how many requests it happens to.
    #[must_use]
    pub fn times(mut self, times: NonZeroU32) -> Self {
        self.times = times;
        self
    }

    /// Spares all paths but this one.
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

/// Faults still to happen; the oldest that fits a request is its.
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
    fn each_injection_lasts_as_long_as_it_says_and_on_its_path() {
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
