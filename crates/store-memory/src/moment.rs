//! One reading of both clocks: by the wall clock things end, and a clock that was set back prolongs
//! nothing.

use std::time::Duration;

use store_core::{Clock, MINUTE, Timestamp};

/// Wall and monotonic clock may drift apart by as much before the wall clock counts as set back.
pub(crate) const DRIFT: Duration = MINUTE;

/// One reading of both clocks.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moment {
    pub(crate) now: Timestamp,
    pub(crate) monotonic: Duration,
}

impl Moment {
    pub(crate) fn of(clock: &dyn Clock) -> Self {
        Self {
            now: clock.now(),
            monotonic: clock.monotonic(),
        }
    }
}
