//! Finding responses and bodies.

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use sqlite_database::Result;
use sqlite_database::rusqlite::types::ValueRef;
use sqlite_database::rusqlite::{Connection, OptionalExtension, Row};
use store_core::Timestamp;

use super::deltas::MAX_CHAIN;
use super::headers::read_list;
use super::open::Opened;
use super::reader::{Reader, StoredBytes};
use super::rows::IS_PRIVATE;
use crate::codec::delta;
use crate::engine::StoredHead;
use crate::keys::TargetKey;
use crate::policy::{ExchangeTimes, VariantKey};
use crate::record::ContentHash;
use crate::store::{ContentId, ResponseId, StoredBody, Variant};

/// Bodies longer than this are stored in chunks.
pub(super) const MAX_WHOLE_BYTES: u64 = 1 << 20;
/// The length of a chunk, before compression.
pub(super) const CHUNK_BYTES: u64 = 128 << 10;
/// A body up to this length is read with its head.
const READ_AHEAD_BYTES: i64 = 64 << 10;
/// The body of the first row.
enum ReadAhead {
    Nothing,
    Body(Bytes),
    Damaged,
}

pub(super) const VARIANTS: &str = "
    SELECT r.response_id, v.content_id, r.status_code, r.requested_at, r.responded_at, r.headers, v.vary_key, v.range,
        c.original_size, c.chunk_count, c.compression_process_id, c.content_hash, c.body_content, c.checksum,
        r.stale_since, r.cache_control
    FROM variants v
    JOIN responses r ON r.response_id = v.response_id
    JOIN body_contents c ON c.content_id = v.content_id
    WHERE v.url_key = ?1 AND v.method_id = 1";

impl Reader {
    /// The responses of a target. One that cannot be read is left out.
    pub(super) fn variants(
        &self,
        db: &Connection,
        opened: &Opened,
        target: TargetKey,
    ) -> Result<Vec<Variant>> {
        let mut statement = db.prepare_cached(VARIANTS)?;
        let mut rows = statement.query([&target.as_bytes()[..]])?;
        let mut variants = Vec::new();
        // The body of a single variant is needed in any case. Which of several is chosen, the caller decides.
        let mut ahead = ReadAhead::Nothing;
        while let Some(row) = rows.next()? {
            let Some(variant) = read_variant(db, opened, row)? else {
                continue;
            };
            ahead = if variants.is_empty() {
                self.read_ahead(db, opened, row, &variant)?
            } else {
                ReadAhead::Nothing
            };
            variants.push(variant);
        }
        if let [only] = &mut variants[..] {
            match ahead {
                ReadAhead::Nothing => {}
                ReadAhead::Body(body) => only.body = Some(body),
                // A miss.
                ReadAhead::Damaged => variants.clear(),
            }
        }
        Ok(variants)
    }

    /// The body in a row, if it is short.
    fn read_ahead(
        &self,
        db: &Connection,
        opened: &Opened,
        row: &Row<'_>,
        variant: &Variant,
    ) -> Result<ReadAhead> {
        let (original_size, chunk_count): (i64, i64) = (row.get(8)?, row.get(9)?);
        if chunk_count > 0 || original_size > READ_AHEAD_BYTES {
            return Ok(ReadAhead::Nothing);
        }
        let codec = codec_name(db, opened, row.get(10)?)?;
        if &*codec == delta::NAME {
            return Ok(ReadAhead::Nothing);
        }
        let stored = StoredBytes {
            content: variant.content,
            codec: &codec,
            hash: blob(row, 11).and_then(|hash| ContentHash::try_from(hash).ok()),
            checksum: row.get(13)?,
            original_size,
            bytes: blob(row, 12).unwrap_or_default(),
        };
        let body = self.decompress(db, &stored)?;
        Ok(body.map_or(ReadAhead::Damaged, ReadAhead::Body))
    }

    /// A body; `None` if it is gone or damaged.
    pub(super) fn body(&self, db: &Connection, content: ContentId) -> Result<Option<StoredBody>> {
        self.body_through(db, content, MAX_CHAIN)
    }

    /// A body that is read through so many differences at most.
    fn body_through(
        &self,
        db: &Connection,
        content: ContentId,
        differences: usize,
    ) -> Result<Option<StoredBody>> {
        let mut statement = db.prepare_cached(
            "SELECT c.original_size, c.chunk_count, p.system_name, c.content_hash, c.body_content,
                 c.checksum, c.base_content_id
             FROM body_contents c JOIN compression_processes p USING (compression_process_id)
             WHERE c.content_id = ?1 AND c.content_hash IS NOT NULL",
        )?;
        let mut rows = statement.query([content.0])?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        let (original_size, chunk_count): (i64, i64) = (row.get(0)?, row.get(1)?);
        let len = u64::try_from(original_size).unwrap_or(u64::MAX);
        let chunks = len.div_ceil(CHUNK_BYTES);
        if chunk_count == 0 && len > MAX_WHOLE_BYTES
            || chunk_count != 0 && u64::try_from(chunk_count) != Ok(chunks)
        {
            // No body has this length; what it claims must not be allocated.
            self.found_damaged(content);
            return Ok(None);
        }
        if chunk_count > 0 {
            return Ok(Some(StoredBody::Chunked {
                len,
                chunk_bytes: CHUNK_BYTES,
            }));
        }
        let stored = StoredBytes {
            content,
            codec: text(row, 2)?,
            hash: blob(row, 3).and_then(|hash| ContentHash::try_from(hash).ok()),
            checksum: row.get(5)?,
            original_size,
            bytes: blob(row, 4).unwrap_or_default(),
        };
        if stored.codec != delta::NAME {
            return Ok(self.decompress(db, &stored)?.map(StoredBody::Whole));
        }
        let base: Option<i64> = row.get(6)?;
        let base = match (base, differences.checked_sub(1)) {
            (Some(base), Some(rest)) => self.body_through(db, ContentId(base), rest)?,
            _ => None,
        };
        let body = self.patch(&stored, base.as_ref());
        Ok(body.map(StoredBody::Whole))
    }

    /// A chunk; `None` if it is gone or damaged.
    pub(super) fn chunk(
        &self,
        db: &Connection,
        content: ContentId,
        index: u64,
    ) -> Result<Option<Bytes>> {
        let mut statement = db.prepare_cached(
            "SELECT c.original_size, p.system_name, k.chunk, k.checksum
             FROM body_contents c
             JOIN compression_processes p USING (compression_process_id)
             JOIN body_chunks k ON k.content_id = c.content_id AND k.position = ?2
             WHERE c.content_id = ?1 AND c.content_hash IS NOT NULL",
        )?;
        let index = i64::try_from(index).unwrap_or(i64::MAX);
        let mut rows = statement.query([content.0, index])?;
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        let original_size: i64 = row.get(0)?;
        let chunk_bytes = i64::try_from(CHUNK_BYTES).unwrap_or(i64::MAX);
        let rest = original_size.saturating_sub(index.saturating_mul(chunk_bytes));
        let stored = StoredBytes {
            content,
            codec: text(row, 1)?,
            // The hash is that of the whole.
            hash: None,
            checksum: row.get(3)?,
            original_size: rest.clamp(0, chunk_bytes),
            bytes: blob(row, 2).unwrap_or_default(),
        };
        self.decompress(db, &stored)
    }
}

/// The response of a row of [`VARIANTS`]; `None` if it is damaged.
fn read_variant(db: &Connection, opened: &Opened, row: &Row<'_>) -> Result<Option<Variant>> {
    let headers = read_list(db, &opened.interned, text(row, 5)?);
    let status = row.get(2).ok();
    let status = status.and_then(|status| StatusCode::from_u16(status).ok());
    let variant = VariantKey::from_bytes(blob(row, 6).unwrap_or(&[0]), opened.salt);
    let body_len = u64::try_from(row.get::<_, i64>(8)?).ok();
    let range = row.get_ref(7)?.as_str().ok();
    let (Some(headers), Some(status), Some(variant), Some(body_len), Some(range)) =
        (headers, status, variant, body_len, range)
    else {
        return Ok(None);
    };
    let is_part = status == StatusCode::PARTIAL_CONTENT;
    let times = ExchangeTimes {
        requested_at: Timestamp::from_millis(row.get(3)?),
        received_at: Timestamp::from_millis(row.get(4)?),
    };
    Ok(Some(Variant {
        id: ResponseId(row.get(0)?),
        content: ContentId(row.get(1)?),
        head: StoredHead {
            status,
            headers,
            times,
            variant,
            range: is_part.then(|| range.to_owned()),
            body_len,
            stale_since: row.get::<_, Option<i64>>(14)?.map(Timestamp::from_millis),
            is_private: row.get::<_, i64>(15)? & IS_PRIVATE != 0,
        },
        body: None,
    }))
}

/// The name of a codec by its row, which does not change, and whose id is never used again. Empty, which no codec is called, if there is
/// none.
fn codec_name(db: &Connection, opened: &Opened, process: i64) -> Result<Arc<str>> {
    let known = opened.interned.by_id().codecs.get(&process).cloned();
    if let Some(name) = known {
        return Ok(name);
    }
    let name = db
        .prepare_cached(
            "SELECT system_name FROM compression_processes WHERE compression_process_id = ?1",
        )?
        .query_row([process], |row| {
            Ok(row.get_ref(0)?.as_str().map(Arc::<str>::from).ok())
        })
        .optional()?;
    // No codec has this name.
    let Some(name) = name.flatten() else {
        return Ok(Arc::from(""));
    };
    opened.interned.learn_codec(process, Arc::clone(&name));
    Ok(name)
}

pub(super) fn find_content(db: &Connection, hash: &ContentHash) -> Result<Option<ContentId>> {
    let found = db
        .prepare_cached(
            "SELECT content_id FROM body_contents WHERE content_hash = ?1 AND reference_count > 0",
        )?
        .query_row([&hash.as_bytes()[..]], |row| row.get(0))
        .optional()?;
    Ok(found.map(ContentId))
}

/// When a body was last referred to, or read, that nothing refers to any more.
pub(super) fn released_at(db: &Connection, content: ContentId) -> Result<Option<Timestamp>> {
    let released = db
        .prepare_cached(
            "SELECT last_referenced_at FROM body_contents WHERE content_id = ?1 AND reference_count = 0",
        )?
        .query_row([content.0], |row| row.get(0))
        .optional()?;
    Ok(released.map(Timestamp::from_millis))
}

fn text<'a>(row: &'a Row<'_>, column: usize) -> Result<&'a str> {
    Ok(row.get_ref(column)?.as_str().unwrap_or_default())
}

fn blob<'a>(row: &'a Row<'_>, column: usize) -> Option<&'a [u8]> {
    match row.get_ref(column).ok()? {
        ValueRef::Blob(blob) => Some(blob),
        ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Text(_) => None,
    }
}
