//! What can be read off the jobs.

use rusqlite::{Connection, OptionalExtension, params};
use store_core::{DedupeStats, JobInfo, JobState, Key, Page, PageRequest, Timestamp};

use crate::error::Failure;

pub(super) fn is_in_progress(db: &Connection, key: &Key, now: Timestamp) -> Result<bool, Failure> {
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
) -> Result<Page<JobInfo>, Failure> {
    let mut jobs = db.prepare_cached(
        "SELECT hash, job_id, status, lease_until, created_at, updated_at FROM dedupe_jobs
         WHERE hash > ?1 ORDER BY hash",
    )?;
    let mut rows = jobs.query(params![page.after.as_deref().unwrap_or_default()])?;
    let mut items = Vec::new();
    while items.len() <= page.limit as usize
        && let Some(row) = rows.next()?
    {
        // Files of the original packages may hold names that are no keys; nobody can ask for them.
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
    Ok(Page::cut(items, page.limit, |job| job.key.to_string()))
}

pub(super) fn stats(db: &Connection, now: Timestamp) -> Result<DedupeStats, Failure> {
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
