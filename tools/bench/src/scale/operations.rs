//! The calls on the large file.

use std::path::Path;
use std::time::Duration;

use store_core::{
    CacheOptions, CacheStore as _, Clock as _, ErrorKind, PageRequest, Result, Selection,
    SystemClock,
};
use store_sqlite::{SqliteCacheStore, SqliteDatabase};

use super::content::{PARTS, Part, fill, tag};
use super::stalls::{Stall, Window, longest};
use super::watch::Watch;
use crate::child;
use crate::error::Error;
use crate::median::percentile;
use crate::ours::scattered;
use crate::task::Task;

/// How long a call is repeated, and how long the other process is watched alone before.
const WATCHED: Duration = Duration::from_secs(1);

/// One row: the time of the call and the other process meanwhile, in milliseconds.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) title: String,
    pub(super) calls: usize,
    pub(super) p50: f64,
    pub(super) p99: f64,
    /// The longest call of the other process just before, and during these calls.
    pub(super) alone: f64,
    pub(super) beside: f64,
}

/// The calls, in their order: clearing and invalidating leave the cleanup most of its work.
#[derive(Clone, Copy, Debug)]
enum Call {
    Get,
    Set,
    Open,
    Stats,
    List,
    Clear,
    Invalidate,
    Cleanup,
}

const CALLS: [Call; 8] = [
    Call::Get,
    Call::Set,
    Call::Open,
    Call::Stats,
    Call::List,
    Call::Clear,
    Call::Invalidate,
    Call::Cleanup,
];

impl Call {
    fn title(self, entries: u64) -> String {
        let of = |part: Part| grouped(part.of(entries));
        match self {
            Self::Get => "get".to_owned(),
            Self::Set => "set over an entry".to_owned(),
            Self::Open => "open a handle, and the first get".to_owned(),
            Self::Stats => "stats".to_owned(),
            Self::List => format!("list a page behind {} expired entries", of(Part::Expired)),
            Self::Clear => format!("clear a scope of {}", of(Part::Cleared)),
            Self::Invalidate => format!("invalidate a tag of {}", of(Part::Tagged)),
            Self::Cleanup => "cleanup, until nothing is left to free".to_owned(),
        }
    }
}

/// A number with its thousands apart.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Writes the file and measures each call while another process writes to it, too.
pub(super) async fn measure(
    file: &Path,
    entries: u64,
) -> std::result::Result<Vec<Operation>, Error> {
    let clock = SystemClock::new();
    let database = SqliteDatabase::open(file).await?;
    let cache = cache(&database);
    for part in PARTS {
        fill(&cache, 0..part.of(entries), |number| part.entry(number)).await?;
    }
    eprintln!(
        "{entries} entries in {:.1} s",
        clock.monotonic().as_secs_f64()
    );
    let other = child::start(&Task::Watch(Watch {
        file: file.to_owned(),
    }))?;
    // It has to open the file, and the pages of the fill to reach it.
    pause(WATCHED).await;
    let mut rows = Vec::new();
    for call in CALLS {
        let before = now();
        pause(WATCHED).await;
        let from = now();
        let times = repeat(call, file, &cache, entries).await?;
        let windows = [(before, from), (from, now())].map(|(from, until)| Window { from, until });
        eprintln!("{}: {:.3} ms", call.title(entries), percentile(&times, 50));
        rows.push((call, times, windows));
    }
    let stalls: Vec<Stall> = other.finish()?;
    database.close().await?;
    let row = |(call, times, [alone, beside]): (Call, Vec<f64>, [Window; 2])| Operation {
        title: call.title(entries),
        calls: times.len(),
        p50: percentile(&times, 50),
        p99: percentile(&times, 99),
        alone: longest(&stalls, alone),
        beside: longest(&stalls, beside),
    };
    Ok(rows.into_iter().map(row).collect())
}

/// Repeats what can be repeated for a while; returns the times in milliseconds.
async fn repeat(
    call: Call,
    file: &Path,
    cache: &SqliteCacheStore,
    entries: u64,
) -> std::result::Result<Vec<f64>, Error> {
    let clock = SystemClock::new();
    let mut times = Vec::new();
    for number in 0.. {
        let (time, next) = perform(call, file, cache, entries, number).await?;
        times.push(millis(time));
        match next {
            Next::Always => {}
            Next::IfTime if clock.monotonic() < WATCHED => {}
            Next::IfTime | Next::Never => break,
        }
    }
    let removed = match call {
        Call::Clear => Some(Part::Cleared),
        Call::Invalidate => Some(Part::Tagged),
        _ => None,
    };
    if let Some(part) = removed {
        let entry = cache.get(&part.key(0)?).await?.hit();
        expect(entry.is_none(), "an entry that was removed is still there")?;
    }
    Ok(times)
}

/// Whether the call is repeated.
#[derive(Clone, Copy, Debug)]
enum Next {
    Always,
    IfTime,
    Never,
}

/// One call, which has to do what it should; returns its time.
async fn perform(
    call: Call,
    file: &Path,
    cache: &SqliteCacheStore,
    entries: u64,
    number: u64,
) -> std::result::Result<(Duration, Next), Error> {
    let clock = SystemClock::new();
    let mut next = Next::IfTime;
    let kept = scattered(number) % Part::Kept.of(entries);
    match call {
        Call::Get => {
            let entry = cache.get(&Part::Kept.key(kept)?).await?.hit();
            expect(entry.is_some(), "an entry is missing")?;
        }
        Call::Set => {
            cache.set(Part::Kept.entry(kept)?).await?;
        }
        Call::Open => {
            let database = SqliteDatabase::open(file).await?;
            let entry = self::cache(&database).get(&Part::Kept.key(kept)?).await?;
            expect(entry.hit().is_some(), "an entry is missing")?;
            let time = clock.monotonic();
            database.close().await?;
            return Ok((time, next));
        }
        Call::Stats => {
            let stats = cache.stats().await?;
            expect(stats.total_items >= entries, "entries are not counted")?;
        }
        Call::List => {
            let page = cache.list(&PageRequest::default()).await?;
            let is_behind = page.items.first().is_some_and(|first| {
                first.key.as_str().starts_with("b-cleared:") && page.items.len() == 50
            });
            expect(
                is_behind,
                "the page does not start behind the expired entries",
            )?;
        }
        Call::Clear => {
            let selection = Selection::Scope(Part::Cleared.scope()?);
            cache.clear(&selection).await?;
            next = Next::Never;
        }
        Call::Invalidate => {
            cache.invalidate_tags(&[tag()?]).await?;
            next = Next::Never;
        }
        Call::Cleanup => {
            let is_over = cache.cleanup().await? == 0;
            next = if is_over { Next::Never } else { Next::Always };
        }
    }
    Ok((clock.monotonic(), next))
}

/// Sweeps only when it is told to, so that the expired entries are there when the page is listed.
fn cache(database: &SqliteDatabase) -> SqliteCacheStore {
    let options = CacheOptions::default().with_cleanup_interval(None);
    SqliteCacheStore::with_options(database, options)
}

/// A call that does not do its work would look fast.
fn expect(is_true: bool, otherwise: &'static str) -> Result<()> {
    if is_true {
        return Ok(());
    }
    let wrong = store_core::Error::new(ErrorKind::Corrupt, "bench", "scale");
    Err(wrong.with_detail(otherwise))
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn now() -> i64 {
    SystemClock::new().now().as_millis()
}

async fn pause(duration: Duration) {
    let clock = SystemClock::new();
    clock.sleep_until(clock.now() + duration).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        let texts = [7, 999, 1_000, 200_000, 1_000_000].map(grouped);
        assert_eq!(texts, ["7", "999", "1,000", "200,000", "1,000,000"]);
    }
}
