//! Counting uses and misses.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use sqlite_database::Result;
use sqlite_database::rusqlite::{Transaction, params};
use store_core::Timestamp;

use super::state::integer;
use crate::store::{Hit, ResponseId, shortened};

/// The paths of a day that are counted each for itself, and as many hosts whose other paths are.
const MAX_PATHS_PER_DAY: i64 = 10_000;
/// Where the others are counted.
const OTHERS: &str = "(others)";

#[derive(Default)]
struct Uses {
    count: u64,
    first: Option<Timestamp>,
    last: Timestamp,
    duration: Duration,
}

#[derive(Default)]
struct OfPath {
    hits: u64,
    misses: u64,
    bytes: u64,
}

/// Counts `hits`. Yields the uses of each response.
pub(super) fn record(tx: &Transaction<'_>, hits: &[Hit]) -> Result<BTreeMap<ResponseId, u64>> {
    let mut by_response = BTreeMap::<_, Uses>::new();
    let mut by_path = BTreeMap::<_, OfPath>::new();
    for hit in hits {
        let day = hit.at.to_string();
        let day = day.get(..10).unwrap_or_default().to_owned();
        let name = (day, shortened(&hit.host), shortened(&hit.path));
        let of_path = by_path.entry(name).or_default();
        match hit.response {
            None => of_path.misses += 1,
            Some(response) => {
                of_path.hits += 1;
                of_path.bytes = of_path.bytes.saturating_add(hit.bytes);
                let uses = by_response.entry(response).or_default();
                uses.count += 1;
                uses.first = Some(uses.first.map_or(hit.at, |first| first.min(hit.at)));
                uses.last = uses.last.max(hit.at);
                uses.duration = uses.duration.saturating_add(hit.duration);
            }
        }
    }
    let mut counted = BTreeMap::new();
    for (response, uses) in by_response {
        if count_uses(tx, response, &uses)? {
            counted.insert(response, uses.count);
        }
    }
    let mut rows_of_day = BTreeMap::new();
    for ((day, host, path), of_path) in by_path {
        count_path(tx, &mut rows_of_day, &day, (&host, &path), &of_path)?;
    }
    Ok(counted)
}

/// Whether the response is there.
fn count_uses(tx: &Transaction<'_>, response: ResponseId, uses: &Uses) -> Result<bool> {
    let mut count = tx.prepare_cached(
        "INSERT INTO cache_statistics (response_id, hit_count, first_hit_at, last_hit_at, total_response_time_ms,
             is_visited)
         SELECT response_id, ?2, ?3, ?4, ?5, 1 FROM responses WHERE response_id = ?1
         ON CONFLICT (response_id) DO UPDATE SET
             hit_count = hit_count + excluded.hit_count,
             last_hit_at = max(last_hit_at, excluded.last_hit_at),
             total_response_time_ms = total_response_time_ms + excluded.total_response_time_ms,
             is_visited = 1",
    )?;
    let first = uses.first.unwrap_or(uses.last);
    let is_there = count.execute(params![
        response.0,
        integer(uses.count),
        first.as_millis(),
        uses.last.as_millis(),
        uses.duration.as_secs_f64() * 1e3
    ])? > 0;
    tx.prepare_cached(
        "UPDATE bodies SET access_count = access_count + ?2, last_accessed_at = max(ifnull(last_accessed_at, 0), ?3)
         WHERE body_id = (SELECT body_id FROM responses WHERE response_id = ?1)",
    )?
    .execute(params![response.0, integer(uses.count), uses.last.as_millis()])?;
    Ok(is_there)
}

fn count_path(
    tx: &Transaction<'_>,
    rows_of_day: &mut BTreeMap<String, i64>,
    day: &str,
    (host, path): (&str, &str),
    of_path: &OfPath,
) -> Result<()> {
    // The last is one row, so that no number of hosts makes more.
    let names = [
        (host, path, MAX_PATHS_PER_DAY),
        (host, OTHERS, 2 * MAX_PATHS_PER_DAY),
        (OTHERS, OTHERS, i64::MAX),
    ];
    for (host, path, most) in names {
        let values = params![
            day,
            host,
            path,
            integer(of_path.hits),
            integer(of_path.misses),
            integer(of_path.bytes)
        ];
        let mut add = tx.prepare_cached(
            "UPDATE hits_by_day SET hits = hits + ?4, misses = misses + ?5, hit_bytes = hit_bytes + ?6
             WHERE day = ?1 AND domain = ?2 AND path = ?3",
        )?;
        if add.execute(values)? > 0 {
            return Ok(());
        }
        let rows = rows_of(tx, rows_of_day, day)?;
        if *rows < most {
            *rows += 1;
            tx.prepare_cached(
                "INSERT INTO hits_by_day (day, domain, path, hits, misses, hit_bytes)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?
            .execute(values)?;
            return Ok(());
        }
    }
    Ok(())
}

/// The number of rows that a day has, counted once.
fn rows_of<'a>(
    tx: &Transaction<'_>,
    rows_of_day: &'a mut BTreeMap<String, i64>,
    day: &str,
) -> Result<&'a mut i64> {
    Ok(match rows_of_day.entry(day.to_owned()) {
        Entry::Occupied(entry) => entry.into_mut(),
        Entry::Vacant(entry) => {
            let mut count = tx.prepare_cached("SELECT count(*) FROM hits_by_day WHERE day = ?1")?;
            entry.insert(count.query_row([day], |row| row.get(0))?)
        }
    })
}
