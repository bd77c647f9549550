//! Reading what is queued.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Row, params};
use store_core::{
    Key, Page, PageRequest, QueuedKey, QueuedWrite, Timestamp, WriteQueueStats, WriteSequence,
};

use super::totals::Totals;
use crate::checksum;
use crate::error::{TransactionError, corrupt};

/// A row of a write, which may be damaged: then some of its values may be of other types.
#[derive(Debug)]
pub(crate) struct StoredWrite {
    sequence: Option<i64>,
    queued_at: Option<i64>,
    checksum: Option<i64>,
    value: Option<Vec<u8>>,
}

impl StoredWrite {
    /// Of the columns `sequence, queued_at, checksum, value`, the first ones of `row`.
    pub(crate) fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        let number = |column| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_i64().ok());
        let value = row.get_ref(3)?.as_blob().ok();
        Ok(Self {
            sequence: number(0)?,
            queued_at: number(1)?,
            checksum: number(2)?,
            value: value.map(<[u8]>::to_vec),
        })
    }

    /// What was queued; `None` if the row is something else.
    pub(crate) fn intact(self, key: &Key) -> Option<QueuedWrite> {
        let (sequence, queued_at, value) = (self.sequence?, self.queued_at?, self.value?);
        let computed = checksum::of_write(key.as_str(), [sequence, queued_at], &value);
        if self.checksum != Some(computed) {
            return None;
        }
        let sequence = WriteSequence::new(u64::try_from(sequence).ok()?);
        let queued_at = Timestamp::from_millis(queued_at);
        Some(QueuedWrite::new(
            key.clone(),
            sequence,
            value.into(),
            queued_at,
        ))
    }
}

pub(super) fn newest(
    db: &Connection,
    name: &str,
    key: &Key,
) -> Result<Option<QueuedWrite>, TransactionError> {
    let stored = db
        .prepare_cached(
            "SELECT sequence, queued_at, checksum, value FROM queued_writes
             WHERE queue = (SELECT id FROM write_queues WHERE name = ?1) AND hash = ?2
             ORDER BY sequence DESC LIMIT 1",
        )?
        .query_row([name, key.as_str()], StoredWrite::read)
        .optional()?;
    let Some(stored) = stored else {
        return Ok(None);
    };
    // Without it, a lookup would get what the source had before.
    let damaged = || corrupt("a queued write is damaged").with_key(key.as_str());
    Ok(Some(stored.intact(key).ok_or_else(damaged)?))
}

/// Whether a key can be received.
#[derive(Debug)]
pub(super) enum Due {
    Now,
    /// Not before so long, if anything is queued.
    Later(Option<Duration>),
}

pub(super) fn when_due(
    db: &Connection,
    name: &str,
    now: Timestamp,
) -> Result<Due, TransactionError> {
    let Some(totals) = Totals::find(db, name)? else {
        return Ok(Due::Later(None));
    };
    Ok(match next_due(db, totals.queue)? {
        None => Due::Later(None),
        Some(at) if at <= now || totals.was_set_back(now) => Due::Now,
        Some(at) => Due::Later(Some(at.since(now))),
    })
}

pub(super) fn next_due(db: &Connection, queue: i64) -> Result<Option<Timestamp>, TransactionError> {
    let at: Option<i64> = db
        .prepare_cached("SELECT min(due_at) FROM queued_keys WHERE queue = ?1")?
        .query_row([queue], |row| row.get(0))?;
    Ok(at.map(Timestamp::from_millis))
}

pub(super) fn list(
    db: &Connection,
    name: &str,
    page: &PageRequest,
) -> Result<Page<QueuedKey>, TransactionError> {
    let mut statement = db.prepare_cached(
        "SELECT hash, oldest_at, attempts,
           (SELECT count(*) FROM queued_writes
            WHERE queued_writes.queue = queued_keys.queue AND queued_writes.hash = queued_keys.hash)
         FROM queued_keys
         WHERE queue = (SELECT id FROM write_queues WHERE name = ?1) AND hash > ?2
         ORDER BY hash LIMIT ?3",
    )?;
    let after = page.after.as_deref().unwrap_or_default();
    let most = i64::from(page.limit) + 1;
    let mut rows = statement.query(params![name, after, most])?;
    let (mut items, mut read, mut next) = (Vec::new(), 0, None);
    while let Some(row) = rows.next()? {
        if read == page.limit {
            return Ok(Page { items, next });
        }
        read += 1;
        let name = row.get::<_, String>(0)?;
        next = Some(name.clone());
        // A damaged key is not listed; the check of a file finds it.
        let Ok(key) = Key::new(name) else {
            continue;
        };
        let oldest_at = Timestamp::from_millis(row.get(1)?);
        let writes = row.get::<_, i64>(3)?.unsigned_abs();
        items.push(QueuedKey::new(key, writes, oldest_at, attempts(row, 2)?));
    }
    Ok(Page { items, next: None })
}

pub(super) fn attempts(row: &Row<'_>, column: usize) -> rusqlite::Result<u32> {
    Ok(u32::try_from(row.get::<_, i64>(column)?).unwrap_or(u32::MAX))
}

pub(super) fn stats(db: &Connection, name: &str) -> Result<WriteQueueStats, TransactionError> {
    // Both rows of one moment.
    let snapshot = db.unchecked_transaction()?;
    let Some(totals) = Totals::find(&snapshot, name)? else {
        return Ok(WriteQueueStats::default());
    };
    let (failing, oldest_at) = snapshot
        .prepare_cached(
            "SELECT count(*) FILTER (WHERE attempts > 1 OR (attempts = 1 AND receipt IS NULL)), min(oldest_at)
             FROM queued_keys WHERE queue = ?1",
        )?
        .query_row([totals.queue], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?))
        })?;
    let oldest_at = oldest_at.map(Timestamp::from_millis);
    Ok(totals.counts().with_keys(failing.unsigned_abs(), oldest_at))
}
