//! Read-only queries: the state of one job, list and statistics.

use std::time::Duration;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, Row, params};
use store_core::{
    DedupeStats, JobId, JobInfo, JobOutcome, JobState, Key, Page, PageRequest, Timestamp,
};

use super::jobs::duration;
use crate::checksum::{self, EndedJob};
use crate::error::TransactionError;

/// The state of a job as its waiters see it.
#[derive(Debug)]
pub(super) enum Observation {
    Ended(JobOutcome),
    Pending {
        lease_until: Timestamp,
        lease: Duration,
    },
    /// Its row is not what was stored.
    Damaged,
}

/// Reads the state of a job for its waiters.
pub(super) fn observe(
    db: &Connection,
    key: &Key,
    job: &JobId,
    retention: Duration,
    now: Timestamp,
) -> Result<Observation, TransactionError> {
    let names = [key.as_str(), &job.to_string()];
    let mut current = db.prepare_cached(
        "SELECT status, updated_at, error, result, checksum, lease_until, lease_ms
         FROM dedupe_jobs WHERE hash = ?1 AND job_id = ?2",
    )?;
    let mut rows = current.query(names)?;
    if let Some(row) = rows.next()? {
        if row.get_ref(0)?.as_bytes().ok() != Some(b"pending") {
            return ended(row, names, retention, now);
        }
        let lease_until = Timestamp::from_millis(row.get(5)?);
        if lease_until <= now {
            return Ok(Observation::Ended(JobOutcome::Lapsed));
        }
        let lease = duration(row.get(6)?);
        return Ok(Observation::Pending { lease_until, lease });
    }
    let mut replaced = db.prepare_cached(
        "SELECT status, updated_at, error, result, checksum FROM dedupe_results
         WHERE job_id = ?2 AND hash = ?1",
    )?;
    let mut rows = replaced.query(names)?;
    match rows.next()? {
        Some(row) => ended(row, names, retention, now),
        None => Ok(Observation::Ended(JobOutcome::Lapsed)),
    }
}

/// The outcome in a row `status, updated_at, error, result, checksum` of an ended job.
fn ended(
    row: &Row<'_>,
    names: [&str; 2],
    retention: Duration,
    now: Timestamp,
) -> Result<Observation, TransactionError> {
    let Some(ended) = ended_job(row, names)? else {
        return Ok(Observation::Damaged);
    };
    if now.since(Timestamp::from_millis(ended.updated_at)) >= retention {
        return Ok(Observation::Ended(JobOutcome::Lapsed));
    }
    Ok(Observation::Ended(match (ended.status, ended.result) {
        ("failed", _) => JobOutcome::OwnerFailed(ended.error.unwrap_or_default().to_owned()),
        (_, Some(value)) => JobOutcome::Value(Bytes::copy_from_slice(value)),
        (_, None) => JobOutcome::NotShared,
    }))
}

/// The ended job in a row that begins with `status, updated_at, error, result, checksum`; `None` if it is
/// damaged.
pub(crate) fn ended_job<'a>(
    row: &'a Row<'_>,
    [key, job]: [&'a str; 2],
) -> rusqlite::Result<Option<EndedJob<'a>>> {
    // A damaged row may have columns of other types than its table.
    let (Ok(status), Ok(updated_at), Ok(error), Ok(result)) = (
        row.get_ref(0)?.as_str(),
        row.get_ref(1)?.as_i64(),
        row.get_ref(2)?.as_str_or_null(),
        row.get_ref(3)?.as_blob_or_null(),
    ) else {
        return Ok(None);
    };
    let ended = EndedJob {
        key,
        job,
        status,
        updated_at,
        error,
        result,
    };
    let is_known = matches!(status, "completed" | "failed");
    let is_intact = is_known && checksum::matches(row.get_ref(4)?, || checksum::of_job(&ended));
    Ok(is_intact.then_some(ended))
}

/// How long the lease of the key's job in progress runs.
pub(super) fn lease_left(
    db: &Connection,
    key: &Key,
    now: Timestamp,
) -> Result<Option<Duration>, TransactionError> {
    let left = db
        .prepare_cached(
            "SELECT lease_until, lease_ms FROM dedupe_jobs WHERE hash = ?1 AND status = 'pending'",
        )?
        .query_row([key.as_str()], |row| {
            let lease_until = Timestamp::from_millis(row.get(0)?);
            // The clock may have been set back.
            Ok(lease_until.since(now).min(duration(row.get(1)?)))
        })
        .optional()?;
    Ok(left.filter(|left| !left.is_zero()))
}

pub(super) fn list(
    db: &Connection,
    page: &PageRequest,
    now: Timestamp,
) -> Result<Page<JobInfo>, TransactionError> {
    let mut jobs = db.prepare_cached(
        "SELECT hash, job_id, status, lease_until, created_at, updated_at FROM dedupe_jobs
         WHERE hash > ?1 ORDER BY hash",
    )?;
    let mut rows = jobs.query(params![page.after.as_deref().unwrap_or_default()])?;
    let mut items = Vec::new();
    while items.len() <= page.limit as usize
        && let Some(row) = rows.next()?
    {
        // Files of the npm package may have rows that are no valid keys and cannot be requested.
        let Ok(key) = Key::new(row.get_ref(0)?.as_str().unwrap_or_default()) else {
            continue;
        };
        let status: String = row.get(2)?;
        items.push(JobInfo::new(
            key,
            row.get::<_, String>(1)?,
            state(&status, row.get(3)?, now),
            Timestamp::from_millis(row.get(4)?),
            Timestamp::from_millis(row.get(5)?),
        ));
    }
    Ok(Page::truncated(items, page.limit, |job| {
        job.key.to_string()
    }))
}

pub(super) fn stats(db: &Connection, now: Timestamp) -> Result<DedupeStats, TransactionError> {
    let mut jobs = db.prepare_cached("SELECT status, lease_until, created_at FROM dedupe_jobs")?;
    let mut rows = jobs.query([])?;
    let mut counts = DedupeStats::default();
    while let Some(row) = rows.next()? {
        let status = row.get_ref(0)?.as_str().unwrap_or_default();
        let created_at = Timestamp::from_millis(row.get(2)?);
        counts.count(state(status, row.get(1)?, now), created_at);
    }
    Ok(counts)
}

fn state(status: &str, lease_until: i64, now: Timestamp) -> JobState {
    match status {
        "completed" => JobState::Completed,
        "failed" => JobState::Failed,
        _ if now.as_millis() < lease_until => JobState::Pending,
        _ => JobState::Lapsed,
    }
}
