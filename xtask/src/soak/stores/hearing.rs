//! The end of a run: what the workers wrote down and what the file holds, put together.

use std::path::Path;
use std::time::Duration;

use store_core::{CacheStore as _, Key};
use store_sqlite::{CacheOptions, SqliteCacheStore, SqliteDatabase};

use crate::error::Error;
use crate::soak::crowd::Course;
use crate::soak::load::cache::{self, Kept};
use crate::soak::load::journal::Told;
use crate::soak::load::{jobs, limits};

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
    let (mut cached, kept) = cache::judge(&told.cache);
    read_back(&database, &mut cached, &kept).await?;
    database.close().await?;
    let terms = jobs::Terms {
        slack,
        may_time_out: false,
        ends_kept: usize::MAX,
        skew: Duration::ZERO,
    };
    Ok(Verdict::of(
        course,
        limits::judge(&told.limits, &rows, course.kills > 0),
        cached,
        jobs::judge(&told.jobs, terms),
        damage,
    ))
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

async fn read_back(
    database: &SqliteDatabase,
    tally: &mut cache::Tally,
    kept: &Kept,
) -> Result<(), Error> {
    let options = CacheOptions::default().with_cleanup_interval(None);
    let store = SqliteCacheStore::with_options(database, options);
    for text in kept.keys() {
        let found = store.get(&Key::new(text)?).await?.hit();
        let found = found.map(|entry| cache::decode(&entry.value).unwrap_or(u64::MAX));
        tally.check(kept, text, found);
    }
    Ok(())
}
