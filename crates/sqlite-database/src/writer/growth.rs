//! The limit of the file's growth while the disk is almost full.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Transaction;

use crate::error::Result;
use crate::space::{Level, Space};

/// Sets the maximum size of the file to its present size while there is little space.
#[derive(Debug)]
pub(crate) struct Growth {
    space: Arc<Space>,
    /// The maximum size otherwise.
    max_pages: i64,
    is_limited: AtomicBool,
}

impl Growth {
    pub(crate) fn new(space: Arc<Space>, max_pages: i64) -> Self {
        Self {
            space,
            max_pages,
            is_limited: AtomicBool::new(false),
        }
    }

    /// Limits the transaction, of the only connection whose limit is set here.
    ///
    /// Each anew, because other processes, or vacuums, may have changed the size.
    pub(super) fn limit(&self, transaction: &Transaction<'_>) -> Result<()> {
        let is_low = self.space.level() == Level::Low;
        if !self.is_limited.swap(is_low, Ordering::Relaxed) && !is_low {
            return Ok(());
        }
        // SQLite takes the present size for anything less.
        let pages = if is_low { 1 } else { self.max_pages };
        let sql = format!("PRAGMA max_page_count = {pages}");
        Ok(transaction
            .prepare_cached(&sql)?
            .query_row([], |_| Ok(()))?)
    }
}
