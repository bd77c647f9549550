//! The parts that the stores of a table have in common: table, clock, closed flag.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use store_core::{Clock, Error, ErrorKind, Result, Timestamp};

use crate::error::BACKEND;
use crate::table::DynamoDbTable;

/// Table, clock and closed flag of one store.
#[derive(Debug)]
pub(crate) struct Handle {
    table: DynamoDbTable,
    clock: Arc<dyn Clock>,
    is_closed: AtomicBool,
}

impl Handle {
    pub(crate) fn new(table: &DynamoDbTable, clock: Arc<dyn Clock>) -> Self {
        Self {
            table: table.clone(),
            clock,
            is_closed: AtomicBool::new(false),
        }
    }

    /// The table, or [`ErrorKind::Closed`].
    pub(crate) fn table(&self, operation: &'static str) -> Result<&DynamoDbTable> {
        if self.is_closed.load(Ordering::Acquire) {
            let error = Error::new(ErrorKind::Closed, BACKEND, operation);
            return Err(error.with_detail("the store was closed; create another"));
        }
        Ok(&self.table)
    }

    pub(crate) fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
    }
}
