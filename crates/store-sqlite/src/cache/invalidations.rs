//! The log of invalidations, which tells whether a fill token is outdated.
//!
//! Invalidations are numbered; a fill is outdated if one that matches its key or tags is newer than
//! its token. They are removed after an hour. The newest removed one is the horizon: a token from
//! before it counts as outdated.

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use store_core::backend::FillMark;
use store_core::{FillToken, HOUR, Key, Tag, Timestamp};

use crate::error::TransactionError;

/// The subject of an invalidation of everything.
pub(super) const ALL: &str = "all";

pub(super) fn key_subject(key: &str) -> String {
    format!("key:{key}")
}

pub(super) fn scope_subject(scope: &str) -> String {
    format!("scope:{scope}")
}

pub(super) fn tag_subject(tag: &Tag) -> String {
    format!("tag:{tag}")
}

/// The token of a fill that begins now.
pub(super) fn current_token(
    db: &Connection,
    now: Timestamp,
) -> Result<FillToken, TransactionError> {
    let epoch: i64 = db
        .prepare_cached("SELECT epoch FROM cache_epoch WHERE id = 1")?
        .query_row([], |row| row.get(0))?;
    Ok(FillToken::from(FillMark {
        epoch: epoch.unsigned_abs(),
        began_at: now,
    }))
}

/// Increments the number of invalidations and returns it.
pub(super) fn next_epoch(tx: &Transaction<'_>) -> Result<i64, TransactionError> {
    let epoch = tx
        .prepare_cached("UPDATE cache_epoch SET epoch = epoch + 1 WHERE id = 1 RETURNING epoch")?
        .query_row([], |row| row.get(0))?;
    Ok(epoch)
}

/// Records the subject of the invalidation `epoch`.
pub(super) fn record(
    tx: &Transaction<'_>,
    subject: &str,
    epoch: i64,
    now: Timestamp,
) -> Result<(), TransactionError> {
    tx.prepare_cached(
        "INSERT INTO cache_invalidations (subject, epoch, at) VALUES (?1, ?2, ?3)
         ON CONFLICT (subject) DO UPDATE SET epoch = max(epoch, excluded.epoch), at = excluded.at",
    )?
    .execute(params![subject, epoch, now.as_millis()])?;
    Ok(())
}

/// How many invalidations there were.
#[derive(Clone, Copy, Debug)]
pub(super) struct Epochs {
    /// So far.
    pub(super) epoch: i64,
    /// Up to the newest of which the record was removed.
    horizon: i64,
    /// Up to the newest that still hides values; 0 if none does.
    pub(super) hidden: i64,
}

impl Epochs {
    pub(super) fn load(tx: &Transaction<'_>) -> Result<Self, TransactionError> {
        let epochs = tx
            .prepare_cached("SELECT epoch, horizon, newest_hidden FROM cache_epoch WHERE id = 1")?
            .query_row([], |row| {
                Ok(Self {
                    epoch: row.get(0)?,
                    horizon: row.get(1)?,
                    hidden: row.get(2)?,
                })
            })?;
        Ok(epochs)
    }

    /// Whether an invalidation of the key, its scope or one of the tags is newer than the token.
    pub(super) fn is_outdated(
        self,
        tx: &Transaction<'_>,
        token: FillToken,
        key: &Key,
        tags: &[Tag],
    ) -> Result<bool, TransactionError> {
        let token_epoch = i64::try_from(FillMark::from(token).epoch).unwrap_or(i64::MAX);
        if token_epoch < self.horizon {
            return Ok(true);
        }
        if token_epoch >= self.epoch {
            return Ok(false);
        }
        let mut last =
            tx.prepare_cached("SELECT epoch FROM cache_invalidations WHERE subject = ?1")?;
        let subjects = [ALL.to_owned(), key_subject(key.as_str())];
        let scope = key.scope().map(scope_subject);
        for subject in subjects
            .into_iter()
            .chain(scope)
            .chain(tags.iter().map(tag_subject))
        {
            let last: Option<i64> = last.query_row([subject], |row| row.get(0)).optional()?;
            if last.is_some_and(|last| last > token_epoch) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Removes at most `limit` invalidations that are over an hour old.
pub(super) fn remove_old(
    tx: &Transaction<'_>,
    limit: u32,
    now: Timestamp,
) -> Result<u64, TransactionError> {
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
