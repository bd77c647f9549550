//! Fill tokens: invalidations are numbered, and a fill is outdated if one that concerns it came
//! after its token.
//!
//! Invalidations are forgotten after an hour. The newest forgotten one is the horizon: a token from
//! before it can no longer be judged and counts as outdated.

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use store_core::{FillToken, HOUR, Key, Tag, Timestamp};

use crate::error::Failure;

/// What an invalidation concerns, as the table spells it.
pub(super) const ALL: &str = "all";

pub(super) fn of_key(key: &Key) -> String {
    format!("key:{key}")
}

pub(super) fn of_scope(scope: &str) -> String {
    format!("scope:{scope}")
}

pub(super) fn of_tag(tag: &Tag) -> String {
    format!("tag:{tag}")
}

/// The token of a fill that begins now.
pub(super) fn current(db: &Connection, now: Timestamp) -> Result<FillToken, Failure> {
    let epoch: i64 = db
        .prepare_cached("SELECT epoch FROM cache_epoch WHERE id = 1")?
        .query_row([], |row| row.get(0))?;
    Ok(FillToken {
        epoch: epoch.unsigned_abs(),
        began_at: now,
    })
}

/// Counts one more invalidation and returns its number.
pub(super) fn advance(tx: &Transaction<'_>) -> Result<i64, Failure> {
    let epoch = tx
        .prepare_cached("UPDATE cache_epoch SET epoch = epoch + 1 WHERE id = 1 RETURNING epoch")?
        .query_row([], |row| row.get(0))?;
    Ok(epoch)
}

/// Notes what the invalidation `epoch` concerns.
pub(super) fn note(
    tx: &Transaction<'_>,
    subject: &str,
    epoch: i64,
    now: Timestamp,
) -> Result<(), Failure> {
    tx.prepare_cached(
        "INSERT INTO cache_invalidations (subject, epoch, at) VALUES (?1, ?2, ?3)
         ON CONFLICT (subject) DO UPDATE SET epoch = excluded.epoch, at = excluded.at",
    )?
    .execute(params![subject, epoch, now.as_millis()])?;
    Ok(())
}

/// Whether an invalidation that concerns the key or one of the tags came after the token.
pub(super) fn is_outdated(
    tx: &Transaction<'_>,
    token: FillToken,
    key: &Key,
    tags: &[Tag],
) -> Result<bool, Failure> {
    let known = i64::try_from(token.epoch).unwrap_or(i64::MAX);
    let (epoch, horizon): (i64, i64) = tx
        .prepare_cached("SELECT epoch, horizon FROM cache_epoch WHERE id = 1")?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    if known < horizon {
        return Ok(true);
    }
    if known >= epoch {
        return Ok(false);
    }
    let mut last = tx.prepare_cached("SELECT epoch FROM cache_invalidations WHERE subject = ?1")?;
    let subjects = [ALL.to_owned(), of_key(key)];
    let scope = key.scope().map(of_scope);
    for subject in subjects
        .into_iter()
        .chain(scope)
        .chain(tags.iter().map(of_tag))
    {
        let last: Option<i64> = last.query_row([subject], |row| row.get(0)).optional()?;
        if last.is_some_and(|last| last > known) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Forgets what is over an hour old, at most `limit` invalidations.
pub(super) fn forget(tx: &Transaction<'_>, limit: u32, now: Timestamp) -> Result<u64, Failure> {
    let before = (now - HOUR).as_millis();
    let mut oldest = tx.prepare_cached(
        "DELETE FROM cache_invalidations WHERE subject IN
           (SELECT subject FROM cache_invalidations WHERE at <= ?1 ORDER BY at LIMIT ?2)
         RETURNING epoch",
    )?;
    let epochs = oldest.query_map(params![before, limit], |row| row.get::<_, i64>(0))?;
    let epochs: Vec<i64> = epochs.collect::<Result<_, _>>()?;
    if let Some(newest) = epochs.iter().max() {
        tx.prepare_cached("UPDATE cache_epoch SET horizon = max(horizon, ?1) WHERE id = 1")?
            .execute([newest])?;
    }
    Ok(epochs.len() as u64)
}
