//! Giving a stored response a new head: one transaction.

use std::sync::Arc;

use sqlite_database::Result;
use sqlite_database::rusqlite::{Transaction, params};

use super::commit::{Older, Row, older};
use super::equivalents;
use super::interned::Known;
use super::invalidations;
use super::open::Opened;
use super::remove::remove_responses;
use super::rows::update_head;
use super::shared_rows::SharedRows;
use super::tags;
use crate::store::{ContentId, ResponseId};

/// Gives a stored response a new head; whether it is there with this body, and was not invalidated meanwhile.
pub(super) fn freshen(
    tx: &Transaction<'_>,
    opened: &Arc<Opened>,
    row: &Row,
    (id, content): (ResponseId, ContentId),
) -> Result<(bool, Known)> {
    let mut rows = SharedRows::new(tx, &opened.interned)?;
    if invalidations::is_outdated(tx, row, &opened.salt)? {
        return Ok((false, rows.new));
    }
    let head = &row.response.head;
    let (vary_key, range) = (head.variant.to_bytes(), head.range.as_deref().unwrap_or(""));
    let older = older(tx, row.target)?;
    if !older.iter().any(|older| older.id == id.0) {
        return Ok((false, rows.new));
    }
    let (body, current): (i64, i64) = tx
        .prepare_cached(
            "SELECT body_id, content_id FROM responses JOIN bodies USING (body_id) WHERE response_id = ?1",
        )?
        .query_row([id.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
    // A head belongs to its body: one that was replaced since it was validated keeps the new head.
    if current != content.0 {
        return Ok((false, rows.new));
    }
    // Another variant now, perhaps: then it takes the place of that one.
    let is_replaced =
        |older: &&Older| older.id != id.0 && older.vary_key == vary_key && older.range == range;
    let replaced: Vec<_> = older
        .iter()
        .filter(is_replaced)
        .map(|older| older.id)
        .collect();
    remove_responses(tx, &replaced, row.now)?;
    rows.status(head.status)?;
    update_head(tx, &mut rows, row, id.0, body)?;
    tags::freshen(tx, id.0, &row.response)?;
    equivalents::replace(tx, row.target, id.0, &row.response)?;
    tx.prepare_cached(
        "UPDATE cache_validation SET validation_count = validation_count + 1 WHERE response_id = ?1",
    )?
    .execute([id.0])?;
    tx.prepare_cached(
        "UPDATE variants SET vary_key = ?3, range = ?4 WHERE url_key = ?1 AND response_id = ?2",
    )?
    .execute(params![row.target.as_bytes(), id.0, vary_key, range])?;
    Ok((true, rows.new))
}
