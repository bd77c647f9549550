//! Storing a value: each function is the body of one transaction.

use std::sync::Arc;

use sqlite_database::Result;
use sqlite_database::rusqlite::{OptionalExtension, Transaction, params};
use store_core::{SetOutcome, Timestamp};

use super::value::Value;
use crate::sqlite::commit::{self, Stored};
use crate::sqlite::compressor::Compressor;
use crate::sqlite::content::NewContent;
use crate::sqlite::interned::Known;
use crate::sqlite::invalidations;
use crate::sqlite::open::Opened;
use crate::sqlite::remove::remove_responses;

/// The value that is stored under a key.
struct Older {
    response: i64,
    began_at: Timestamp,
    created_at: Timestamp,
    is_alive: bool,
}

/// Stores a value; nothing is stored if it is outdated.
pub(crate) fn store(
    tx: &Transaction<'_>,
    opened: &Arc<Opened>,
    compressor: &Compressor,
    value: &mut Value,
    content: NewContent,
    max_versions: u32,
) -> Result<(Option<Stored>, Known)> {
    // A time from before the wait for the lock would be stale.
    value.stamp();
    let now = value.row.now;
    let older = older(tx, value)?;
    if is_outdated(tx, value, older.as_ref())? {
        return Ok((None, Known::default()));
    }
    // One of the future was stored before the clock was set back.
    if let Some(older) = older.filter(|older| older.created_at > now) {
        remove_responses(tx, &[older.response], now)?;
    }
    let (stored, new) = commit::commit(tx, opened, compressor, &value.row, content, max_versions)?;
    if let Some(stored) = &stored {
        write_row(tx, value, stored.response.0)?;
    }
    Ok((stored, new))
}

/// Removes the value in whose place a longer one should have come than is stored, unless that is outdated.
pub(super) fn remove_for_longer(tx: &Transaction<'_>, value: &mut Value) -> Result<SetOutcome> {
    value.stamp();
    let older = older(tx, value)?;
    if is_outdated(tx, value, older.as_ref())? {
        return Ok(SetOutcome::Outdated);
    }
    let responses: Vec<_> = older.iter().map(|older| older.response).collect();
    remove_responses(tx, &responses, value.row.now)?;
    Ok(SetOutcome::Stored)
}

fn older(tx: &Transaction<'_>, value: &Value) -> Result<Option<Older>> {
    let older = tx
        .prepare_cached(
            "SELECT response_id, began_at, created_at, expires_at IS NULL OR expires_at > ?2
             FROM cached_values WHERE key = ?1",
        )?
        .query_row(
            params![value.key.as_str(), value.row.now.as_millis()],
            |row| {
                Ok(Older {
                    response: row.get(0)?,
                    began_at: Timestamp::from_millis(row.get(1)?),
                    created_at: Timestamp::from_millis(row.get(2)?),
                    is_alive: row.get(3)?,
                })
            },
        );
    Ok(older.optional()?)
}

/// Whether an invalidation, or a fill that began later, has overtaken the value.
fn is_outdated(tx: &Transaction<'_>, value: &Value, older: Option<&Older>) -> Result<bool> {
    let (target, begun, now) = (value.row.target, value.row.begun, value.row.now);
    let keys = value.subjects.iter().copied().chain([target]);
    if invalidations::is_any_outdated(tx, keys, begun)? {
        return Ok(true);
    }
    // A fill that began in the future: the clock was set back, and which of the two is later is not known.
    Ok(older.is_some_and(|older| {
        older.is_alive && older.began_at > value.began_at && older.began_at <= now
    }))
}

fn write_row(tx: &Transaction<'_>, value: &Value, response: i64) -> Result<()> {
    tx.prepare_cached(
        "INSERT INTO cached_values (key, response_id, began_at, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (response_id) DO UPDATE SET began_at = excluded.began_at, created_at = excluded.created_at,
             expires_at = excluded.expires_at",
    )?
    .execute(params![
        value.key.as_str(),
        response,
        value.began_at.as_millis(),
        value.row.now.as_millis(),
        value.expires_at.map(Timestamp::as_millis)
    ])?;
    tx.prepare_cached("DELETE FROM value_tags WHERE response_id = ?1")?
        .execute([response])?;
    let mut tagged =
        tx.prepare_cached("INSERT OR IGNORE INTO value_tags (tag, response_id) VALUES (?1, ?2)")?;
    for tag in &value.tags {
        tagged.execute(params![tag.as_str(), response])?;
    }
    Ok(())
}
