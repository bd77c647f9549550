//! Removing what nothing needs any more, in bounded steps.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Value, json};
use sqlite_database::Result;
use sqlite_database::rusqlite::{Connection, OptionalExtension, Transaction, params};
use store_core::{HOUR, MINUTE, Timestamp};

use super::content::give_up;
use super::open::Opened;
use super::remove::remove_hidden;
use super::{dictionaries, invalidations, maintenance, state};
use crate::store::ContentId;

/// The rows of one step.
const PER_STEP: u32 = 200;
/// The chunks of one step, at most 2 MiB.
const CHUNKS_PER_STEP: u32 = 16;
/// How long a body that nothing refers to is kept after it was read last: a client may still be reading it.
pub(super) const READING: Duration = MINUTE;
/// How long a body that arrives may make no progress.
const ARRIVING: Duration = Duration::from_mins(10);
/// Free pages beyond this part of the file are returned to the file system.
const FREE_SHARE: u64 = 10;
/// The pages of one step.
const PAGES_PER_STEP: u32 = 256;
/// The purges, runs of maintenance and measurements that are kept.
const LOG_ROWS: i64 = 10_000;
/// The days that uses are counted for.
const DAYS: i64 = 400;
/// The paths of all days together, beyond which the first days go.
const PATHS_OF_DAYS: i64 = 100_000;

/// What a cleanup removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CleanupReport {
    /// Responses that were removed before, but whose rows were still there.
    pub responses: u64,
    /// Bodies that nothing refers to.
    pub bodies: u64,
    /// Header pairs that no response has.
    pub header_pairs: u64,
    /// Pages that were returned to the file system.
    pub pages: u64,
}

impl CleanupReport {
    pub(super) fn to_json(self) -> Value {
        json!({
            "responses": self.responses, "bodies": self.bodies, "header_pairs": self.header_pairs,
            "pages": self.pages,
        })
    }
}

/// Removes everything, unused header pairs and the first days once an hour; long bodies that nothing refers to once nobody can have been `reading`
/// them for so long.
pub(super) async fn run(
    opened: &Opened,
    now: Timestamp,
    reading: Duration,
) -> Result<CleanupReport> {
    let mut report = CleanupReport::default();
    let database = &opened.database;
    loop {
        let step = database.write(move |tx| {
            let removed = remove_hidden(tx, now, PER_STEP)?;
            let bodies = remove_unreferenced(tx, now, reading)?;
            let forgotten = invalidations::forget(tx, now, PER_STEP)?;
            Ok((removed.responses, bodies, forgotten))
        });
        let (responses, bodies, forgotten) = step.await?;
        report.responses += responses;
        report.bodies += bodies.removed;
        if responses == 0 && !bodies.is_unfinished && forgotten == 0 {
            break;
        }
    }
    database.write(shorten_logs).await?;
    let unused = now - HOUR;
    database
        .write(move |tx| dictionaries::remove_unused(tx, unused))
        .await?;
    loop {
        let size = database.size().await?;
        let released = if size.free_pages * FREE_SHARE <= size.pages {
            0
        } else {
            database.release_free_pages(PAGES_PER_STEP).await?
        };
        report.pages += released;
        if released == 0 {
            // To sweep reads all lists of fields, to shorten all days.
            if maintenance::measure(opened, size, now).await? {
                report.header_pairs = sweep_pairs(opened).await?;
                database.write(shorten_days).await?;
            }
            return Ok(report);
        }
    }
}

#[derive(Default)]
pub(super) struct Bodies {
    removed: u64,
    is_unfinished: bool,
}

/// Removes some chunks, and the bodies that have none left.
pub(super) fn remove_unreferenced(
    tx: &Transaction<'_>,
    now: Timestamp,
    reading: Duration,
) -> Result<Bodies> {
    let before = |age: Duration| {
        let age = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
        now.as_millis().saturating_sub(age)
    };
    // A clock that was set back would keep what is later than now for ever.
    let ahead = (now + ARRIVING).as_millis();
    let mut statement = tx.prepare_cached(
        "SELECT content_id FROM body_contents
         WHERE reference_count = 0 AND chunk_count > 0 AND (last_referenced_at <= ?1 OR last_referenced_at > ?4)
             AND (content_hash IS NOT NULL OR last_referenced_at <= ?2 OR last_referenced_at > ?4)
         LIMIT ?3",
    )?;
    let values = params![before(reading), before(ARRIVING), PER_STEP, ahead];
    let contents = statement.query_map(values, |row| row.get(0))?;
    let contents: Vec<i64> = contents.collect::<Result<_, _>>()?;
    let mut bodies = Bodies {
        is_unfinished: !contents.is_empty(),
        ..Bodies::default()
    };
    let mut chunks_left = CHUNKS_PER_STEP;
    let mut delete_chunks = tx.prepare_cached(
        "DELETE FROM body_chunks WHERE chunk_id IN
             (SELECT chunk_id FROM body_chunks WHERE content_id = ?1 LIMIT ?2)",
    )?;
    let mut delete = tx.prepare_cached(
        "DELETE FROM body_contents WHERE content_id = ?1
             AND NOT EXISTS (SELECT 1 FROM body_chunks WHERE content_id = ?1)",
    )?;
    for content in contents {
        if chunks_left == 0 {
            break;
        }
        let deleted = delete_chunks.execute(params![content, chunks_left])?;
        chunks_left -= u32::try_from(deleted)
            .unwrap_or(chunks_left)
            .min(chunks_left);
        if delete.execute([content])? > 0 {
            bodies.removed += 1;
        } else {
            // Nobody may use what has lost a part.
            give_up(tx, ContentId(content))?;
        }
    }
    Ok(bodies)
}

fn shorten_logs(tx: &Transaction<'_>) -> Result<()> {
    for (table, id) in [
        ("purge_events", "purge_id"),
        ("maintenance_log", "maintenance_id"),
        ("performance_metrics", "metric_id"),
    ] {
        let sql = format!("DELETE FROM {table} WHERE {id} <= (SELECT max({id}) FROM {table}) - ?1");
        tx.execute(&sql, [LOG_ROWS])?;
    }
    Ok(())
}

fn shorten_days(tx: &Transaction<'_>) -> Result<()> {
    let days = "DELETE FROM hits_by_day WHERE day < (SELECT date(max(day), ?1) FROM hits_by_day)";
    tx.execute(days, [format!("-{DAYS} days")])?;
    let paths = "DELETE FROM hits_by_day
        WHERE day < (SELECT day FROM hits_by_day ORDER BY day DESC LIMIT 1 OFFSET ?1)";
    tx.execute(paths, [PATHS_OF_DAYS])?;
    Ok(())
}

const UNUSED_PAIRS: &str = "
    SELECT header_pair_id FROM header_pairs WHERE header_pair_id NOT IN (
        SELECT h.value FROM responses r JOIN json_each(iif(json_valid(r.headers), r.headers, '[]')) h
        WHERE h.type = 'integer'
        UNION
        SELECT h.value FROM requests q JOIN json_each(iif(json_valid(q.headers), q.headers, '[]')) h
        WHERE h.type = 'integer'
    )";

/// Removes the header pairs that no row has. Yields how many.
///
/// In two rounds, because a writer may know a pair that is found unused, and use it: the first marks the pairs,
/// so that no later transaction uses them, the second removes those that are still unused.
pub(super) async fn sweep_pairs(opened: &Opened) -> Result<u64> {
    let unused = opened
        .database
        .long_read(|db| ids(db, UNUSED_PAIRS))
        .await?;
    for some in unused.chunks(1_000) {
        let some = some.to_vec();
        let mark = opened.database.write(move |tx| {
            state::increment(tx, "pairs_swept")?;
            let mut mark = tx
                .prepare_cached("UPDATE header_pairs SET is_swept = 1 WHERE header_pair_id = ?1")?;
            for id in some {
                mark.execute([id])?;
            }
            Ok(())
        });
        mark.await?;
    }
    let still_unused = opened
        .database
        .long_read(|db| ids(db, UNUSED_PAIRS))
        .await?;
    let marked: HashSet<_> = unused.into_iter().collect();
    let removable: Vec<_> = still_unused
        .into_iter()
        .filter(|id| marked.contains(id))
        .collect();
    for some in removable.chunks(1_000) {
        let some = some.to_vec();
        opened
            .database
            .write(move |tx| delete_pairs(tx, &some))
            .await?;
    }
    Ok(removable.len() as u64)
}

fn ids(db: &Connection, sql: &str) -> Result<Vec<i64>> {
    let mut statement = db.prepare(sql)?;
    let ids = statement.query_map([], |row| row.get(0))?;
    Ok(ids.collect::<Result<_, _>>()?)
}

pub(super) fn delete_pairs(tx: &Transaction<'_>, ids: &[i64]) -> Result<()> {
    let mut pair = tx.prepare_cached(
        "DELETE FROM header_pairs WHERE header_pair_id = ?1 RETURNING header_name_id, header_value_id",
    )?;
    let mut value = tx.prepare_cached(
        "DELETE FROM header_values WHERE header_value_id = ?1
             AND NOT EXISTS (SELECT 1 FROM header_pairs WHERE header_value_id = ?1)",
    )?;
    let mut name = tx.prepare_cached(
        "DELETE FROM header_names WHERE header_name_id = ?1
             AND NOT EXISTS (SELECT 1 FROM header_pairs WHERE header_name_id = ?1)",
    )?;
    for id in ids {
        let deleted = pair.query_row([id], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?))
        });
        // Another process may sweep as well.
        let Some((name_id, value_id)) = deleted.optional()? else {
            continue;
        };
        value.execute([value_id])?;
        name.execute([name_id])?;
    }
    Ok(())
}
