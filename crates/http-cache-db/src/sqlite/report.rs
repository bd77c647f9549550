//! Numbers about the file.

use sqlite_database::Result;
use sqlite_database::rusqlite::Connection;
use store_core::Timestamp;

use crate::keys::TargetKey;
use crate::record::ContentHash;
use crate::store::{ContentId, Counts, ResponseId, Version};

pub(super) fn counts(db: &Connection) -> Result<Counts> {
    let row = db.query_row(
        "SELECT (SELECT count(DISTINCT url_key) FROM variants), (SELECT count(*) FROM requests),
             (SELECT count(*) FROM variants), count(*), ifnull(sum(original_size), 0), ifnull(sum(compressed_size), 0)
         FROM body_contents WHERE reference_count > 0",
        [],
        |row| {
            let number = |column| row.get::<_, i64>(column).map(i64::unsigned_abs);
            Ok(Counts {
                urls: number(0)?,
                requests: number(1)?,
                responses: number(2)?,
                bodies: number(3)?,
                body_bytes: number(4)?,
                stored_bytes: number(5)?,
            })
        },
    );
    Ok(row?)
}

/// The bodies that a target has had, latest first.
pub(super) fn history(db: &Connection, target: TargetKey) -> Result<Vec<Version>> {
    let mut statement = db.prepare_cached(
        "WITH RECURSIVE versions (response_id, body_id) AS (
             SELECT v.response_id, r.body_id FROM variants v JOIN responses r USING (response_id)
             WHERE v.url_key = ?1
             UNION ALL
             SELECT s.response_id, b.previous_version_id FROM versions s JOIN bodies b USING (body_id)
             WHERE b.previous_version_id IS NOT NULL
         )
         SELECT s.response_id, b.content_id, c.content_hash, b.version, b.created_at, b.replaced_at, c.content_type,
             c.original_size
         FROM versions s JOIN bodies b USING (body_id) JOIN body_contents c USING (content_id)
         ORDER BY b.created_at DESC, s.response_id DESC",
    )?;
    let versions = statement.query_map([&target.as_bytes()[..]], |row| {
        let replaced_at: Option<i64> = row.get(5)?;
        // A row without a hash is damaged, and left out.
        let Ok(hash) = row.get::<_, [u8; 32]>(2) else {
            return Ok(None);
        };
        Ok(Some(Version {
            response: ResponseId(row.get(0)?),
            content: ContentId(row.get(1)?),
            hash: ContentHash::from(hash),
            version: row.get::<_, i64>(3)?.unsigned_abs(),
            created_at: Timestamp::from_millis(row.get(4)?),
            replaced_at: replaced_at.map(Timestamp::from_millis),
            content_type: row.get(6)?,
            body_len: row.get::<_, i64>(7)?.unsigned_abs(),
        }))
    })?;
    let versions: Vec<_> = versions.collect::<Result<_, _>>()?;
    Ok(versions.into_iter().flatten().collect())
}
