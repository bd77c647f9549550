//! Until when a server asked for silence.

use rusqlite::{Connection, OptionalExtension, Transaction};
use store_core::{Resource, Timestamp};

use crate::error::Failure;

/// The cooldown that is stored, whether it has ended or not.
pub(super) fn stored(db: &Connection, resource: &Resource) -> Result<Option<Timestamp>, Failure> {
    let until = db
        .prepare_cached("SELECT cooldown_until FROM server_cooldowns WHERE origin = ?1")?
        .query_row([resource.as_str()], |row| row.get(0))
        .optional()?;
    Ok(until.map(Timestamp::from_millis))
}

/// Extends the cooldown and returns the one in force.
pub(super) fn extend(
    tx: &Transaction<'_>,
    resource: &Resource,
    until: Timestamp,
) -> Result<Timestamp, Failure> {
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

/// Ends the cooldown if it is still the one that was seen.
pub(super) fn end(
    tx: &Transaction<'_>,
    resource: &Resource,
    seen: Timestamp,
) -> Result<(), Failure> {
    tx.prepare_cached("DELETE FROM server_cooldowns WHERE origin = ?1 AND cooldown_until = ?2")?
        .execute((resource.as_str(), seen.as_millis()))?;
    Ok(())
}
