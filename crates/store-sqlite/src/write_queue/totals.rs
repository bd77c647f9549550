//! The row of a queue: its last number, what it holds, and the time that it has seen.

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use store_core::{Timestamp, WriteQueueStats};

use crate::error::TransactionError;

#[derive(Clone, Copy, Debug)]
pub(super) struct Totals {
    pub(super) queue: i64,
    pub(super) sequence: i64,
    writes: i64,
    bytes: i64,
    seen_at: Timestamp,
}

impl Totals {
    /// The row of the queue with this name; `None` if nothing was ever queued.
    pub(super) fn find(db: &Connection, name: &str) -> Result<Option<Self>, TransactionError> {
        let row = db
            .prepare_cached(
                "SELECT id, sequence, writes, bytes, seen_at FROM write_queues WHERE name = ?1",
            )?
            .query_row([name], |row| {
                Ok(Self {
                    queue: row.get(0)?,
                    sequence: row.get(1)?,
                    writes: row.get(2)?,
                    bytes: row.get(3)?,
                    seen_at: Timestamp::from_millis(row.get(4)?),
                })
            })
            .optional()?;
        Ok(row)
    }

    /// The row of a queue that is to be changed at `now`.
    pub(super) fn change(
        tx: &Transaction<'_>,
        name: &str,
        now: Timestamp,
    ) -> Result<Option<Self>, TransactionError> {
        let Some(mut totals) = Self::find(tx, name)? else {
            return Ok(None);
        };
        if totals.was_set_back(now) {
            // As long as it was until then, it is now.
            let back = totals.seen_at.since(now).as_millis();
            let back = i64::try_from(back).unwrap_or(i64::MAX);
            tx.prepare_cached("UPDATE queued_keys SET due_at = due_at - ?2 WHERE queue = ?1")?
                .execute([totals.queue, back])?;
            // At once: whoever changes nothing else does not store the row.
            tx.prepare_cached("UPDATE write_queues SET seen_at = ?2 WHERE id = ?1")?
                .execute([totals.queue, now.as_millis()])?;
        }
        totals.seen_at = now;
        Ok(Some(totals))
    }

    /// The row of a queue that is made if it is not there.
    pub(super) fn change_or_make(
        tx: &Transaction<'_>,
        name: &str,
        now: Timestamp,
    ) -> Result<Self, TransactionError> {
        if let Some(totals) = Self::change(tx, name, now)? {
            return Ok(totals);
        }
        tx.prepare_cached(
            "INSERT INTO write_queues (name, sequence, writes, bytes, seen_at) VALUES (?1, 0, 0, 0, ?2)",
        )?
        .execute(params![name, now.as_millis()])?;
        Ok(Self {
            queue: tx.last_insert_rowid(),
            sequence: 0,
            writes: 0,
            bytes: 0,
            seen_at: now,
        })
    }

    /// Whether the clock was set back since the last change, so that no time of a key can be compared with it.
    pub(super) fn was_set_back(&self, now: Timestamp) -> bool {
        now < self.seen_at
    }

    pub(super) fn add(&mut self, sequence: i64, bytes: i64) {
        self.sequence = sequence;
        self.writes += 1;
        self.bytes += bytes;
    }

    /// Counts a write as removed, if there was one, with its bytes.
    pub(super) fn remove(&mut self, removed: Option<i64>) {
        let Some(bytes) = removed else { return };
        self.writes = (self.writes - 1).max(0);
        self.bytes = (self.bytes - bytes).max(0);
        // A damaged value may have had another length.
        if self.writes == 0 {
            self.bytes = 0;
        }
    }

    pub(super) fn store(&self, tx: &Transaction<'_>) -> Result<(), TransactionError> {
        tx.prepare_cached(
            "UPDATE write_queues SET sequence = ?2, writes = ?3, bytes = ?4, seen_at = ?5 WHERE id = ?1",
        )?
        .execute([
            self.queue,
            self.sequence,
            self.writes,
            self.bytes,
            self.seen_at.as_millis(),
        ])?;
        Ok(())
    }

    pub(super) fn counts(&self) -> WriteQueueStats {
        WriteQueueStats::new(self.writes.unsigned_abs(), self.bytes.unsigned_abs())
    }
}
