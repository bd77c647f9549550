//! The metrics of operations. Their names and labels are documented at [`Traced`](super::Traced).
//!
//! Without the feature `metrics` nothing leaves this file.

use std::sync::Arc;
use std::time::Duration;

use crate::cache::{CacheStats, EntryInfo, FillToken, Lookup, Removal, SetOutcome};
use crate::clock::Clock;
use crate::error::{ErrorKind, Result};
use crate::page::Page;

/// The outcome of a call that its caller has dropped.
const DROPPED: &str = "dropped";

/// How often there was each outcome, by its name.
type Tally = [(&'static str, u64); 2];

/// What an answer says of its keys.
pub(super) trait Outcomes {
    fn tally(&self) -> Tally;
}

impl Outcomes for [Lookup] {
    fn tally(&self) -> Tally {
        let hits = self.iter().filter(|it| matches!(it, Lookup::Hit(_)));
        split("hit", hits.count(), "miss", self.len())
    }
}

impl Outcomes for [SetOutcome] {
    fn tally(&self) -> Tally {
        let stored = self.iter().filter(|it| **it == SetOutcome::Stored);
        split("stored", stored.count(), "outdated", self.len())
    }
}

impl<T> Outcomes for Vec<T>
where
    [T]: Outcomes,
{
    fn tally(&self) -> Tally {
        self.as_slice().tally()
    }
}

macro_rules! of_one_key {
    ($($answer:ty),*) => {
        $(impl Outcomes for $answer {
            fn tally(&self) -> Tally {
                std::slice::from_ref(self).tally()
            }
        })*
    };
}

macro_rules! just_ok {
    ($($answer:ty),*) => {
        $(impl Outcomes for $answer {
            fn tally(&self) -> Tally {
                all("ok", 1)
            }
        })*
    };
}

of_one_key!(Lookup, SetOutcome);
just_ok!(FillToken, Removal, Page<EntryInfo>, CacheStats, u64, ());

fn split(name: &'static str, times: usize, other: &'static str, all: usize) -> Tally {
    [(name, times as u64), (other, (all - times) as u64)]
}

const fn all(name: &'static str, times: u64) -> Tally {
    [(name, times), ("", 0)]
}

/// A call that is measured until it ends, or is dropped.
#[derive(Debug)]
pub(super) struct Measurement<'a> {
    label: &'a Arc<str>,
    operation: &'static str,
    /// How many keys the call is about; 1 if it is about none in particular.
    keys: u64,
    clock: &'a dyn Clock,
    began: Duration,
    has_ended: bool,
}

impl<'a> Measurement<'a> {
    pub(super) fn begin(
        label: &'a Arc<str>,
        operation: &'static str,
        keys: usize,
        clock: &'a dyn Clock,
    ) -> Self {
        Self {
            label,
            operation,
            keys: keys as u64,
            clock,
            began: clock.monotonic(),
            has_ended: false,
        }
    }

    /// Records the answer; returns how long it took.
    pub(super) fn end<T: Outcomes>(mut self, answer: &Result<T>) -> Duration {
        self.has_ended = true;
        match answer {
            Ok(answer) => self.record(answer.tally()),
            Err(error) => self.record(all(name_of(error.kind()), self.keys)),
        }
    }

    fn record(&self, tally: Tally) -> Duration {
        let took = self.clock.monotonic().saturating_sub(self.began);
        for (outcome, times) in tally {
            if times > 0 {
                count(self.label, self.operation, outcome, times);
            }
        }
        time(self.label, self.operation, took);
        took
    }
}

impl Drop for Measurement<'_> {
    fn drop(&mut self) {
        if !self.has_ended {
            self.record(all(DROPPED, self.keys));
        }
    }
}

#[cfg(feature = "metrics")]
fn count(label: &Arc<str>, operation: &'static str, outcome: &'static str, times: u64) {
    metrics::counter!(
        "cache_operations_total",
        "label" => Arc::clone(label), "operation" => operation, "outcome" => outcome
    )
    .increment(times);
}

#[cfg(feature = "metrics")]
fn time(label: &Arc<str>, operation: &'static str, took: Duration) {
    metrics::histogram!(
        "cache_operation_seconds",
        "label" => Arc::clone(label), "operation" => operation
    )
    .record(took);
}

#[cfg(not(feature = "metrics"))]
fn count(_: &Arc<str>, _: &'static str, _: &'static str, _: u64) {}

#[cfg(not(feature = "metrics"))]
fn time(_: &Arc<str>, _: &'static str, _: Duration) {}

const fn name_of(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidInput => "invalid_input",
        ErrorKind::TooLarge => "too_large",
        ErrorKind::Busy => "busy",
        ErrorKind::Throttled => "throttled",
        ErrorKind::Timeout => "timeout",
        ErrorKind::Unavailable => "unavailable",
        ErrorKind::CircuitOpen => "circuit_open",
        ErrorKind::Corrupt => "corrupt",
        ErrorKind::SchemaNewer => "schema_newer",
        ErrorKind::SchemaMissing => "schema_missing",
        ErrorKind::ReadOnly => "read_only",
        ErrorKind::StorageFull => "storage_full",
        ErrorKind::Codec => "codec",
        ErrorKind::Closed => "closed",
    }
}
