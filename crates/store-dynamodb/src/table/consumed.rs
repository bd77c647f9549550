//! Consumed capacity, as reported by the service.

use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_sdk_dynamodb::types::ConsumedCapacity as Reported;

#[cfg(doc)]
use super::DynamoDbTable;
use super::Requests;
use crate::ops::monitor::{READ_UNITS, WRITE_UNITS};

/// Capacity consumed and requests sent by a table handle, from [`DynamoDbTable::consumed_capacity`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ConsumedCapacity {
    /// Requests sent, without the client's own retries.
    pub requests: u64,
    /// Read units: one per 4 KB of a strongly consistent read.
    pub read_units: f64,
    /// Write units: one per 1 KB written. Refused writes are billed as well but not included, because the
    /// service does not report them.
    pub write_units: f64,
    /// Writes whose condition failed.
    pub refused_writes: u64,
}

impl Requests<'_> {
    /// Adds the capacity of a read.
    pub(super) fn count_reads<'a>(self, of: impl IntoIterator<Item = &'a Reported>) {
        let units = sum(of);
        self.table.shared.consumed.lock().read_units += units;
        let monitor = self.table.monitor();
        monitor.consumed(READ_UNITS, self.operation, units);
    }

    /// Adds the capacity of a write.
    pub(super) fn count_writes<'a>(self, of: impl IntoIterator<Item = &'a Reported>) {
        let units = sum(of);
        self.table.shared.consumed.lock().write_units += units;
        let monitor = self.table.monitor();
        monitor.consumed(WRITE_UNITS, self.operation, units);
    }
}

fn sum<'a>(of: impl IntoIterator<Item = &'a Reported>) -> f64 {
    of.into_iter().filter_map(|part| part.capacity_units).sum()
}

#[derive(Debug, Default)]
pub(super) struct CapacityCounter(Mutex<ConsumedCapacity>);

impl CapacityCounter {
    pub(super) fn read(&self) -> ConsumedCapacity {
        *self.lock()
    }

    pub(super) fn count_request(&self) {
        self.lock().requests += 1;
    }

    pub(super) fn count_refused(&self) {
        self.lock().refused_writes += 1;
    }

    fn lock(&self) -> MutexGuard<'_, ConsumedCapacity> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
