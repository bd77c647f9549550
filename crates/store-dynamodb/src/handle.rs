//! The parts that the stores of a table have in common: table, closed flag.

use std::sync::atomic::{AtomicBool, Ordering};

use store_core::{Error, ErrorKind, Result};

use crate::error::BACKEND;
use crate::table::{DynamoDbTable, Requests};

/// Table and closed flag of one store.
#[derive(Debug)]
pub(crate) struct Handle {
    table: DynamoDbTable,
    is_closed: AtomicBool,
}

impl Handle {
    pub(crate) fn new(table: &DynamoDbTable) -> Self {
        Self {
            table: table.clone(),
            is_closed: AtomicBool::new(false),
        }
    }

    /// The requests of an operation, or [`ErrorKind::Closed`].
    pub(crate) fn requests(&self, operation: &'static str) -> Result<Requests<'_>> {
        if self.is_closed.load(Ordering::Acquire) {
            let error = Error::new(ErrorKind::Closed, BACKEND, operation);
            return Err(error.with_detail("the store was closed; create another"));
        }
        Ok(self.table.requests(operation))
    }

    /// The table, also of a store that was closed: what is owed to others is paid all the same.
    pub(crate) const fn table(&self) -> &DynamoDbTable {
        &self.table
    }

    pub(crate) fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
    }
}
