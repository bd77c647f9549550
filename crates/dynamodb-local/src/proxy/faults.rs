//! The kinds of fault, their rates and their counts.

use std::time::Duration;

/// The share of requests, from 0 to 1, that gets each kind of fault. A fault that does not apply to a request is
/// not injected: only batches can be left unprocessed, only writes can conflict.
///
/// ```
/// use dynamodb_local::Faults;
///
/// let faults = Faults::each(0.05).with_reset(0.0);
/// assert_eq!(faults.throttling, 0.05);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Faults {
    /// Refused with `ThrottlingException`. Default: 0.
    pub throttling: f64,
    /// Refused with `ProvisionedThroughputExceededException`. Default: 0.
    pub throughput_exceeded: f64,
    /// Fails with `InternalServerError`, without effect. Default: 0.
    pub server_error: f64,
    /// The connection is reset, without effect. Default: 0.
    pub reset: f64,
    /// The response is delayed by [`delay`](Self::delay). Default: 0.
    pub slow: f64,
    /// The request takes effect, but the connection is closed instead of a response. Default: 0.
    pub lost_response: f64,
    /// A write is refused because of a concurrent one: `TransactionConflictException`, or
    /// `TransactionCanceledException` for a transaction. Default: 0.
    pub conflict: f64,
    /// Half of a batch of two or more is processed, and the rest returned as unprocessed. Default: 0.
    pub unprocessed: f64,
    /// Delay of a slow response. Default: 1 s.
    pub delay: Duration,
    /// Writes per second, as of a table with so many provisioned units and items below 1 KB; more than this are
    /// refused with `ProvisionedThroughputExceededException`, and one second's worth can be saved up. Default: any
    /// number.
    pub write_units: Option<u32>,
}

impl Default for Faults {
    fn default() -> Self {
        Self::each(0.0)
    }
}

macro_rules! with {
    ($($with:ident $field:ident),+) => {$(
        #[doc = concat!("Sets [`", stringify!($field), "`](Self::", stringify!($field), ").")]
        #[must_use]
        pub const fn $with(mut self, share: f64) -> Self {
            self.$field = share;
            self
        }
    )+};
}

impl Faults {
    /// Each kind for the same share of the requests.
    #[must_use]
    pub const fn each(share: f64) -> Self {
        Self {
            throttling: share,
            throughput_exceeded: share,
            server_error: share,
            reset: share,
            slow: share,
            lost_response: share,
            conflict: share,
            unprocessed: share,
            delay: Duration::from_secs(1),
            write_units: None,
        }
    }

    with!(
        with_throttling throttling,
        with_throughput_exceeded throughput_exceeded,
        with_server_error server_error,
        with_reset reset,
        with_slow slow,
        with_lost_response lost_response,
        with_conflict conflict,
        with_unprocessed unprocessed
    );

    /// Sets [`delay`](Self::delay).
    #[must_use]
    pub const fn with_delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Sets [`write_units`](Self::write_units).
    #[must_use]
    pub const fn with_write_units(mut self, per_second: u32) -> Self {
        self.write_units = Some(per_second);
        self
    }

    /// The fault of a request with the random number `roll`, from 0 to 1.
    pub(super) fn pick(&self, roll: f64) -> Option<Fault> {
        let shares = [
            (Fault::Throttling, self.throttling),
            (Fault::ThroughputExceeded, self.throughput_exceeded),
            (Fault::ServerError, self.server_error),
            (Fault::Reset, self.reset),
            (Fault::Slow, self.slow),
            (Fault::LostResponse, self.lost_response),
            (Fault::Conflict, self.conflict),
            (Fault::Unprocessed, self.unprocessed),
        ];
        let mut below = 0.0;
        for (fault, share) in shares {
            below += share;
            if roll < below {
                return Some(fault);
            }
        }
        None
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    Throttling,
    ThroughputExceeded,
    ServerError,
    Reset,
    Slow,
    LostResponse,
    Conflict,
    Unprocessed,
}

/// Number of requests, and of faults injected by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FaultCounts {
    /// All requests, with and without faults.
    pub requests: u64,
    /// See [`Faults::throttling`].
    pub throttling: u64,
    /// See [`Faults::throughput_exceeded`] and [`Faults::write_units`].
    pub throughput_exceeded: u64,
    /// See [`Faults::server_error`].
    pub server_errors: u64,
    /// See [`Faults::reset`].
    pub resets: u64,
    /// See [`Faults::slow`].
    pub slow: u64,
    /// See [`Faults::lost_response`].
    pub lost_responses: u64,
    /// See [`Faults::conflict`].
    pub conflicts: u64,
    /// See [`Faults::unprocessed`].
    pub unprocessed: u64,
}

impl FaultCounts {
    /// Sum of all faults.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.throttling
            + self.throughput_exceeded
            + self.server_errors
            + self.resets
            + self.slow
            + self.lost_responses
            + self.conflicts
            + self.unprocessed
    }

    pub(super) fn count(&mut self, fault: Fault) {
        *match fault {
            Fault::Throttling => &mut self.throttling,
            Fault::ThroughputExceeded => &mut self.throughput_exceeded,
            Fault::ServerError => &mut self.server_errors,
            Fault::Reset => &mut self.resets,
            Fault::Slow => &mut self.slow,
            Fault::LostResponse => &mut self.lost_responses,
            Fault::Conflict => &mut self.conflicts,
            Fault::Unprocessed => &mut self.unprocessed,
        } += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_cut_out_of_the_roll_one_after_the_other() {
        let faults = Faults::default().with_throttling(0.5).with_reset(0.25);
        assert_eq!(faults.pick(0.0), Some(Fault::Throttling));
        assert_eq!(faults.pick(0.49), Some(Fault::Throttling));
        assert_eq!(faults.pick(0.5), Some(Fault::Reset));
        assert_eq!(faults.pick(0.75), None);
        assert_eq!(Faults::default().pick(0.0), None);
    }
}
