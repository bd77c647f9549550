//! Changes of the queue; each function is the body of one transaction.

use std::num::NonZeroUsize;
use std::time::Duration;

use rusqlite::{OptionalExtension, Transaction, named_params, params};
use store_core::backend::{ensure_room, next_sequence};
use store_core::{
    Delivery, DeliveryOutcome, Error, ErrorKind, Key, MINUTE, Receipt, Received, Timestamp,
    WriteQueueOptions, WriteSequence,
};

use super::read::{self, StoredWrite};
use super::totals::Totals;
use crate::checksum;
use crate::error::{BACKEND, TransactionError};
use crate::room::Room;

/// How long a key is left alone whose oldest write is damaged.
const PAUSE_AFTER_DAMAGE: Duration = MINUTE;

pub(super) fn push(
    tx: &Transaction<'_>,
    name: &str,
    options: &WriteQueueOptions,
    max_pages: Option<u64>,
    key: &Key,
    value: &[u8],
    now: Timestamp,
) -> Result<WriteSequence, TransactionError> {
    let mut totals = Totals::change_or_make(tx, name, now)?;
    let added = ensure_room(BACKEND, options, totals.counts(), key, value.len())?;
    if Room::of(tx, max_pages)?.is_some_and(|room| !room.fits(added)) {
        let detail = "the write does not fit into the part of max_bytes of the file that a queue may use; try again \
                      when others are delivered, or raise the option";
        return Err(Error::new(ErrorKind::StorageFull, BACKEND, "push")
            .with_detail(detail)
            .into());
    }
    let sequence = next_sequence(totals.sequence.unsigned_abs(), now);
    let number = i64::try_from(sequence.get()).unwrap_or(i64::MAX);
    tx.prepare_cached(
        "INSERT INTO queued_writes (queue, hash, sequence, queued_at, value, checksum)
         VALUES (:queue, :hash, :sequence, :now, :value, :checksum)",
    )?
    .execute(named_params! {
        ":queue": totals.queue,
        ":hash": key.as_str(),
        ":sequence": number,
        ":now": now.as_millis(),
        ":value": value,
        ":checksum": checksum::of_write(key.as_str(), [number, now.as_millis()], value),
    })?;
    tx.prepare_cached(
        "INSERT INTO queued_keys (queue, hash, due_at, attempts, oldest_at) VALUES (?1, ?2, ?3, 0, ?3)
         ON CONFLICT DO NOTHING",
    )?
    .execute(params![totals.queue, key.as_str(), now.as_millis()])?;
    totals.add(number, i64::try_from(added).unwrap_or(i64::MAX));
    totals.store(tx)?;
    Ok(sequence)
}

/// Leases the keys that are due; also returns those of them whose oldest write is damaged.
pub(super) fn receive(
    tx: &Transaction<'_>,
    name: &str,
    limit: NonZeroUsize,
    lease: Duration,
    receipt: impl Fn() -> Receipt,
    now: Timestamp,
) -> Result<(Received, Vec<String>), TransactionError> {
    let Some(totals) = Totals::change(tx, name, now)? else {
        return Ok(Default::default());
    };
    let (mut deliveries, mut damaged) = (Vec::new(), Vec::new());
    for (hash, attempts) in due_keys(tx, totals.queue, limit, now)? {
        let attempt = attempts.saturating_add(1);
        let key = Key::new(&hash).ok();
        let oldest = oldest(tx, totals.queue, &hash)?;
        let write = key
            .zip(oldest)
            .and_then(|(key, oldest)| oldest.intact(&key));
        let receipt = receipt();
        let (until, stored) = if let Some(write) = write {
            deliveries.push(Delivery::new(write, attempt, lease, receipt));
            (now + lease, Some(receipt.get().cast_signed()))
        } else {
            damaged.push(hash.clone());
            (now + PAUSE_AFTER_DAMAGE, None)
        };
        tx.prepare_cached(
            "UPDATE queued_keys SET due_at = ?3, attempts = ?4, receipt = ?5 WHERE queue = ?1 AND hash = ?2",
        )?
        .execute(params![totals.queue, hash, until.as_millis(), attempt, stored])?;
    }
    totals.store(tx)?;
    let next_in = read::next_due(tx, totals.queue)?.map(|at| at.since(now));
    Ok((Received::new(deliveries, next_in), damaged))
}

/// The keys that have been due longest, with how often their oldest write was received.
fn due_keys(
    tx: &Transaction<'_>,
    queue: i64,
    limit: NonZeroUsize,
    now: Timestamp,
) -> Result<Vec<(String, u32)>, TransactionError> {
    let mut due = tx.prepare_cached(
        "SELECT hash, attempts FROM queued_keys WHERE queue = ?1 AND due_at <= ?2 ORDER BY due_at LIMIT ?3",
    )?;
    let limit = i64::try_from(limit.get()).unwrap_or(i64::MAX);
    let rows = due.query_map(params![queue, now.as_millis(), limit], |row| {
        Ok((row.get(0)?, read::attempts(row, 1)?))
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn oldest(
    tx: &Transaction<'_>,
    queue: i64,
    hash: &str,
) -> Result<Option<StoredWrite>, TransactionError> {
    let oldest = tx
        .prepare_cached(
            "SELECT sequence, queued_at, checksum, value FROM queued_writes
             WHERE queue = ?1 AND hash = ?2 ORDER BY sequence LIMIT 1",
        )?
        .query_row(params![queue, hash], StoredWrite::read)
        .optional()?;
    Ok(oldest)
}

/// What becomes of a key under delivery.
#[derive(Clone, Copy, Debug)]
pub(super) enum Settlement {
    Renew,
    Acknowledge,
    Postpone(Duration),
}

pub(super) fn settle(
    tx: &Transaction<'_>,
    name: &str,
    delivery: &Delivery,
    settlement: Settlement,
    now: Timestamp,
) -> Result<DeliveryOutcome, TransactionError> {
    let Some(mut totals) = Totals::change(tx, name, now)? else {
        return Ok(DeliveryOutcome::Fenced);
    };
    let (queue, key) = (totals.queue, delivery.write.key.as_str());
    let is_current = tx
        .prepare_cached(
            "SELECT 1 FROM queued_keys WHERE queue = ?1 AND hash = ?2 AND receipt = ?3",
        )?
        .exists(params![queue, key, delivery.receipt.get().cast_signed()])?;
    if !is_current {
        return Ok(DeliveryOutcome::Fenced);
    }
    match settlement {
        Settlement::Renew => {
            let until = (now + delivery.lease).as_millis();
            tx.prepare_cached("UPDATE queued_keys SET due_at = ?3 WHERE queue = ?1 AND hash = ?2")?
                .execute(params![queue, key, until])?;
        }
        Settlement::Postpone(pause) => {
            let due_at = (now + pause).as_millis();
            tx.prepare_cached(
                "UPDATE queued_keys SET due_at = ?3, receipt = NULL WHERE queue = ?1 AND hash = ?2",
            )?
            .execute(params![queue, key, due_at])?;
        }
        Settlement::Acknowledge => {
            // By its number: the oldest may be another one, in a damaged file.
            let removed = tx
                .prepare_cached(
                    "DELETE FROM queued_writes WHERE queue = ?1 AND hash = ?2 AND sequence = ?3
                 RETURNING length(CAST(hash AS BLOB)) + length(value)",
                )?
                .query_row(
                    params![queue, key, delivery.write.sequence.get().cast_signed()],
                    |row| row.get(0),
                )
                .optional()?;
            totals.remove(removed);
            go_on(tx, queue, key, now)?;
        }
    }
    totals.store(tx)?;
    Ok(DeliveryOutcome::Done)
}

/// Removes the oldest write of a key, undelivered; whether there was one.
pub(super) fn discard_oldest(
    tx: &Transaction<'_>,
    name: &str,
    key: &Key,
    now: Timestamp,
) -> Result<bool, TransactionError> {
    let Some(mut totals) = Totals::change(tx, name, now)? else {
        return Ok(false);
    };
    let removed: Option<i64> = tx
        .prepare_cached(
            "DELETE FROM queued_writes WHERE id =
               (SELECT id FROM queued_writes WHERE queue = ?1 AND hash = ?2 ORDER BY sequence LIMIT 1)
             RETURNING length(CAST(hash AS BLOB)) + length(value)",
        )?
        .query_row(params![totals.queue, key.as_str()], |row| row.get(0))
        .optional()?;
    totals.remove(removed);
    go_on(tx, totals.queue, key.as_str(), now)?;
    totals.store(tx)?;
    Ok(removed.is_some())
}

/// Makes the next write of a key due after its oldest was removed; the key goes with its last one.
fn go_on(
    tx: &Transaction<'_>,
    queue: i64,
    key: &str,
    now: Timestamp,
) -> Result<(), TransactionError> {
    let next: Option<i64> = tx
        .prepare_cached(
            "SELECT queued_at FROM queued_writes WHERE queue = ?1 AND hash = ?2 ORDER BY sequence LIMIT 1",
        )?
        .query_row(params![queue, key], |row| row.get(0))
        .optional()?;
    match next {
        Some(oldest_at) => tx
            .prepare_cached(
                "UPDATE queued_keys SET due_at = ?3, attempts = 0, receipt = NULL, oldest_at = ?4
                 WHERE queue = ?1 AND hash = ?2",
            )?
            .execute(params![queue, key, now.as_millis(), oldest_at])?,
        None => tx
            .prepare_cached("DELETE FROM queued_keys WHERE queue = ?1 AND hash = ?2")?
            .execute(params![queue, key])?,
    };
    Ok(())
}
