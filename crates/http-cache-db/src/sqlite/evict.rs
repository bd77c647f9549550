//! Making room: older versions of bodies first, then responses by SIEVE (Zhang et al., NSDI 2024).
//!
//! The responses are a queue in the order in which they were first stored. A hand walks over it, from the oldest
//! on: it spares what was used since it passed last, and evicts what was not.

use sqlite_database::Result;
use sqlite_database::rusqlite::{Connection, OptionalExtension, Transaction, params};
use store_core::Timestamp;

use super::content::GIVEN_UP;
use super::remove::{Removed, log_purge, remove_responses, trim_versions};
use super::state;
use crate::store::Evicted;

/// The most responses or versions in one transaction.
const PER_WRITE: u64 = 64;
/// The most used responses that the hand passes in one transaction.
const PASSED_PER_WRITE: u64 = 1_024;

/// The bytes of the file that are in use.
pub(super) fn used_bytes(db: &Connection) -> Result<u64> {
    let number = |pragma: &str| -> Result<i64> {
        let mut statement = db.prepare_cached(pragma)?;
        Ok(statement.query_row([], |row| row.get(0))?)
    };
    let pages = number("PRAGMA page_count")? - number("PRAGMA freelist_count")?;
    Ok((pages * number("PRAGMA page_size")?).unsigned_abs())
}

/// The bytes in use, less those that are free after the next cleanup: long bodies that nobody may use any more.
pub(super) fn lasting_bytes(db: &Connection) -> Result<u64> {
    let mut leaving = db.prepare_cached(
        "SELECT ifnull(sum(compressed_size), 0) FROM body_contents
         WHERE reference_count = 0 AND chunk_count > 0
             AND (content_hash IS NOT NULL OR last_referenced_at = ?1)",
    )?;
    let leaving: i64 = leaving.query_row([GIVEN_UP], |row| row.get(0))?;
    Ok(used_bytes(db)?.saturating_sub(leaving.unsigned_abs()))
}

/// What a transaction evicted.
pub(super) struct Step {
    pub(super) evicted: Evicted,
    /// Whether there may be more to evict.
    pub(super) has_more: bool,
}

/// Frees up to `bytes`, in a transaction of bounded length.
pub(super) fn evict(tx: &Transaction<'_>, bytes: u64, now: Timestamp) -> Result<Step> {
    let mut evicted = Evicted::default();
    while evicted.bytes < bytes && evicted.versions < PER_WRITE {
        let Some(freed) = evict_version(tx, now)? else {
            break;
        };
        evicted.versions += 1;
        evicted.bytes += freed;
    }
    let mut removed = Removed::default();
    let (mut passed, mut has_more) = (0, true);
    while evicted.bytes < bytes && evicted.versions + removed.responses < PER_WRITE {
        let victim = match next_victim(tx, &mut passed)? {
            Next::Victim(victim) => victim,
            Next::Later => break,
            Next::Nothing => {
                has_more = false;
                break;
            }
        };
        let one = remove_responses(tx, &[victim], now)?;
        removed.responses += one.responses;
        removed.bytes += one.bytes;
        evicted.bytes += one.bytes;
    }
    evicted.responses = removed.responses;
    log_purge(tx, "evict", removed, now)?;
    Ok(Step { evicted, has_more })
}

/// Removes the version that was replaced first. Yields the bytes freed; `None` if there is none.
fn evict_version(tx: &Transaction<'_>, now: Timestamp) -> Result<Option<u64>> {
    let mut oldest = tx.prepare_cached(
        "SELECT n.body_id FROM bodies o JOIN bodies n ON n.previous_version_id = o.body_id
         WHERE o.replaced_at IS NOT NULL ORDER BY o.replaced_at LIMIT 1",
    )?;
    let next = oldest.query_row([], |row| row.get(0)).optional()?;
    // It goes with those before it.
    next.map(|next| trim_versions(tx, next, 0, now)).transpose()
}

enum Next {
    Victim(i64),
    /// The hand has passed many that were used: the transaction must end, and the hand goes on from here.
    Later,
    Nothing,
}

/// The next response after the hand that was not used since the hand last passed it.
fn next_victim(tx: &Transaction<'_>, passed: &mut u64) -> Result<Next> {
    let mut next = tx.prepare_cached(
        "SELECT r.response_id, coalesce(s.is_visited, 0)
         FROM responses r LEFT JOIN cache_statistics s ON s.response_id = r.response_id
         WHERE r.response_id > ?1 AND r.is_deleted = 0 ORDER BY r.response_id LIMIT 1",
    )?;
    let mut hand = state::get(tx, "eviction_hand")?;
    let mut has_wrapped = false;
    let victim = loop {
        let row = |row: &sqlite_database::rusqlite::Row<'_>| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)?))
        };
        match next.query_row([hand], row).optional()? {
            Some((id, false)) => {
                hand = id;
                break Next::Victim(id);
            }
            Some((id, true)) => {
                hand = id;
                *passed += 1;
                tx.prepare_cached(
                    "UPDATE cache_statistics SET is_visited = 0 WHERE response_id = ?1",
                )?
                .execute(params![id])?;
                if *passed >= PASSED_PER_WRITE {
                    break Next::Later;
                }
            }
            None if has_wrapped || hand == 0 => break Next::Nothing,
            None => (hand, has_wrapped) = (0, true),
        }
    };
    state::set(tx, "eviction_hand", hand)?;
    Ok(victim)
}
