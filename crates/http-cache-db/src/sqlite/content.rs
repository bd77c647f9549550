//! Bodies on their way into the file: stored once.

use std::time::Duration;

use bytes::Bytes;
use sqlite_database::Result;
use sqlite_database::rusqlite::{OptionalExtension, Transaction, params};
use store_core::Timestamp;

use super::compressor::{Compressed, Compressor, MediaType};
use super::deltas;
use super::dictionaries::StoredCodecs;
use super::reader::checksum;
use super::remove::remove_unreadable;
use super::shared_rows::SharedRows;
use super::state::integer;
use crate::codec::delta;
use crate::record::ContentHash;
use crate::store::ContentId;

/// The body of a response to store.
#[derive(Debug)]
pub(super) struct NewContent {
    pub(super) hash: ContentHash,
    pub(super) len: u64,
    pub(super) media_type: MediaType,
    /// The host that it came from.
    pub(super) domain: String,
    pub(super) source: Source,
}

#[derive(Debug)]
pub(super) enum Source {
    /// In memory, and compressed unless an equal one is stored already.
    Whole(Bytes, Option<Compressed>),
    /// In the file, in so many chunks, whose compression took so long.
    Chunks(ContentId, i64, Duration),
}

/// The row of an equal body.
pub(super) struct Equal {
    id: i64,
    /// Whether it is stored as a difference to another body.
    is_delta: bool,
}

/// The row of a body that was stored, and whether it is new.
pub(super) struct StoredContent {
    pub(super) id: i64,
    /// The bytes it takes, and how long its compression took; `None` if an equal one was there.
    pub(super) new: Option<(u64, Duration)>,
}

impl NewContent {
    /// The row of this body: that of the `equal` one, or a new one.
    pub(super) fn store(
        self,
        tx: &Transaction<'_>,
        rows: &mut SharedRows<'_>,
        compressor: &Compressor,
        equal: Option<Equal>,
        now: Timestamp,
    ) -> Result<StoredContent> {
        let hash = &self.hash.as_bytes()[..];
        let (body, compressed) = match (self.source, equal) {
            (Source::Whole(body, compressed), Some(Equal { id, is_delta })) => {
                if is_delta {
                    let compressed = compressed
                        .unwrap_or_else(|| compressor.compress(&self.media_type, &body, None));
                    let process = compressed.process(tx, rows, &self.domain, now)?;
                    deltas::make_whole(tx, id, process, &compressed)?;
                }
                return Ok(StoredContent { id, new: None });
            }
            (Source::Chunks(arrived, ..), Some(Equal { id, .. })) => {
                give_up(tx, arrived)?;
                return Ok(StoredContent { id, new: None });
            }
            (Source::Chunks(arrived, chunk_count, duration), None) => {
                let stored = complete(tx, (arrived, chunk_count), (hash, self.len), now)?;
                let new = Some((stored, duration));
                return Ok(StoredContent { id: arrived.0, new });
            }
            (Source::Whole(body, compressed), None) => (body, compressed),
        };
        // One that was there a moment ago may have gone.
        let compressed =
            compressed.unwrap_or_else(|| compressor.compress(&self.media_type, &body, None));
        let codec = compressed.process(tx, rows, &self.domain, now)?;
        let id = tx
            .prepare_cached(
                "INSERT INTO body_contents (content_hash, content_type, content_encoding, mime_category,
                     compression_process_id, original_size, compressed_size, first_seen_at, last_referenced_at,
                     body_content, checksum)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?9, ?10)",
            )?
            .insert(params![
                hash,
                self.media_type.content_type,
                self.media_type.content_encoding,
                self.media_type.category().as_str(),
                codec,
                integer(self.len),
                integer(compressed.bytes.len()),
                now.as_millis(),
                compressed.bytes,
                checksum(&*compressed.codec, &compressed.bytes),
            ])?;
        let new = Some((compressed.bytes.len() as u64, compressed.duration));
        Ok(StoredContent { id, new })
    }
}

impl NewContent {
    /// The body if it is in memory.
    pub(super) fn body(&self) -> Option<Bytes> {
        match &self.source {
            Source::Whole(body, _) => Some(body.clone()),
            Source::Chunks(..) => None,
        }
    }

    /// The row of an equal body. One that no codec here can read makes way for this one, with its responses.
    pub(super) fn equal(
        &self,
        tx: &Transaction<'_>,
        codecs: &StoredCodecs,
        now: Timestamp,
    ) -> Result<Option<Equal>> {
        let found = tx
            .prepare_cached(
                "SELECT c.content_id, p.system_name
                 FROM body_contents c JOIN compression_processes p USING (compression_process_id)
                 WHERE c.content_hash = ?1",
            )?
            .query_row([&self.hash.as_bytes()[..]], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?))
            })
            .optional()?;
        match found {
            Some((id, codec)) if codec == delta::NAME => Ok(Some(Equal { id, is_delta: true })),
            Some((id, codec)) if codecs.get(tx, &codec)?.is_some() => Ok(Some(Equal {
                id,
                is_delta: false,
            })),
            Some((id, _)) => {
                remove_unreadable(tx, ContentId(id), u32::MAX, now)?;
                Ok(None)
            }
            None => Ok(None),
        }
    }
}

/// When a body was last referred to that nobody may use any more.
pub(super) const GIVEN_UP: i64 = i64::MIN;

/// Leaves a body that nothing refers to to the next cleanup; until then, nobody finds it.
pub(super) fn give_up(tx: &Transaction<'_>, content: ContentId) -> Result<()> {
    let sql = "UPDATE body_contents SET content_hash = NULL, last_referenced_at = ?2
               WHERE content_id = ?1 AND reference_count = 0";
    tx.prepare_cached(sql)?
        .execute(params![content.0, GIVEN_UP])?;
    Ok(())
}

/// Why a body that arrived is not stored.
#[derive(Debug, thiserror::Error)]
#[error("the body made no progress for long, and its beginning was removed")]
struct Removed;

/// The error of a body of which a part was removed.
pub(super) fn was_given_up() -> sqlite_database::Error {
    sqlite_database::Error::aborted(Removed)
}

/// Gives an arrived body its hash. Yields the bytes that it takes.
fn complete(
    tx: &Transaction<'_>,
    (content, chunk_count): (ContentId, i64),
    (hash, len): (&[u8], u64),
    now: Timestamp,
) -> Result<u64> {
    let stored = tx
        .prepare_cached(
            "UPDATE body_contents
             SET content_hash = ?2, original_size = ?3, chunk_count = ?4, last_referenced_at = ?5
             WHERE content_id = ?1 AND last_referenced_at <> ?6
                 AND (SELECT count(*) FROM body_chunks WHERE content_id = ?1) = ?4
             RETURNING compressed_size",
        )?
        .query_row(
            params![
                content.0,
                hash,
                integer(len),
                chunk_count,
                now.as_millis(),
                GIVEN_UP
            ],
            |row| row.get::<_, i64>(0),
        )
        .optional()?;
    Ok(stored.ok_or_else(was_given_up)?.unsigned_abs())
}
