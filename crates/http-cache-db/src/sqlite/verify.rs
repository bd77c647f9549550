//! Checks of what must hold in the file: a query per invariant, and every body against its hash.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use sqlite_database::Result;
use sqlite_database::rusqlite::Connection;

use super::open::Opened;
use super::reader::Reader;
use crate::record::ContentHash;
use crate::store::{ContentId, StoredBody};

/// What must not be found, and the query that counts it.
const INVARIANTS: &[(&str, &str)] = &[
    (
        "a variant whose key is not that of its response's URL",
        "SELECT count(*) FROM variants v JOIN responses r USING (response_id) JOIN requests q USING (request_id)
         JOIN urls u USING (url_id) WHERE u.url_key <> v.url_key OR q.method_id <> v.method_id",
    ),
    (
        "a target with several URLs",
        "SELECT count(*) FROM (SELECT 1 FROM variants JOIN responses USING (response_id)
             JOIN requests USING (request_id) GROUP BY url_key HAVING count(DISTINCT url_id) > 1)",
    ),
    (
        "a variant whose body is not that of its response",
        "SELECT count(*) FROM variants v JOIN responses r USING (response_id) JOIN bodies b USING (body_id)
         WHERE b.content_id <> v.content_id",
    ),
    (
        "a response without a variant",
        "SELECT count(*) FROM responses WHERE is_deleted = 0
         AND response_id NOT IN (SELECT response_id FROM variants)",
    ),
    (
        "a variant without a response, or of a removed one",
        "SELECT count(*) FROM variants
         WHERE response_id NOT IN (SELECT response_id FROM responses WHERE is_deleted = 0)",
    ),
    (
        "a response with several variants",
        "SELECT count(*) - count(DISTINCT response_id) FROM variants",
    ),
    (
        "a method, status or codec that is not listed",
        "SELECT (SELECT count(*) FROM requests WHERE method_id NOT IN (SELECT method_id FROM http_methods))
             + (SELECT count(*) FROM responses WHERE status_code NOT IN (SELECT status_code FROM http_statuses))
             + (SELECT count(*) FROM body_contents WHERE compression_process_id NOT IN
                 (SELECT compression_process_id FROM compression_processes))",
    ),
    (
        "a difference to a body that does not exist, or that something else needs whole",
        "SELECT count(*) FROM body_contents c WHERE base_content_id IS NOT NULL AND (reference_count <> 1
             OR NOT EXISTS (SELECT 1 FROM body_contents WHERE content_id = c.base_content_id)
             OR NOT EXISTS (SELECT 1 FROM bodies o JOIN bodies n ON n.previous_version_id = o.body_id
                            WHERE o.content_id = c.content_id AND n.content_id = c.base_content_id))",
    ),
    (
        "a dictionary with a wrong reference count",
        "SELECT count(*) FROM compression_dictionaries d WHERE reference_count <>
             (SELECT count(*) FROM body_contents JOIN compression_processes p USING (compression_process_id)
              WHERE p.dictionary_id = d.dictionary_id)",
    ),
    (
        "a tag that no response has",
        "SELECT count(*) FROM tags WHERE tag_id NOT IN (SELECT tag_id FROM tagged_responses)",
    ),
    (
        "a short body that nothing refers to",
        "SELECT count(*) FROM body_contents WHERE reference_count = 0 AND chunk_count = 0",
    ),
    (
        "a request without a response",
        "SELECT count(*) FROM requests WHERE request_id NOT IN (SELECT response_id FROM responses)",
    ),
    (
        "a URL without a request",
        "SELECT count(*) FROM urls WHERE url_id NOT IN (SELECT url_id FROM requests)",
    ),
    (
        "a body with a wrong reference count",
        "SELECT count(*) FROM body_contents c
         WHERE reference_count <> (SELECT count(*) FROM bodies b WHERE b.content_id = c.content_id)",
    ),
    (
        "a body in use without a hash",
        "SELECT count(*) FROM body_contents WHERE reference_count > 0 AND content_hash IS NULL",
    ),
    (
        "a body in use with missing chunks",
        "SELECT count(*) FROM body_contents c WHERE reference_count > 0 AND chunk_count > 0 AND chunk_count <>
             (SELECT count(*) FROM body_chunks k WHERE k.content_id = c.content_id AND k.position < c.chunk_count)",
    ),
    (
        "a body whose size is not that of its bytes",
        "SELECT count(*) FROM body_contents c WHERE reference_count > 0 AND compressed_size <> CASE chunk_count
             WHEN 0 THEN length(body_content)
             ELSE (SELECT ifnull(sum(length(chunk)), 0) FROM body_chunks k WHERE k.content_id = c.content_id) END",
    ),
    (
        "a version that does not follow the one before it",
        "SELECT count(*) FROM bodies n JOIN bodies o ON n.previous_version_id = o.body_id
         WHERE n.version <> o.version + 1 OR o.replaced_at IS NULL",
    ),
    (
        "a version that neither a response nor a later version has",
        "SELECT count(*) FROM bodies b WHERE NOT EXISTS (SELECT 1 FROM responses r WHERE r.body_id = b.body_id)
             AND NOT EXISTS (SELECT 1 FROM bodies n WHERE n.previous_version_id = b.body_id)",
    ),
    (
        "a body of several responses or versions",
        "SELECT count(*) FROM (SELECT body_id FROM responses UNION ALL
             SELECT previous_version_id FROM bodies WHERE previous_version_id IS NOT NULL)
         GROUP BY body_id HAVING count(*) > 1",
    ),
    (
        "a value without a response, or of a removed one",
        "SELECT count(*) FROM cached_values
         WHERE response_id NOT IN (SELECT response_id FROM responses WHERE is_deleted = 0)",
    ),
    (
        "a tag of no value",
        "SELECT count(*) FROM value_tags WHERE response_id NOT IN (SELECT response_id FROM cached_values)",
    ),
    (
        "a header list that is none",
        "SELECT (SELECT count(*) FROM responses WHERE NOT json_valid(headers))
             + (SELECT count(*) FROM requests WHERE NOT json_valid(headers))",
    ),
    (
        "a response's header pair that does not exist",
        "SELECT count(*) FROM responses r JOIN json_each(iif(json_valid(r.headers), r.headers, '[]')) h
         WHERE h.type = 'integer' AND h.value NOT IN (SELECT header_pair_id FROM header_pairs)",
    ),
    (
        "a request's header pair that does not exist",
        "SELECT count(*) FROM requests q JOIN json_each(iif(json_valid(q.headers), q.headers, '[]')) h
         WHERE h.type = 'integer' AND h.value NOT IN (SELECT header_pair_id FROM header_pairs)",
    ),
];

/// What a check of the file found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifyReport {
    /// Damage of the file, as SQLite finds it, and rows that refer to missing ones.
    pub damage: Vec<String>,
    /// What must not be there, and how often it is.
    pub violations: Vec<(String, u64)>,
    /// Bodies whose bytes are not those of their hash, or cannot be decompressed.
    pub damaged_bodies: Vec<ContentId>,
    /// The bodies that were compared with their hash.
    pub bodies: u64,
}

impl VerifyReport {
    pub(super) fn to_json(&self) -> Value {
        json!({
            "damage": self.damage.len(), "violations": self.violations.len(),
            "damaged_bodies": self.damaged_bodies.len(), "bodies": self.bodies,
        })
    }

    /// Whether nothing was found.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.damage.is_empty() && self.violations.is_empty() && self.damaged_bodies.is_empty()
    }
}

/// Checks the file. Bodies are read a few at a time, so that no read keeps the log from being reset.
pub(super) async fn run(opened: &Arc<Opened>, reader: &Arc<Reader>) -> Result<VerifyReport> {
    let checked = opened.database.check().await?;
    let references = checked.broken_references.iter().map(ToString::to_string);
    let mut report = VerifyReport {
        damage: checked.damage.iter().cloned().chain(references).collect(),
        ..VerifyReport::default()
    };
    report.violations = opened.database.long_read(violations).await?;
    let mut last = ContentId(0);
    loop {
        let reader = Arc::clone(reader);
        let some = opened
            .database
            .long_read(move |db| check_bodies(db, &reader, last));
        let some = some.await?;
        let Some((content, _)) = some.last() else {
            return Ok(report);
        };
        last = *content;
        report.bodies += some.len() as u64;
        let damaged = some.into_iter().filter(|(_, is_sound)| !is_sound);
        report
            .damaged_bodies
            .extend(damaged.map(|(content, _)| content));
    }
}

fn violations(db: &Connection) -> Result<Vec<(String, u64)>> {
    let mut found = Vec::new();
    for (what, query) in INVARIANTS {
        let mut statement = db.prepare(query)?;
        let counts = statement.query_map([], |row| row.get::<_, i64>(0))?;
        let count: i64 = counts.sum::<Result<_, _>>()?;
        if count != 0 {
            found.push(((*what).to_owned(), count.unsigned_abs()));
        }
    }
    Ok(found)
}

/// Whether the next bodies after `last` are those of their hashes.
fn check_bodies(
    db: &Connection,
    reader: &Reader,
    last: ContentId,
) -> Result<Vec<(ContentId, bool)>> {
    let mut statement = db.prepare_cached(
        "SELECT content_id, content_hash FROM body_contents
         WHERE content_id > ?1 AND content_hash IS NOT NULL AND reference_count > 0
         ORDER BY content_id LIMIT 20",
    )?;
    let next = statement.query_map([last.0], |row| {
        Ok((ContentId(row.get(0)?), row.get::<_, [u8; 32]>(1).ok()))
    })?;
    let mut checked = Vec::new();
    for next in next {
        let (content, hash) = next?;
        let found = hash_of(db, reader, content)?;
        let is_sound = found.is_some_and(|found| Some(*found.as_bytes()) == hash);
        checked.push((content, is_sound));
    }
    Ok(checked)
}

/// The hash of a stored body; `None` if it cannot be read.
fn hash_of(db: &Connection, reader: &Reader, content: ContentId) -> Result<Option<ContentHash>> {
    match reader.body(db, content)? {
        None => Ok(None),
        Some(StoredBody::Whole(body)) => Ok(Some(ContentHash::of(&body))),
        Some(StoredBody::Chunked { len, chunk_bytes }) => {
            let mut hasher = Sha256::new();
            for index in 0..len.div_ceil(chunk_bytes) {
                let Some(chunk): Option<Bytes> = reader.chunk(db, content, index)? else {
                    return Ok(None);
                };
                hasher.update(&chunk);
            }
            Ok(Some(ContentHash::from(<[u8; 32]>::from(hasher.finalize()))))
        }
    }
}
