//! What makes a response that is on its way outdated: an invalidation since its request was sent.

use sqlite_database::Result;
use sqlite_database::rusqlite::{Connection, OptionalExtension, Transaction, params};
use store_core::{HOUR, Timestamp};

use super::state;
use crate::keys::TargetKey;

/// The invalidations so far, to be remembered when a request is sent.
pub(super) fn count(db: &Connection) -> Result<i64> {
    state::get(db, "invalidations")
}

/// Remembers that a target is invalid.
pub(super) fn remember(tx: &Transaction<'_>, target: TargetKey, now: Timestamp) -> Result<()> {
    let sequence = state::increment(tx, "invalidations")?;
    tx.prepare_cached("INSERT OR REPLACE INTO invalidations VALUES (?1, ?2, ?3)")?
        .execute(params![target.as_bytes(), sequence, now.as_millis()])?;
    Ok(())
}

/// Remembers that everything is invalid.
pub(super) fn remember_all(tx: &Transaction<'_>) -> Result<()> {
    let sequence = state::increment(tx, "invalidations")?;
    state::set(tx, "cleared", sequence)
}

/// Whether a target was invalidated since the first `begun` invalidations, or may have been.
pub(super) fn is_outdated(tx: &Transaction<'_>, target: TargetKey, begun: i64) -> Result<bool> {
    if begun < state::get(tx, "cleared")?.max(state::get(tx, "forgotten")?) {
        return Ok(true);
    }
    let sequence = tx
        .prepare_cached("SELECT sequence FROM invalidations WHERE url_key = ?1")?
        .query_row([&target.as_bytes()[..]], |row| row.get::<_, i64>(0))
        .optional()?;
    Ok(sequence.is_some_and(|sequence| sequence > begun))
}

/// Forgets up to `most` invalidations of an hour ago and before, or of more than an hour ahead: the clock was set
/// back. What was asked for before the last of them is not stored any more. Yields how many there were.
pub(super) fn forget(tx: &Transaction<'_>, now: Timestamp, most: u32) -> Result<usize> {
    let before = now
        .as_millis()
        .saturating_sub(HOUR.as_millis().try_into().unwrap_or(i64::MAX));
    let last = tx
        .prepare_cached(
            "SELECT max(sequence) FROM
                 (SELECT sequence, invalidated_at FROM invalidations ORDER BY sequence LIMIT ?2)
             WHERE invalidated_at <= ?1 OR invalidated_at > ?3",
        )?
        .query_row(params![before, most, (now + HOUR).as_millis()], |row| {
            row.get::<_, Option<i64>>(0)
        })?;
    let Some(last) = last else {
        return Ok(0);
    };
    state::set(tx, "forgotten", last)?;
    Ok(tx.execute("DELETE FROM invalidations WHERE sequence <= ?1", [last])?)
}
