//! Counting uses and misses.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use sqlite_database::Result;
use sqlite_database::rusqlite::{Transaction, params};
use store_core::Timestamp;

use super::state::integer;
use crate::store::{Hit, ResponseId};

/// The paths of a day that are counted each for itself.
const MAX_PATHS_PER_DAY: i64 = 10_000;
/// Where the others are counted.
const OTHER_PATHS: &str = "(others)";

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
        let of_path = by_path.entry((day, &hit.host, &hit.path)).or_default();
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
    let mut paths_of_day = BTreeMap::new();
    for ((day, host, path), of_path) in by_path {
        count_path(tx, &mut paths_of_day, &day, host, path, &of_path)?;
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
    paths_of_day: &mut BTreeMap<String, i64>,
    day: &str,
    host: &str,
    path: &str,
    of_path: &OfPath,
) -> Result<()> {
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
    let paths = match paths_of_day.entry(day.to_owned()) {
        Entry::Occupied(entry) => entry.into_mut(),
        Entry::Vacant(entry) => {
            let paths = "SELECT count(*) FROM hits_by_day WHERE day = ?1";
            entry.insert(
                tx.prepare_cached(paths)?
                    .query_row([day], |row| row.get(0))?,
            )
        }
    };
    *paths += 1;
    let path = if *paths <= MAX_PATHS_PER_DAY {
        path
    } else {
        OTHER_PATHS
    };
    tx.prepare_cached(
        "INSERT INTO hits_by_day (day, domain, path, hits, misses, hit_bytes) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
         ON CONFLICT DO UPDATE SET hits = hits + excluded.hits, misses = misses + excluded.misses,
             hit_bytes = hit_bytes + excluded.hit_bytes",
    )?
    .execute(params![day, host, path, integer(of_path.hits), integer(of_path.misses), integer(of_path.bytes)])?;
    Ok(())
}
