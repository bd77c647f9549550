//! The other process: it writes all the time, and notes which of its calls took long.

use std::io::{self, Read as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use store_core::{
    Acquire, CacheOptions, CacheStore as _, Clock as _, Decision, Key, Limit, RateLimitStore as _,
    Resource, Result, SECOND, SystemClock,
};
use store_sqlite::{SqliteCacheStore, SqliteDatabase, SqliteRateLimitStore};

use super::content::entry;
use super::stalls::Stall;
use crate::error::Error;

/// Keys that are written over and over.
const KEYS: u64 = 1_000;
/// Calls that take less are not noted.
const NOTED: Duration = Duration::from_millis(1);

/// What to write to.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Watch {
    pub(crate) file: PathBuf,
}

/// Writes until the standard input ends.
pub(crate) async fn run(watch: &Watch) -> std::result::Result<Vec<Stall>, Error> {
    let database = SqliteDatabase::open(&watch.file).await?;
    let is_over = Arc::new(AtomicBool::new(false));
    let ends = Arc::clone(&is_over);
    thread::spawn(move || {
        // Whatever ends the input, nobody waits for an answer any more.
        let _ = io::stdin().read(&mut [0]);
        ends.store(true, Ordering::Relaxed);
    });
    let sets = tokio::spawn(set(database.clone(), Arc::clone(&is_over)));
    let acquisitions = tokio::spawn(acquire(database.clone(), is_over));
    let mut stalls = sets.await.map_err(|source| Error::LostTask { source })??;
    stalls.extend(
        acquisitions
            .await
            .map_err(|source| Error::LostTask { source })??,
    );
    database.close().await?;
    Ok(stalls)
}

async fn set(database: SqliteDatabase, is_over: Arc<AtomicBool>) -> Result<Vec<Stall>> {
    let options = CacheOptions::default().with_cleanup_interval(None);
    let cache = SqliteCacheStore::with_options(&database, options);
    let mut notes = Notes::default();
    let mut number = 0;
    while !is_over.load(Ordering::Relaxed) {
        let entry = entry(Key::new(format!("watch:{}", number % KEYS))?);
        notes.begin();
        cache.set(entry).await?;
        notes.end();
        number += 1;
    }
    Ok(notes.stalls)
}

async fn acquire(database: SqliteDatabase, is_over: Arc<AtomicBool>) -> Result<Vec<Stall>> {
    let limits = SqliteRateLimitStore::new(&database, Limit::new(1_000_000, SECOND));
    let resource = Resource::new("watch")?;
    let mut notes = Notes::default();
    while !is_over.load(Ordering::Relaxed) {
        let request = Acquire::one(&resource).user();
        notes.begin();
        let decision = limits.try_acquire(request).await?;
        notes.end();
        // A denial is remembered in the process: it would not touch the file any more.
        if let Decision::Denied { .. } = decision {
            let denied = store_core::Error::new(store_core::ErrorKind::Corrupt, "bench", "acquire");
            return Err(denied.with_detail("the watching process has used up its limit"));
        }
    }
    Ok(notes.stalls)
}

/// The long calls of one task.
#[derive(Debug, Default)]
struct Notes {
    clock: SystemClock,
    began: Duration,
    stalls: Vec<Stall>,
}

impl Notes {
    fn begin(&mut self) {
        self.began = self.clock.monotonic();
    }

    fn end(&mut self) {
        let took = self.clock.monotonic().saturating_sub(self.began);
        if took >= NOTED {
            self.stalls.push(Stall {
                ended_at: self.clock.now().as_millis(),
                millis: took.as_secs_f64() * 1e3,
            });
        }
    }
}
