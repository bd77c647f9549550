//! The statements that load a record.

use http::{Method, StatusCode};
use sqlite_database::rusqlite::{Connection, OptionalExtension, Row, params};
use store_core::Timestamp;

use super::super::headers::read_list;
use super::super::interned::Interned;
use crate::record::{
    BodyContentRecord, BodyRecord, CacheValidationRecord, CompressionProcessRecord, ContentHash,
    HeaderList, HeaderPairRecord, RequestRecord, ResponseRecord, StoredFile, UrlRecord,
};
use crate::store::{ContentId, ResponseId};

pub(super) type Loaded<T> = sqlite_database::Result<Option<T>>;

fn time(row: &Row<'_>, column: usize) -> sqlite_database::rusqlite::Result<Timestamp> {
    Ok(Timestamp::from_millis(row.get(column)?))
}

fn optional_time(
    row: &Row<'_>,
    column: usize,
) -> sqlite_database::rusqlite::Result<Option<Timestamp>> {
    let millis: Option<i64> = row.get(column)?;
    Ok(millis.map(Timestamp::from_millis))
}

fn unsigned(row: &Row<'_>, column: usize) -> sqlite_database::rusqlite::Result<u64> {
    row.get::<_, i64>(column).map(i64::unsigned_abs)
}

fn header_list(db: &Connection, interned: &Interned, list: &str) -> HeaderList {
    let headers = read_list(db, interned, list).unwrap_or_default();
    HeaderList::from(&headers)
}

pub(in crate::sqlite) fn response(
    db: &Connection,
    interned: &Interned,
    id: ResponseId,
) -> Loaded<ResponseRecord> {
    let found = db.query_row(
        "SELECT request_id, status_code, responded_at, expires_at, max_age, must_revalidate, no_cache, no_store,
             body_id, is_deleted, headers, requested_at
         FROM responses WHERE response_id = ?1",
        [id.0],
        |row| {
            let mut record = ResponseRecord::new(row.get(0)?, row.get(1)?, time(row, 2)?);
            record.response_id = Some(id.0);
            record.expires_at = optional_time(row, 3)?;
            record.max_age = Some(unsigned(row, 4)?);
            record.must_revalidate = row.get(5)?;
            record.no_cache = row.get(6)?;
            record.no_store = row.get(7)?;
            record.body_id = row.get(8)?;
            record.is_deleted = row.get(9)?;
            Ok((record, row.get::<_, String>(10)?))
        },
    );
    let found = found.optional()?;
    Ok(found.map(|(mut record, list)| {
        record.headers = header_list(db, interned, &list);
        record
    }))
}

pub(in crate::sqlite) fn request(
    db: &Connection,
    interned: &Interned,
    id: i64,
) -> Loaded<RequestRecord> {
    let found = db.query_row(
        "SELECT q.url_id, m.name, q.requested_at, q.method_id, q.body_id, q.headers
         FROM requests q JOIN http_methods m USING (method_id) WHERE q.request_id = ?1",
        [id],
        |row| {
            let method: String = row.get(1)?;
            let mut record = RequestRecord::new(row.get(0)?, method, time(row, 2)?);
            record.request_id = Some(id);
            record.method_id = row.get(3)?;
            record.body_id = row.get(4)?;
            Ok((record, row.get::<_, String>(5)?))
        },
    );
    let found = found.optional()?;
    Ok(found.map(|(mut record, list)| {
        record.headers = header_list(db, interned, &list);
        record
    }))
}

pub(in crate::sqlite) fn url(db: &Connection, id: i64) -> Loaded<UrlRecord> {
    let found = db.query_row(
        "SELECT scheme, domain, port, path, querystring, fragment, full_url, created_at
         FROM urls WHERE url_id = ?1",
        [id],
        |row| {
            Ok(UrlRecord {
                url_id: Some(id),
                scheme: row.get(0)?,
                domain: row.get(1)?,
                port: row.get(2)?,
                path: row.get(3)?,
                querystring: row.get(4)?,
                fragment: row.get(5)?,
                full_url: row.get(6)?,
                created_at: time(row, 7)?,
                modified_at: time(row, 7)?,
            })
        },
    );
    Ok(found.optional()?)
}

pub(in crate::sqlite) fn body(db: &Connection, id: i64) -> Loaded<BodyRecord> {
    let found = db.query_row(
        "SELECT content_id, created_at, last_accessed_at, access_count, is_deleted, version, previous_version_id,
             replaced_at
         FROM bodies WHERE body_id = ?1",
        [id],
        |row| {
            let mut record = BodyRecord::new(row.get(0)?, time(row, 1)?);
            record.body_id = Some(id);
            record.last_accessed_at = optional_time(row, 2)?;
            record.access_count = unsigned(row, 3)?;
            record.is_deleted = row.get(4)?;
            record.version = row.get(5)?;
            record.previous_version_id = row.get(6)?;
            record.replaced_at = optional_time(row, 7)?;
            let changed_at = record.last_accessed_at.max(record.replaced_at);
            record.modified_at = changed_at.unwrap_or_default().max(record.created_at);
            Ok(record)
        },
    );
    Ok(found.optional()?)
}

pub(in crate::sqlite) fn content(db: &Connection, id: ContentId) -> Loaded<BodyContentRecord> {
    let found = db.query_row(
        "SELECT content_hash, content_type, content_encoding, mime_category, compression_process_id, original_size,
             CASE system_name WHEN 'none' THEN NULL ELSE compressed_size END, reference_count, first_seen_at,
             last_referenced_at
         FROM body_contents JOIN compression_processes USING (compression_process_id)
         WHERE content_id = ?1 AND content_hash IS NOT NULL",
        [id.0],
        |row| {
            Ok(BodyContentRecord {
                content_id: Some(id.0),
                content_hash: ContentHash::from(row.get::<_, [u8; 32]>(0)?),
                body_content: None,
                content_type: row.get(1)?,
                content_encoding: row.get(2)?,
                content_length: unsigned(row, 5)?,
                mime_category: row.get(3)?,
                compression_process_id: row.get(4)?,
                original_size: unsigned(row, 5)?,
                compressed_size: row.get::<_, Option<i64>>(6)?.map(i64::unsigned_abs),
                reference_count: unsigned(row, 7)?,
                first_seen_at: time(row, 8)?,
                last_referenced_at: optional_time(row, 9)?,
                created_at: time(row, 8)?,
                modified_at: time(row, 9)?,
            })
        },
    );
    Ok(found.optional()?)
}

pub(in crate::sqlite) fn validation(
    db: &Connection,
    id: ResponseId,
) -> Loaded<CacheValidationRecord> {
    let found = db.query_row(
        "SELECT validation_id, etag, last_modified, validated_at FROM cache_validation WHERE response_id = ?1",
        [id.0],
        |row| {
            let mut record = CacheValidationRecord::new(id.0, time(row, 3)?);
            record.validation_id = row.get(0)?;
            record.etag = row.get(1)?;
            record.last_modified = optional_time(row, 2)?;
            Ok(record)
        },
    );
    Ok(found.optional()?)
}

pub(in crate::sqlite) fn compression(db: &Connection, id: i64) -> Loaded<CompressionProcessRecord> {
    let found = db.query_row(
        "SELECT full_name, system_name, compression_level, options, created_at
         FROM compression_processes WHERE compression_process_id = ?1",
        [id],
        |row| {
            let (full_name, system_name): (String, String) = (row.get(0)?, row.get(1)?);
            let mut record = CompressionProcessRecord::new(full_name, system_name, time(row, 4)?);
            record.id = Some(id);
            record.compression_level = row.get(2)?;
            let options: String = row.get(3)?;
            record.options = serde_json::from_str(&options).unwrap_or_default();
            Ok(record)
        },
    );
    Ok(found.optional()?)
}

pub(super) fn header_pair(db: &Connection, id: i64) -> Loaded<HeaderPairRecord> {
    let found = db.query_row(
        "SELECT p.header_name_id, p.header_value_id, n.name, v.value
         FROM header_pairs p JOIN header_names n USING (header_name_id) JOIN header_values v USING (header_value_id)
         WHERE p.header_pair_id = ?1",
        [id],
        |row| {
            let value: String = row.get(3)?;
            // A character stands for a byte.
            let value = value.chars().map(|character| u8::try_from(character).unwrap_or(b'?'));
            let name: String = row.get(2)?;
            let value = value.collect::<Vec<_>>();
            let mut record = HeaderPairRecord::new(&name, value, Timestamp::default());
            record.header_pair_id = Some(id);
            record.header_name_id = row.get(0)?;
            record.header_value_id = row.get(1)?;
            Ok(record)
        },
    );
    Ok(found.optional()?)
}

pub(super) fn file(db: &Connection, id: ResponseId) -> Loaded<(StoredFile, ContentId)> {
    let found = db.query_row(
        "SELECT m.name, u.full_url, r.status_code, c.content_type, c.content_id
         FROM responses r JOIN requests q USING (request_id) JOIN urls u USING (url_id)
         JOIN http_methods m USING (method_id) JOIN bodies b ON b.body_id = r.body_id
         JOIN body_contents c USING (content_id)
         WHERE r.response_id = ?1 AND r.is_deleted = 0",
        params![id.0],
        |row| {
            let (method, status): (String, u16) = (row.get(0)?, row.get(2)?);
            let url: String = row.get(1)?;
            let method = method.parse().unwrap_or(Method::GET);
            let status = StatusCode::from_u16(status).unwrap_or_default();
            let mut file = StoredFile::new(method, url, status);
            file.content_type = row.get(3)?;
            Ok((file, ContentId(row.get(4)?)))
        },
    );
    Ok(found.optional()?)
}
