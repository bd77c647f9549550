//! Storing a response, and giving one a new head: a transaction each.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use sqlite_database::Result;
use sqlite_database::rusqlite::{OptionalExtension, Transaction, params};
use store_core::{MINUTE, Timestamp};

use super::content::{Compressor, NewContent, StoredContent};
use super::headers::write_list;
use super::interned::Known;
use super::invalidations;
use super::open::Opened;
use super::remove::{remove_responses, trim_versions};
use super::shared_rows::SharedRows;
use super::state::integer;
use crate::fields::EntityTag;
use crate::keys::TargetKey;
use crate::record::UrlRecord;
use crate::store::{ContentId, MAX_VARIANTS, NewResponse, ResponseId};

/// The id of `GET`, to whose requests alone responses are stored.
const GET: i64 = 1;

/// A response to store, or the new head of one.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) target: TargetKey,
    /// The invalidations before the origin was asked.
    pub(super) begun: i64,
    pub(super) url: UrlRecord,
    /// The fields of the request, without secrets.
    pub(super) request_headers: Vec<(HeaderName, HeaderValue)>,
    pub(super) response: NewResponse,
    pub(super) now: Timestamp,
}

/// What was stored.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) response: ResponseId,
    pub(super) content: ContentId,
    pub(super) version: u64,
    pub(super) reference_count: i64,
    /// The bytes that the body takes; `None` if an equal one was stored already.
    pub(super) new_bytes: Option<u64>,
}

/// A response of the target that the new one may replace.
struct Older {
    id: i64,
    vary_key: Vec<u8>,
    range: String,
    received_at: i64,
}

/// Stores a response; `None` if it was invalidated meanwhile, or a later one is stored.
pub(super) fn commit(
    tx: &Transaction<'_>,
    opened: &Arc<Opened>,
    compressor: &Compressor,
    row: &Row,
    content: NewContent,
    max_versions: u32,
) -> Result<(Option<Stored>, Known)> {
    let mut rows = SharedRows::new(tx, &opened.interned)?;
    if invalidations::is_outdated(tx, row.target, row.begun)? {
        return Ok((None, rows.new));
    }
    let equal = content.equal(tx, &compressor.codecs, row.now)?;
    let head = &row.response.head;
    let (vary_key, range) = (head.variant.to_bytes(), head.range.as_deref().unwrap_or(""));
    let older = older(tx, row.target)?;
    let replaced =
        |older: &&Older| older.vary_key == vary_key && (range.is_empty() || older.range == range);
    let received_at = head.times.received_at.as_millis();
    // A slow answer may arrive after a later one was stored, by a process whose write did not have to wait. One of
    // far ahead is not later: the clock was set back.
    let ahead = (row.now + MINUTE).as_millis();
    let is_later = |older: &Older| older.received_at > received_at && older.received_at <= ahead;
    if older.iter().filter(replaced).any(is_later) {
        return Ok((None, rows.new));
    }
    let same = older
        .iter()
        .find(|older| older.vary_key == vary_key && older.range == range);
    let same = same.map(|older| older.id);
    let mut removed: Vec<_> = older
        .iter()
        .filter(replaced)
        .map(|older| older.id)
        .collect();
    removed.retain(|id| Some(*id) != same);
    if same.is_none() && older.len() - removed.len() >= MAX_VARIANTS {
        let rest = older.iter().filter(|older| !removed.contains(&older.id));
        let oldest = rest
            .min_by_key(|older| older.received_at)
            .map(|older| older.id);
        removed.extend(oldest);
    }
    let content = content.store(tx, &mut rows, compressor, equal, row.now)?;
    rows.status(head.status)?;
    let (response, version) = match same {
        Some(id) => (id, replace(tx, &mut rows, row, id, &content, max_versions)?),
        None => (insert(tx, &mut rows, row, &vary_key, range, &content)?, 1),
    };
    remove_responses(tx, &removed, row.now)?;
    let reference_count = tx
        .prepare_cached("SELECT reference_count FROM body_contents WHERE content_id = ?1")?
        .query_row([content.id], |row| row.get(0))?;
    let stored = Stored {
        response: ResponseId(response),
        content: ContentId(content.id),
        version,
        reference_count,
        new_bytes: content.new.map(|(bytes, _)| bytes),
    };
    Ok((Some(stored), rows.new))
}

fn older(tx: &Transaction<'_>, target: TargetKey) -> Result<Vec<Older>> {
    let mut statement = tx.prepare_cached(
        "SELECT v.response_id, v.vary_key, v.range, r.responded_at
         FROM variants v JOIN responses r USING (response_id) WHERE v.url_key = ?1 AND v.method_id = ?2",
    )?;
    let older = statement.query_map(params![target.as_bytes(), GET], |row| {
        Ok(Older {
            id: row.get(0)?,
            vary_key: row.get(1)?,
            range: row.get(2)?,
            received_at: row.get(3)?,
        })
    })?;
    Ok(older.collect::<Result<_, _>>()?)
}

/// A first response of its variant. Yields its id.
fn insert(
    tx: &Transaction<'_>,
    rows: &mut SharedRows<'_>,
    row: &Row,
    vary_key: &[u8],
    range: &str,
    content: &StoredContent,
) -> Result<i64> {
    let url = url(tx, row)?;
    let body = insert_body(tx, content, row, 1, None)?;
    let times = row.response.head.times;
    let headers = request_list(rows, row)?;
    let request: i64 = tx
        .prepare_cached(
            "INSERT INTO requests (url_id, method_id, requested_at, headers) VALUES (?1, ?2, ?3, ?4)
             RETURNING request_id",
        )?
        .query_row(
            params![url, GET, times.requested_at.as_millis(), headers],
            |row| row.get(0),
        )?;
    let head = Head::new(rows, &row.response)?;
    let response: i64 = tx
        .prepare_cached(
            "INSERT INTO responses (request_id, status_code, requested_at, responded_at, expires_at, max_age,
                 cache_control, body_id, headers)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9) RETURNING response_id",
        )?
        .query_row(
            params![
                request,
                head.status,
                head.requested_at,
                head.responded_at,
                head.expires_at,
                head.max_age,
                head.cache_control,
                body,
                head.list
            ],
            |row| row.get(0),
        )?;
    tx.prepare_cached("INSERT INTO variants VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
        .execute(params![
            row.target.as_bytes(),
            GET,
            vary_key,
            range,
            response,
            content.id
        ])?;
    validation(tx, row, response)?;
    Ok(response)
}

/// The next response of a variant: it keeps its id and its place in the order of eviction. Yields the version
/// of its body.
fn replace(
    tx: &Transaction<'_>,
    rows: &mut SharedRows<'_>,
    row: &Row,
    response: i64,
    content: &StoredContent,
    max_versions: u32,
) -> Result<u64> {
    let (body, version, before): (i64, i64, i64) = tx
        .prepare_cached(
            "SELECT body_id, version, content_id FROM responses JOIN bodies USING (body_id)
             WHERE response_id = ?1",
        )?
        .query_row([response], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
    let (body, version) = if before == content.id {
        (body, version)
    } else {
        let received_at = row.response.head.times.received_at.as_millis();
        tx.prepare_cached("UPDATE bodies SET replaced_at = ?2 WHERE body_id = ?1")?
            .execute([body, received_at])?;
        let next = insert_body(tx, content, row, version + 1, Some(body))?;
        tx.prepare_cached(
            "UPDATE variants SET content_id = ?3 WHERE url_key = ?1 AND response_id = ?2",
        )?
        .execute(params![row.target.as_bytes(), response, content.id])?;
        (next, version + 1)
    };
    update_head(tx, rows, row, response, body)?;
    if before != content.id {
        trim_versions(tx, body, max_versions, row.now)?;
    }
    Ok(version.unsigned_abs())
}

/// Gives a stored response a new head; whether it is there with this body, and was not invalidated meanwhile.
pub(super) fn freshen(
    tx: &Transaction<'_>,
    opened: &Arc<Opened>,
    row: &Row,
    (id, content): (ResponseId, ContentId),
) -> Result<(bool, Known)> {
    let mut rows = SharedRows::new(tx, &opened.interned)?;
    if invalidations::is_outdated(tx, row.target, row.begun)? {
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
    tx.prepare_cached(
        "UPDATE variants SET vary_key = ?3, range = ?4 WHERE url_key = ?1 AND response_id = ?2",
    )?
    .execute(params![row.target.as_bytes(), id.0, vary_key, range])?;
    Ok((true, rows.new))
}

fn update_head(
    tx: &Transaction<'_>,
    rows: &mut SharedRows<'_>,
    row: &Row,
    response: i64,
    body: i64,
) -> Result<()> {
    let request_list = request_list(rows, row)?;
    let head = Head::new(rows, &row.response)?;
    tx.prepare_cached(
        "UPDATE responses
         SET status_code = ?2, requested_at = ?3, responded_at = ?4, expires_at = ?5, max_age = ?6,
             cache_control = ?7, body_id = ?8, headers = ?9
         WHERE response_id = ?1",
    )?
    .execute(params![
        response,
        head.status,
        head.requested_at,
        head.responded_at,
        head.expires_at,
        head.max_age,
        head.cache_control,
        body,
        head.list
    ])?;
    tx.prepare_cached(
        "UPDATE requests SET headers = ?2
         WHERE request_id = (SELECT request_id FROM responses WHERE response_id = ?1)",
    )?
    .execute(params![response, request_list])?;
    validation(tx, row, response)
}

/// The columns of a response that its head fills.
struct Head {
    status: u16,
    requested_at: i64,
    responded_at: i64,
    expires_at: i64,
    max_age: i64,
    cache_control: u8,
    list: String,
}

impl Head {
    fn new(rows: &mut SharedRows<'_>, response: &NewResponse) -> Result<Self> {
        let head = &response.head;
        let received_at = head.times.received_at;
        let flags = [
            response.must_revalidate,
            response.no_cache,
            response.no_store,
        ];
        let flags = flags.into_iter().zip([1, 2, 4]);
        let headers = head.headers.iter();
        Ok(Self {
            status: head.status.as_u16(),
            requested_at: head.times.requested_at.as_millis(),
            responded_at: received_at.as_millis(),
            expires_at: (received_at + response.lifetime).as_millis(),
            max_age: integer(response.lifetime.as_secs()),
            cache_control: flags
                .map(|(is_set, flag)| if is_set { flag } else { 0 })
                .sum(),
            list: write_list(headers, |name, value| rows.pair(name, value))?,
        })
    }
}

fn request_list(rows: &mut SharedRows<'_>, row: &Row) -> Result<String> {
    let headers = row.request_headers.iter();
    let headers = headers.map(|(name, value)| (name, value));
    write_list(headers, |name, value| rows.pair(name, value))
}

fn url(tx: &Transaction<'_>, row: &Row) -> Result<i64> {
    let key = &row.target.as_bytes()[..];
    let mut find = tx.prepare_cached("SELECT url_id FROM urls WHERE url_key = ?1")?;
    if let Some(id) = find.query_row([key], |row| row.get(0)).optional()? {
        return Ok(id);
    }
    let url = &row.url;
    let mut insert = tx.prepare_cached(
        "INSERT INTO urls (url_key, scheme, domain, port, path, querystring, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING url_id",
    )?;
    let now = row.now.as_millis();
    let values = params![
        key,
        url.scheme,
        url.domain,
        url.port,
        url.path,
        url.querystring,
        now
    ];
    Ok(insert.query_row(values, |row| row.get(0))?)
}

fn insert_body(
    tx: &Transaction<'_>,
    content: &StoredContent,
    row: &Row,
    version: i64,
    previous: Option<i64>,
) -> Result<i64> {
    let received_at = row.response.head.times.received_at.as_millis();
    let mut insert = tx.prepare_cached(
        "INSERT INTO bodies (content_id, created_at, version, previous_version_id)
         VALUES (?1, ?2, ?3, ?4) RETURNING body_id",
    )?;
    let values = params![content.id, received_at, version, previous];
    let body: i64 = insert.query_row(values, |row| row.get(0))?;
    if let Some((stored_bytes, duration)) = content.new
        && duration > Duration::ZERO
    {
        tx.prepare_cached(
            "INSERT INTO compression_metrics (body_id, original_size, compressed_size, compression_time_ms,
                 created_at)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            body,
            integer(row.response.head.body_len),
            integer(stored_bytes),
            duration.as_secs_f64() * 1e3,
            row.now.as_millis()
        ])?;
    }
    Ok(body)
}

/// Writes the validators of a response.
fn validation(tx: &Transaction<'_>, row: &Row, response: i64) -> Result<()> {
    let headers = &row.response.head.headers;
    let text = |name| headers.get(name).map(|value| super::headers::latin1(value));
    let etag = text("etag");
    let last_modified = text("last-modified");
    let last_modified = last_modified.and_then(|value| crate::fields::parse_date(&value));
    if etag.is_none() && last_modified.is_none() {
        tx.prepare_cached("DELETE FROM cache_validation WHERE response_id = ?1")?
            .execute([response])?;
        return Ok(());
    }
    let is_strong = etag
        .as_ref()
        .is_some_and(|etag| EntityTag::new(etag.as_ref()).is_strong());
    tx.prepare_cached(
        "INSERT INTO cache_validation (response_id, etag, last_modified, is_strong_validator, validated_at)
         VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (response_id) DO UPDATE SET etag = excluded.etag, last_modified = excluded.last_modified,
             is_strong_validator = excluded.is_strong_validator, validated_at = excluded.validated_at",
    )?
    .execute(params![
        response,
        etag,
        last_modified.map(Timestamp::as_millis),
        is_strong,
        row.response.head.times.received_at.as_millis()
    ])?;
    Ok(())
}
