//! The end of a run: what the workers wrote down and what the file holds, put together.

use std::path::Path;
use std::time::Duration;

use store_sqlite::{CacheOptions, SqliteCacheStore, SqliteDatabase};

use crate::error::Error;
use crate::soak::crowd::Course;
use crate::soak::load::journal::Told;
use crate::soak::load::{cache, jobs, limits};
use crate::soak::tally::Tally;

use super::verdict::Verdict;

/// Judges a run whose workers have ended; a wait may have taken `slack` longer than a lease.
pub(super) async fn judge(
    database: &Path,
    course: Course,
    told: &Told,
    slack: Duration,
) -> Result<Verdict, Error> {
    let database = SqliteDatabase::open(database).await?;
    let damage = damage(&database).await?;
    let log = store_sqlite::admissions(&database).await?;
    let rows: Vec<_> = log.iter().filter_map(limits::Row::new).collect();
    let options = CacheOptions::default().with_cleanup_interval(None);
    let store = SqliteCacheStore::with_options(&database, options);
    let cached = cache::judge(&told.cache, &store).await?;
    drop(store);
    database.close().await?;
    let terms = jobs::Terms {
        slack,
        may_time_out: false,
        ends_kept: usize::MAX,
        skew: Duration::ZERO,
    };
    Ok(Verdict {
        kills: course.kills,
        load: Tally {
            hung: course.hung,
            limits: limits::judge(&told.limits, &rows, course.kills > 0),
            cache: cached,
            jobs: jobs::judge(&told.jobs, terms),
        },
        damage,
    })
}

/// What SQLite finds wrong with the file.
async fn damage(database: &SqliteDatabase) -> Result<Vec<String>, Error> {
    let found = database.fetch(|db| {
        let mut check = db.prepare("PRAGMA integrity_check")?;
        let lines = check.query_map([], |row| row.get::<_, String>(0))?;
        Ok(lines.collect::<Result<Vec<_>, _>>()?)
    });
    let mut found = found.await?;
    found.retain(|line| line != "ok");
    Ok(found)
}
