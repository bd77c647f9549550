//! Removals of many values: hidden at once, and freed by sweeps.
//!
//! A value remembers how many invalidations there were when it was stored. It is hidden if one of its key's
//! scope, of its tags or of everything is pending and newer than that; a value that is stored later is not.
//! `cache_epoch` tells writers the newest pending one. Lookups read it from a view that has the number as a constant:
//! a change of the view is a change of the schema, so that every connection of every process prepares its statements
//! again. So a lookup reads no more than the value while nothing is pending.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use store_core::{Key, Timestamp};

use super::invalidations::{self, ALL, Epochs};
use super::write;
use crate::cleanup::{Step, StepTime, one_step};
use crate::error::TransactionError;

const SCOPE: &str = "scope:";
const TAG: &str = "tag:";

/// Hides the values of `subject` that were stored before the invalidation `epoch`.
pub(super) fn hide(
    tx: &Transaction<'_>,
    subject: &str,
    epoch: i64,
) -> Result<(), TransactionError> {
    tx.prepare_cached(
        "INSERT INTO cache_hidden (subject, epoch) VALUES (?1, ?2)
         ON CONFLICT (subject) DO UPDATE SET epoch = excluded.epoch, position = ''",
    )?
    .execute(params![subject, epoch])?;
    set_newest(tx, epoch)
}

/// Tells writers and lookups the newest pending removal; 0 if none is.
pub(super) fn set_newest(tx: &Transaction<'_>, epoch: i64) -> Result<(), TransactionError> {
    let changed = tx
        .prepare_cached(
            "UPDATE cache_epoch SET newest_hidden = ?1 WHERE id = 1 AND newest_hidden <> ?1",
        )?
        .execute([epoch])?;
    if changed > 0 {
        tx.execute_batch(&format!(
            "DROP VIEW cache_lookup;
             CREATE VIEW cache_lookup AS\n\
             SELECT hash, expires_at, created_at, epoch, value, checksum, {epoch} AS newest_hidden FROM cache;"
        ))?;
    }
    Ok(())
}

/// The newest pending removal that hides a value of `key` stored at `epoch`.
pub(super) fn hiding(
    db: &Connection,
    key: &str,
    epoch: i64,
) -> Result<Option<i64>, TransactionError> {
    let mut pending = db.prepare_cached("SELECT epoch FROM cache_hidden WHERE subject = ?1")?;
    let mut tagged = db.prepare_cached(
        "SELECT max(hidden.epoch) FROM cache_tags AS tagged
         CROSS JOIN cache_hidden AS hidden ON hidden.subject = 'tag:' || tagged.tag
         WHERE tagged.hash = ?1",
    )?;
    let mut newest: Option<i64> = tagged.query_row([key], |row| row.get(0))?;
    let scope = key
        .split_once(':')
        .map(|(scope, _)| invalidations::scope_subject(scope));
    for subject in scope.as_deref().into_iter().chain([ALL]) {
        newest = newest.max(pending.query_row([subject], |row| row.get(0)).optional()?);
    }
    Ok(newest.filter(|hiding| *hiding > epoch))
}

/// Frees the value of `key` if it is hidden, as a sweep would.
pub(super) fn free_if_hidden(
    tx: &Transaction<'_>,
    key: &str,
    epochs: Epochs,
    now: Timestamp,
) -> Result<(), TransactionError> {
    if epochs.hidden == 0 {
        return Ok(());
    }
    let stored: Option<i64> = tx
        .prepare_cached("SELECT epoch FROM cache WHERE hash = ?1")?
        .query_row([key], |row| row.get(0))
        .optional()?;
    if let Some(epoch) = stored.filter(|epoch| *epoch < epochs.hidden)
        && let Some(hiding) = hiding(tx, key, epoch)?
    {
        free(tx, key, hiding, now)?;
    }
    Ok(())
}

/// Removes a hidden value. A fill in progress for it is outdated, whatever tags its new value has.
fn free(
    tx: &Transaction<'_>,
    key: &str,
    hiding: i64,
    now: Timestamp,
) -> Result<(), TransactionError> {
    invalidations::record(tx, &invalidations::key_subject(key), hiding, now)?;
    write::remove_hash(tx, key)?;
    Ok(())
}

/// A pending removal, as a sweep goes through its keys.
struct Pending {
    subject: String,
    epoch: i64,
    position: String,
}

/// Frees hidden values: looks at `batch` keys at most, and at those that there is time for.
pub(super) fn free_step(
    tx: &Transaction<'_>,
    batch: u32,
    now: Timestamp,
    time: &StepTime<'_>,
) -> Result<Step, TransactionError> {
    let pending = tx
        .prepare_cached("SELECT subject, epoch, position FROM cache_hidden LIMIT 1")?
        .query_row([], |row| {
            Ok(Pending {
                subject: row.get(0)?,
                epoch: row.get(1)?,
                position: row.get(2)?,
            })
        })
        .optional()?;
    let Some(pending) = pending else {
        set_newest(tx, 0)?;
        return Ok(Step {
            removed: 0,
            has_more: true,
        });
    };
    let (found, has_more) = one_step(pending.next(tx, batch)?, batch);
    let is_tag = pending.subject.starts_with(TAG);
    let (removed, done) = time.remove_each(&found, |(hash, is_hidden)| {
        if !is_hidden {
            return Ok(0);
        }
        // The record of a scope tells about its keys.
        if is_tag {
            free(tx, hash, pending.epoch, now)?;
        } else {
            write::remove_hash(tx, hash)?;
        }
        Ok(1)
    })?;
    match found[..done].last() {
        Some((last, _)) if has_more || done < found.len() => tx
            .prepare_cached("UPDATE cache_hidden SET position = ?2 WHERE subject = ?1")?
            .execute([&pending.subject, last])?,
        _ => tx
            .prepare_cached("DELETE FROM cache_hidden WHERE subject = ?1")?
            .execute([&pending.subject])?,
    };
    Ok(Step {
        removed,
        has_more: true,
    })
}

/// A key, and whether its value is to be freed; with the bytes that frees.
type Candidate = ((String, bool), u64);

impl Pending {
    /// The next keys after the position.
    fn next(&self, tx: &Transaction<'_>, batch: u32) -> Result<Vec<Candidate>, TransactionError> {
        // A key that was stored again since is newer, so that those before the position stay as they are.
        let after = |from: String| match self.position.as_str() {
            "" => from,
            last => format!("{last}\0"),
        };
        let candidate = |row: &rusqlite::Row<'_>| {
            let is_hidden = row
                .get::<_, Option<i64>>(1)?
                .is_none_or(|epoch| epoch < self.epoch);
            let bytes = if is_hidden { row.get::<_, i64>(2)? } else { 0 };
            Ok(((row.get(0)?, is_hidden), bytes.unsigned_abs()))
        };
        let candidates = if let Some(tag) = self.subject.strip_prefix(TAG) {
            tx.prepare_cached(
                "SELECT tagged.hash, cache.epoch, ifnull(length(cache.value), 0)
                 FROM cache_tags AS tagged LEFT JOIN cache ON cache.hash = tagged.hash
                 WHERE tagged.tag = ?1 AND tagged.hash >= ?2 ORDER BY tagged.hash LIMIT ?3",
            )?
            .query_map(params![tag, after(String::new()), batch], candidate)?
            .collect::<Result<_, _>>()?
        } else if let Some(scope) = self.subject.strip_prefix(SCOPE) {
            tx.prepare_cached(
                "SELECT hash, epoch, length(value) FROM cache
                 WHERE hash >= ?1 AND hash < ?2 ORDER BY hash LIMIT ?3",
            )?
            .query_map(
                params![after(format!("{scope}:")), format!("{scope};"), batch],
                candidate,
            )?
            .collect::<Result<_, _>>()?
        } else {
            tx.prepare_cached(
                "SELECT hash, epoch, length(value) FROM cache
                 WHERE hash >= ?1 ORDER BY hash LIMIT ?2",
            )?
            .query_map(params![after(String::new()), batch], candidate)?
            .collect::<Result<_, _>>()?
        };
        Ok(candidates)
    }
}

/// All pending removals, for listings.
#[derive(Debug, Default)]
pub(super) struct AllHidden {
    newest: i64,
    by_subject: HashMap<String, i64>,
}

impl AllHidden {
    pub(super) fn load(db: &Connection) -> Result<Self, TransactionError> {
        let mut pending = db.prepare_cached("SELECT subject, epoch FROM cache_hidden")?;
        let rows = pending.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let by_subject: HashMap<String, i64> = rows.collect::<Result<_, _>>()?;
        Ok(Self {
            newest: by_subject.values().copied().max().unwrap_or(0),
            by_subject,
        })
    }

    /// Whether a value stored at `epoch` may be hidden.
    pub(super) fn is_pending_after(&self, epoch: i64) -> bool {
        epoch < self.newest
    }

    /// Whether the value of `key` that was stored at `epoch` with `tags` is hidden.
    pub(super) fn hides<'a>(
        &self,
        key: &Key,
        epoch: i64,
        tags: impl IntoIterator<Item = &'a str>,
    ) -> bool {
        let hides = |subject: &str| self.by_subject.get(subject).is_some_and(|at| *at > epoch);
        hides(ALL)
            || key
                .scope()
                .is_some_and(|scope| hides(&invalidations::scope_subject(scope)))
            || tags.into_iter().any(|tag| hides(&format!("{TAG}{tag}")))
    }
}
