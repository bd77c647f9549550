//! The life of a job: claimed, renewed, settled or abandoned. Each function is one transaction's
//! work, but for [`look`], which only reads.

use std::time::Duration;

use bytes::Bytes;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, Transaction, named_params, params};
use store_core::{Heartbeat, JobId, JobOutcome, Key, Priority, Selection, Settlement, Timestamp};

use crate::error::{Failure, corrupt};
use crate::options::DedupeOptions;
use crate::store::scope_bounds;

/// What became of a claim.
#[derive(Debug)]
pub(super) enum Claimed {
    Own,
    Joined(JobId),
}

/// How an owner ends its job.
#[derive(Debug)]
pub(super) enum Ending {
    Completed(Option<Bytes>),
    Failed(String),
}

/// What a waiter sees.
#[derive(Debug)]
pub(super) enum Look {
    Ended(JobOutcome),
    Pending {
        lease_until: Timestamp,
        lease: Duration,
    },
}

/// A pending job with its lease.
struct Pending {
    job: String,
    lease_until: Timestamp,
    lease: Duration,
    priority: Priority,
}

/// Makes `job` the key's job, unless another is in progress.
pub(super) fn claim(
    tx: &Transaction<'_>,
    key: &Key,
    job: &JobId,
    priority: Priority,
    options: &DedupeOptions,
    now: Timestamp,
) -> Result<Claimed, Failure> {
    if let Some(pending) = pending(tx, key)?
        && now < pending.lease_until
        // What an original package wrote there is no id that anybody could wait for.
        && let Ok(current) = pending.job.parse()
    {
        join(tx, key, &pending, priority, now)?;
        return Ok(Claimed::Joined(current));
    }
    keep_result(tx, key, now - options.result_retention)?;
    tx.prepare_cached(
        "INSERT OR REPLACE INTO dedupe_jobs
           (hash, job_id, status, created_at, updated_at, lease_until, lease_ms, priority)
         VALUES (:hash, :job, 'pending', :now, :now, :lease_until, :lease_ms, :priority)",
    )?
    .execute(named_params! {
        ":hash": key.as_str(),
        ":job": job.to_string(),
        ":now": now.as_millis(),
        ":lease_until": (now + options.lease).as_millis(),
        ":lease_ms": millis(options.lease),
        ":priority": priority.as_str(),
    })?;
    Ok(Claimed::Own)
}

fn pending(tx: &Transaction<'_>, key: &Key) -> Result<Option<Pending>, Failure> {
    let pending = tx
        .prepare_cached(
            "SELECT job_id, lease_until, lease_ms, priority FROM dedupe_jobs
             WHERE hash = ?1 AND status = 'pending'",
        )?
        .query_row([key.as_str()], |row| {
            Ok(Pending {
                job: row.get(0)?,
                lease_until: Timestamp::from_millis(row.get(1)?),
                lease: duration(row.get(2)?),
                priority: priority_at(row, 3)?,
            })
        })
        .optional()?;
    Ok(pending)
}

/// Raises the job's priority, and shortens a lease that reaches further than any lease can: the
/// clock was set back, and the owner may be gone.
fn join(
    tx: &Transaction<'_>,
    key: &Key,
    pending: &Pending,
    priority: Priority,
    now: Timestamp,
) -> Result<(), Failure> {
    let lease_until = pending.lease_until.min(now + pending.lease);
    if lease_until == pending.lease_until && priority <= pending.priority {
        return Ok(());
    }
    tx.prepare_cached("UPDATE dedupe_jobs SET lease_until = ?2, priority = ?3 WHERE hash = ?1")?
        .execute(params![
            key.as_str(),
            lease_until.as_millis(),
            priority.max(pending.priority).as_str()
        ])?;
    Ok(())
}

/// Moves the result of an ended job aside while those who joined it may still come for it.
fn keep_result(tx: &Transaction<'_>, key: &Key, since: Timestamp) -> Result<(), Failure> {
    tx.prepare_cached(
        "INSERT OR REPLACE INTO dedupe_results (job_id, hash, status, updated_at, error, result)
         SELECT job_id, hash, status, updated_at, error, result FROM dedupe_jobs
         WHERE hash = ?1 AND status <> 'pending' AND updated_at > ?2",
    )?
    .execute(params![key.as_str(), since.as_millis()])?;
    Ok(())
}

pub(super) fn renew(
    tx: &Transaction<'_>,
    key: &Key,
    job: &JobId,
    lease: Duration,
    now: Timestamp,
) -> Result<Heartbeat, Failure> {
    let priority = tx
        .prepare_cached(
            "UPDATE dedupe_jobs SET updated_at = ?3, lease_until = ?4, lease_ms = ?5
             WHERE hash = ?1 AND job_id = ?2 AND status = 'pending' RETURNING priority",
        )?
        .query_row(
            params![
                key.as_str(),
                job.to_string(),
                now.as_millis(),
                (now + lease).as_millis(),
                millis(lease)
            ],
            |row| priority_at(row, 0),
        )
        .optional()?;
    Ok(priority.map_or(Heartbeat::Fenced, Heartbeat::Renewed))
}

pub(super) fn settle(
    tx: &Transaction<'_>,
    key: &Key,
    job: &JobId,
    ending: &Ending,
    now: Timestamp,
) -> Result<Settlement, Failure> {
    let (status, result, error) = match ending {
        Ending::Completed(value) => ("completed", value.as_deref(), None),
        Ending::Failed(error) => ("failed", None, Some(error)),
    };
    let settled = tx
        .prepare_cached(
            "UPDATE dedupe_jobs
             SET status = :status, updated_at = :now, error = :error, result = :result
             WHERE hash = :hash AND job_id = :job AND status = 'pending'",
        )?
        .execute(named_params! {
            ":hash": key.as_str(),
            ":job": job.to_string(),
            ":status": status,
            ":now": now.as_millis(),
            ":error": error,
            ":result": result,
        })?;
    Ok(match settled {
        0 => Settlement::Fenced,
        _ => Settlement::Settled,
    })
}

pub(super) fn abandon(tx: &Transaction<'_>, key: &Key, job: &JobId) -> Result<(), Failure> {
    tx.prepare_cached(
        "DELETE FROM dedupe_jobs WHERE hash = ?1 AND job_id = ?2 AND status = 'pending'",
    )?
    .execute([key.as_str(), &job.to_string()])?;
    Ok(())
}

/// How a job stands for those who joined it.
pub(super) fn look(
    db: &Connection,
    key: &Key,
    job: &JobId,
    retention: Duration,
    now: Timestamp,
) -> Result<Look, Failure> {
    let job = job.to_string();
    let current = db
        .prepare_cached(
            "SELECT status, updated_at, error, result, lease_until, lease_ms FROM dedupe_jobs
             WHERE hash = ?1 AND job_id = ?2",
        )?
        .query_row([key.as_str(), &job], |row| {
            if row.get_ref(0)?.as_str()? != "pending" {
                return Ok(Look::Ended(ended(row, retention, now)?));
            }
            let lease_until = Timestamp::from_millis(row.get(4)?);
            if lease_until <= now {
                return Ok(Look::Ended(JobOutcome::Lapsed));
            }
            let lease = duration(row.get(5)?);
            Ok(Look::Pending { lease_until, lease })
        })
        .optional()?;
    if let Some(look) = current {
        return Ok(look);
    }
    let replaced = db
        .prepare_cached(
            "SELECT status, updated_at, error, result FROM dedupe_results WHERE job_id = ?1",
        )?
        .query_row([&job], |row| ended(row, retention, now))
        .optional()?;
    Ok(Look::Ended(replaced.unwrap_or(JobOutcome::Lapsed)))
}

/// Reads `status, updated_at, error, result` of an ended job.
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

pub(super) fn clear(tx: &Transaction<'_>, selection: &Selection) -> Result<u64, Failure> {
    let removed = match selection {
        Selection::All => {
            tx.execute("DELETE FROM dedupe_results", [])?;
            tx.execute("DELETE FROM dedupe_jobs", [])?
        }
        Selection::Scope(scope) => {
            let [from, to] = scope_bounds(scope);
            tx.execute(
                "DELETE FROM dedupe_results WHERE hash >= ?1 AND hash < ?2",
                [&from, &to],
            )?;
            tx.execute(
                "DELETE FROM dedupe_jobs WHERE hash >= ?1 AND hash < ?2",
                [&from, &to],
            )?
        }
    };
    Ok(removed as u64)
}

pub(super) fn sweep(
    tx: &Transaction<'_>,
    retention: Duration,
    batch: u32,
    now: Timestamp,
) -> Result<u64, Failure> {
    let ended_before = (now - retention).as_millis();
    tx.execute(
        "DELETE FROM dedupe_results WHERE rowid IN
           (SELECT rowid FROM dedupe_results WHERE updated_at <= ?1 LIMIT ?2)",
        params![ended_before, batch],
    )?;
    let removed = tx.execute(
        "DELETE FROM dedupe_jobs WHERE rowid IN
           (SELECT rowid FROM dedupe_jobs
            WHERE (status = 'pending' AND lease_until <= ?1)
               OR (status <> 'pending' AND updated_at <= ?2)
            LIMIT ?3)",
        params![now.as_millis(), ended_before, batch],
    )?;
    Ok(removed as u64)
}

fn millis(duration: Duration) -> i64 {
    (Timestamp::default() + duration).as_millis()
}

fn duration(millis: i64) -> Duration {
    Duration::from_millis(millis.try_into().unwrap_or(0))
}

fn priority_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Priority> {
    let text = row.get_ref(column)?.as_str()?;
    text.parse().map_err(|_unknown| {
        let error = Box::new(corrupt(
            "read",
            "a job's priority is neither user nor background",
        ));
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error)
    })
}
