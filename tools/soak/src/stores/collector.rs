//! The end of a run: what the workers wrote down and what the file holds, put together.

use std::path::Path;
use std::time::Duration;

use store_sqlite::{CacheOptions, SqliteCacheStore, SqliteDatabase};

use crate::counters::Counters;
use crate::error::Error;
use crate::load::journal::Events;
use crate::load::{cache, jobs, limits};
use crate::workload::WorkerCounts;

use super::report::Report;

/// Checks a run whose workers have ended; a wait may have taken `slack` longer than a lease.
pub(crate) async fn check(
    database: &Path,
    counts: WorkerCounts,
    events: &Events,
    slack: Duration,
) -> Result<Report, Error> {
    let database = SqliteDatabase::open(database).await?;
    let damage = damage(&database).await?;
    let log = store_sqlite::admissions(&database).await?;
    let rows: Vec<_> = log.iter().filter_map(limits::Row::new).collect();
    let options = CacheOptions::default().with_cleanup_interval(None);
    let store = SqliteCacheStore::with_options(&database, options);
    let cached = cache::check(&events.cache, &store).await?;
    drop(store);
    database.close().await?;
    let tolerance = jobs::Tolerance {
        slack,
        may_time_out: false,
        ends_kept: usize::MAX,
        skew: Duration::ZERO,
    };
    Ok(Report {
        kills: counts.kills,
        load: Counters {
            hung: counts.hung,
            limits: limits::check(&events.limits, &rows, counts.kills > 0),
            cache: cached,
            jobs: jobs::check(&events.jobs, tolerance),
        },
        damage,
    })
}

/// The findings of SQLite's integrity check.
async fn damage(database: &SqliteDatabase) -> Result<Vec<String>, Error> {
    let found = database.read(|db| {
        let mut check = db.prepare("PRAGMA integrity_check")?;
        let lines = check.query_map([], |row| row.get::<_, String>(0))?;
        Ok(lines.collect::<Result<Vec<_>, _>>()?)
    });
    let mut found = found.await?;
    found.retain(|line| line != "ok");
    Ok(found)
}
