//! Cooldowns: the time until which a server asked for no requests.

use rusqlite::{Connection, OptionalExtension, Transaction};
use store_core::{Resource, Timestamp};

use crate::error::TransactionError;

/// The stored end of the cooldown, which may be past.
pub(super) fn stored(
    db: &Connection,
    resource: &Resource,
) -> Result<Option<Timestamp>, TransactionError> {
    let until = db
        .prepare_cached("SELECT cooldown_until FROM server_cooldowns WHERE origin = ?1")?
        .query_row([resource.as_str()], |row| row.get(0))
        .optional()?;
    Ok(until.map(Timestamp::from_millis))
}

/// Extends the cooldown to `until` at least, and returns its end.
pub(super) fn extend(
    tx: &Transaction<'_>,
    resource: &Resource,
    until: Timestamp,
) -> Result<Timestamp, TransactionError> {
    let until = tx
        .prepare_cached(
            "INSERT INTO server_cooldowns (origin, cooldown_until) VALUES (?1, ?2)
             ON CONFLICT (origin) DO UPDATE SET
               cooldown_until = max(cooldown_until, excluded.cooldown_until)
             RETURNING cooldown_until",
        )?
        .query_row((resource.as_str(), until.as_millis()), |row| row.get(0))?;
    Ok(Timestamp::from_millis(until))
}

/// Moves the end of the cooldown from `seen` to `until`; returns whether it did.
pub(super) fn move_end(
    tx: &Transaction<'_>,
    resource: &Resource,
    seen: Timestamp,
    until: Timestamp,
) -> Result<bool, TransactionError> {
    let moved = tx
        .prepare_cached(
            "UPDATE server_cooldowns SET cooldown_until = ?3 WHERE origin = ?1 AND cooldown_until = ?2",
        )?
        .execute((resource.as_str(), seen.as_millis(), until.as_millis()))?;
    Ok(moved > 0)
}

/// Removes the cooldown if it still ends at `seen`.
pub(super) fn remove(
    tx: &Transaction<'_>,
    resource: &Resource,
    seen: Timestamp,
) -> Result<(), TransactionError> {
    tx.prepare_cached("DELETE FROM server_cooldowns WHERE origin = ?1 AND cooldown_until = ?2")?
        .execute((resource.as_str(), seen.as_millis()))?;
    Ok(())
}
