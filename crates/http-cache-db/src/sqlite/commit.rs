//! Storing a response: one transaction.

use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use sqlite_database::Result;
use sqlite_database::rusqlite::{Transaction, params};
use store_core::{MINUTE, Timestamp};

use super::compressor::Compressor;
use super::content::{NewContent, StoredContent};
use super::deltas;
use super::equivalents;
use super::interned::Known;
use super::invalidations;
use super::open::Opened;
use super::remove::{remove_responses, trim_versions};
use super::rows::{
    Head, INSERT_RESPONSE, insert_body, insert_url, request_list, update_head, validation,
};
use super::shared_rows::SharedRows;
use super::tags;
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

impl AsRef<Self> for Row {
    fn as_ref(&self) -> &Self {
        self
    }
}

/// What was stored.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) response: ResponseId,
    pub(super) content: ContentId,
    /// The version of the body, if it took the place of another one.
    pub(super) new_version: Option<u64>,
    pub(super) reference_count: i64,
    /// The bytes that the body takes; `None` if an equal one was stored already.
    pub(super) new_bytes: Option<u64>,
}

/// A response of the target that the new one may replace.
pub(super) struct Older {
    pub(super) id: i64,
    url: i64,
    pub(super) vary_key: Vec<u8>,
    pub(super) range: String,
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
    if invalidations::is_outdated(tx, row, &opened.salt)? {
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
    let body = content.body();
    let content = content.store(tx, &mut rows, compressor, equal, row.now)?;
    rows.status(head.status)?;
    let url = older.first().map(|older| older.url);
    let key = (&vary_key[..], range);
    let (response, new_version) = match same {
        Some(id) => {
            let replaced = replace(tx, &mut rows, row, id, &content, max_versions)?;
            if let (Some((_, before)), Some(body)) = (replaced, body) {
                let newer = (content.id, &body[..]);
                deltas::store(tx, &mut rows, compressor, before, newer, row.now)?;
            }
            (id, replaced.map(|(version, _)| version))
        }
        None => (insert(tx, &mut rows, row, url, key, &content)?, None),
    };
    remove_responses(tx, &removed, row.now)?;
    let reference_count = match content.new {
        Some(_) => 1,
        None => tx
            .prepare_cached("SELECT reference_count FROM body_contents WHERE content_id = ?1")?
            .query_row([content.id], |row| row.get(0))?,
    };
    let stored = Stored {
        response: ResponseId(response),
        content: ContentId(content.id),
        new_version,
        reference_count,
        new_bytes: content.new.map(|(bytes, _)| bytes),
    };
    Ok((Some(stored), rows.new))
}

pub(super) fn older(tx: &Transaction<'_>, target: TargetKey) -> Result<Vec<Older>> {
    let mut statement = tx.prepare_cached(
        "SELECT v.response_id, v.vary_key, v.range, r.responded_at, q.url_id
         FROM variants v JOIN responses r USING (response_id) JOIN requests q ON q.request_id = v.response_id
         WHERE v.url_key = ?1 AND v.method_id = ?2",
    )?;
    let older = statement.query_map(params![target.as_bytes(), GET], |row| {
        Ok(Older {
            id: row.get(0)?,
            vary_key: row.get(1)?,
            range: row.get(2)?,
            received_at: row.get(3)?,
            url: row.get(4)?,
        })
    })?;
    Ok(older.collect::<Result<_, _>>()?)
}

/// A first response of its variant, whose target has the `url` if it has responses. Yields its id.
fn insert(
    tx: &Transaction<'_>,
    rows: &mut SharedRows<'_>,
    row: &Row,
    url: Option<i64>,
    (vary_key, range): (&[u8], &str),
    content: &StoredContent,
) -> Result<i64> {
    let url = url.map_or_else(|| insert_url(tx, row), Ok)?;
    let body = insert_body(tx, content, row, 1, None)?;
    let times = row.response.head.times;
    let headers = request_list(rows, row)?;
    let response: i64 = tx
        .prepare_cached(
            "INSERT INTO requests (url_id, method_id, requested_at, headers) VALUES (?1, ?2, ?3, ?4)",
        )?
        .insert(params![
            url,
            GET,
            times.requested_at.as_millis(),
            headers
        ])?;
    let head = Head::new(rows, &row.response)?;
    head.write(tx, INSERT_RESPONSE, response, body)?;
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
    tags::insert(tx, response, &row.response)?;
    equivalents::insert(tx, row.target, response, &row.response)?;
    Ok(response)
}

/// The next response of a variant: it keeps its id and its place in the order of eviction. Yields the version
/// of its body, if that is another, and the body before.
fn replace(
    tx: &Transaction<'_>,
    rows: &mut SharedRows<'_>,
    row: &Row,
    response: i64,
    content: &StoredContent,
    max_versions: u32,
) -> Result<Option<(u64, i64)>> {
    let (body, version, before): (i64, i64, i64) = tx
        .prepare_cached(
            "SELECT body_id, version, content_id FROM responses JOIN bodies USING (body_id)
             WHERE response_id = ?1",
        )?
        .query_row([response], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
    let (body, new_version) = if before == content.id {
        (body, None)
    } else {
        let received_at = row.response.head.times.received_at.as_millis();
        tx.prepare_cached("UPDATE bodies SET replaced_at = ?2 WHERE body_id = ?1")?
            .execute([body, received_at])?;
        let next = insert_body(tx, content, row, version + 1, Some(body))?;
        tx.prepare_cached(
            "UPDATE variants SET content_id = ?3 WHERE url_key = ?1 AND response_id = ?2",
        )?
        .execute(params![row.target.as_bytes(), response, content.id])?;
        (next, Some(((version + 1).unsigned_abs(), before)))
    };
    update_head(tx, rows, row, response, body)?;
    tags::replace(tx, response, &row.response)?;
    equivalents::replace(tx, row.target, response, &row.response)?;
    if before != content.id {
        trim_versions(tx, body, max_versions, row.now)?;
    }
    Ok(new_version)
}
