//! State that a proxy's connections share: faults, random source and counts.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use store_core::backend::SeededRandom;
use store_core::{Clock, Random, SystemClock};

use super::faults::{Fault, FaultCounts, Faults};

#[derive(Debug)]
pub(super) struct State {
    pub(super) upstream: String,
    clock: SystemClock,
    random: SeededRandom,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    faults: Faults,
    /// Temporary faults, until this time of the monotonic clock.
    temporary: Option<(Faults, Duration)>,
    counts: FaultCounts,
    /// The write units that are left, and since when they have been growing.
    units: f64,
    units_at: Duration,
}

impl State {
    pub(super) fn new(upstream: String, seed: u64, faults: Faults) -> Self {
        Self {
            upstream,
            clock: SystemClock::new(),
            random: SeededRandom::new(seed),
            inner: Mutex::new(Inner {
                faults,
                temporary: None,
                counts: FaultCounts::default(),
                units: f64::INFINITY,
                units_at: Duration::ZERO,
            }),
        }
    }

    pub(super) fn set_faults(&self, faults: Faults) {
        let mut inner = self.lock();
        inner.faults = faults;
        inner.temporary = None;
    }

    pub(super) fn set_faults_for(&self, faults: Faults, duration: Duration) {
        let until = self.clock.monotonic() + duration;
        self.lock().temporary = Some((faults, until));
    }

    pub(super) fn fault_counts(&self) -> FaultCounts {
        self.lock().counts
    }

    /// The fault of the next request, if it applies, and the delay of a slow response.
    pub(super) fn draw(&self) -> (Option<Fault>, Duration) {
        let mut inner = self.lock();
        inner.counts.requests += 1;
        // Drawn under the lock, and always: the n-th request gets the n-th number.
        let high = u32::try_from(self.random.next_u64() >> 32).unwrap_or(u32::MAX);
        // Below one, so that a share of one means each.
        let roll = f64::from(high) / (f64::from(u32::MAX) + 1.0);
        let now = self.clock.monotonic();
        if inner.temporary.is_some_and(|(_, until)| now >= until) {
            inner.temporary = None;
        }
        let faults = inner.temporary.map_or(inner.faults, |(faults, _)| faults);
        (faults.pick(roll), faults.delay)
    }

    /// Takes write units, if there are so many.
    pub(super) fn take_units(&self, units: usize) -> bool {
        let mut inner = self.lock();
        let faults = inner.temporary.map_or(inner.faults, |(faults, _)| faults);
        let Some(per_second) = faults.write_units.map(f64::from) else {
            return true;
        };
        let now = self.clock.monotonic();
        let grown = now.saturating_sub(inner.units_at).as_secs_f64() * per_second;
        inner.units = (inner.units + grown).min(per_second);
        inner.units_at = now;
        let wanted = u32::try_from(units).map_or(f64::INFINITY, f64::from);
        let are_left = inner.units >= wanted;
        if are_left {
            inner.units -= wanted;
        }
        are_left
    }

    pub(super) fn count(&self, fault: Fault) {
        self.lock().counts.count(fault);
    }

    pub(super) async fn pause(&self, duration: Duration) {
        self.clock.sleep(duration).await;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
