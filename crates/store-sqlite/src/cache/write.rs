//! Changes of the cache; each function is the body of one transaction.

use rusqlite::{Transaction, named_params, params};
use store_core::backend::FillMark;
use store_core::{Key, NewEntry, Removal, Selection, Tag, Timestamp};

use super::evict::{self, Made};
use super::invalidations::{self, Epochs};
use super::read::{self, Found, NEVER, is_expired};
use crate::checksum;
use crate::error::TransactionError;
use crate::key_range;
use crate::room::Bound;

/// The outcome of a [`set`].
#[derive(Debug)]
pub(super) enum WriteOutcome {
    Stored,
    Outdated,
    /// Rejected, and the previous value is removed.
    TooLarge {
        bytes: usize,
    },
    /// Rejected: the file is full of what the cache may not evict.
    Full,
}

pub(super) fn set(
    tx: &Transaction<'_>,
    entry: &NewEntry,
    max_bytes: usize,
    bound: &Bound,
    now: Timestamp,
) -> Result<WriteOutcome, TransactionError> {
    let NewEntry {
        key, value, tags, ..
    } = entry;
    let epochs = Epochs::load(tx)?;
    if let Some(token) = entry.token
        && epochs.is_outdated(tx, token, key, tags)?
    {
        return Ok(WriteOutcome::Outdated);
    }
    // A fill cannot have begun in the future: the clock was set back.
    let began_at = entry
        .token
        .map_or(now, |token| FillMark::from(token).began_at)
        .min(now);
    if value.len() > max_bytes {
        if has_newer_fill(tx, key, began_at, now)? {
            return Ok(WriteOutcome::Outdated);
        }
        remove(tx, key)?;
        return Ok(WriteOutcome::TooLarge { bytes: value.len() });
    }
    let mut place = None;
    if let Some(room) = bound.room(tx)?
        && !room.fits_cache(evict::size(entry))
    {
        if has_newer_fill(tx, key, began_at, now)? {
            return Ok(WriteOutcome::Outdated);
        }
        place = match evict::make_room(tx, room, evict::size(entry))? {
            Made::Room(place) => place,
            Made::Full => return Ok(WriteOutcome::Full),
        };
    }
    let expires_at = match entry.ttl.expires_at(now) {
        None => NEVER,
        // 0 means never; a millisecond later is as good.
        Some(at) if at.as_millis() == NEVER => 1,
        Some(at) => at.as_millis(),
    };
    let stored = tx
        .prepare_cached(
            "INSERT INTO cache
               (rowid, hash, expires_at, created_at, fill_began_at, value, epoch, checksum)
             VALUES (:place, :hash, :expires_at, :now, :began_at, :value, :epoch, :checksum)
             ON CONFLICT (hash) DO UPDATE SET
               expires_at = excluded.expires_at, created_at = excluded.created_at,
               fill_began_at = excluded.fill_began_at, value = excluded.value,
               epoch = excluded.epoch, checksum = excluded.checksum
             WHERE fill_began_at <= :began_at
                -- The clock was set back, so the order of the two is unknown.
                OR fill_began_at > :now
                OR (expires_at <> 0 AND expires_at <= :now)",
        )?
        .execute(named_params! {
            ":place": place,
            ":hash": key.as_str(),
            ":expires_at": expires_at,
            ":now": now.as_millis(),
            ":began_at": began_at.as_millis(),
            ":value": &value[..],
            ":epoch": epochs.epoch,
            ":checksum": checksum::of_value(key.as_str(), [expires_at, now.as_millis(), epochs.epoch], value),
        })?;
    if stored == 0 {
        return Ok(WriteOutcome::Outdated);
    }
    remove_tags(tx, key.as_str())?;
    let mut tagged =
        tx.prepare_cached("INSERT OR IGNORE INTO cache_tags (tag, hash) VALUES (?1, ?2)")?;
    for tag in tags {
        tagged.execute([tag.as_str(), key.as_str()])?;
    }
    Ok(WriteOutcome::Stored)
}

/// Whether the stored value is of a fill that began later, which an upsert would not replace.
fn has_newer_fill(
    tx: &Transaction<'_>,
    key: &Key,
    began_at: Timestamp,
    now: Timestamp,
) -> Result<bool, TransactionError> {
    let newer = tx
        .prepare_cached(
            "SELECT 1 FROM cache WHERE hash = ?1 AND fill_began_at > ?2 AND fill_began_at <= ?3
               AND (expires_at = 0 OR expires_at > ?3)",
        )?
        .exists(params![key.as_str(), began_at.as_millis(), now.as_millis()])?;
    Ok(newer)
}

pub(super) fn delete(
    tx: &Transaction<'_>,
    key: &Key,
    now: Timestamp,
) -> Result<Removal, TransactionError> {
    let epoch = invalidations::next_epoch(tx)?;
    invalidations::record(tx, &invalidations::key_subject(key), epoch, now)?;
    let removed = remove(tx, key)?.filter(|expires_at| !is_expired(*expires_at, now));
    Ok(Removal::exactly(u64::from(removed.is_some())))
}

pub(super) fn clear(
    tx: &Transaction<'_>,
    selection: &Selection,
    now: Timestamp,
) -> Result<Removal, TransactionError> {
    let epoch = invalidations::next_epoch(tx)?;
    match selection {
        Selection::All => {
            let removed = count_live(
                tx,
                "SELECT count(*) FROM cache WHERE expires_at = 0 OR expires_at > ?1",
                params![now.as_millis()],
            )?;
            tx.execute("DELETE FROM cache", [])?;
            tx.execute("DELETE FROM cache_tags", [])?;
            // This one covers every earlier invalidation.
            tx.execute("DELETE FROM cache_invalidations", [])?;
            invalidations::record(tx, invalidations::ALL, epoch, now)?;
            Ok(removed)
        }
        Selection::Scope(scope) => {
            invalidations::record(
                tx,
                &invalidations::scope_subject(scope.as_str()),
                epoch,
                now,
            )?;
            let [from, to] = key_range::of_scope(scope);
            let removed = count_live(
                tx,
                "SELECT count(*) FROM cache WHERE hash >= ?2 AND hash < ?3
                   AND (expires_at = 0 OR expires_at > ?1)",
                params![now.as_millis(), from, to],
            )?;
            for sql in [
                "DELETE FROM cache WHERE hash >= ?1 AND hash < ?2",
                "DELETE FROM cache_tags WHERE hash >= ?1 AND hash < ?2",
            ] {
                tx.prepare_cached(sql)?.execute([&from, &to])?;
            }
            Ok(removed)
        }
    }
}

pub(super) fn invalidate_tags(
    tx: &Transaction<'_>,
    tags: &[Tag],
    now: Timestamp,
) -> Result<Removal, TransactionError> {
    let epoch = invalidations::next_epoch(tx)?;
    // A fill in progress for a tagged key is outdated even if its new value will not have the tag.
    let mut keys = tx.prepare_cached(
        "INSERT INTO cache_invalidations (subject, epoch, at)
         SELECT 'key:' || hash, ?2, ?3 FROM cache_tags WHERE tag = ?1
         ON CONFLICT (subject) DO UPDATE SET epoch = excluded.epoch, at = excluded.at",
    )?;
    let mut hashes = tx.prepare_cached("SELECT hash FROM cache_tags WHERE tag = ?1")?;
    let mut removed = 0;
    for tag in tags {
        invalidations::record(tx, &invalidations::tag_subject(tag), epoch, now)?;
        keys.execute(params![tag.as_str(), epoch, now.as_millis()])?;
        let tagged = hashes.query_map([tag.as_str()], |row| row.get(0))?;
        let tagged: Vec<String> = tagged.collect::<Result<_, _>>()?;
        for hash in tagged {
            let was_live =
                remove_hash(tx, &hash)?.is_some_and(|expires_at| !is_expired(expires_at, now));
            removed += u64::from(was_live);
        }
    }
    Ok(Removal::exactly(removed))
}

/// Removes the value of `key` if it is damaged: it may have been replaced since it was found so.
pub(super) fn remove_damaged(
    tx: &Transaction<'_>,
    key: &Key,
    now: Timestamp,
) -> Result<(), TransactionError> {
    if matches!(read::find(tx, key, now)?, Found::Damaged) {
        remove(tx, key)?;
    }
    Ok(())
}

fn remove(tx: &Transaction<'_>, key: &Key) -> Result<Option<i64>, TransactionError> {
    remove_hash(tx, key.as_str())
}

/// Removes a value with its tags and returns its expiry.
pub(super) fn remove_hash(
    tx: &Transaction<'_>,
    hash: &str,
) -> Result<Option<i64>, TransactionError> {
    let mut value = tx.prepare_cached("DELETE FROM cache WHERE hash = ?1 RETURNING expires_at")?;
    let expiries = value.query_map([hash], |row| row.get(0))?;
    let expiries: Vec<i64> = expiries.collect::<Result<_, _>>()?;
    remove_tags(tx, hash)?;
    Ok(expiries.first().copied())
}

fn remove_tags(tx: &Transaction<'_>, hash: &str) -> Result<(), TransactionError> {
    tx.prepare_cached("DELETE FROM cache_tags WHERE hash = ?1")?
        .execute([hash])?;
    Ok(())
}

fn count_live(
    tx: &Transaction<'_>,
    sql: &str,
    params: impl rusqlite::Params,
) -> Result<Removal, TransactionError> {
    let count: i64 = tx
        .prepare_cached(sql)?
        .query_row(params, |row| row.get(0))?;
    Ok(Removal::exactly(count.unsigned_abs()))
}
