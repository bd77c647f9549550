//! Targets for which requests do not wait for each other, known to all processes.

use sqlite_database::Result;
use sqlite_database::rusqlite::{Connection, OptionalExtension, Transaction, params};
use store_core::Timestamp;

use crate::keys::TargetKey;

/// More targets than this are not remembered.
const MAX_TARGETS: i64 = 10_000;
/// The most that are forgotten when another is remembered.
const PER_WRITE: i64 = 16;

pub(super) const UNTIL: &str = "SELECT expires_at FROM hit_for_miss WHERE url_key = ?1";

pub(super) fn until(db: &Connection, target: TargetKey) -> Result<Option<Timestamp>> {
    let until = db
        .prepare_cached(UNTIL)?
        .query_row([&target.as_bytes()[..]], |row| row.get(0))
        .optional()?;
    Ok(until.map(Timestamp::from_millis))
}

pub(super) fn set(
    tx: &Transaction<'_>,
    target: TargetKey,
    until: Option<Timestamp>,
    now: Timestamp,
) -> Result<()> {
    let Some(until) = until else {
        tx.prepare_cached("DELETE FROM hit_for_miss WHERE url_key = ?1")?
            .execute([&target.as_bytes()[..]])?;
        return Ok(());
    };
    let sequence = tx
        .prepare_cached(
            "INSERT OR REPLACE INTO hit_for_miss (url_key, expires_at) VALUES (?1, ?2)",
        )?
        .insert(params![target.as_bytes(), until.as_millis()])?;
    // Those that were written first expire first.
    tx.prepare_cached(
        "DELETE FROM hit_for_miss WHERE sequence IN (
             SELECT sequence FROM (SELECT sequence, expires_at FROM hit_for_miss ORDER BY sequence LIMIT ?1)
             WHERE expires_at <= ?2 OR sequence <= ?3
         )",
    )?
    .execute([PER_WRITE, now.as_millis(), sequence - MAX_TARGETS])?;
    Ok(())
}
