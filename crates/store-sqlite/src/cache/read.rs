//! Read-only queries: lookup, list and statistics.

use std::time::Duration;

use bytes::Bytes;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, params};
use store_core::{
    CacheStats, Entry, EntryInfo, Key, Lookup, MINUTE, Page, PageRequest, Tag, Timestamp,
};

use super::hidden::{self, AllHidden};
use super::invalidations;
use crate::checksum;
use crate::error::TransactionError;

/// The stored expiry of a value that never expires.
pub(super) const NEVER: i64 = 0;

pub(super) fn is_expired(expires_at: i64, now: Timestamp) -> bool {
    expires_at != NEVER && expires_at <= now.as_millis()
}

/// A value with an expiry that was stored later than this from now is from before the clock was set back. It is not
/// served: how old it is cannot be told.
const TOLERANCE: Duration = MINUTE;

/// The latest that a value with an expiry may have been stored.
fn latest_creation(now: Timestamp) -> Timestamp {
    now + TOLERANCE
}

fn expiry(expires_at: i64) -> Option<Timestamp> {
    (expires_at != NEVER).then(|| Timestamp::from_millis(expires_at))
}

/// What is stored under a key.
#[derive(Debug)]
pub(super) enum Found {
    Live(Entry),
    /// No value, or one that has expired.
    Nothing,
    /// A value that is not what was stored.
    Damaged,
}

/// A lookup, and whether the value of the key is damaged, so that it is missing.
pub(super) type CheckedLookup = (Lookup, bool);

pub(super) fn lookup(
    db: &Connection,
    key: &Key,
    now: Timestamp,
) -> Result<CheckedLookup, TransactionError> {
    let is_damaged = match find(db, key, now)? {
        Found::Live(entry) => return Ok((Lookup::Hit(entry), false)),
        Found::Nothing => false,
        Found::Damaged => true,
    };
    let token = invalidations::current_token(db, now)?;
    Ok((Lookup::Miss(token), is_damaged))
}

const SELECT_VALUE: &str = "SELECT expires_at, created_at, epoch, value, checksum, newest_hidden
     FROM cache_lookup WHERE hash = ?1";

/// Reads and checks the value of `key`.
fn find(db: &Connection, key: &Key, now: Timestamp) -> Result<Found, TransactionError> {
    if let Some(found) = find_unhidden(db, key, now)? {
        return Ok(found);
    }
    // What hides the value is in other tables, which a sweep may empty at any time.
    let snapshot = db.unchecked_transaction()?;
    find_in_snapshot(&snapshot, key, now)
}

/// Reads and checks the value of `key`, within a transaction.
pub(super) fn find_in_snapshot(
    db: &Connection,
    key: &Key,
    now: Timestamp,
) -> Result<Found, TransactionError> {
    if let Some(found) = find_unhidden(db, key, now)? {
        return Ok(found);
    }
    let stored = db
        .prepare_cached(SELECT_VALUE)?
        .query_row([key.as_str()], |row| {
            let stored = StoredValue::read(row)?;
            Ok((
                StoredValue::epoch(stored.as_ref()),
                checked(stored, key, now),
            ))
        })
        .optional()?;
    let Some((epoch, found)) = stored else {
        return Ok(Found::Nothing);
    };
    match hidden::hiding(db, key.as_str(), epoch)? {
        Some(_) => Ok(Found::Nothing),
        None => Ok(found),
    }
}

/// What one statement finds; `None` if an invalidation is pending that may hide the value.
fn find_unhidden(
    db: &Connection,
    key: &Key,
    now: Timestamp,
) -> Result<Option<Found>, TransactionError> {
    let mut value = db.prepare_cached(SELECT_VALUE)?;
    let mut rows = value.query([key.as_str()])?;
    let Some(row) = rows.next()? else {
        return Ok(Some(Found::Nothing));
    };
    let stored = StoredValue::read(row)?;
    if StoredValue::epoch(stored.as_ref()) < row.get(5)? {
        return Ok(None);
    }
    Ok(Some(checked(stored, key, now)))
}

/// A value as its row has it.
pub(crate) struct StoredValue<'a> {
    expires_at: i64,
    created_at: i64,
    epoch: i64,
    value: &'a [u8],
    checksum: ValueRef<'a>,
}

impl<'a> StoredValue<'a> {
    /// Reads a row that begins with `expires_at, created_at, epoch, value, checksum`; `None` if it is damaged: it may
    /// have columns of other types than its table then.
    pub(crate) fn read(row: &'a Row<'_>) -> rusqlite::Result<Option<Self>> {
        let (Ok(expires_at), Ok(created_at), Ok(epoch), Ok(value)) = (
            row.get_ref(0)?.as_i64(),
            row.get_ref(1)?.as_i64(),
            row.get_ref(2)?.as_i64(),
            row.get_ref(3)?.as_blob(),
        ) else {
            return Ok(None);
        };
        Ok(Some(Self {
            expires_at,
            created_at,
            epoch,
            value,
            checksum: row.get_ref(4)?,
        }))
    }

    /// The number of invalidations when it was stored; a damaged one precedes all.
    fn epoch(stored: Option<&Self>) -> i64 {
        stored.map_or(0, |stored| stored.epoch)
    }

    /// Whether it is what was stored under `key`.
    pub(crate) fn is_intact(&self, key: &str) -> bool {
        let times = [self.expires_at, self.created_at, self.epoch];
        checksum::matches(self.checksum, || checksum::of_value(key, times, self.value))
    }
}

/// What a row is to a lookup of `key`; `None` is a damaged row.
fn checked(stored: Option<StoredValue<'_>>, key: &Key, now: Timestamp) -> Found {
    let Some(stored) = stored else {
        return Found::Damaged;
    };
    let is_of_the_future = stored.created_at > latest_creation(now).as_millis();
    if is_expired(stored.expires_at, now) || (is_of_the_future && stored.expires_at != NEVER) {
        return Found::Nothing;
    }
    if !stored.is_intact(key.as_str()) {
        return Found::Damaged;
    }
    Found::Live(Entry::new(
        Bytes::copy_from_slice(stored.value),
        Timestamp::from_millis(stored.created_at),
        expiry(stored.expires_at),
    ))
}

pub(super) fn list(
    db: &Connection,
    page: &PageRequest,
    now: Timestamp,
) -> Result<Page<EntryInfo>, TransactionError> {
    let snapshot = db.unchecked_transaction()?;
    let hidden = AllHidden::load(&snapshot)?;
    let mut values = snapshot.prepare_cached(
        "SELECT hash, length(value), created_at, expires_at, epoch FROM cache
         WHERE hash > ?1 AND (expires_at = 0 OR (expires_at > ?2 AND created_at <= ?3))
         ORDER BY hash",
    )?;
    let mut tags =
        snapshot.prepare_cached("SELECT tag FROM cache_tags WHERE hash = ?1 ORDER BY tag")?;
    let after = page.after.as_deref().unwrap_or_default();
    let latest = latest_creation(now);
    let mut rows = values.query(params![after, now.as_millis(), latest.as_millis()])?;
    let mut items = Vec::new();
    while items.len() <= page.limit as usize
        && let Some(row) = rows.next()?
    {
        // Files of the npm package may have rows that are no valid keys and cannot be requested.
        let Ok(key) = Key::new(row.get_ref(0)?.as_str().unwrap_or_default()) else {
            continue;
        };
        let tags = tags
            .query_map([key.as_str()], |row| row.get::<_, String>(0))?
            .filter_map(|tag| tag.map(|tag| Tag::new(&tag).ok()).transpose())
            .collect::<Result<Vec<_>, _>>()?;
        let epoch = row.get(4)?;
        if hidden.is_pending_after(epoch) && hidden.hides(&key, epoch, tags.iter().map(Tag::as_str))
        {
            continue;
        }
        let size_bytes = row.get::<_, i64>(1)?.unsigned_abs();
        let created_at = Timestamp::from_millis(row.get(2)?);
        items.push(
            EntryInfo::new(key, size_bytes, created_at)
                .with_expires_at(expiry(row.get(3)?))
                .with_tags(tags),
        );
    }
    Ok(Page::truncated(items, page.limit, |item| {
        item.key.to_string()
    }))
}

pub(super) fn stats(db: &Connection, now: Timestamp) -> Result<CacheStats, TransactionError> {
    let count = |row: &rusqlite::Row<'_>| row.get::<_, i64>(0).map(i64::unsigned_abs);
    let total = db.query_row("SELECT count(*) FROM cache", [], count)?;
    let expired = db.query_row(
        "SELECT count(*) FROM cache WHERE expires_at > 0 AND expires_at <= ?1",
        [now.as_millis()],
        count,
    )?;
    let size_bytes = db.query_row(
        "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size",
        [],
        count,
    )?;
    Ok(CacheStats::new(total, expired, size_bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many trees a lookup opens.
    fn trees(db: &Connection) -> usize {
        let mut program = db.prepare(&format!("EXPLAIN {SELECT_VALUE}")).unwrap();
        let steps = program.query_map(["issues:1"], |row| row.get::<_, String>(1));
        steps
            .unwrap()
            .filter(|step| step.as_deref() == Ok("OpenRead"))
            .count()
    }

    #[test]
    fn a_lookup_reads_only_the_values_and_their_index() {
        let db = Connection::open_in_memory().unwrap();
        db.execute_batch(include_str!("../../schema.sql")).unwrap();
        assert_eq!(trees(&db), 2);
    }
}
