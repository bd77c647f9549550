//! Clock skew, from a reading of the service's clock between two readings of this host's.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use aws_sdk_dynamodb::config::interceptors::{
    BeforeDeserializationInterceptorContextRef, BeforeTransmitInterceptorContextRef,
};
use aws_sdk_dynamodb::config::{ConfigBag, Intercept, RuntimeComponents};
use aws_sdk_dynamodb::error::BoxError;
use aws_sdk_dynamodb::primitives::{DateTime, DateTimeFormat};
use store_core::{Clock, Timestamp};

/// Resolution of the `Date` header (RFC 9110, section 5.6.7).
const TICK_MILLIS: i64 = 1_000;

/// Skew of the service's clock against this host's, as an interval in milliseconds: positive if the service is
/// ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClockSkew {
    /// Lower bound.
    pub min_millis: i64,
    /// Upper bound.
    pub max_millis: i64,
}

impl ClockSkew {
    /// Whether the skew certainly exceeds `allowed`. The `Date` header has whole seconds, so the interval is at
    /// least one second wide.
    #[must_use]
    pub fn exceeds(&self, allowed: Duration) -> bool {
        let allowed = i64::try_from(allowed.as_millis()).unwrap_or(i64::MAX);
        self.min_millis > allowed || self.max_millis < -allowed
    }

    /// The skew that follows from a response dated `told`, in whole seconds, between `sent` and `received`.
    fn between(sent: Timestamp, received: Timestamp, told: Timestamp) -> Self {
        let told = told.as_millis();
        Self {
            min_millis: told.saturating_sub(received.as_millis()),
            max_millis: told
                .saturating_add(TICK_MILLIS)
                .saturating_sub(sent.as_millis()),
        }
    }
}

impl fmt::Display for ClockSkew {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            min_millis,
            max_millis,
        } = self;
        write!(f, "{min_millis} to {max_millis} ms")
    }
}

/// Reads the times of answers while they pass.
#[derive(Clone, Debug)]
pub(super) struct Dates {
    clock: Arc<dyn Clock>,
    seen: Arc<Mutex<Seen>>,
}

#[derive(Debug, Default)]
struct Seen {
    sent: Option<Timestamp>,
    difference: Option<ClockSkew>,
}

impl Dates {
    pub(super) fn new(clock: &Arc<dyn Clock>) -> Self {
        Self {
            clock: Arc::clone(clock),
            seen: Arc::default(),
        }
    }

    /// What the last answer showed.
    pub(super) fn difference(&self) -> Option<ClockSkew> {
        self.lock().difference
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intercept for Dates {
    fn name(&self) -> &'static str {
        "dates"
    }

    fn read_before_transmit(
        &self,
        _context: &BeforeTransmitInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        self.lock().sent = Some(self.clock.now());
        Ok(())
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let received = self.clock.now();
        let told = context.response().headers().get("date").and_then(told);
        let mut seen = self.lock();
        if let (Some(sent), Some(told)) = (seen.sent, told) {
            seen.difference = Some(ClockSkew::between(sent, received, told));
        }
        Ok(())
    }
}

fn told(date: &str) -> Option<Timestamp> {
    let date = DateTime::from_str(date, DateTimeFormat::HttpDate).ok()?;
    date.to_millis().ok().map(Timestamp::from_millis)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn difference(sent: i64, received: i64, told: i64) -> ClockSkew {
        let [sent, received, told] = [sent, received, told].map(Timestamp::from_millis);
        ClockSkew::between(sent, received, told)
    }

    #[test]
    fn the_true_difference_lies_within_the_bounds() {
        for ahead in [-90_000_i64, -1_500, -1, 0, 1, 700, 3_600_000] {
            for (sent, answered, received) in [(10_100, 10_120, 10_140), (9_999, 10_000, 12_000)] {
                let told = (answered + ahead).div_euclid(1_000) * 1_000;
                let found = difference(sent, received, told);
                assert!(found.min_millis <= ahead, "{found} {ahead}");
                assert!(found.max_millis >= ahead, "{found} {ahead}");
            }
        }
    }

    #[test]
    fn only_what_is_certain_counts() {
        let skew = Duration::from_millis(20);
        assert!(!difference(10_000, 10_030, 10_000).exceeds(skew));
        assert!(!difference(10_990, 10_999, 10_000).exceeds(skew));
        assert!(difference(11_021, 11_030, 10_000).exceeds(skew), "behind");
        assert!(difference(9_970, 9_979, 10_000).exceeds(skew), "ahead");
        assert!(!difference(9_970, 9_979, 10_000).exceeds(skew * 2));
    }

    #[test]
    fn dates_are_read_as_servers_write_them() {
        let date = told("Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(date, Some(Timestamp::from_millis(784_111_777_000)));
        assert_eq!(told("yesterday"), None);
    }
}
