//! Removing responses, their bodies, and what nothing refers to any more.

use sqlite_database::Result;
use sqlite_database::rusqlite::{OptionalExtension, Transaction, params};
use store_core::Timestamp;

use super::content::give_up;
use super::invalidations;
use super::state::integer;
use crate::store::ContentId;

/// What the rows of a response take besides its body, about.
const ROW_BYTES: u64 = 500;

/// What was removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Removed {
    pub(super) responses: u64,
    /// The bytes that are free now, or will be soon.
    pub(super) bytes: u64,
}

/// Removes responses with all that belongs to them alone.
pub(super) fn remove_responses(
    tx: &Transaction<'_>,
    responses: &[i64],
    now: Timestamp,
) -> Result<Removed> {
    let mut removed = Removed::default();
    for response in responses {
        let found = tx
            .prepare_cached(
                "SELECT q.url_id, r.body_id FROM responses r JOIN requests q ON q.request_id = r.response_id
                 WHERE r.response_id = ?1",
            )?
            .query_row([response], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
            })
            .optional()?;
        let Some((url, body)) = found else {
            continue;
        };
        tx.prepare_cached(
            "DELETE FROM variants WHERE response_id = ?1
                 AND url_key = (SELECT url_key FROM urls WHERE url_id = ?2)",
        )?
        .execute([response, &url])?;
        // Takes along the response, its validators and statistics.
        tx.prepare_cached("DELETE FROM requests WHERE request_id = ?1")?
            .execute([response])?;
        tx.prepare_cached(
            "DELETE FROM urls WHERE url_id = ?1 AND NOT EXISTS (SELECT 1 FROM requests WHERE url_id = ?1)",
        )?
        .execute([url])?;
        removed.responses += 1;
        removed.bytes += ROW_BYTES + remove_bodies(tx, Some(body), now)?;
    }
    Ok(removed)
}

/// Removes all but the latest `max_versions` bodies before `body`. Yields the bytes freed.
pub(super) fn trim_versions(
    tx: &Transaction<'_>,
    body: i64,
    max_versions: u32,
    now: Timestamp,
) -> Result<u64> {
    let mut last_kept = body;
    for _ in 0..max_versions {
        let previous = previous_version(tx, last_kept)?;
        let Some(previous) = previous else {
            return Ok(0);
        };
        last_kept = previous;
    }
    let first_dropped = previous_version(tx, last_kept)?;
    tx.prepare_cached("UPDATE bodies SET previous_version_id = NULL WHERE body_id = ?1")?
        .execute([last_kept])?;
    remove_bodies(tx, first_dropped, now)
}

fn previous_version(tx: &Transaction<'_>, body: i64) -> Result<Option<i64>> {
    let mut previous =
        tx.prepare_cached("SELECT previous_version_id FROM bodies WHERE body_id = ?1")?;
    Ok(previous
        .query_row([body], |row| row.get(0))
        .optional()?
        .flatten())
}

/// Removes a body and the versions before it. Yields the bytes freed.
fn remove_bodies(tx: &Transaction<'_>, body: Option<i64>, now: Timestamp) -> Result<u64> {
    let (mut next, mut bytes) = (body, 0);
    while let Some(body) = next {
        let mut delete = tx.prepare_cached(
            "DELETE FROM bodies WHERE body_id = ?1 RETURNING content_id, previous_version_id",
        )?;
        let deleted = delete.query_row([body], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?))
        });
        let Some((content, previous)) = deleted.optional()? else {
            break;
        };
        bytes += remove_content(tx, content, now)?;
        next = previous;
    }
    Ok(bytes)
}

/// Removes a body's bytes unless something refers to them. Chunks may be on their way to a client: they stay for
/// the next cleanup. Yields the bytes freed.
fn remove_content(tx: &Transaction<'_>, content: i64, now: Timestamp) -> Result<u64> {
    let mut delete = tx.prepare_cached(
        "DELETE FROM body_contents WHERE content_id = ?1 AND reference_count = 0 AND chunk_count = 0
         RETURNING compressed_size",
    )?;
    let deleted = delete.query_row([content], |row| row.get::<_, i64>(0));
    if let Some(bytes) = deleted.optional()? {
        return Ok(bytes.unsigned_abs());
    }
    let mut release = tx.prepare_cached(
        "UPDATE body_contents SET last_referenced_at = ?2 WHERE content_id = ?1 AND reference_count = 0
         RETURNING compressed_size",
    )?;
    let released = release.query_row([content, now.as_millis()], |row| row.get::<_, i64>(0));
    Ok(released.optional()?.unwrap_or_default().unsigned_abs())
}

/// The responses of a target.
pub(super) fn of_target(tx: &Transaction<'_>, key: &[u8]) -> Result<Vec<i64>> {
    let mut statement = tx.prepare_cached("SELECT response_id FROM variants WHERE url_key = ?1")?;
    let ids = statement.query_map([key], |row| row.get(0))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// The responses that have, or had, a body, up to `most` of them.
fn of_content(tx: &Transaction<'_>, content: i64, most: u32) -> Result<Vec<i64>> {
    // A body of an older version leads to the response by the versions after it.
    let mut statement = tx.prepare_cached(
        "WITH RECURSIVE later (body_id) AS (
             SELECT body_id FROM bodies WHERE content_id = ?1
             UNION
             SELECT b.body_id FROM bodies b JOIN later l ON b.previous_version_id = l.body_id
         )
         SELECT r.response_id FROM later JOIN responses r USING (body_id) LIMIT ?2",
    )?;
    let ids = statement.query_map(params![content, most], |row| row.get(0))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

/// Removes a body that cannot be read, with up to `most` of its responses: once it has none, what equals it is
/// stored anew.
pub(super) fn remove_unreadable(
    tx: &Transaction<'_>,
    content: ContentId,
    most: u32,
    now: Timestamp,
) -> Result<Removed> {
    let responses = of_content(tx, content.0, most)?;
    let removed = remove_responses(tx, &responses, now)?;
    give_up(tx, content)?;
    Ok(removed)
}

/// Hides up to `most` responses. Yields how many there were.
pub(super) fn hide(tx: &Transaction<'_>, most: u32) -> Result<u64> {
    let mut some = tx.prepare_cached("SELECT url_key, response_id FROM variants LIMIT ?1")?;
    let some = some.query_map([most], |row| {
        Ok((row.get::<_, [u8; 16]>(0)?, row.get::<_, i64>(1)?))
    })?;
    let some: Vec<_> = some.collect::<Result<_, _>>()?;
    let mut hide =
        tx.prepare_cached("UPDATE responses SET is_deleted = 1 WHERE response_id = ?1")?;
    let mut delete =
        tx.prepare_cached("DELETE FROM variants WHERE url_key = ?1 AND response_id = ?2")?;
    for (url_key, id) in &some {
        hide.execute([id])?;
        delete.execute(params![url_key, id])?;
    }
    Ok(some.len() as u64)
}

/// Hides responses, to be removed later.
pub(super) fn hide_each(tx: &Transaction<'_>, responses: &[i64]) -> Result<Removed> {
    let mut hide =
        tx.prepare_cached("UPDATE responses SET is_deleted = 1 WHERE response_id = ?1")?;
    let mut delete = tx.prepare_cached(
        "DELETE FROM variants WHERE response_id = ?1 AND url_key =
             (SELECT url_key FROM urls JOIN requests USING (url_id) WHERE request_id = ?1)",
    )?;
    for response in responses {
        hide.execute([response])?;
        delete.execute([response])?;
    }
    Ok(Removed {
        responses: responses.len() as u64,
        bytes: 0,
    })
}

/// Makes everything invalid that is stored, and what is on its way.
pub(super) fn hide_all(tx: &Transaction<'_>) -> Result<()> {
    invalidations::remember_all(tx)?;
    hide(tx, u32::MAX).map(drop)
}

/// Removes up to `most` hidden responses.
pub(super) fn remove_hidden(tx: &Transaction<'_>, now: Timestamp, most: u32) -> Result<Removed> {
    let mut statement =
        tx.prepare_cached("SELECT response_id FROM responses WHERE is_deleted = 1 LIMIT ?1")?;
    let ids = statement.query_map([most], |row| row.get(0))?;
    let ids: Vec<_> = ids.collect::<Result<_, _>>()?;
    remove_responses(tx, &ids, now)
}

/// Writes down that responses were removed.
pub(super) fn log_purge(
    tx: &Transaction<'_>,
    reason: &str,
    removed: Removed,
    now: Timestamp,
) -> Result<()> {
    if removed.responses == 0 {
        return Ok(());
    }
    tx.prepare_cached(
        "INSERT INTO purge_events (reason, responses, bytes, purged_at) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![
        reason,
        integer(removed.responses),
        integer(removed.bytes),
        now.as_millis()
    ])?;
    Ok(())
}
