//! Removing what is not needed any more, a step at a time.

use rusqlite::{Transaction, params};
use store_core::Timestamp;

use super::invalidations::Epochs;
use super::{feed, hidden, invalidations, write};
use crate::cleanup::{Step, StepTime, one_step};
use crate::error::TransactionError;

/// Frees hidden values, then removes expired ones, then invalidations that no fill in progress can be older than: at most
/// `batch` rows, and what there is time for. Then removes what nobody needs of the log of changes.
pub(super) fn step(
    tx: &Transaction<'_>,
    batch: u32,
    now: Timestamp,
    time: &StepTime<'_>,
) -> Result<Step, TransactionError> {
    // First, because a fill that a hidden value makes outdated is told by the value itself until it is freed.
    if Epochs::load(tx)?.hidden > 0 {
        return hidden::free_step(tx, batch, now, time);
    }
    let (expired, has_more) = one_step(expired(tx, batch, now)?, batch);
    let (removed, done) = time.remove_each(&expired, |hash| {
        write::remove_hash(tx, hash)?;
        Ok(1)
    })?;
    let mut has_more = has_more || done < expired.len();
    if !has_more {
        let rest = batch - u32::try_from(removed).unwrap_or(batch);
        has_more = invalidations::remove_old(tx, rest, now)? >= u64::from(rest);
    }
    if !has_more {
        has_more = feed::trim(tx, now, batch)? >= u64::from(batch);
    }
    Ok(Step { removed, has_more })
}

/// The keys and lengths of values that have expired, the first ones first.
fn expired(
    tx: &Transaction<'_>,
    limit: u32,
    now: Timestamp,
) -> Result<Vec<(String, u64)>, TransactionError> {
    let mut expired = tx.prepare_cached(
        "SELECT hash, length(value) FROM cache WHERE expires_at > 0 AND expires_at <= ?1
         ORDER BY expires_at LIMIT ?2",
    )?;
    let rows = expired.query_map(params![now.as_millis(), limit], |row| {
        Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}
