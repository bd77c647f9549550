//! Removing admissions that no window holds any more, and resources that nothing needs any more.

use rusqlite::{Connection, Transaction, params};
use store_core::{DAY, Timestamp};

use crate::cleanup::StepTime;
use crate::error::TransactionError;

/// The primary key of a row: resource, timestamp, id.
pub(super) type RowKey = (String, i64, i64);

/// Finds rows that no window contains any more, the oldest of each resource first.
pub(super) fn find_expired(
    db: &Connection,
    batch: u32,
    now: Timestamp,
) -> Result<Vec<RowKey>, TransactionError> {
    let mut rows = db.prepare_cached(
        "SELECT log.resource, log.timestamp, log.id
         FROM rate_resources AS known CROSS JOIN rate_limits AS log
           ON log.resource = known.resource AND log.timestamp <= ?1 - known.keep_ms
         LIMIT ?2",
    )?;
    let keys = rows.query_map(params![now.as_millis(), batch], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })?;
    Ok(keys.collect::<Result<_, _>>()?)
}

pub(super) fn remove_expired(
    tx: &Transaction<'_>,
    rows: &[RowKey],
    now: Timestamp,
    time: &StepTime<'_>,
) -> Result<u64, TransactionError> {
    // A longer window may have been configured since the rows were found.
    let mut remove = tx.prepare_cached(
        "DELETE FROM rate_limits WHERE resource = ?1 AND timestamp = ?2 AND id = ?3
           AND timestamp <= ?4 - (SELECT keep_ms FROM rate_resources WHERE resource = ?1)",
    )?;
    let (removed, _) = time.remove_each(rows, |(resource, at, id)| {
        Ok(remove.execute(params![resource, at, id, now.as_millis()])? as u64)
    })?;
    Ok(removed)
}

/// Finds what nothing needs any more: resources without admissions and without a configuration of their
/// own, and cooldowns, neither of which had a request, or was in force, for a day.
///
/// A limit that is shared by activity would be shared differently if its resource went sooner.
pub(super) fn find_idle(
    db: &Connection,
    batch: u32,
    now: Timestamp,
) -> Result<Vec<String>, TransactionError> {
    let mut idle = db.prepare_cached(
        "SELECT known.resource FROM rate_resources AS known
         WHERE known.config IS NULL AND known.calculated_at <= ?1 AND ifnull(known.last_user_at, 0) <= ?1
           AND NOT EXISTS (SELECT 1 FROM rate_limits WHERE resource = known.resource)
           AND NOT EXISTS (SELECT 1 FROM rate_activity WHERE resource = known.resource AND bucket > ?1)
           AND NOT EXISTS (SELECT 1 FROM server_cooldowns
                           WHERE origin = known.resource AND cooldown_until > ?1)
         UNION ALL
         SELECT origin FROM server_cooldowns WHERE cooldown_until <= ?1
         LIMIT ?2",
    )?;
    let since = (now - DAY).as_millis();
    let names = idle.query_map(params![since, batch], |row| row.get(0))?;
    Ok(names.collect::<Result<_, _>>()?)
}

/// Removes what is still idle of the resources that were found; returns how many it has looked at.
pub(super) fn remove_idle(
    tx: &Transaction<'_>,
    names: &[String],
    now: Timestamp,
    time: &StepTime<'_>,
) -> Result<usize, TransactionError> {
    let mut cooldown = tx.prepare_cached(
        "DELETE FROM server_cooldowns WHERE origin = ?1 AND cooldown_until <= ?2",
    )?;
    let mut resource = tx.prepare_cached(
        "DELETE FROM rate_resources
         WHERE resource = ?1 AND config IS NULL AND calculated_at <= ?2 AND ifnull(last_user_at, 0) <= ?2
           AND NOT EXISTS (SELECT 1 FROM rate_limits WHERE resource = ?1)
           AND NOT EXISTS (SELECT 1 FROM rate_activity WHERE resource = ?1 AND bucket > ?2)
           AND NOT EXISTS (SELECT 1 FROM server_cooldowns WHERE origin = ?1)",
    )?;
    let mut activity = tx.prepare_cached("DELETE FROM rate_activity WHERE resource = ?1")?;
    let since = (now - DAY).as_millis();
    let (_, done) = time.remove_each(names, |name| {
        cooldown.execute(params![name, since])?;
        if resource.execute(params![name, since])? > 0 {
            activity.execute([name])?;
        }
        Ok(0)
    })?;
    Ok(done)
}
