//! All that is stored of a response but its body: [`SqliteStore::details`].

use std::time::Duration;

use sqlite_database::rusqlite::{Connection, OptionalExtension};
use store_core::{Result, Timestamp};

use super::interned::Interned;
use super::records;
use super::store::SqliteStore;
use super::tags;
use crate::record::{
    BodyContentRecord, BodyRecord, CacheValidationRecord, CompressionProcessRecord, RequestRecord,
    ResponseRecord, UrlRecord,
};
use crate::store::{ContentId, ResponseId, Tag};

/// All that is stored of a response but its body.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ResponseDetails {
    /// The target, without its secrets.
    pub url: UrlRecord,
    /// The request, without its secrets.
    pub request: RequestRecord,
    /// The response.
    pub response: ResponseRecord,
    /// The version of the body.
    pub body: BodyRecord,
    /// What the body has.
    pub content: BodyContentRecord,
    /// How the body is compressed.
    pub compression: CompressionProcessRecord,
    /// The validators; `None` if it has none.
    pub validation: Option<CacheValidationRecord>,
    /// Its tags, in the order of their names.
    pub tags: Vec<Tag>,
    /// Since when it is stale because it was [purged softly](crate::store::Purge::soft).
    pub stale_since: Option<Timestamp>,
    /// The `Range` that it answers; empty if it is no part.
    pub range: String,
    /// How many requests it has answered.
    pub hits: u64,
    /// When it answered one first.
    pub first_hit_at: Option<Timestamp>,
    /// When it answered one last.
    pub last_hit_at: Option<Timestamp>,
    /// How long its answers took on average.
    pub average_duration: Option<Duration>,
}

#[derive(Default)]
struct Uses {
    hits: u64,
    first_hit_at: Option<Timestamp>,
    last_hit_at: Option<Timestamp>,
    average_duration: Option<Duration>,
}

impl SqliteStore {
    /// All that is stored of a response but its body; `None` if it is gone.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub async fn details(&self, response: ResponseId) -> Result<Option<ResponseDetails>> {
        self.load("details", move |db, interned| {
            // One snapshot: a writer may remove rows meanwhile.
            let snapshot = db.unchecked_transaction()?;
            read(&snapshot, interned, response)
        })
        .await
    }
}

fn read(
    db: &Connection,
    interned: &Interned,
    id: ResponseId,
) -> sqlite_database::Result<Option<ResponseDetails>> {
    let Some(response) = records::response(db, interned, id)? else {
        return Ok(None);
    };
    let range = "SELECT v.range FROM responses r JOIN requests q USING (request_id) JOIN urls u USING (url_id)
         JOIN variants v ON v.url_key = u.url_key AND v.response_id = r.response_id WHERE r.response_id = ?1";
    let range = db
        .query_row(range, [id.0], |row| row.get::<_, String>(0))
        .optional()?;
    let stale_since = "SELECT stale_since FROM responses WHERE response_id = ?1";
    let stale_since: Option<i64> = db.query_row(stale_since, [id.0], |row| row.get(0))?;
    let request = records::request(db, interned, response.request_id)?;
    let (Some(range), Some(request), Some(body)) = (range, request, response.body_id) else {
        return Ok(None);
    };
    let url = records::url(db, request.url_id)?;
    let (Some(url), Some(body)) = (url, records::body(db, body)?) else {
        return Ok(None);
    };
    let Some(content) = records::content(db, ContentId(body.content_id))? else {
        return Ok(None);
    };
    let codec = content.compression_process_id.unwrap_or_default();
    let Some(compression) = records::compression(db, codec)? else {
        return Ok(None);
    };
    let Uses {
        hits,
        first_hit_at,
        last_hit_at,
        average_duration,
    } = uses(db, id)?;
    Ok(Some(ResponseDetails {
        validation: records::validation(db, id)?,
        tags: tags::of_response(db, id.0)?,
        stale_since: stale_since.map(Timestamp::from_millis),
        url,
        request,
        response,
        body,
        content,
        compression,
        range,
        hits,
        first_hit_at,
        last_hit_at,
        average_duration,
    }))
}

fn uses(db: &Connection, id: ResponseId) -> sqlite_database::Result<Uses> {
    let found = db.query_row(
        "SELECT hit_count, first_hit_at, last_hit_at, avg_response_time_ms
         FROM cache_statistics WHERE response_id = ?1",
        [id.0],
        |row| {
            let time = |column| row.get(column).map(Timestamp::from_millis);
            let average = Duration::try_from_secs_f64(row.get::<_, f64>(3)? / 1_000.0);
            Ok(Uses {
                hits: row.get::<_, i64>(0)?.unsigned_abs(),
                first_hit_at: Some(time(1)?),
                last_hit_at: Some(time(2)?),
                average_duration: average.ok(),
            })
        },
    );
    Ok(found.optional()?.unwrap_or_default())
}
