//! Trials of one limit while the table is in trouble: the server stalls, the table has few write units, or
//! the cache is cleared beside it. The limit must hold, and permits must be granted again soon.

use std::time::Duration;

use store_core::{CacheStore as _, Clock as _, Key, NewEntry, Selection, SystemClock, Timestamp};
use store_dynamodb::DynamoDbCacheStore;

use crate::error::Error;
use crate::measure::fullest_window;
use crate::table::{Column, Table};

use super::backend::{self, Backend, Storage};
use super::window::{WINDOW, WindowRun};

const PROCESSES: usize = 4;
/// As many per second; leaves a table of few write units some for the cache.
const LIMIT: u32 = 20;
const DURATION: Duration = Duration::from_secs(20);
/// How long after the begin of a trial its trouble begins: all processes work by then.
const CALM: Duration = Duration::from_secs(4);
const STALL: Duration = Duration::from_secs(6);
const FEW_UNITS: u32 = 50;
/// The longest time without an admission once the server answers.
const LONGEST_GAP: Duration = Duration::from_secs(2);
/// The values that are cleared.
const VALUES: u32 = 3_000;

/// What happens to the table.
#[derive(Clone, Copy, Debug)]
enum Trouble {
    Stall,
    Housekeeping { write_units: Option<u32> },
}

const TRIALS: [(&str, Trouble); 3] = [
    ("server stopped for 6 s", Trouble::Stall),
    (
        "3,000 values cleared",
        Trouble::Housekeeping { write_units: None },
    ),
    (
        "3,000 values cleared, 50 write units",
        Trouble::Housekeeping {
            write_units: Some(FEW_UNITS),
        },
    ),
];

/// How one trial went.
struct Outcome {
    admitted: usize,
    fullest: usize,
    /// The longest time without an admission of any process, the stall left out.
    longest_gap: Duration,
}

impl Outcome {
    fn fault(&self) -> Option<&'static str> {
        if self.fullest > LIMIT as usize {
            Some("OVER THE LIMIT")
        } else if self.longest_gap > LONGEST_GAP {
            Some("NO PERMITS")
        } else {
            None
        }
    }
}

/// Runs the trials and prints what came of them; how many failed, of how many.
pub(super) fn run(endpoint: Option<&str>, seed: u64) -> Result<(usize, usize), Error> {
    let mut table = Table::new(&[
        Column::Left("trouble"),
        Column::Right("admitted"),
        Column::Right("fullest"),
        Column::Right("longest gap"),
        Column::Left(""),
    ]);
    let mut failed = 0;
    for (name, trouble) in TRIALS {
        eprintln!("{PROCESSES} processes, {LIMIT} per second: {name}");
        let outcome = run_one(endpoint, seed, trouble)?;
        let fault = outcome.fault();
        failed += usize::from(fault.is_some());
        table.add([
            name.to_owned(),
            outcome.admitted.to_string(),
            outcome.fullest.to_string(),
            format!("{:.2} s", outcome.longest_gap.as_secs_f64()),
            fault.unwrap_or_default().to_owned(),
        ]);
    }
    print!("\n{table}");
    Ok((failed, TRIALS.len()))
}

fn run_one(endpoint: Option<&str>, seed: u64, trouble: Trouble) -> Result<Outcome, Error> {
    let backend = Backend::open(endpoint, Storage::Memory, seed)?;
    let run = WindowRun {
        processes: PROCESSES,
        limit: LIMIT,
        duration: DURATION,
        skew: Duration::ZERO,
        resource: "trouble".to_owned(),
    };
    if let Trouble::Housekeeping { .. } = trouble {
        backend.block_on(fill(&backend))?;
    }
    let (answers, troubled) = std::thread::scope(|scope| {
        let making = scope.spawn(|| make(&backend, trouble));
        let answers = run.admissions(&backend, &backend.url());
        let troubled = making
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        answers.and_then(|answers| Ok((answers, troubled?)))
    })?;
    backend.close()?;
    let all = || answers.workers.iter().flatten();
    let mut counted: Vec<i64> = all().map(|it| it.counted).collect();
    counted.sort_unstable();
    let window = i64::try_from(WINDOW.as_millis()).unwrap_or(i64::MAX);
    let longest_gap = answers.workers.iter().map(|worker| {
        let moments = worker.iter().map(|it| Timestamp::from_millis(it.answered));
        longest_gap(moments, answers.began_at, troubled)
    });
    Ok(Outcome {
        admitted: counted.len(),
        fullest: fullest_window(&counted, window),
        longest_gap: longest_gap.max().unwrap_or_default(),
    })
}

/// Stores the values that are cleared later, past the proxy.
async fn fill(backend: &Backend) -> Result<(), Error> {
    let cache = DynamoDbCacheStore::new(&backend.handle().await);
    let entries = (0..VALUES).map(|number| {
        let key = Key::new(format!("value:{number}"))?;
        Ok(NewEntry::unconditional(key, "bytes"))
    });
    let entries: Vec<_> = entries.collect::<Result<_, store_core::Error>>()?;
    cache.set_many(entries).await?;
    Ok(())
}

/// Makes the trouble once all processes work; when the server did not answer.
fn make(backend: &Backend, trouble: Trouble) -> Result<Option<[Timestamp; 2]>, Error> {
    std::thread::sleep(CALM);
    match trouble {
        Trouble::Stall => {
            let from = SystemClock::new().now();
            backend.stall_for(STALL);
            std::thread::sleep(STALL);
            Ok(Some([from, SystemClock::new().now()]))
        }
        Trouble::Housekeeping { write_units } => {
            if let Some(units) = write_units {
                backend.limit_write_units(units);
            }
            backend.block_on(async {
                let table = backend::handle(&backend.url(), backend.table()).await;
                let cache = DynamoDbCacheStore::new(&table);
                cache.clear(&Selection::All).await?;
                // What was only hidden is freed by cleanups.
                let ends_at = SystemClock::new().now() + DURATION / 2;
                while SystemClock::new().now() < ends_at && cache.cleanup().await? > 0 {}
                Ok::<_, store_core::Error>(())
            })?;
            Ok(None)
        }
    }
}

/// The longest time between two moments, the begin included; a stall and what lies in it do not count.
fn longest_gap(
    moments: impl Iterator<Item = Timestamp>,
    began_at: Timestamp,
    stall: Option<[Timestamp; 2]>,
) -> Duration {
    let mut moments: Vec<Timestamp> = moments.collect();
    moments.extend(stall.into_iter().flatten());
    moments.sort();
    let mut longest = Duration::ZERO;
    let mut before = began_at;
    for moment in moments {
        if stall.is_none_or(|[from, until]| moment <= from || before >= until) {
            longest = longest.max(moment.since(before));
        }
        before = moment;
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_counts_from_the_end_of_a_stall() {
        let at = Timestamp::from_millis;
        let gap = |moments: &[i64], stall: Option<[i64; 2]>| {
            let stall = stall.map(|moments| moments.map(at));
            longest_gap(moments.iter().copied().map(at), at(0), stall).as_millis()
        };
        assert_eq!(gap(&[100, 200, 500], None), 300);
        assert_eq!(gap(&[100, 900], Some([200, 800])), 100);
        assert_eq!(gap(&[100, 300, 1_100], Some([200, 800])), 300);
    }
}
