//! What requests have consumed, as the service says.

use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_sdk_dynamodb::types::ConsumedCapacity;

use super::DynamoDbTable;
use crate::monitor::{READ_UNITS, WRITE_UNITS};

/// Capacity consumed, and requests made.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Consumed {
    /// Requests sent; what the client sent again by itself is not counted.
    pub requests: u64,
    /// Read units: one for 4 KB read consistently.
    pub read_units: f64,
    /// Write units: one for 1 KB written. Refused writes are billed too, and not in here: the service
    /// reports nothing for them.
    pub write_units: f64,
    /// Writes whose condition did not hold.
    pub refused_writes: u64,
}

impl DynamoDbTable {
    /// Counts what a read has consumed.
    pub(super) fn count_reads<'a>(
        &self,
        operation: &'static str,
        of: impl IntoIterator<Item = &'a ConsumedCapacity>,
    ) {
        let units = sum(of);
        self.shared.consumed.lock().read_units += units;
        self.monitor().consumed(READ_UNITS, operation, units);
    }

    /// Counts what a write has consumed.
    pub(super) fn count_writes<'a>(
        &self,
        operation: &'static str,
        of: impl IntoIterator<Item = &'a ConsumedCapacity>,
    ) {
        let units = sum(of);
        self.shared.consumed.lock().write_units += units;
        self.monitor().consumed(WRITE_UNITS, operation, units);
    }
}

fn sum<'a>(of: impl IntoIterator<Item = &'a ConsumedCapacity>) -> f64 {
    of.into_iter().filter_map(|part| part.capacity_units).sum()
}

#[derive(Debug, Default)]
pub(super) struct Tally(Mutex<Consumed>);

impl Tally {
    pub(super) fn read(&self) -> Consumed {
        *self.lock()
    }

    pub(super) fn count_request(&self) {
        self.lock().requests += 1;
    }

    pub(super) fn count_refused(&self) {
        self.lock().refused_writes += 1;
    }

    fn lock(&self) -> MutexGuard<'_, Consumed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
