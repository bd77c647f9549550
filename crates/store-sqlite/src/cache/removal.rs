//! Removals of any number of values: few are removed at once and counted, many are hidden.

use rusqlite::{Transaction, params};
use store_core::{Removal, Scope, Selection, Tag, Timestamp};

use super::hidden;
use super::invalidations::{self, Epochs};
use super::read::is_expired;
use super::write::remove_hash;
use crate::cleanup::one_step;
use crate::error::TransactionError;
use crate::key_range;

/// The most values that a removal frees itself; more are hidden and freed by sweeps.
const MOST: u32 = 512;

pub(super) fn clear(
    tx: &Transaction<'_>,
    selection: &Selection,
    now: Timestamp,
) -> Result<Removal, TransactionError> {
    let epochs = Epochs::load(tx)?;
    let epoch = invalidations::next_epoch(tx)?;
    match selection {
        Selection::All => clear_all(tx, epoch, epochs, now),
        Selection::Scope(scope) => clear_scope(tx, scope, epoch, epochs, now),
    }
}

fn clear_all(
    tx: &Transaction<'_>,
    epoch: i64,
    epochs: Epochs,
    now: Timestamp,
) -> Result<Removal, TransactionError> {
    let few = few(
        tx,
        "SELECT hash, length(value) FROM cache LIMIT ?1",
        [MOST],
        MOST,
    )?;
    // Hidden values count no more.
    let removed = few.map(|few| remove(tx, &few, epochs, now)).transpose()?;
    invalidations::record(tx, invalidations::ALL, epoch, now)?;
    // This one covers every earlier removal.
    tx.execute("DELETE FROM cache_hidden", [])?;
    if let Some(removed) = removed {
        tx.execute("DELETE FROM cache_tags", [])?;
        hidden::set_newest(tx, 0)?;
        return Ok(removed);
    }
    hidden::hide(tx, invalidations::ALL, epoch)?;
    Ok(Removal::uncounted())
}

fn clear_scope(
    tx: &Transaction<'_>,
    scope: &Scope,
    epoch: i64,
    epochs: Epochs,
    now: Timestamp,
) -> Result<Removal, TransactionError> {
    let subject = invalidations::scope_subject(scope.as_str());
    invalidations::record(tx, &subject, epoch, now)?;
    let [from, to] = key_range::of_scope(scope);
    let few = few(
        tx,
        "SELECT hash, length(value) FROM cache WHERE hash >= ?1 AND hash < ?2 LIMIT ?3",
        params![from, to, MOST],
        MOST,
    )?;
    if let Some(few) = few {
        return remove(tx, &few, epochs, now);
    }
    hidden::hide(tx, &subject, epoch)?;
    Ok(Removal::uncounted())
}

pub(super) fn invalidate_tags(
    tx: &Transaction<'_>,
    tags: &[Tag],
    now: Timestamp,
) -> Result<Removal, TransactionError> {
    let epochs = Epochs::load(tx)?;
    let epoch = invalidations::next_epoch(tx)?;
    let (mut sum, mut left) = (Some(0), MOST);
    for tag in tags {
        let subject = invalidations::tag_subject(tag);
        let most = left.max(1);
        invalidations::record(tx, &subject, epoch, now)?;
        let few = few(
            tx,
            "SELECT tagged.hash, ifnull(length(cache.value), 0)
             FROM cache_tags AS tagged LEFT JOIN cache ON cache.hash = tagged.hash
             WHERE tagged.tag = ?1 LIMIT ?2",
            params![tag.as_str(), most],
            most,
        )?;
        let Some(few) = few else {
            hidden::hide(tx, &subject, epoch)?;
            sum = None;
            continue;
        };
        left = left.saturating_sub(u32::try_from(few.len()).unwrap_or(left));
        let removed = remove(tx, &few, epochs, now)?;
        // A fill in progress for a tagged key is outdated even if its new value will not have the tag.
        for hash in &few {
            let key = invalidations::key_subject(hash);
            invalidations::record(tx, &key, epoch, now)?;
        }
        sum = sum.zip(removed.count()).map(|(sum, more)| sum + more);
    }
    Ok(sum.map_or(Removal::uncounted(), Removal::exactly))
}

/// The keys that `sql` selects with the lengths of their values; `None` if they are too many, or too long,
/// to be removed at once.
fn few(
    tx: &Transaction<'_>,
    sql: &str,
    params: impl rusqlite::Params,
    most: u32,
) -> Result<Option<Vec<String>>, TransactionError> {
    let mut selected = tx.prepare_cached(sql)?;
    let rows = selected.query_map(params, |row| {
        Ok((row.get(0)?, row.get::<_, i64>(1)?.unsigned_abs()))
    })?;
    let rows: Vec<(String, u64)> = rows.collect::<Result<_, _>>()?;
    let (keys, has_more) = one_step(rows, most);
    Ok((!has_more).then_some(keys))
}

/// Removes values, and counts those that were neither expired nor hidden.
fn remove(
    tx: &Transaction<'_>,
    keys: &[String],
    epochs: Epochs,
    now: Timestamp,
) -> Result<Removal, TransactionError> {
    let mut removed = 0;
    for key in keys {
        hidden::free_if_hidden(tx, key, epochs, now)?;
        let expires_at = remove_hash(tx, key)?;
        removed += u64::from(expires_at.is_some_and(|at| !is_expired(at, now)));
    }
    Ok(Removal::exactly(removed))
}
