//! A wall clock that steps in both directions, for all programs of the machine at once.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use store_core::{
    Acquire, CacheStore as _, Clock, Decision, DedupeStore as _, JobOutcome, Limit, MINUTE,
    NewEntry, Priority, RateLimitStore as _, RateLimiter, RateLimiterOptions, Registration,
    Resource, Sleep, SystemClock, Timestamp,
};
use store_sqlite::{
    SqliteCacheStore, SqliteDatabase, SqliteDedupeStore, SqliteRateLimitStore, StoreOptions,
};
use tokio::task::JoinSet;

use super::{Trial, key};
use crate::error::Error;

/// From each step to the next: an hour back, two ahead, and to where it was.
const STEPS: [i64; 3] = [-60, 120, -60];
const BETWEEN_STEPS: Duration = Duration::from_millis(700);
const WINDOW: Duration = Duration::from_millis(200);
const LIMIT: u32 = 5;
const WAITERS: usize = 6;
const LEASE: Duration = Duration::from_millis(400);
const DAY_IN_MINUTES: i64 = 24 * 60;

/// The clock of a machine that is set.
#[derive(Clone, Debug, Default)]
struct SetClock {
    system: SystemClock,
    ahead_millis: Arc<AtomicI64>,
}

impl SetClock {
    fn step(&self, minutes: i64) {
        self.ahead_millis
            .fetch_add(minutes * 60_000, Ordering::Relaxed);
    }

    fn moved(&self, at: Timestamp, sign: i64) -> Timestamp {
        let ahead = self.ahead_millis.load(Ordering::Relaxed);
        Timestamp::from_millis(at.as_millis().saturating_add(sign * ahead))
    }
}

impl Clock for SetClock {
    fn now(&self) -> Timestamp {
        self.moved(self.system.now(), 1)
    }

    fn monotonic(&self) -> Duration {
        self.system.monotonic()
    }

    fn sleep_until(&self, at: Timestamp) -> Sleep<'_> {
        self.system.sleep_until(self.moved(at, -1))
    }
}

/// The stores of one program.
#[derive(Clone, Debug)]
struct Program {
    cache: SqliteCacheStore,
    jobs: SqliteDedupeStore,
    limits: SqliteRateLimitStore,
}

impl Program {
    async fn start(file: &Path, clock: &SetClock) -> Result<Self, Error> {
        let database = SqliteDatabase::open(file).await?;
        let options = StoreOptions::default().with_clock(clock.clone());
        let limits = options
            .rate_limit
            .with_default_config(Limit::new(LIMIT, WINDOW));
        let jobs = options.dedupe.with_lease(LEASE);
        Ok(Self {
            cache: SqliteCacheStore::with_options(&database, options.cache),
            jobs: SqliteDedupeStore::with_options(&database, jobs),
            limits: SqliteRateLimitStore::with_options(&database, limits),
        })
    }
}

pub(super) async fn run(file: &Path, slack: Duration) -> Result<Trial, Error> {
    let mut trial = Trial::new("clock steps");
    let clock = SetClock::default();
    let programs = [
        Program::start(file, &clock).await?,
        Program::start(file, &clock).await?,
    ];
    waiters(&mut trial, &programs, &clock, slack).await?;
    lease(&mut trial, &programs, &clock, slack).await?;
    times(&mut trial, &programs, &clock).await?;
    Ok(trial)
}

/// Waiters for permits wait for a window or two, and are granted no more than the windows hold.
async fn waiters(
    trial: &mut Trial,
    programs: &[Program; 2],
    clock: &SetClock,
    slack: Duration,
) -> Result<(), Error> {
    let began = clock.monotonic();
    let steps = u32::try_from(STEPS.len()).unwrap_or_default();
    let end = began + BETWEEN_STEPS * (steps + 1);
    let mut tasks = JoinSet::new();
    for program in programs {
        let options = RateLimiterOptions::default().with_clock(clock.clone());
        let limiter = RateLimiter::with_options(program.limits.clone(), options);
        for _ in 0..WAITERS {
            let (limiter, clock) = (limiter.clone(), clock.clone());
            tasks.spawn(async move {
                let request = Acquire::one(&Resource::new("waits")?);
                let (mut granted, mut longest) = (0_u32, Duration::ZERO);
                while clock.monotonic() < end {
                    let asked = clock.monotonic();
                    drop(limiter.acquire(request.clone()).await?);
                    longest = longest.max(clock.monotonic().saturating_sub(asked));
                    granted += 1;
                }
                Ok::<_, Error>((granted, longest))
            });
        }
    }
    for minutes in STEPS {
        clock.system.sleep(BETWEEN_STEPS).await;
        clock.step(minutes);
    }
    let mut granted = 0;
    while let Some(ended) = tasks.join_next().await {
        let (some, longest) = ended.map_err(|source| Error::LostTask { source })??;
        trial.calls += 1;
        granted += some;
        // All that wait at once share a window, and each step may cost one.
        let waiters = u32::try_from(2 * WAITERS).unwrap_or_default();
        let turn = WINDOW * (waiters.div_ceil(LIMIT) + 2);
        trial.expect(longest <= turn + slack, || {
            format!("a permit was waited for {longest:?}")
        });
    }
    let took = clock.monotonic().saturating_sub(began);
    let windows = took.as_millis().div_ceil(WINDOW.as_millis());
    // A step forward leaves the window behind, so that a new one begins.
    let most = (windows + 1 + u128::from(steps)) * u128::from(LIMIT);
    trial.expect(u128::from(granted) <= most, || {
        format!("{granted} permits in {took:?}")
    });
    Ok(())
}

/// A lease that nobody renews ends, and a job is taken over.
async fn lease(
    trial: &mut Trial,
    [one, other]: &[Program; 2],
    clock: &SetClock,
    slack: Duration,
) -> Result<(), Error> {
    for (number, minutes) in STEPS.into_iter().enumerate() {
        let key = key(number)?;
        let owner = one.jobs.register_or_join(&key, Priority::User).await?;
        let joined = other.jobs.register_or_join(&key, Priority::User).await?;
        let Registration::Joined(job) = joined else {
            trial.expect(false, || "two owners of a job".to_owned());
            continue;
        };
        let began = clock.monotonic();
        let waiter = tokio::spawn({
            let (jobs, key) = (other.jobs.clone(), key.clone());
            async move { jobs.wait_for(&key, &job, MINUTE).await }
        });
        clock.system.sleep(LEASE / 4).await;
        clock.step(minutes);
        let outcome = waiter
            .await
            .map_err(|source| Error::LostTask { source })??;
        let took = clock.monotonic().saturating_sub(began);
        trial.calls += 1;
        trial.expect(outcome == JobOutcome::Lapsed, || format!("{outcome:?}"));
        trial.expect(took <= LEASE + slack, || {
            format!("a lease lapsed after {took:?}")
        });
        drop(owner);
    }
    Ok(())
}

/// What was stored for five minutes is over after six, though the clock was set back by a day between.
async fn times(
    trial: &mut Trial,
    [one, other]: &[Program; 2],
    clock: &SetClock,
) -> Result<(), Error> {
    let (rests, key) = (Resource::new("rests")?, key(0)?);
    let entry = NewEntry::unconditional(key.clone(), "value").with_ttl(MINUTE * 5);
    one.cache.set(entry).await?;
    let until = clock.now() + MINUTE * 5;
    one.limits.set_cooldown(&rests, until).await?;
    clock.step(-DAY_IN_MINUTES);
    let decision = other.limits.try_acquire(Acquire::one(&rests)).await?;
    trial.expect(matches!(decision, Decision::Denied { .. }), || {
        "a step back ended a cooldown".to_owned()
    });
    clock.step(6);
    let decision = other.limits.try_acquire(Acquire::one(&rests)).await?;
    trial.expect(matches!(decision, Decision::Granted(_)), || {
        format!("a cooldown goes on: {decision:?}")
    });
    let found = other.cache.get(&key).await?;
    trial.expect(found.hit().is_none(), || {
        "a value outlives its time".to_owned()
    });
    trial.calls += 3;
    clock.step(DAY_IN_MINUTES);
    Ok(())
}
