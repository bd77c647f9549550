//! The change feed: a log of changes, which triggers write while there are followers.
//!
//! A follower is a row with a lease, which its readings renew. Sweeps remove followers whose lease has lapsed, and what
//! all have read of the log. A follower that is gone, or is behind what was removed, is told that everything may have
//! changed.
//!
//! Invariants:
//!
//! - While a follower's row exists, every change is logged in the transaction that makes it.
//! - Changes are removed from the log in their order, and the newest stays while there are followers: numbers rise.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use store_core::backend::FeedMark;
use store_core::{Changed, Changes, Clock, FeedPosition, Key, MINUTE, Random, Result, Timestamp};

use crate::error::{TransactionError, store_error};
use crate::handle::StoreHandle;
use crate::options::DEFAULT_CLEANUP_BATCH;

/// How long a follower is kept that does not read.
const LEASE: Duration = MINUTE;
/// A reading renews a lease that is this old.
const RENEW_AFTER: Duration = Duration::from_secs(20);
/// With more changes than this since the last reading, everything may have changed.
const MOST_CHANGES: u32 = 4_096;
/// The most changes that are kept for a follower that does not read.
const MOST_KEPT: i64 = 65_536;

const OPERATION: &str = "changes_since";

/// The most followers of one handle whose readings are remembered.
const MOST_READINGS: usize = 16;

/// What one handle remembers of the last reading of each of its followers, so that the next one need not look into the
/// log if nothing was committed since.
#[derive(Debug, Default)]
pub(super) struct FeedState {
    last: Mutex<HashMap<u64, LastReading>>,
}

#[derive(Clone, Copy, Debug)]
struct LastReading {
    mark: FeedMark,
    /// Before the log was read.
    data_version: Option<i64>,
    /// By the monotonic clock.
    renewed_at: Duration,
}

impl FeedState {
    fn last(&self, follower: u64) -> Option<LastReading> {
        self.lock().get(&follower).copied()
    }

    fn note(&self, reading: LastReading) {
        let mut last = self.lock();
        // Only the shortcut is lost.
        if last.len() >= MOST_READINGS && !last.contains_key(&reading.mark.follower) {
            last.clear();
        }
        last.insert(reading.mark.follower, reading);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<u64, LastReading>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) async fn changes_since(
    handle: &StoreHandle,
    state: &FeedState,
    random: &dyn Random,
    position: Option<FeedPosition>,
) -> Result<Changes> {
    handle.ensure_open(OPERATION)?;
    let Some(mark) = position.map(FeedMark::from) else {
        return register(handle, state, random).await;
    };
    let now = handle.clock().monotonic();
    let last = state.last(mark.follower);
    let renewed_at = match last {
        Some(last) if now.saturating_sub(last.renewed_at) < RENEW_AFTER => last.renewed_at,
        _ => {
            // Noted first: a caller who gives up while a writer is in the way leaves it to a later reading.
            if let Some(last) = last {
                state.note(LastReading {
                    renewed_at: now,
                    ..last
                });
            }
            let renewed = handle.write(OPERATION, move |tx, now| renew(tx, mark, now));
            // Only the row decides whether the follower is still one.
            if let Err(error) = renewed.await {
                tracing::warn!(%error, "the lease of a follower of the changes was not renewed");
            }
            now
        }
    };
    // Before the log: what is committed in between is read again.
    let data_version = handle
        .database()
        .data_version()
        .map_err(|error| store_error(error, OPERATION))?;
    let is_unchanged =
        last.is_some_and(|last| last.mark == mark && last.data_version == Some(data_version));
    let (changed, sequence) = if is_unchanged {
        (Changed::Keys(Vec::new()), mark.sequence)
    } else {
        match handle.read(OPERATION, move |db, _| read(db, mark)).await? {
            Some(read) => read,
            None => return register(handle, state, random).await,
        }
    };
    let mark = FeedMark { sequence, ..mark };
    state.note(LastReading {
        mark,
        data_version: Some(data_version),
        renewed_at,
    });
    Ok(Changes::new(changed, mark.into()))
}

async fn register(handle: &StoreHandle, state: &FeedState, random: &dyn Random) -> Result<Changes> {
    let follower = random.next_u64();
    let renewed_at = handle.clock().monotonic();
    let sequence = handle
        .write(OPERATION, move |tx, now| add(tx, follower, now))
        .await?;
    let mark = FeedMark { follower, sequence };
    state.note(LastReading {
        mark,
        data_version: None,
        renewed_at,
    });
    Ok(Changes::new(Changed::Everything, mark.into()))
}

/// Adds a follower that has read everything so far.
fn add(tx: &Transaction<'_>, follower: u64, now: Timestamp) -> Result<u64, TransactionError> {
    trim(tx, now, DEFAULT_CLEANUP_BATCH)?;
    let sequence = newest(tx)?;
    tx.prepare_cached(
        "INSERT INTO cache_followers (id, sequence, lease_until) VALUES (?1, ?2, ?3)",
    )?
    .execute(params![
        follower.cast_signed(),
        sequence,
        (now + LEASE).as_millis()
    ])?;
    Ok(sequence.cast_unsigned())
}

/// Notes that a follower has read up to its mark, and removes what nobody needs any more.
fn renew(tx: &Transaction<'_>, mark: FeedMark, now: Timestamp) -> Result<(), TransactionError> {
    tx.prepare_cached(
        "UPDATE cache_followers SET sequence = max(sequence, ?2), lease_until = ?3 WHERE id = ?1",
    )?
    .execute(params![
        mark.follower.cast_signed(),
        mark.sequence.cast_signed(),
        (now + LEASE).as_millis()
    ])?;
    trim(tx, now, DEFAULT_CLEANUP_BATCH)?;
    Ok(())
}

fn newest(db: &Connection) -> Result<i64, TransactionError> {
    let newest: Option<i64> = db
        .prepare_cached("SELECT max(sequence) FROM cache_changes")?
        .query_row([], |row| row.get(0))?;
    Ok(newest.unwrap_or(0))
}

/// What has changed since the mark, and the number of the last change; `None` if there is no such follower.
fn read(db: &Connection, mark: FeedMark) -> Result<Option<(Changed, u64)>, TransactionError> {
    // A sweep may remove changes at any time.
    let snapshot = db.unchecked_transaction()?;
    let kept = snapshot
        .prepare_cached(
            "SELECT (SELECT min(sequence) FROM cache_changes), (SELECT max(sequence) FROM cache_changes)
             FROM cache_followers WHERE id = ?1",
        )?
        .query_row([mark.follower.cast_signed()], |row| {
            Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?))
        })
        .optional()?;
    let Some((oldest, newest)) = kept else {
        return Ok(None);
    };
    let (after, newest) = (mark.sequence.cast_signed(), newest.unwrap_or(0));
    let everything = || Ok(Some((Changed::Everything, newest.cast_unsigned())));
    // Removed before it was read; or the file is an older one, put back in place.
    if oldest.is_some_and(|oldest| oldest > after.saturating_add(1)) || newest < after {
        return everything();
    }
    let mut changes = snapshot.prepare_cached(
        "SELECT sequence, hash FROM cache_changes WHERE sequence > ?1 ORDER BY sequence LIMIT ?2",
    )?;
    let mut rows = changes.query(params![after, MOST_CHANGES + 1])?;
    let (mut keys, mut last, mut count) = (Vec::new(), after, 0);
    while let Some(row) = rows.next()? {
        count += 1;
        last = row.get(0)?;
        // NULL, or damage.
        let Ok(hash) = row.get_ref(1)?.as_str() else {
            return everything();
        };
        // What is no valid key cannot be requested, so nobody has a copy of it.
        keys.extend(Key::new(hash).ok());
    }
    if count > MOST_CHANGES {
        return everything();
    }
    keys.sort_unstable();
    keys.dedup();
    Ok(Some((Changed::Keys(keys), last.cast_unsigned())))
}

/// Removes followers whose lease has lapsed, and at most `limit` changes that nobody needs any more; returns how many
/// of these.
pub(super) fn trim(
    tx: &Transaction<'_>,
    now: Timestamp,
    limit: u32,
) -> Result<u64, TransactionError> {
    // One of the distant future is from before the clock was set back.
    let latest = now + LEASE + LEASE;
    tx.prepare_cached("DELETE FROM cache_followers WHERE lease_until <= ?1 OR lease_until > ?2")?
        .execute([now.as_millis(), latest.as_millis()])?;
    let slowest: Option<i64> = tx
        .prepare_cached("SELECT min(sequence) FROM cache_followers")?
        .query_row([], |row| row.get(0))?;
    let newest = newest(tx)?;
    let last = match slowest {
        None => newest,
        Some(slowest) => slowest.max(newest - MOST_KEPT).min(newest - 1),
    };
    let removed = tx
        .prepare_cached(
            "DELETE FROM cache_changes WHERE sequence IN
               (SELECT sequence FROM cache_changes WHERE sequence <= ?1 ORDER BY sequence LIMIT ?2)",
        )?
        .execute(params![last, limit])?;
    Ok(removed as u64)
}
