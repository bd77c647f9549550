//! Making room in a file of bounded size: values go in the order in which they expire, and those that
//! never do after them, the oldest first.

use rusqlite::Transaction;
use store_core::{NewEntry, Timestamp};

use super::invalidations::Epochs;
use super::{hidden, write};
use crate::cleanup::StepTime;
use crate::error::TransactionError;
use crate::room::Room;

/// What a value takes besides its bytes, key and tags, at most.
const ROW_BYTES: u64 = 128;
/// So many times the bytes of the new value are evicted at most: pages are freed as a whole, and freeing
/// one may take more values than the new one is long.
const MAX_EVICTED: u64 = 4;
/// The most values that make way for one.
const MAX_ROWS: u32 = 512;
/// The hidden values that are freed before the pages in use are counted again.
const HIDDEN_PER_STEP: u32 = 64;
/// The values that are evicted before the pages in use are counted again.
const ROWS_PER_COUNT: usize = 8;

/// What was done to make room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Made {
    /// There is room. The row of a value that was evicted for it, if any: a new one in its place uses the
    /// space in its page, which one at the end of the table would not.
    Room(Option<i64>),
    /// The file is full of what the cache may not evict.
    Full,
}

/// The bytes that an entry takes in the file.
pub(super) fn size(entry: &NewEntry) -> u64 {
    let tags: usize = entry.tags.iter().map(|tag| tag.as_str().len()).sum();
    let keys = entry.key.as_str().len() * (2 + 2 * entry.tags.len());
    (entry.value.len() + keys + 2 * tags) as u64 + ROW_BYTES
}

/// Evicts values until `bytes` more fit into the part of the cache.
pub(super) fn make_room(
    tx: &Transaction<'_>,
    mut room: Room,
    bytes: u64,
    epochs: Epochs,
    now: Timestamp,
) -> Result<Made, TransactionError> {
    if !room.could_fit(bytes) {
        return Ok(Made::Full);
    }
    // Hidden values first; they are removed in another order than they expire in.
    let mut steps = MAX_ROWS / HIDDEN_PER_STEP;
    while epochs.hidden > 0 && steps > 0 && !room.fits_cache(bytes) {
        steps -= 1;
        hidden::free_step(tx, HIDDEN_PER_STEP, now, &StepTime::unlimited())?;
        room.refresh(tx)?;
    }
    let (mut place, mut evicted) = (None, 0);
    for expires in [
        "SELECT rowid, hash, length(value) FROM cache WHERE expires_at > 0 ORDER BY expires_at LIMIT ?1",
        "SELECT rowid, hash, length(value) FROM cache WHERE expires_at = 0 LIMIT ?1",
    ] {
        let victims = tx
            .prepare_cached(expires)?
            .query_map([MAX_ROWS], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })?
            .collect::<Result<Vec<(i64, String, i64)>, _>>()?;
        for some in victims.chunks(ROWS_PER_COUNT) {
            if room.fits_cache(bytes) || evicted >= MAX_EVICTED * bytes {
                break;
            }
            for (row, hash, length) in some {
                write::remove_hash(tx, hash)?;
                evicted += length.unsigned_abs() + hash.len() as u64 + ROW_BYTES;
                place.get_or_insert(*row);
            }
            room.refresh(tx)?;
        }
    }
    Ok(if room.fits(bytes) {
        Made::Room(place)
    } else {
        Made::Full
    })
}
