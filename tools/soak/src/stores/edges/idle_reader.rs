//! A read transaction that somebody has left open in a shell, beside two programs that write.

use std::path::Path;
use std::time::Duration;

use store_core::{Clock as _, SystemClock};
use store_sqlite::{DatabaseOptions, SqliteDatabase};

use super::{Pair, Trial, shell};
use crate::error::Error;

/// So that a log of 4,000 of them is soon written.
const PAGE_BYTES: u32 = 512;
const ROUNDS: usize = 1_000;
/// The most that half of the calls may take: a wait for the reader took a tenth of a second.
const HALF_WITHIN: Duration = Duration::from_millis(50);

pub(super) async fn run(file: &Path, slack: Duration) -> Result<Trial, Error> {
    let mut trial = Trial::new("idle reader");
    let options = DatabaseOptions::default().with_page_bytes(PAGE_BYTES);
    let one = SqliteDatabase::open_with(file, options.clone()).await?;
    let two = SqliteDatabase::open_with(file, options).await?;
    store_sqlite::migrate(&one).await?;
    let pairs = [Pair::over(&one)?, Pair::over(&two)?];
    let reader = shell(file, "BEGIN; SELECT count(*) FROM sqlite_schema")?;
    let clock = SystemClock::new();
    let mut took = Vec::new();
    for number in 0..ROUNDS {
        for pair in &pairs {
            let began = clock.monotonic();
            pair.set(number).await?;
            let is_granted = pair.acquire().await?;
            took.push(clock.monotonic().saturating_sub(began));
            trial.expect(is_granted, || format!("refused in round {number}"));
        }
    }
    trial.calls = took.len() * 2;
    took.sort_unstable();
    let half = took.get(took.len() / 2).copied().unwrap_or_default();
    trial.expect(half <= HALF_WITHIN, || format!("half took over {half:?}"));
    let longest = took.last().copied().unwrap_or_default();
    trial.expect(longest <= slack, || format!("the longest took {longest:?}"));
    let before = one.size().await?.wal_bytes;
    drop(reader);
    let ended = clock.monotonic();
    // The file of the log is cut to 64 MiB at most, so its first frame tells.
    while frames(&one)? > before / u64::from(PAGE_BYTES) / 2 {
        let waited = clock.monotonic().saturating_sub(ended);
        if waited > slack + Duration::from_secs(5) {
            trial.expect(false, || format!("a log of {before} bytes stays as it is"));
            break;
        }
        pairs[0].set(0).await?;
    }
    one.close().await?;
    two.close().await?;
    Ok(trial)
}

/// The length of the log.
fn frames(database: &SqliteDatabase) -> Result<u64, Error> {
    let frames = database.blocking_read(|db| {
        let noop = "PRAGMA wal_checkpoint(NOOP)";
        Ok(db.query_row(noop, [], |row| row.get::<_, i64>(1))?)
    });
    Ok(frames?.unsigned_abs())
}
