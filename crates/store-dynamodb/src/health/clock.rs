//! How far two clocks are apart, by what one of them told in between two readings of the other.

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

/// How long one tick of the service's clock is, as it tells the time (RFC 9110, section 5.6.7).
const TICK_MILLIS: i64 = 1_000;

/// By how much the service's clock is ahead of this host's: something between two bounds, in
/// milliseconds. Negative if it is behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClockDifference {
    /// At least so much.
    pub least_millis: i64,
    /// At most so much.
    pub most_millis: i64,
}

impl ClockDifference {
    /// Whether the clocks are certainly further apart than `allowed`. The service tells whole seconds,
    /// so less than a second can never be certain.
    #[must_use]
    pub fn exceeds(&self, allowed: Duration) -> bool {
        let allowed = i64::try_from(allowed.as_millis()).unwrap_or(i64::MAX);
        self.least_millis > allowed || self.most_millis < -allowed
    }

    /// What follows from an answer that was made at `told`, to whole seconds, between `sent` and
    /// `received`.
    fn between(sent: Timestamp, received: Timestamp, told: Timestamp) -> Self {
        let told = told.as_millis();
        Self {
            least_millis: told.saturating_sub(received.as_millis()),
            most_millis: told
                .saturating_add(TICK_MILLIS)
                .saturating_sub(sent.as_millis()),
        }
    }
}

impl fmt::Display for ClockDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            least_millis,
            most_millis,
        } = self;
        write!(f, "{least_millis} to {most_millis} ms")
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
    difference: Option<ClockDifference>,
}

impl Dates {
    pub(super) fn new(clock: &Arc<dyn Clock>) -> Self {
        Self {
            clock: Arc::clone(clock),
            seen: Arc::default(),
        }
    }

    /// What the last answer showed.
    pub(super) fn difference(&self) -> Option<ClockDifference> {
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
            seen.difference = Some(ClockDifference::between(sent, received, told));
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

    fn difference(sent: i64, received: i64, told: i64) -> ClockDifference {
        let [sent, received, told] = [sent, received, told].map(Timestamp::from_millis);
        ClockDifference::between(sent, received, told)
    }

    #[test]
    fn the_true_difference_lies_within_the_bounds() {
        for ahead in [-90_000_i64, -1_500, -1, 0, 1, 700, 3_600_000] {
            for (sent, answered, received) in [(10_100, 10_120, 10_140), (9_999, 10_000, 12_000)] {
                let told = (answered + ahead).div_euclid(1_000) * 1_000;
                let found = difference(sent, received, told);
                assert!(found.least_millis <= ahead, "{found} {ahead}");
                assert!(found.most_millis >= ahead, "{found} {ahead}");
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
