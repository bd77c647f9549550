//! The parts of a file of bounded size: the cache evicts before it fills its part, and results of jobs are
//! not shared beyond theirs, so that a reserve is left in which the limiter goes on.

use rusqlite::Connection;

use crate::error::TransactionError;

/// The part of the file that the cache leaves free: an eighth.
const RESERVE_SHARE: u64 = 8;
/// The most pages of it: 64 MiB, at 8 KiB a page.
const MAX_RESERVE: u64 = 8192;
/// The fewest pages of it, in a file that is large enough.
const MIN_RESERVE: u64 = 32;
/// Pages that a row may add to the trees of its table besides those for its bytes.
const EXTRA_PAGES: u64 = 4;

/// The pages in use of a file of bounded size.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    max: u64,
    used: u64,
    page_bytes: u64,
}

impl Room {
    /// The room in a file of at most `max_pages`; `None` if nothing bounds the file.
    pub(crate) fn of(
        tx: &Connection,
        max_pages: Option<u64>,
    ) -> Result<Option<Self>, TransactionError> {
        let Some(max) = max_pages else {
            return Ok(None);
        };
        Ok(Some(Self {
            max,
            used: used(tx)?,
            page_bytes: number(tx, "PRAGMA page_size")?.unsigned_abs(),
        }))
    }

    /// Reads the pages in use again.
    pub(crate) fn refresh(&mut self, tx: &Connection) -> Result<(), TransactionError> {
        self.used = used(tx)?;
        Ok(())
    }

    /// Whether a row of `bytes` fits into the part of the cache.
    pub(crate) fn fits_cache(&self, bytes: u64) -> bool {
        self.used + self.pages(bytes) <= self.max - self.reserve()
    }

    /// Whether a row of `bytes` leaves what only the limiter and the jobs themselves may use.
    pub(crate) fn fits(&self, bytes: u64) -> bool {
        self.used + self.pages(bytes) <= self.max - self.reserve() / 2
    }

    /// Whether a row of `bytes` would fit into the part of the cache if that were empty.
    pub(crate) fn could_fit(&self, bytes: u64) -> bool {
        self.pages(bytes) <= self.max - self.reserve()
    }

    fn reserve(&self) -> u64 {
        let least = MIN_RESERVE.min(self.max / 4);
        (self.max / RESERVE_SHARE).clamp(least, MAX_RESERVE)
    }

    fn pages(&self, bytes: u64) -> u64 {
        bytes / self.page_bytes.max(1) + EXTRA_PAGES
    }
}

fn used(tx: &Connection) -> Result<u64, TransactionError> {
    let used = number(tx, "PRAGMA page_count")? - number(tx, "PRAGMA freelist_count")?;
    Ok(used.unsigned_abs())
}

fn number(tx: &Connection, pragma: &str) -> Result<i64, TransactionError> {
    Ok(tx.prepare_cached(pragma)?.query_row([], |row| row.get(0))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_follow_each_other_in_files_of_any_size() {
        for max in [1, 2, 64, 1_000, 1_000_000, 4_000_000_000] {
            let room = Room {
                max,
                used: 0,
                page_bytes: 8192,
            };
            let reserve = room.reserve();
            assert!(reserve <= max / 4 && reserve <= MAX_RESERVE, "{max}");
            let bytes = max.saturating_sub(reserve / 2 + EXTRA_PAGES) * 8192;
            assert!(max < EXTRA_PAGES || room.fits(bytes), "{max}");
            assert!(reserve < 2 || !room.fits_cache(bytes), "{max}");
        }
    }
}
