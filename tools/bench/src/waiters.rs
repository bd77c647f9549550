//! `cargo xtask bench waiters`: how near to what the windows allow the limiter's wait queue comes.

use std::fmt::{self, Formatter};
use std::sync::Arc;
use std::time::Duration;

use store_core::{
    Acquire, AcquireError, Claim, Clock as _, Decision, ErrorKind, HOUR, Limit,
    RateLimitStore as _, RateLimitStoreExt as _, RateLimiter, Resource, SECOND, SystemClock,
};
use store_memory::MemoryRateLimitStore;
use store_sqlite::{SqliteDatabase, SqliteRateLimitStore};
use tempfile::TempDir;

use crate::cases::MANY;
use crate::cpu;
use crate::document;
use crate::error::Error;
use crate::figures::{as_f64, micros};
use crate::median::median;
use crate::ours::spread;
use crate::parent;
use crate::report::met;

/// Waiters that all come at once.
#[derive(Clone, Copy, Debug)]
struct Crowd {
    title: &'static str,
    waiters: u32,
    resources: u32,
    count: u32,
    window: Duration,
    /// A limit that all share, besides that of their resource: it never denies by itself.
    is_shared: bool,
    /// The most time, of the ideal.
    aim: Option<f64>,
}

impl Crowd {
    const fn new(title: &'static str, waiters: u32, count: u32, window: Duration) -> Self {
        Self {
            title,
            waiters,
            resources: 1,
            count,
            window,
            is_shared: false,
            aim: None,
        }
    }

    const fn over(mut self, resources: u32) -> Self {
        self.resources = resources;
        self
    }

    const fn shared(mut self) -> Self {
        self.is_shared = true;
        self
    }

    const fn aim(mut self, aim: f64) -> Self {
        self.aim = Some(aim);
        self
    }

    /// The time that the windows ask for: the first window begins at once.
    fn ideal(&self) -> Duration {
        let windows = (self.waiters / self.resources).div_ceil(self.count) - 1;
        self.window * windows
    }
}

const TENTH: Duration = Duration::from_millis(100);

const CROWDS: [Crowd; 7] = [
    Crowd::new("300 waiters, 1 per 1 ms", 300, 1, Duration::from_millis(1)).aim(2.3),
    Crowd::new(
        "300 waiters, 1 per 10 ms",
        300,
        1,
        Duration::from_millis(10),
    )
    .aim(1.2),
    Crowd::new("10,000 waiters, 500 per 100 ms", 10_000, 500, TENTH).aim(1.2),
    Crowd::new(
        "1,000 waiters over 200 resources, 1 per second each",
        1_000,
        1,
        SECOND,
    )
    .over(200),
    Crowd::new(
        "10,000 waiters over 2,000 resources, 1 per second each",
        10_000,
        1,
        SECOND,
    )
    .over(2_000)
    .aim(1.5),
    Crowd::new(
        "the same, and one resource that all share besides",
        10_000,
        1,
        SECOND,
    )
    .over(2_000)
    .shared()
    .aim(1.5),
    Crowd::new(
        "100,000 waiters over 20,000 resources, 1 per second each",
        100_000,
        1,
        SECOND,
    )
    .over(20_000),
];

/// Waiters that wait in vain, for how long, and the most of a core that they may use.
const IDLE: u32 = 10_000;
const IDLE_TIME: Duration = Duration::from_secs(3);
const IDLE_SHARE: f64 = 0.01;

/// Calls of many tasks for one resource of a SQLite file, with and without the queue, in turns.
const CALLS: u64 = 8_000;
const ROUNDS: usize = 5;
/// The most time with the queue, of that without.
const QUEUE_SHARE: f64 = 1.3;

#[derive(Debug)]
struct Report {
    machine: String,
    crowds: Vec<(Crowd, Duration, Option<Duration>)>,
    idle_share: Option<f64>,
    /// Microseconds per permit: from the store, and through the queue.
    sqlite: [f64; 2],
}

pub(crate) fn run() -> Result<(), Error> {
    let machine = document::machine();
    let runtime = parent::runtime()?;
    let mut crowds = Vec::new();
    for crowd in CROWDS {
        let (time, used) = runtime.block_on(pass(crowd))?;
        eprintln!("{}: {time:.2?}", crowd.title);
        crowds.push((crowd, time, used));
    }
    let idle_share = runtime.block_on(idle())?;
    let report = Report {
        machine,
        crowds,
        idle_share,
        sqlite: runtime.block_on(sqlite())?,
    };
    document::publish(&report.to_string(), true)
}

/// Lets all waiters through; returns the time and the processor time that it took.
async fn pass(crowd: Crowd) -> Result<(Duration, Option<Duration>), Error> {
    let limiter = limiter(Limit::new(crowd.count, crowd.window));
    let (clock, before) = (SystemClock::new(), cpu::used());
    let waiters: Vec<_> = (0..crowd.waiters)
        .map(|number| {
            let limiter = Arc::clone(&limiter);
            tokio::spawn(async move {
                let mut request = Acquire::one(&resource(number % crowd.resources)?).user();
                if crowd.is_shared {
                    let limit = Limit::new(crowd.waiters, SECOND);
                    request = request.and(Claim::new(Resource::new("shared")?).with_config(limit));
                }
                limiter.acquire(request.max_wait(HOUR)).await.map(drop)
            })
        })
        .collect();
    for waiter in waiters {
        waiter
            .await
            .map_err(|source| Error::LostTask { source })?
            .map_err(|source| Error::NotAdmitted { source })?;
    }
    let used = cpu::used()
        .zip(before)
        .map(|(after, before)| after.saturating_sub(before));
    Ok((clock.monotonic(), used))
}

/// The share of a core that many waiters use who have an hour to wait.
async fn idle() -> Result<Option<f64>, Error> {
    let limiter = limiter(Limit::new(1, HOUR));
    let waiters: Vec<_> = (0..IDLE)
        .map(|_| {
            let limiter = Arc::clone(&limiter);
            tokio::spawn(async move {
                let request = Acquire::one(&resource(0)?).user().max_wait(HOUR * 2);
                limiter.acquire(request).await.map(drop)
            })
        })
        .collect();
    pause(SECOND).await;
    let (clock, before) = (SystemClock::new(), cpu::used());
    pause(IDLE_TIME).await;
    let used = cpu::used()
        .zip(before)
        .map(|(after, before)| after.saturating_sub(before));
    let share = used.map(|used| used.as_secs_f64() / clock.monotonic().as_secs_f64());
    waiters.iter().for_each(tokio::task::JoinHandle::abort);
    Ok(share)
}

/// The time per permit from the bare store and through the queue, over a SQLite file.
async fn sqlite() -> Result<[f64; 2], Error> {
    let work = document::work_folder()?;
    let mut times = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        for (is_queued, times) in [false, true].into_iter().zip(&mut times) {
            let folder = TempDir::new_in(&work).map_err(Error::file("create", &work))?;
            let database = SqliteDatabase::open(folder.path().join("waiters.db")).await?;
            let limit = Limit::new(1_000_000, HOUR);
            let store = SqliteRateLimitStore::new(&database, limit);
            let limiter = Arc::new(store.clone().limiter());
            let acquire = Arc::new(move |_| {
                let (store, limiter) = (store.clone(), Arc::clone(&limiter));
                async move {
                    let request = Acquire::one(&Resource::new("bench")?).user();
                    let is_granted = if is_queued {
                        limiter.acquire(request).await.is_ok()
                    } else {
                        matches!(store.try_acquire(request).await?, Decision::Granted(_))
                    };
                    is_granted.then_some(()).ok_or_else(refused)
                }
            });
            spread(MANY, 0..CALLS / 10, &acquire).await?;
            let clock = SystemClock::new();
            spread(MANY, 0..CALLS, &acquire).await?;
            times.push(micros(clock.monotonic()) / as_f64(CALLS));
            database.close().await?;
        }
    }
    Ok(times.map(|times| median(&times)))
}

/// Refusals are quick, and would look fast.
fn refused() -> store_core::Error {
    let refused = store_core::Error::new(ErrorKind::Corrupt, "bench", "acquire");
    refused.with_detail("a request within its limit was refused")
}

fn limiter(limit: Limit) -> Arc<RateLimiter> {
    Arc::new(MemoryRateLimitStore::new(limit).limiter())
}

fn resource(number: u32) -> Result<Resource, AcquireError> {
    Ok(Resource::new(format!("bench-{number}"))?)
}

async fn pause(duration: Duration) {
    let clock = SystemClock::new();
    clock.sleep_until(clock.now() + duration).await;
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "## Waiting for permits

```sh
cargo xtask bench waiters
```

lets many tasks wait at once in the limiter's queue over `store-memory`, until each has its permit. *Ideal*
is the time that the windows ask for. A timer of the runtime is a millisecond or two late, which is why a
limit of one per millisecond cannot be used up.

{}.

| waiters | ideal | of the ideal | at most | met | processor for each permit, tasks included |
|---|---|---|---|---|---|",
            self.machine
        )?;
        for (crowd, time, used) in &self.crowds {
            let ratio = time.as_secs_f64() / crowd.ideal().as_secs_f64();
            let aim = crowd.aim.map_or_else(String::new, |aim| aim.to_string());
            let used = used.map_or_else(String::new, |used| {
                format!("{:.1} us", micros(used) / as_f64(crowd.waiters.into()))
            });
            let met = met(crowd.aim.map(|aim| ratio <= aim));
            let (title, ideal) = (crowd.title, crowd.ideal());
            writeln!(
                f,
                "| {title} | {ideal:?} | {ratio:.2} | {aim} | {met} | {used} |"
            )?;
        }
        let share = self.idle_share.map_or_else(
            || "not known here".to_owned(),
            |share| format!("{:.2} %", share * 100.0),
        );
        let [bare, queued] = self.sqlite;
        writeln!(
            f,
            "
- 10,000 waiters without a permit in sight use {share} of a core; {:.0} % are allowed: {}.
- Over `store-sqlite`, {MANY} tasks that want permits of one resource take {queued:.1} us for each through the
  queue and {bare:.1} us from the store, {:.2} times as much; {QUEUE_SHARE} are allowed: {}.",
            IDLE_SHARE * 100.0,
            met(self.idle_share.map(|share| share <= IDLE_SHARE)),
            queued / bare,
            met(Some(queued / bare <= QUEUE_SHARE)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ideal_has_a_window_less_than_are_used() {
        let ideals = CROWDS.map(|crowd| crowd.ideal().as_millis());
        assert_eq!(ideals[..6], [299, 2_990, 1_900, 4_000, 4_000, 4_000]);
    }
}
