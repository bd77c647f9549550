//! Finding a value.

use bytes::{Bytes, BytesMut};
use sqlite_database::Result;
use sqlite_database::rusqlite::{Connection, OptionalExtension, params};
use store_core::{Entry, Key, Timestamp};

use crate::sqlite::reader::Reader;
use crate::store::{ContentId, ResponseId, StoredBody};

pub(super) const FIND: &str = "
    SELECT v.response_id, b.content_id, v.created_at, v.expires_at
    FROM cached_values v JOIN responses r USING (response_id) JOIN bodies b USING (body_id)
    WHERE v.key = ?1 AND (v.expires_at IS NULL OR v.expires_at > ?2)";

/// A value, and the response that it is the body of.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) response: ResponseId,
    pub(super) entry: Entry,
}

/// The unexpired value of a key, in a snapshot; `None` also if it is damaged.
pub(super) fn find(
    db: &Connection,
    reader: &Reader,
    key: &Key,
    now: Timestamp,
) -> Result<Option<Found>> {
    let found = db
        .prepare_cached(FIND)?
        .query_row(params![key.as_str(), now.as_millis()], |row| {
            let response = ResponseId(row.get(0)?);
            let content = ContentId(row.get(1)?);
            let times: (i64, Option<i64>) = (row.get(2)?, row.get(3)?);
            Ok((response, content, times))
        })
        .optional()?;
    let Some((response, content, (created_at, expires_at))) = found else {
        return Ok(None);
    };
    let Some(value) = whole(db, reader, content)? else {
        return Ok(None);
    };
    let created_at = Timestamp::from_millis(created_at);
    let expires_at = expires_at.map(Timestamp::from_millis);
    Ok(Some(Found {
        response,
        entry: Entry::new(value, created_at, expires_at),
    }))
}

/// All bytes of a body; `None` if it is damaged.
fn whole(db: &Connection, reader: &Reader, content: ContentId) -> Result<Option<Bytes>> {
    let (len, chunk_bytes) = match reader.body(db, content)? {
        None => return Ok(None),
        Some(StoredBody::Whole(bytes)) => return Ok(Some(bytes)),
        Some(StoredBody::Chunked { len, chunk_bytes }) => (len, chunk_bytes),
    };
    let mut bytes = BytesMut::new();
    for index in 0..len.div_ceil(chunk_bytes) {
        match reader.chunk(db, content, index)? {
            Some(chunk) => bytes.extend_from_slice(&chunk),
            None => return Ok(None),
        }
    }
    Ok(Some(bytes.freeze()))
}
