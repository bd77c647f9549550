//! The rows of a response: its URL, head, validators and body.

use std::time::Duration;

use sqlite_database::Result;
use sqlite_database::rusqlite::{Transaction, params};
use store_core::Timestamp;

use super::commit::Row;
use super::content::StoredContent;
use super::headers::{latin1, write_list};
use super::shared_rows::SharedRows;
use super::state::integer;
use crate::fields::{EntityTag, parse_date};
use crate::store::NewResponse;

pub(super) const INSERT_RESPONSE: &str = "
    INSERT INTO responses (response_id, status_code, requested_at, responded_at, expires_at, max_age, cache_control,
        body_id, headers)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
const UPDATE_RESPONSE: &str = "
    UPDATE responses
    SET status_code = ?2, requested_at = ?3, responded_at = ?4, expires_at = ?5, max_age = ?6, cache_control = ?7,
        body_id = ?8, headers = ?9, stale_since = NULL
    WHERE response_id = ?1";

/// The bit of `cache_control` that a response of one user has.
pub(super) const IS_PRIVATE: i64 = 8;

/// The columns of a response that its head fills.
pub(super) struct Head {
    status: u16,
    requested_at: i64,
    responded_at: i64,
    expires_at: i64,
    max_age: i64,
    cache_control: i64,
    list: String,
}

impl Head {
    pub(super) fn new(rows: &mut SharedRows<'_>, response: &NewResponse) -> Result<Self> {
        let head = &response.head;
        let received_at = head.times.received_at;
        let flags = [
            response.must_revalidate,
            response.no_cache,
            response.no_store,
            head.is_private,
        ];
        let flags = flags.into_iter().zip([1, 2, 4, IS_PRIVATE]);
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

    /// Writes the head of a response, and the body that it belongs to, by one of the two statements above.
    pub(super) fn write(
        &self,
        tx: &Transaction<'_>,
        statement: &str,
        response: i64,
        body: i64,
    ) -> Result<()> {
        tx.prepare_cached(statement)?.execute(params![
            response,
            self.status,
            self.requested_at,
            self.responded_at,
            self.expires_at,
            self.max_age,
            self.cache_control,
            body,
            self.list
        ])?;
        Ok(())
    }
}

pub(super) fn request_list(rows: &mut SharedRows<'_>, row: &Row) -> Result<String> {
    let headers = row.request_headers.iter();
    let headers = headers.map(|(name, value)| (name, value));
    write_list(headers, |name, value| rows.pair(name, value))
}

pub(super) fn insert_url(tx: &Transaction<'_>, row: &Row) -> Result<i64> {
    let key = &row.target.as_bytes()[..];
    let url = &row.url;
    let mut insert = tx.prepare_cached(
        "INSERT INTO urls (url_key, scheme, domain, port, path, querystring, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
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
    Ok(insert.insert(values)?)
}

/// Gives a response a head, and the body that it belongs to.
pub(super) fn update_head(
    tx: &Transaction<'_>,
    rows: &mut SharedRows<'_>,
    row: &Row,
    response: i64,
    body: i64,
) -> Result<()> {
    let request_list = request_list(rows, row)?;
    let head = Head::new(rows, &row.response)?;
    head.write(tx, UPDATE_RESPONSE, response, body)?;
    tx.prepare_cached("UPDATE requests SET headers = ?2 WHERE request_id = ?1")?
        .execute(params![response, request_list])?;
    validation(tx, row, response)
}

pub(super) fn insert_body(
    tx: &Transaction<'_>,
    content: &StoredContent,
    row: &Row,
    version: i64,
    previous: Option<i64>,
) -> Result<i64> {
    let received_at = row.response.head.times.received_at.as_millis();
    let mut insert = tx.prepare_cached(
        "INSERT INTO bodies (content_id, created_at, version, previous_version_id)
         VALUES (?1, ?2, ?3, ?4)",
    )?;
    let values = params![content.id, received_at, version, previous];
    let body = insert.insert(values)?;
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
pub(super) fn validation(tx: &Transaction<'_>, row: &Row, response: i64) -> Result<()> {
    let headers = &row.response.head.headers;
    let text = |name| headers.get(name).map(|value| latin1(value));
    let etag = text("etag");
    let last_modified = text("last-modified");
    let last_modified = last_modified.and_then(|value| parse_date(&value));
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
