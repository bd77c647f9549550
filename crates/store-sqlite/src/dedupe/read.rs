//! Read-only queries: the state of one job, list and statistics.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, params};
use store_core::{
    DedupeStats, JobId, JobInfo, JobOutcome, JobState, Key, Page, PageRequest, Timestamp,
};

use super::jobs::duration;
use crate::error::TransactionError;

/// The state of a job as its waiters see it.
#[derive(Debug)]
pub(super) enum Observation {
    Ended(JobOutcome),
    Pending {
        lease_until: Timestamp,
        lease: Duration,
    },
}

/// Reads the state of a job for its waiters.
pub(super) fn observe(
    db: &Connection,
    key: &Key,
    job: &JobId,
    retention: Duration,
    now: Timestamp,
) -> Result<Observation, TransactionError> {
    let job = job.to_string();
    let current = db
        .prepare_cached(
            "SELECT status, updated_at, error, result, lease_until, lease_ms FROM dedupe_jobs
             WHERE hash = ?1 AND job_id = ?2",
        )?
        .query_row([key.as_str(), &job], |row| {
            if row.get_ref(0)?.as_str()? != "pending" {
                return Ok(Observation::Ended(ended(row, retention, now)?));
            }
            let lease_until = Timestamp::from_millis(row.get(4)?);
            if lease_until <= now {
                return Ok(Observation::Ended(JobOutcome::Lapsed));
            }
            let lease = duration(row.get(5)?);
            Ok(Observation::Pending { lease_until, lease })
        })
        .optional()?;
    if let Some(observation) = current {
        return Ok(observation);
    }
    let replaced = db
        .prepare_cached(
            "SELECT status, updated_at, error, result FROM dedupe_results WHERE job_id = ?1",
        )?
        .query_row([&job], |row| ended(row, retention, now))
        .optional()?;
    Ok(Observation::Ended(replaced.unwrap_or(JobOutcome::Lapsed)))
}

/// The outcome in a row `status, updated_at, error, result` of an ended job.
fn ended(row: &Row<'_>, retention: Duration, now: Timestamp) -> rusqlite::Result<JobOutcome> {
    let ended_at = Timestamp::from_millis(row.get(1)?);
    if now.since(ended_at) >= retention {
        return Ok(JobOutcome::Lapsed);
    }
    if row.get_ref(0)?.as_str()? == "failed" {
        let error: Option<String> = row.get(2)?;
        return Ok(JobOutcome::OwnerFailed(error.unwrap_or_default()));
    }
    let result: Option<Vec<u8>> = row.get(3)?;
    Ok(result.map_or(JobOutcome::NotShared, |value| {
        JobOutcome::Value(value.into())
    }))
}

pub(super) fn is_in_progress(
    db: &Connection,
    key: &Key,
    now: Timestamp,
) -> Result<bool, TransactionError> {
    let lease_until: Option<i64> = db
        .prepare_cached(
            "SELECT lease_until FROM dedupe_jobs WHERE hash = ?1 AND status = 'pending'",
        )?
        .query_row([key.as_str()], |row| row.get(0))
        .optional()?;
    Ok(lease_until.is_some_and(|until| now.as_millis() < until))
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
