//! Removing jobs that ended or lapsed, and results that nobody may ask for any more.

use std::time::Duration;

use rusqlite::{Connection, Transaction, params};
use store_core::Timestamp;

use crate::cleanup::{Step, StepTime, one_step};
use crate::error::TransactionError;

/// A row that was found expired, by its rowid.
#[derive(Clone, Copy, Debug)]
pub(super) enum ExpiredRow {
    /// Of a job that ended or lapsed, and still is its key's job.
    Job(i64),
    /// Of a job that ended, and whose key has another.
    Result(i64),
}

/// Finds rows to remove in one step; and whether there may be more.
pub(super) fn find_expired(
    db: &Connection,
    retention: Duration,
    batch: u32,
    now: Timestamp,
) -> Result<(Vec<ExpiredRow>, bool), TransactionError> {
    let ended_before = (now - retention).as_millis();
    let mut results = db.prepare_cached(
        "SELECT rowid, ifnull(length(result), 0) FROM dedupe_results WHERE updated_at <= ?1 LIMIT ?2",
    )?;
    let mut jobs = db.prepare_cached(
        "SELECT rowid, ifnull(length(result), 0) FROM dedupe_jobs
         WHERE (status = 'pending' AND lease_until <= ?1)
            OR (status <> 'pending' AND updated_at <= ?2)
         LIMIT ?3",
    )?;
    let mut found = Vec::new();
    let mut rows = results.query(params![ended_before, batch])?;
    while let Some(row) = rows.next()? {
        let length = row.get::<_, i64>(1)?.unsigned_abs();
        found.push((ExpiredRow::Result(row.get(0)?), length));
    }
    let rest = i64::from(batch) - i64::try_from(found.len()).unwrap_or(i64::MAX);
    let mut rows = jobs.query(params![now.as_millis(), ended_before, rest])?;
    while rest > 0
        && let Some(row) = rows.next()?
    {
        let length = row.get::<_, i64>(1)?.unsigned_abs();
        found.push((ExpiredRow::Job(row.get(0)?), length));
    }
    Ok(one_step(found, batch))
}

/// Removes the rows that are still expired: their keys may have got another job since they were found.
pub(super) fn remove_expired(
    tx: &Transaction<'_>,
    rows: &[ExpiredRow],
    retention: Duration,
    now: Timestamp,
    time: &StepTime<'_>,
) -> Result<Step, TransactionError> {
    let ended_before = (now - retention).as_millis();
    let mut result =
        tx.prepare_cached("DELETE FROM dedupe_results WHERE rowid = ?1 AND updated_at <= ?2")?;
    let mut job = tx.prepare_cached(
        "DELETE FROM dedupe_jobs WHERE rowid = ?1
           AND ((status = 'pending' AND lease_until <= ?2)
             OR (status <> 'pending' AND updated_at <= ?3))",
    )?;
    let (removed, done) = time.remove_each(rows, |row| {
        let removed = match row {
            ExpiredRow::Result(row) => result.execute(params![row, ended_before])?,
            ExpiredRow::Job(row) => job.execute(params![row, now.as_millis(), ended_before])?,
        };
        Ok(removed as u64)
    })?;
    Ok(Step {
        removed,
        has_more: done < rows.len(),
    })
}
