//! Older versions of a body, stored as their difference to the next newer one.

use std::sync::Arc;

use sqlite_database::Result;
use sqlite_database::rusqlite::{Connection, OptionalExtension, Transaction, params};
use store_core::Timestamp;

use super::compressor::{Compressed, Compressor};
use super::reader::{Reader, checksum};
use super::shared_rows::SharedRows;
use super::state::integer;
use crate::codec::delta;
use crate::store::{ContentId, StoredBody};

/// A longer body stays as it is: to compress it would hold up other writers.
const MAX_BYTES: usize = 256 << 10;
/// A difference that is not shorter by this part of the bytes is not worth its reading: a quarter.
const LEAST_SAVED: i64 = 4;
/// The most differences that a body is read through.
pub(super) const MAX_CHAIN: usize = 16;

/// Stores an older version as its difference to the `newer` one, whose body this is, if that is shorter. It must be kept
/// as the version before that one, which then outlives it; nothing else may need it, and it must be whole.
pub(super) fn store(
    tx: &Transaction<'_>,
    rows: &mut SharedRows<'_>,
    compressor: &Compressor,
    older: i64,
    (newer, newer_body): (i64, &[u8]),
    now: Timestamp,
) -> Result<()> {
    let stored_bytes: Option<i64> = tx
        .prepare_cached(
            "SELECT c.compressed_size FROM body_contents c JOIN compression_processes p USING (compression_process_id)
             WHERE c.content_id = ?1 AND c.reference_count = 1 AND c.chunk_count = 0 AND c.original_size <= ?2
                 AND p.system_name <> ?3
                 AND EXISTS (SELECT 1 FROM bodies o JOIN bodies n ON n.previous_version_id = o.body_id
                             WHERE o.content_id = ?1 AND n.content_id = ?4)",
        )?
        .query_row(params![older, integer(MAX_BYTES), delta::NAME, newer], |row| row.get(0))
        .optional()?;
    let Some(stored_bytes) = stored_bytes.filter(|_| newer_body.len() <= MAX_BYTES) else {
        return Ok(());
    };
    if chain_below(tx, older)? >= MAX_CHAIN {
        return Ok(());
    }
    let (codecs, clock) = (compressor.codecs.clone(), Arc::clone(&compressor.clock));
    let reader = Reader::quiet(codecs, clock);
    let Some(StoredBody::Whole(body)) = reader.body(tx, ContentId(older))? else {
        return Ok(());
    };
    // One that cannot be stored as a difference stays as it is.
    let Ok(difference) = delta::compress(&body, newer_body) else {
        return Ok(());
    };
    if integer(difference.len()) > stored_bytes - stored_bytes / LEAST_SAVED {
        return Ok(());
    }
    let full_name = "Zstandard, level 3, as a difference";
    let process = rows.process(delta::NAME, full_name, Some(delta::LEVEL), None, now)?;
    tx.prepare_cached(
        "UPDATE body_contents SET compression_process_id = ?2, compressed_size = ?3, checksum = ?4, body_content = ?5,
             base_content_id = ?6
         WHERE content_id = ?1",
    )?
    .execute(params![
        older,
        process,
        integer(difference.len()),
        i64::from(crc32fast::hash(&difference)),
        difference,
        newer
    ])?;
    Ok(())
}

/// How many differences in a row are based on a body.
fn chain_below(db: &Connection, content: i64) -> Result<usize> {
    let mut below = db.prepare_cached(
        "SELECT o.content_id FROM bodies n JOIN bodies o ON o.body_id = n.previous_version_id
         JOIN body_contents c ON c.content_id = o.content_id
         WHERE n.content_id = ?1 AND c.base_content_id = ?1 LIMIT 1",
    )?;
    let (mut content, mut length) = (content, 0);
    while length < MAX_CHAIN {
        let next = below.query_row([content], |row| row.get(0)).optional()?;
        let Some(next) = next else {
            break;
        };
        content = next;
        length += 1;
    }
    Ok(length)
}

/// Stores a body for itself again that was stored as a difference: something else needs it now.
pub(super) fn make_whole(
    tx: &Transaction<'_>,
    content: i64,
    process: i64,
    compressed: &Compressed,
) -> Result<()> {
    tx.prepare_cached(
        "UPDATE body_contents SET compression_process_id = ?2, compressed_size = ?3, checksum = ?4, body_content = ?5,
             base_content_id = NULL
         WHERE content_id = ?1",
    )?
    .execute(params![
        content,
        process,
        integer(compressed.bytes.len()),
        checksum(&*compressed.codec, &compressed.bytes),
        compressed.bytes
    ])?;
    Ok(())
}
