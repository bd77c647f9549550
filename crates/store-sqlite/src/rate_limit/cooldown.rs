//! Cooldowns: the time until which a server asked for no requests.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Transaction};
use store_core::{MINUTE, Resource, Timestamp};

use crate::error::TransactionError;

/// A cooldown that begins later than this is from before the clock was set back.
const TOLERANCE: Duration = MINUTE;

/// A cooldown as it is stored; it may be over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cooldown {
    until: Timestamp,
    /// When it was set; `None` if a program set it that does not tell.
    set_at: Option<Timestamp>,
}

impl Cooldown {
    /// From the columns `cooldown_until` and `set_at`; `None` if the first is null.
    pub(super) fn from_columns(until: Option<i64>, set_at: Option<i64>) -> Option<Self> {
        Some(Self {
            until: Timestamp::from_millis(until?),
            set_at: set_at.map(Timestamp::from_millis),
        })
    }

    /// When it ends: a clock that was set back does not prolong it.
    pub(super) fn until(self, now: Timestamp) -> Timestamp {
        match self.set_at.filter(|_| self.is_of_the_future(now)) {
            Some(set_at) => now + self.until.since(set_at),
            None => self.until,
        }
    }

    /// Whether the clock was set back since it was set.
    pub(super) fn is_of_the_future(self, now: Timestamp) -> bool {
        self.set_at.is_some_and(|set_at| set_at > now + TOLERANCE)
    }
}

/// The stored cooldown.
pub(super) fn stored(
    db: &Connection,
    resource: &Resource,
) -> Result<Option<Cooldown>, TransactionError> {
    let stored = db
        .prepare_cached("SELECT cooldown_until, set_at FROM server_cooldowns WHERE origin = ?1")?
        .query_row([resource.as_str()], |row| {
            Ok(Cooldown::from_columns(row.get(0)?, row.get(1)?))
        })
        .optional()?;
    Ok(stored.flatten())
}

/// Moves the cooldown to now if the clock was set back since it was set; returns its end.
pub(super) fn clamp_to_now(
    tx: &Transaction<'_>,
    resource: &Resource,
    stored: Option<Cooldown>,
    now: Timestamp,
) -> Result<Option<Timestamp>, TransactionError> {
    let Some(cooldown) = stored else {
        return Ok(None);
    };
    let until = cooldown.until(now);
    if cooldown.is_of_the_future(now) {
        put(tx, resource, until, now)?;
    }
    Ok(Some(until))
}

fn put(
    tx: &Transaction<'_>,
    resource: &Resource,
    until: Timestamp,
    now: Timestamp,
) -> Result<(), TransactionError> {
    tx.prepare_cached(
        "INSERT INTO server_cooldowns (origin, cooldown_until, set_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (origin) DO UPDATE SET
           cooldown_until = excluded.cooldown_until, set_at = excluded.set_at",
    )?
    .execute((resource.as_str(), until.as_millis(), now.as_millis()))?;
    Ok(())
}

/// Extends the cooldown to `until` at least, and returns its end.
pub(super) fn extend(
    tx: &Transaction<'_>,
    resource: &Resource,
    until: Timestamp,
    now: Timestamp,
) -> Result<Timestamp, TransactionError> {
    let stored = stored(tx, resource)?.map(|cooldown| cooldown.until(now));
    let until = stored.map_or(until, |stored| until.max(stored));
    put(tx, resource, until, now)?;
    Ok(until)
}

/// Moves the end of the cooldown from `seen` to `until`; returns whether it did.
pub(super) fn move_end(
    tx: &Transaction<'_>,
    resource: &Resource,
    seen: Timestamp,
    until: Timestamp,
    now: Timestamp,
) -> Result<bool, TransactionError> {
    let moved = tx
        .prepare_cached(
            "UPDATE server_cooldowns SET cooldown_until = ?3, set_at = ?4
             WHERE origin = ?1 AND cooldown_until = ?2",
        )?
        .execute((
            resource.as_str(),
            seen.as_millis(),
            until.as_millis(),
            now.as_millis(),
        ))?;
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
