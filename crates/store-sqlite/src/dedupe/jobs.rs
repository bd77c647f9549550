//! The state transitions of a job: registered, renewed, ended, abandoned or expired. Each function is
//! the body of one transaction.

use std::time::Duration;

use rusqlite::types::Type;
use rusqlite::{OptionalExtension, Row, Transaction, named_params, params};
use store_core::backend::JobEnd;
use store_core::{
    DedupeOptions, EndOutcome, FencingToken, Heartbeat, JobId, JobResult, Key, Priority, Selection,
    Timestamp,
};

use crate::checksum::{self, EndedJob};
use crate::error::{TransactionError, corrupt};
use crate::key_range;

/// The outcome of a registration.
#[derive(Debug)]
pub(super) enum Registered {
    Owner(FencingToken),
    Joined(JobId),
}

/// What the file has of a key.
struct Current {
    state: State,
    token: FencingToken,
}

enum State {
    Pending(Pending),
    Ended,
}

/// A pending job with its lease.
struct Pending {
    job: String,
    lease_until: Timestamp,
    lease: Duration,
    priority: Priority,
}

/// Makes `job` the key's job, unless another is in progress.
pub(super) fn register(
    tx: &Transaction<'_>,
    key: &Key,
    job: &JobId,
    priority: Priority,
    options: &DedupeOptions,
    now: Timestamp,
) -> Result<Registered, TransactionError> {
    let current = current(tx, key)?;
    let mut last_token = removed_token(tx)?;
    if let Some(current) = &current {
        last_token = last_token.max(current.token);
    }
    match current.map(|current| current.state) {
        Some(State::Pending(pending)) if now < pending.lease_until => {
            // The npm package's job ids may be invalid, so that no caller could wait for them.
            if let Ok(owner) = pending.job.parse() {
                join(tx, key, &pending, priority, now)?;
                return Ok(Registered::Joined(owner));
            }
        }
        Some(State::Ended) => archive_result(tx, key, now - options.result_retention)?,
        Some(State::Pending(_)) | None => {}
    }
    let token = last_token.next(now);
    tx.prepare_cached(
        "INSERT OR REPLACE INTO dedupe_jobs
           (hash, job_id, status, created_at, updated_at, lease_until, lease_ms, priority, token)
         VALUES (:hash, :job, 'pending', :now, :now, :lease_until, :lease_ms, :priority, :token)",
    )?
    .execute(named_params! {
        ":hash": key.as_str(),
        ":job": job.to_string(),
        ":now": now.as_millis(),
        ":lease_until": (now + options.lease).as_millis(),
        ":lease_ms": millis(options.lease),
        ":priority": priority.as_str(),
        ":token": token.get(),
    })?;
    Ok(Registered::Owner(token))
}

/// The greatest token of the jobs whose rows were removed.
fn removed_token(tx: &Transaction<'_>) -> Result<FencingToken, TransactionError> {
    let token = tx
        .prepare_cached("SELECT last FROM dedupe_tokens WHERE id = 1")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(FencingToken::new(token.unwrap_or(0)))
}

fn current(tx: &Transaction<'_>, key: &Key) -> Result<Option<Current>, TransactionError> {
    let current = tx
        .prepare_cached(
            "SELECT status, token, job_id, lease_until, lease_ms, priority FROM dedupe_jobs
             WHERE hash = ?1",
        )?
        .query_row([key.as_str()], |row| {
            let state = match row.get_ref(0)?.as_str()? {
                "pending" => State::Pending(Pending {
                    job: row.get(2)?,
                    lease_until: Timestamp::from_millis(row.get(3)?),
                    lease: duration(row.get(4)?),
                    priority: priority_at(row, 5)?,
                }),
                _ => State::Ended,
            };
            let token = FencingToken::new(row.get(1)?);
            Ok(Current { state, token })
        })
        .optional()?;
    Ok(current)
}

/// Raises the job's priority. Shortens a lease that ends later than a new one would: the clock was
/// set back, and the owner may be gone.
fn join(
    tx: &Transaction<'_>,
    key: &Key,
    pending: &Pending,
    priority: Priority,
    now: Timestamp,
) -> Result<(), TransactionError> {
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

/// Keeps the result of an ended job for callers that joined it, until its retention is over.
fn archive_result(
    tx: &Transaction<'_>,
    key: &Key,
    since: Timestamp,
) -> Result<(), TransactionError> {
    tx.prepare_cached(
        "INSERT OR REPLACE INTO dedupe_results
           (job_id, hash, status, updated_at, error, result, checksum)
         SELECT job_id, hash, status, updated_at, error, result, checksum FROM dedupe_jobs
         WHERE hash = ?1 AND status <> 'pending' AND updated_at > ?2",
    )?
    .execute(params![key.as_str(), since.as_millis()])?;
    Ok(())
}

pub(super) fn renew_lease(
    tx: &Transaction<'_>,
    key: &Key,
    job: &JobId,
    lease: Duration,
    now: Timestamp,
) -> Result<Heartbeat, TransactionError> {
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

pub(super) fn end(
    tx: &Transaction<'_>,
    key: &Key,
    job: &JobId,
    end: &JobEnd,
    now: Timestamp,
) -> Result<EndOutcome, TransactionError> {
    let (status, result, error) = match end {
        JobEnd::Completed(JobResult::Value(value)) => ("completed", Some(&value[..]), None),
        JobEnd::Completed(JobResult::NotShared) => ("completed", None, None),
        JobEnd::Failed(error) => ("failed", None, Some(error.as_str())),
    };
    let job = job.to_string();
    let checksum = checksum::of_job(&EndedJob {
        key: key.as_str(),
        job: &job,
        status,
        updated_at: now.as_millis(),
        error,
        result,
    });
    let updated = tx
        .prepare_cached(
            "UPDATE dedupe_jobs
             SET status = :status, updated_at = :now, error = :error, result = :result,
                 checksum = :checksum
             WHERE hash = :hash AND job_id = :job AND status = 'pending'",
        )?
        .execute(named_params! {
            ":hash": key.as_str(),
            ":job": job,
            ":status": status,
            ":now": now.as_millis(),
            ":error": error,
            ":result": result,
            ":checksum": checksum,
        })?;
    Ok(match updated {
        0 => EndOutcome::Fenced,
        _ => EndOutcome::Ended,
    })
}

pub(super) fn abandon(
    tx: &Transaction<'_>,
    key: &Key,
    job: &JobId,
) -> Result<(), TransactionError> {
    tx.prepare_cached(
        "DELETE FROM dedupe_jobs WHERE hash = ?1 AND job_id = ?2 AND status = 'pending'",
    )?
    .execute([key.as_str(), &job.to_string()])?;
    Ok(())
}

/// Removes what is left of an ended job whose row is damaged, so that nobody joins or asks for it.
pub(super) fn remove_damaged(
    tx: &Transaction<'_>,
    key: &Key,
    job: &JobId,
) -> Result<(), TransactionError> {
    let names = [key.as_str(), &job.to_string()];
    tx.prepare_cached(
        "DELETE FROM dedupe_jobs WHERE hash = ?1 AND job_id = ?2 AND status <> 'pending'",
    )?
    .execute(names)?;
    tx.prepare_cached("DELETE FROM dedupe_results WHERE job_id = ?2 AND hash = ?1")?
        .execute(names)?;
    Ok(())
}

pub(super) fn clear(tx: &Transaction<'_>, selection: &Selection) -> Result<u64, TransactionError> {
    let removed = match selection {
        Selection::All => {
            tx.execute("DELETE FROM dedupe_results", [])?;
            tx.execute("DELETE FROM dedupe_jobs", [])?
        }
        Selection::Scope(scope) => {
            let [from, to] = key_range::of_scope(scope);
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

fn millis(duration: Duration) -> i64 {
    (Timestamp::default() + duration).as_millis()
}

pub(super) fn duration(millis: i64) -> Duration {
    Duration::from_millis(millis.try_into().unwrap_or(0))
}

fn priority_at(row: &Row<'_>, column: usize) -> rusqlite::Result<Priority> {
    let text = row.get_ref(column)?.as_str()?;
    text.parse().map_err(|_unknown| {
        let error = Box::new(corrupt("a job's priority is neither user nor background"));
        rusqlite::Error::FromSqlConversionFailure(column, Type::Text, error)
    })
}
