//! Changes of the cache; each function is the body of one transaction.

use rusqlite::{Transaction, named_params, params};
use store_core::backend::FillMark;
use store_core::{Key, NewEntry, Removal, Timestamp};

use super::evict::{self, Made};
use super::hidden;
use super::invalidations::{self, Epochs};
use super::read::{self, Found, NEVER, is_expired};
use crate::checksum;
use crate::error::TransactionError;
use crate::room::Room;

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
    max_pages: Option<u64>,
    now: Timestamp,
) -> Result<WriteOutcome, TransactionError> {
    let NewEntry {
        key, value, tags, ..
    } = entry;
    let epochs = Epochs::load(tx)?;
    hidden::free_if_hidden(tx, key.as_str(), epochs, now)?;
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
    if let Some(room) = Room::of(tx, max_pages)?
        && !room.fits_cache(evict::size(entry))
    {
        if has_newer_fill(tx, key, began_at, now)? {
            return Ok(WriteOutcome::Outdated);
        }
        place = match evict::make_room(tx, room, evict::size(entry), epochs, now)? {
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
    hidden::free_if_hidden(tx, key.as_str(), Epochs::load(tx)?, now)?;
    let epoch = invalidations::next_epoch(tx)?;
    invalidations::record(tx, &invalidations::key_subject(key.as_str()), epoch, now)?;
    let removed = remove(tx, key)?.filter(|expires_at| !is_expired(*expires_at, now));
    Ok(Removal::exactly(u64::from(removed.is_some())))
}

/// Removes the value of `key` if it is damaged: it may have been replaced since it was found so.
pub(super) fn remove_damaged(
    tx: &Transaction<'_>,
    key: &Key,
    now: Timestamp,
) -> Result<(), TransactionError> {
    if matches!(read::find_in_snapshot(tx, key, now)?, Found::Damaged) {
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
